"""Articles that are added over HTTP: accepted is durable, what becomes of them is told."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from byline import Desk
from byline.errors import BylineError, IndexDamaged, SettingsError
from byline.index import build
from byline.index.archive import Archive
from byline.index.build import Report
from byline.index.jobs import Jobs
from byline.index.read import Failure
from byline.tests.conftest import ARTICLES
from byline.ui.api import api
from fastapi.testclient import TestClient

RECORD = {
    "id": "flood-1",
    "title": "Flood in Tern Bay",
    "text": "The quay at Tern Bay stood under a metre of water, the harbour master said on Sunday.",
    "outlet": "Ledger",
    "published": "2026-03-04",
    "url": "https://ledger.example/flood",
}


def added(client: TestClient, **body: Any) -> dict[str, Any]:
    got = client.post("/v1/articles", params={"wait": 30}, **body)
    assert got.status_code == 200, got.text
    job: dict[str, Any] = got.json()
    return job


def counts(job: dict[str, Any]) -> list[int]:
    return [job[name] for name in ("added", "updated", "unchanged", "failed")]


def until(client: TestClient, job_id: str, state: str) -> dict[str, Any]:
    for _ in range(300):
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] == state:
            return job
        time.sleep(0.1)
    raise AssertionError(job)


def test_records_are_added_and_what_is_wrong_is_told(own_client: TestClient) -> None:
    job = added(own_client, json={"articles": [RECORD, {"title": "No text"}]})
    assert (job["state"], counts(job)) == ("done", [1, 0, 0, 1])
    assert job["failures"] == [{"path": "articles.jsonl", "line": 2, "reason": "it has no text"}]
    held = own_client.get("/v1/articles/flood-1").json()
    assert {name: held[name] for name in RECORD} == RECORD
    assert counts(added(own_client, json={"articles": [RECORD]})) == [0, 0, 1, 0]


def test_a_job_is_answered_at_once_and_can_be_looked_at(own_client: TestClient) -> None:
    got = own_client.post("/v1/articles", json={"articles": [RECORD]})
    assert got.status_code == 202
    assert got.headers["location"] == f"/v1/jobs/{got.json()['id']}"
    job = own_client.get(got.headers["location"], params={"wait": 30}).json()
    assert job["state"] == "done"
    assert job["created"] <= job["started"] <= job["ended"]
    assert own_client.get("/v1/jobs").json()["jobs"] == [job]


def test_files_of_any_kind_are_added_under_their_names(
    own_client: TestClient, tmp_path: Path
) -> None:
    given = {
        "../../a/wire.jsonl": json.dumps(RECORD),
        "C:\\news\\fire.txt": ARTICLES["ferry.txt"],
        "notes.docx": "PK",
        "x" * 300 + ".txt": "Rain fell.",
        ".urls": '["http://127.0.0.1/"]',
    }
    files = [("files", (name, text.encode())) for name, text in given.items()]
    job = added(own_client, files=files)
    assert counts(job) == [3, 0, 0, 2]
    assert {failure["path"] for failure in job["failures"]} == {"notes.docx", "urls"}
    listed = own_client.get("/v1/articles").json()["articles"]
    assert {"flood-1", "upload:fire.txt"} <= {one["id"] for one in listed}


def test_addresses_are_fetched_and_private_ones_refused(own_client: TestClient) -> None:
    job = added(own_client, json={"urls": ["http://127.0.0.1:9/a"]})
    assert counts(job) == [0, 0, 0, 1]
    assert "private address" in job["failures"][0]["reason"]


@pytest.mark.parametrize(
    ("request_", "status", "told"),
    [
        ({"json": {}}, 422, "give articles or urls"),
        ({"json": {"urls": ["/etc/passwd"]}}, 422, "body.urls.0"),
        ({"json": {"urls": ["file:///etc/passwd"]}}, 422, "body.urls.0"),
        ({"json": {"articles": "x"}}, 422, "body.articles"),
        ({"json": {"texts": []}}, 422, "body.texts"),
        ({"content": b"<a/>", "headers": {"content-type": "text/xml"}}, 415, "Give JSON"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"files": {"other": ("a.txt", b"x")}}, 400, "`files`"),
        ({"data": {"files": "x"}, "files": {"files": b"x"}}, 400, "fields"),
    ],
)
def test_bad_requests_add_nothing_and_leave_nothing(
    own_client: TestClient, own_desk: Desk, request_: Any, status: int, told: str
) -> None:
    got = own_client.post("/v1/articles", **request_)
    assert (got.status_code, got.headers["content-type"]) == (status, "application/problem+json")
    assert told in got.json()["detail"]
    assert own_client.get("/v1/jobs").json()["jobs"] == []
    assert list((own_desk.folder / "jobs").glob("*")) == []


def test_what_is_too_large_is_refused_as_it_comes(own_desk: Desk) -> None:
    limited = own_desk.settings.model_copy(update={"max_upload_bytes": 3_000_000})
    own_desk.settings = limited

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(10):
            yield b"x" * 1_000_000

    with TestClient(api(own_desk)) as client:
        kind = {"content-type": "multipart/form-data; boundary=b"}
        assert client.post("/v1/articles", content=endless(), headers=kind).status_code == 413
    assert list((own_desk.folder / "jobs").glob("*")) == []


def test_a_job_waits_for_another_writer_and_can_be_cancelled(
    own_client: TestClient, own_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Archive.writing
    monkeypatch.setattr(Archive, "writing", lambda self, file: held(self, file, 0.2))
    with held(own_desk.archive, own_desk.folder / "lock"):
        first = own_client.post("/v1/articles", json={"articles": [RECORD]}).json()["id"]
        second = own_client.post("/v1/articles", json={"articles": [RECORD]}).json()["id"]
        for _ in range(400):
            job = own_client.get(f"/v1/jobs/{first}").json()
            if job["error"]:
                break
            time.sleep(0.05)
        assert "is being written by" in job["error"]
        assert own_client.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
        assert own_client.delete(f"/v1/jobs/{second}").status_code == 409
    assert counts(until(own_client, first, "done")) == [1, 0, 0, 0]
    assert own_client.get(f"/v1/jobs/{second}").json()["state"] == "cancelled"
    assert list((own_desk.folder / "jobs").glob("*")) == []


@pytest.mark.parametrize("kind", [SettingsError, IndexDamaged])
def test_a_job_waits_for_the_operator(
    own_client: TestClient, monkeypatch: pytest.MonkeyPatch, kind: type[BylineError]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise kind("The role 'app' lacks a right.")

    with monkeypatch.context() as patch:
        patch.setattr(build, "add", refused)
        job_id = own_client.post("/v1/articles", json={"articles": [RECORD]}).json()["id"]
        while not (job := own_client.get(f"/v1/jobs/{job_id}").json())["error"]:
            time.sleep(0.02)
        assert (job["state"], job["error"]) == ("queued", "The role 'app' lacks a right.")
    assert counts(until(own_client, job_id, "done")) == [1, 0, 0, 0]


def test_a_running_job_is_cancelled_between_two_batches(
    own_client: TestClient, own_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byline.index.build._BATCH", 1)
    records = [RECORD | {"id": str(n), "url": None, "text": f"Flood {n}."} for n in range(200)]
    job_id = own_client.post("/v1/articles", json={"articles": records}).json()["id"]
    while not own_client.get(f"/v1/jobs/{job_id}").json()["added"]:
        time.sleep(0.02)
    assert own_client.delete(f"/v1/jobs/{job_id}").json()["state"] == "cancelled"
    assert added(own_client, json={"articles": [RECORD]})["state"] == "done"  # its turn is after
    job = own_client.get(f"/v1/jobs/{job_id}").json()
    assert 0 < job["added"] < 200
    assert len(own_desk.articles) == 3 + job["added"] + 1


def test_a_stop_of_the_service_leaves_the_rest_for_the_next_start(
    own_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byline.index.build._BATCH", 1)
    records = [RECORD | {"id": str(n), "url": None, "text": f"Flood {n}."} for n in range(60)]
    with TestClient(api(own_desk)) as client:
        job_id = client.post("/v1/articles", json={"articles": records}).json()["id"]
        while not client.get(f"/v1/jobs/{job_id}").json()["added"]:
            time.sleep(0.02)
    assert len(own_desk.articles) < 63
    with TestClient(api(own_desk)) as client:
        job = until(client, job_id, "done")
    assert (job["added"] + job["unchanged"], job["runs"], len(own_desk.articles)) == (60, 1, 63)


@pytest.mark.embedded("what a job is to add lies in files; test_replicas.py has the database")
def test_what_is_erased_does_not_survive_in_a_job(own_desk: Desk, tmp_path: Path) -> None:
    """A page in which markup stands between the words is known by reading it."""
    record = tmp_path / "flood.jsonl"
    record.write_text(json.dumps(RECORD))
    own_desk.add(record)
    jobs = Jobs(own_desk.archive.engine, own_desk.folder / "jobs")

    def staged(name: str, text: str) -> str:
        folder = jobs.stage()
        (folder / "0").mkdir()
        (folder / "0" / name).write_text(text)
        return jobs.accept(folder).id

    said = "<p>The <b>quay</b> at <i>Tern Bay</i> stood under a <b>metre</b> of water.</p>"
    page = (
        "<html><head><title>Flood</title>"
        '<link rel="canonical" href="https://www.ledger.example/flood/?utm_source=x"></head>'
        f"<body><article>{said * 9}</article></body></html>"
    )
    waiting, other, failed = staged("a.html", page), staged("b.txt", "R."), staged("c.txt", "R.")
    report = Report(failed=[Failure(RECORD["url"], None, "no")])
    jobs.end(jobs.get(failed), report, f"No: {RECORD['url']}")
    listed = staged(".urls", json.dumps([RECORD["url"]]))
    own_desk.articles.erase("flood-1")
    assert [one.parent.parent.name for one in own_desk.folder.glob("jobs/*/*/*")] == [other]
    for file in own_desk.folder.rglob("*"):
        assert not file.is_file() or b"ledger.example/flood" not in file.read_bytes(), file
    assert jobs.get(failed).failures == ()

    with TestClient(api(own_desk)) as client:
        for gone in (waiting, listed):
            assert "was erased meanwhile" in until(client, gone, "failed")["error"]
        assert counts(until(client, other, "done")) == [1, 0, 0, 0]


@contextmanager
def service(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`byline serve` in a process of its own, and its address."""
    command = [sys.executable, "-m", "byline", "serve", "--port", "0"]
    variables = {"BYLINE_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | variables, cwd=home
    )
    try:
        assert server.stderr
        yield (
            server,
            next(re.findall(r"http://\S+", line)[0] for line in server.stderr if "open" in line),
        )
    finally:
        server.kill()
        server.wait()
        if server.stderr:
            server.stderr.close()


def test_a_kill_only_delays_what_was_accepted(tmp_path: Path) -> None:
    records = [
        RECORD | {"id": str(n), "url": None, "text": f"Flood {n} rose to {n} metres."}
        for n in range(300)
    ]
    with service(tmp_path) as (server, address):
        got = httpx.post(f"{address}/v1/articles", json={"articles": records}, timeout=60)
        assert got.status_code == 202
        server.kill()
    with service(tmp_path) as (_, address):
        job = httpx.get(f"{address}/v1/jobs/{got.json()['id']}?wait=60", timeout=90).json()
        assert (job["state"], job["added"] + job["unchanged"]) == ("done", 300)
        total = httpx.get(f"{address}/v1/articles?limit=1").json()["total"]
    assert total == 300
    assert list((tmp_path / "default" / "jobs").glob("*")) == []
