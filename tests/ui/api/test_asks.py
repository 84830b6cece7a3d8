"""Asking over HTTP gives what the desk gives, as one document or as events."""

import json
from typing import Any

import pytest
from byline import Desk
from fastapi.testclient import TestClient

QUESTION = "How much will the ferry's repair cost?"
MEASURED = ("timings", "as_of")  # of each ask its own


def events_of(text: str) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    return [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in blocks
    ]


def without_measures(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in MEASURED}


def test_answer_is_that_of_the_desk(client: TestClient, desk: Desk) -> None:
    got = client.post("/v1/ask", json={"question": QUESTION})
    assert got.status_code == 200
    assert without_measures(got.json()) == without_measures(desk.ask(QUESTION).to_dict())
    assert "4.2 million crowns" in got.json()["text"]


def test_events_end_with_the_same_answer(client: TestClient, desk: Desk) -> None:
    got = client.post(
        "/v1/ask", json={"question": QUESTION}, headers={"Accept": "Text/Event-Stream"}
    )
    assert got.headers["content-type"].startswith("text/event-stream")
    names, data = zip(*events_of(got.text), strict=True)
    assert names[0] == "hits"
    assert set(names[1:-1]) == {"statement"}
    assert names[-1] == "answer"
    assert without_measures(data[-1]) == without_measures(desk.ask(QUESTION).to_dict())
    assert list(data[1:-1]) == data[-1]["statements"]


def test_json_is_given_to_who_accepts_both(client: TestClient) -> None:
    accepted = "application/json, text/event-stream"
    got = client.post("/v1/ask", json={"question": QUESTION}, headers={"Accept": accepted})
    assert got.headers["content-type"] == "application/json"


def test_filters_hold(client: TestClient) -> None:
    asked = {"question": QUESTION, "outlets": ["Castrine Herald"]}
    assert client.post("/v1/ask", json=asked).json()["status"] == "declined"


def test_search_gives_the_hits_of_the_desk(client: TestClient, desk: Desk) -> None:
    got = client.post("/v1/search", json={"query": "water contract", "limit": 2}).json()
    assert got["hits"] == [hit.to_dict() for hit in desk.search("water contract", 2)]
    assert got["hits"][0]["title"] == "Mayor resigns over water contract"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"question": " "}, "The question is empty: ask something."),
        ({}, "body.question: Field required"),
        ({"question": "Who?", "colour": 1}, "body.colour: Extra inputs are not permitted"),
        ({"question": "Who?", "policy": "lax"}, "body.policy: Input should be 'flag'"),
        ({"question": "Who?", "since": "soon"}, "since"),
        ({"question": "Who?", "outlets": ["Castrine Heraldo"]}, "Castrine Herald"),
        ({"question": 7}, "body.question"),
    ],
)
def test_bad_questions_are_problems(
    client: TestClient, body: dict[str, Any], told: str, accept: str
) -> None:
    got = client.post("/v1/ask", json=body, headers={"Accept": accept})
    assert got.status_code == 422
    assert got.headers["content-type"] == "application/problem+json"
    said = got.json()
    assert said["status"] == 422
    assert said["type"].startswith("urn:byline:problem:")
    assert told in said["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/ask", 405), ("POST", "/v1/nothing", 404), ("DELETE", "/healthz", 405)],
)
def test_unknown_routes_are_problems(
    client: TestClient, method: str, path: str, status: int
) -> None:
    got = client.request(method, path)
    assert got.status_code == status
    assert got.json()["status"] == status
    assert (got.headers.get("allow") is not None) == (status == 405)


def test_ready_says_what_is_asked(client: TestClient, desk: Desk) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["articles"] == len(desk.articles)


def test_description_names_the_problem_document(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {"Problem", "Answer", "AskRequest"} <= set(described["components"]["schemas"])


def test_draft_is_checked_as_the_desk_checks_it(client: TestClient, desk: Desk) -> None:
    text = "The repair of the ferry will cost 9 million crowns. Nobody was hurt."
    got = client.post("/v1/verify", json={"text": text}).json()
    wanted = desk.verify(text).to_dict()
    assert without_measures(got) == without_measures(wanted)
    assert [one["verdict"] for one in got["statements"]][0] in ("contradicted", "unsupported")


def test_mcp_is_served_beside(client: TestClient) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    accept = {"Accept": "application/json, text/event-stream", "Host": "127.0.0.1"}
    got = client.post("/mcp", json=hello, headers=accept)
    assert got.status_code == 200
    assert "Byline" in got.text
