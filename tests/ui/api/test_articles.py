"""Articles over HTTP: listed, read within their rights, retracted, killed, removed."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from byline import Desk
from fastapi.testclient import TestClient

MAYOR = "https://herald.example/2026/mayor-resigns"
LIMITED = {
    "id": "a/b c/versions",
    "title": "Dam holds",
    "text": "The dam held. Engineers had feared for it since the first storm of the winter.",
    "excerpt_limit": 20,
    "published": "2026-03-05",
}


def path_of(article_id: str) -> str:
    return f"/v1/articles/{quote(article_id, safe='')}"


def add(desk: Desk, tmp_path: Path, *records: dict[str, Any]) -> None:
    file = tmp_path / "more.jsonl"
    file.write_text("\n".join(map(json.dumps, records)))
    assert not desk.add(file).failed


def test_the_list_is_that_of_the_desk_and_has_filters(client: TestClient, desk: Desk) -> None:
    got = client.get("/v1/articles").json()
    assert [one["id"] for one in got["articles"]] == [one.id for one in desk.articles.list()]
    assert (got["total"], got["next_cursor"]) == (3, None)
    assert "text" not in got["articles"][0]
    for query, titles in (
        ("outlet=Castrine%20Herald&outlet=Northern%20Standard", ["Mayor", "Skellow"]),
        ("since=2026-03-11", ["Mayor"]),
        ("until=2026-03-05", ["Ferry"]),
        ("as_of=2026-03-10", ["Skellow", "Ferry"]),
        ("q=MAYORS%20resigned", ["Mayor"]),
        ("q=ferry%20bridge", []),
        ("q=%22%20OR%20*", []),
        ("q=%20", ["Mayor", "Skellow", "Ferry"]),
    ):
        found = client.get(f"/v1/articles?{query}").json()["articles"]
        assert [one["title"].split()[0] for one in found] == titles, query


def cursor(text: str) -> str:
    return "cursor=" + urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=201", "since=soon", "outlet=Heral", "cursor=x", "cursor=é"),
        *map(cursor, ("[]", "null", "[1.5, 2]", '[true, "a"]', '[1.5, "\\ud800"]', "[" * 2900)),
    ],
)
def test_bad_lists_are_problems(client: TestClient, query: str) -> None:
    assert client.get(f"/v1/articles?{query}").status_code == 422


def test_a_mistyped_parameter_is_refused_not_left_out(own_client: TestClient) -> None:
    listed = own_client.get("/v1/articles?limit=1&outlets=Nobody")
    assert (listed.status_code, listed.json()["detail"]) == (
        422,
        "There is no parameter 'outlets' here: "
        "it has q, since, until, outlet, as_of, limit, cursor.",
    )
    for path in ("/v1/jobs", "/v1/conversations", "/v1/feedback"):
        assert "There is no parameter 'limits'" in own_client.get(f"{path}?limits=1").text
    asked = own_client.post("/v1/ask?as_off=2026-03-04", json={"question": "Who resigned?"})
    assert asked.json()["detail"] == "There is no parameter 'as_off' here: it has none."
    article = own_client.get("/v1/articles?limit=1").json()["articles"][0]["id"]
    assert own_client.delete(f"{path_of(article)}?eraze=true").status_code == 422
    assert own_client.get(path_of(article)).status_code == 200


def test_a_cursor_stands_while_articles_come_and_go(
    own_client: TestClient, own_desk: Desk, tmp_path: Path
) -> None:
    add(own_desk, tmp_path, *({"id": f"u{n}", "text": f"Undated {n}."} for n in range(3)))
    seen: list[str] = []
    rest = ""
    while rest is not None:
        page = own_client.get("/v1/articles", params={"limit": 2, "cursor": rest}).json()
        seen += [one["id"] for one in page["articles"]]
        rest = page["next_cursor"]
        add(own_desk, tmp_path, {"id": f"new{len(seen)}", "text": "New.", "date": "2026-11-01"})
        if len(seen) == 2:
            own_desk.articles.remove(seen[-1])
    assert len(seen) == len(set(seen)) == 6
    assert seen[-3:] == ["u0", "u1", "u2"]


def test_ids_with_slashes_are_found_through_a_real_server(
    address: str, own_desk: Desk, tmp_path: Path
) -> None:
    add(own_desk, tmp_path, LIMITED, LIMITED | {"id": "a%2Fb", "title": "Other"})
    with httpx.Client(base_url=address) as http:
        for article in own_desk.articles.list():
            got = http.get(path_of(article.id))
            assert got.json()["id"] == article.id
            versions = http.get(f"{path_of(article.id)}/versions").json()["versions"]
            assert [one["version"] for one in versions] == [article.version]
        assert http.get(f"{path_of('a/b')}/versions").status_code == 404
        assert http.put(path_of(MAYOR)).headers["allow"] == "GET, DELETE"
        assert http.get("/v1/articles/%FF%00").status_code == 404


def test_no_more_is_shown_than_may_be_quoted_also_of_an_earlier_version(
    own_client: TestClient, own_desk: Desk, tmp_path: Path
) -> None:
    free = LIMITED | {"text": f"{LIMITED['text']} Nobody slept.", "excerpt_limit": None}
    add(own_desk, tmp_path, free)
    (before,) = own_desk.articles.history(str(LIMITED["id"]))
    add(own_desk, tmp_path, LIMITED)
    path = path_of(str(LIMITED["id"]))
    for shown in (path, f"{path}?version={before.version}", f"{path}/versions", "/v1/articles"):
        got = own_client.get(shown)
        assert got.status_code == 200
        assert "feared" not in got.text
    assert own_client.get(path).json()["text"] == "The dam held."
    assert own_client.get(f"{path}?version=0000").status_code == 404


def test_retracted_killed_and_removed_articles_are_that_at_once(
    own_client: TestClient, own_desk: Desk
) -> None:
    path = path_of(MAYOR)
    asked = {"question": "When did mayor Tomas Rehn resign?"}
    cited = own_client.post("/v1/ask", json=asked).json()["citations"]
    assert [one["article_id"] for one in cited] == [MAYOR]
    retracted = own_client.post(f"{path}/retract", json={"reason": "Wrong mayor."}).json()
    assert (retracted["notice"]["kind"], retracted["notice"]["text"]) == (
        "retracted",
        "Wrong mayor.",
    )
    assert own_client.post("/v1/ask", json=asked).json()["citations"] == []
    assert own_client.delete(f"{path}/retract").json()["notice"] is None
    assert own_client.delete(f"{path}/retract").status_code == 422
    assert own_client.post(f"{path}/kill").status_code == 204
    assert own_client.get(path).status_code == 404
    assert own_client.delete(f"{path}/kill").status_code == 204
    assert own_client.post("/v1/ask", json=asked).json()["citations"] != []
    assert own_client.delete(path).json()["removed"] == [MAYOR]
    assert own_client.delete(path).status_code == 404


def test_an_erased_article_is_gone_with_the_answers_that_quote_it(
    own_client: TestClient, own_desk: Desk
) -> None:
    chat = own_desk.chat()
    assert chat.ask("When did mayor Tomas Rehn resign?").citations
    own_desk.conversations.rate(chat.id, 1, "up")
    got = own_client.delete(f"{path_of(MAYOR)}?erase=true").json()
    assert (got["removed"], got["erased"], got["answers"]) == ([MAYOR], True, 1)
    assert "signed a water contract" not in own_client.get(f"/v1/conversations/{chat.id}").text
    added = own_client.post(
        "/v1/articles?wait=20", json={"articles": [{"id": MAYOR, "text": "Mayor resigns."}]}
    ).json()
    assert "erased" in added["failures"][0]["reason"]


def test_the_collection_is_counted(client: TestClient, desk: Desk) -> None:
    got = client.get("/v1/collection").json()
    assert got["outlets"] == desk.archive.outlets()
    assert got["days"] == {"2026-03-03": 1, "2026-03-10": 1, "2026-03-12": 1}
    assert (got["articles"], got["embedder"], got["local_only"]) == (3, "minilm", False)
