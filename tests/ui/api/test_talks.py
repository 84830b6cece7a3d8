"""Conversations over HTTP, and what readers say of their answers."""

import json
import threading
from typing import Any

import pytest
from byline import Desk
from byline.tests.fakes import Slow, scripted
from byline.tests.ui.api.test_asks import events_of, without_measures
from byline.ui.api import api
from byline.ui.export import EXPORTS
from fastapi.testclient import TestClient

QUESTION = "When did mayor Tomas Rehn resign?"


def begin(client: TestClient, **body: Any) -> str:
    got = client.post("/v1/conversations", json=body)
    assert got.status_code == 201
    assert client.get(got.headers["location"]).json() == got.json()
    made: str = got.json()["id"]
    return made


def ask(client: TestClient, made: str, **body: Any) -> Any:
    got = client.post(f"/v1/conversations/{made}/ask", json={"question": QUESTION} | body)
    assert got.status_code == 200, got.text
    return got.json()


def test_a_conversation_is_begun_asked_listed_exported_and_deleted(
    own_client: TestClient, own_desk: Desk
) -> None:
    made = begin(own_client)
    assert own_client.get("/v1/conversations").json()["conversations"] == []
    first = ask(own_client, made, outlets=["Castrine Herald"])
    assert without_measures(first) == without_measures(
        own_desk.ask(QUESTION, outlets=["Castrine Herald"]).to_dict()
        | {"index_version": first["index_version"]}
    )
    second = ask(own_client, made, question="And why?")
    assert "Castrine Herald" in " ".join(second["notes"])  # carried over
    (listed,) = own_client.get("/v1/conversations").json()["conversations"]
    assert (listed["id"], listed["title"], listed["turns"]) == (made, QUESTION, 2)
    shown = own_client.get(f"/v1/conversations/{made}").json()
    assert [turn["answer"] for turn in shown["turns"]] == [first, second]
    for kind, (write, media_type) in EXPORTS.items():
        got = own_client.get(f"/v1/conversations/{made}/export?format={kind}")
        assert got.text == write(own_desk.conversations.load(made))
        assert got.headers["content-type"] == media_type
    renamed = own_client.patch(f"/v1/conversations/{made}", json={"title": "The mayor"}).json()
    assert renamed["title"] == "The mayor"
    assert own_client.delete(f"/v1/conversations/{made}").status_code == 204
    assert own_client.delete(f"/v1/conversations/{made}").status_code == 404
    assert own_client.get(f"/v1/conversations/{made}").status_code == 404


def test_a_turn_streams_the_events_of_its_answer(own_client: TestClient) -> None:
    made = begin(own_client)
    got = own_client.post(
        f"/v1/conversations/{made}/ask",
        json={"question": QUESTION},
        headers={"Accept": "text/event-stream"},
    )
    names, data = zip(*events_of(got.text), strict=True)
    assert (names[0], names[-1]) == ("hits", "answer")
    (turn,) = own_client.get(f"/v1/conversations/{made}").json()["turns"]
    assert turn["answer"] == data[-1]


def test_nothing_of_a_private_conversation_is_stored(
    own_client: TestClient, own_desk: Desk
) -> None:
    made = begin(own_client, private=True)
    answer = ask(own_client, made)
    assert own_client.get(f"/v1/conversations/{made}").json()["turns"][0]["answer"] == answer
    assert own_client.get("/v1/conversations").json()["conversations"] == []
    assert own_desk.conversations.find(made) is None
    own_desk.articles.kill("https://herald.example/2026/mayor-resigns")
    turns = own_client.get(f"/v1/conversations/{made}").json()["turns"]
    assert turns[0]["answer"]["reason"] == "source_withheld"
    assert own_client.patch(f"/v1/conversations/{made}", json={"title": "T"}).json()["title"] == "T"
    assert own_client.delete(f"/v1/conversations/{made}").status_code == 204
    assert own_client.get(f"/v1/conversations/{made}").status_code == 404


def test_one_question_at_a_time_is_asked_in_a_conversation(own_desk: Desk) -> None:
    with scripted(Slow("Mayor Tomas Rehn resigned on Thursday [1].", 0.3)) as endpoint:
        settings = own_desk.settings.model_copy(
            update={"llm": "scripted", "llm_base_url": endpoint.address}
        )
        with Desk(settings=settings) as desk, TestClient(api(desk)) as client:
            made = begin(client)
            asked = threading.Thread(target=ask, args=(client, made))
            asked.start()
            while not endpoint.requests:
                pass
            path = f"/v1/conversations/{made}"
            refused = client.post(f"{path}/ask", json={"question": QUESTION})
            assert refused.status_code == 409
            assert "is being asked" in refused.json()["detail"]
            assert client.delete(path).status_code == 409
            asked.join()
            assert ask(client, made)["status"] in ("answered", "declined")


def test_feedback_is_kept_and_exported_as_eval_reads_it(
    own_client: TestClient, own_desk: Desk
) -> None:
    made = begin(own_client)
    ask(own_client, made)
    said = {"conversation": made, "turn": 1, "thumb": "down", "reason": "Old", "statement": 1}
    assert own_client.post("/v1/feedback", json=said).status_code == 204
    got = own_client.get("/v1/feedback")
    (line,) = got.text.splitlines()
    assert [json.loads(line)] == [*own_desk.conversations.feedback()]
    assert json.loads(line)["statement"].startswith("Mayor Tomas Rehn resigned")
    assert own_client.post("/v1/feedback", json=said | {"turn": 2}).status_code == 404
    own_desk.articles.kill("https://herald.example/2026/mayor-resigns")
    assert "Rehn resigned on" not in own_client.get("/v1/feedback").text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/conversations/none/ask", {"question": "Who?"}, 404),
        ("POST", "/v1/conversations", {"private": "yes"}, 422),
        ("PATCH", "/v1/conversations/none", {"title": "T"}, 404),
        ("GET", "/v1/conversations/none/export?format=pdf", None, 422),
        ("GET", "/v1/conversations/none/export", None, 404),
        ("POST", "/v1/feedback", {"conversation": "x", "turn": 1, "thumb": "left"}, 422),
    ],
)
def test_bad_requests_are_problems(
    client: TestClient, method: str, path: str, body: Any, status: int
) -> None:
    got = client.request(method, path, json=body)
    assert got.status_code == status
    assert got.headers["content-type"] == "application/problem+json"
