"""What the API says of itself is so: its description, its documentation, its metrics and errors."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.conftest import ROOT
from byline.ui.api import api
from byline.ui.api.problems import REQUEST_ID
from fastapi.testclient import TestClient

DOCUMENT = ROOT / "docs" / "http.md"
TABLE = re.compile(r"(<!-- routes: .*? -->\n).*?(<!-- end of routes -->)", re.DOTALL)
BLOCKS = re.compile(r"```sh\n(.*?)```\n```text\n(.*?)```", re.DOTALL)
DEEP = 10_000
BODIES: dict[str, bytes] = {
    "no JSON": b'{"question": ',
    "nothing": b"",
    "another charset": '{"question": "Wer hört?"}'.encode("latin-1"),
    "UTF-16": '{"question": "Who?"}'.encode("utf-16"),
    "lone surrogate": b'{"question": "\\ud800", "reason": "\\udfff", "title": "\\ud800"}',
    "surrogate as a key": b'{"\\ud800": 1}',
    "NaN": b'{"question": NaN, "limit": NaN, "turn": Infinity, "articles": [{"text": NaN}]}',
    "deep": b'{"articles":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"question":' * DEEP + b"1" + b"}" * DEEP,
    "huge number": b'{"limit": 1e999999, "turn": ' + b"9" * 5000 + b', "query": "a"}',
    "huge number within": b'{"articles": [{"text": "a", "n": ' + b"9" * 5000 + b"}]}",
    "NULs": b'{"question": "Who\\u0000?", "query": "\\u0000", "reason": "\\u0000"}',
    "raw NULs": b"\0" * 1000,
    "key twice": b'{"question": "Who?", "question": 1, "query": "a", "query": "b"}',
    "no object": b"[]",
}


def operations(app: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def routes_table(desk: Desk) -> str:
    """The table of docs/http.md."""
    rows = ["| Route | Operation | What it does | Statuses |", "|---|---|---|---|"]
    for method, path, one in operations(api(desk)):
        about = one.get("description", one["summary"]).split("\n")[0]
        statuses = " ".join(sorted(one["responses"]))
        rows.append(f"| `{method} {path}` | {one['operationId']} | {about} | {statuses} |")
    return "\n".join(rows)


def test_the_table_of_routes_is_that_of_the_description(desk: Desk) -> None:
    found = TABLE.search(DOCUMENT.read_text("utf-8"))
    assert found
    assert found[0] == f"{found[1]}\n{routes_table(desk)}\n\n{found[2]}"


def test_every_example_of_the_document_prints_what_stands_there(
    address: str, tmp_path: Path
) -> None:
    blocks = BLOCKS.findall(DOCUMENT.read_text("utf-8"))
    assert len(blocks) > 8
    for commands, shown in blocks:
        commands = commands.replace("http://127.0.0.1:8000", address)
        done = subprocess.run(
            ["bash", "-eu", "-c", commands], cwd=tmp_path, capture_output=True, timeout=60
        )
        printed = done.stdout.decode().replace("\r\n", "\n")
        assert done.returncode == 0, (commands, printed, done.stderr)
        pattern = ".*?".join(re.escape(" ".join(part.split())) for part in shown.split("…"))
        assert re.search(pattern, " ".join(printed.split())), (shown, printed)


def test_every_operation_is_named_and_tells_its_errors(desk: Desk) -> None:
    names = []
    for method, path, one in operations(api(desk)):
        names.append(one["operationId"])
        assert one["tags"], path
        if path not in ("/healthz",):
            assert "500" in one["responses"], path
        if "requestBody" in one:
            assert {"400", "415", "422"} <= set(one["responses"]), (method, path)
        if "{" in path:
            assert "404" in one["responses"], (method, path)
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names), names


@pytest.mark.parametrize("kind", BODIES)
def test_hostile_bodies_are_refused_or_taken_as_documented(
    own_client: TestClient, kind: str
) -> None:
    for method, path, one in operations(own_client.app):
        if "requestBody" not in one or path.endswith("/kill"):
            continue
        url = path.replace("{article_id}", "x").replace("{conversation_id}", "x")
        headers = {"content-type": "application/json"}
        got = own_client.request(method, url, content=BODIES[kind], headers=headers)
        assert str(got.status_code) in one["responses"], (method, path, got.text)
        assert got.status_code < 500
        if got.status_code >= 400:
            assert got.headers["content-type"] == "application/problem+json"
            assert "\n" not in got.json()["detail"]


def test_a_hundred_megabytes_of_json_are_not_read(own_client: TestClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 1_000_000
            yield b'"' + b"x" * 999_999

    headers = {"content-type": "application/json"}
    got = own_client.post("/v1/articles", content=endless(), headers=headers)
    assert got.status_code == 413
    told = own_client.post(
        "/v1/articles", content=b"{}", headers=headers | {"content-length": "100000000"}
    )
    assert told.status_code in (413, 422)


@pytest.mark.parametrize(
    ("given", "kept"), [("desk-17.A_b", True), ("", False), ("a b", False), ("x" * 129, False)]
)
def test_a_request_id_is_kept_or_made_and_told_in_every_answer(
    client: TestClient, given: str, kept: bool
) -> None:
    for path, status in (("/healthz", 200), ("/v1/articles/none", 404), ("/v1/none", 404)):
        got = client.get(path, headers={REQUEST_ID: given})
        assert got.status_code == status
        assert (got.headers[REQUEST_ID] == given) == kept
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", got.headers[REQUEST_ID])
        assert status == 200 or got.json()["request_id"] == got.headers[REQUEST_ID]


def test_an_unforeseen_error_has_its_request_id_and_is_counted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Desk, "search", broken)
    got = client.post("/v1/search", json={"query": "a"}, headers={REQUEST_ID: "r1"})
    assert (got.status_code, got.headers[REQUEST_ID], got.json()["request_id"]) == (500, "r1", "r1")
    assert 'byline_requests_total{method="POST",route="/v1/search",status="500"} 1.0' in (
        client.get("/metrics").text
    )


def test_metrics_count_by_route_and_hold_no_words(client: TestClient) -> None:
    client.post("/v1/ask", json={"question": "How much will the ferry's repair cost?"})
    client.get("/v1/articles/secret-id")
    client.request("BREW", "/v1/secret-path")
    text = client.get("/metrics").text
    for line in (
        'byline_asks_total{reason="",status="answered"} 1.0',
        'byline_ask_seconds_count{part="retrieve"} 1.0',
        'byline_requests_total{method="GET",route="/v1/articles/{article_id}",status="404"} 1.0',
        'byline_tokens_total{direction="input"} 0.0',
        "byline_articles 3.0",
        'byline_jobs{state="queued"} 0.0',
    ):
        assert line in text, line
    assert not re.search("secret|BREW|ferry", text)


def test_what_is_generated_from_the_description_is_answered_as_described() -> None:
    """The short form of bench/api_fuzz.py, in a process of its own."""
    command = [sys.executable, str(ROOT / "bench" / "api_fuzz.py"), "--cases", "1"]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=variables)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 things wrong" in done.stdout


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as home, Desk(home, embedder=MiniLM()) as empty:
        made = routes_table(empty)
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(TABLE.sub(lambda m: f"{m[1]}\n{made}\n\n{m[2]}", text), "utf-8")
