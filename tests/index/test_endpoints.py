"""Several endpoints of one model: which is asked, which is left alone, and when none is left."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from byline import Desk, Settings
from byline.errors import ModelError, ModelUnavailable, SettingsError
from byline.index.embed import openai_embedder
from byline.qa.budget import Deadline
from byline.qa.model import chat, openai_llm, stream_chat
from byline.settings import load_settings
from byline.tests.fakes import Refused, Slow, Turn, embedding, scripted
from byline.tests.servers import Silent, answering
from llama_index.core.llms import ChatMessage

ASKED = [ChatMessage(role="user", content="Who resigned?")]


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """No attempt waits for long."""
    monkeypatch.setattr("byline.index.endpoints._FIRST_WAIT", 0.01)


@pytest.fixture
def model() -> Iterator[Any]:
    """Makes a model of these addresses."""
    with ExitStack() as opened:

        def at(*addresses: str) -> Any:
            llm = openai_llm(
                "scripted",
                ",".join(addresses),
                "key",
                context_window=4096,
                max_tokens=64,
                timeout_seconds=9,
            )
            opened.callback(llm._get_client().close)
            return llm

        yield at


def said(llm: Any, seconds: float = 20) -> str:
    return "".join(stream_chat(llm, ASKED, Deadline(seconds)))


@pytest.mark.parametrize("failing", [Refused(500), Refused(503), Refused(429), Slow("Late.", 30)])
def test_the_next_is_asked_where_one_fails_or_is_silent(model: Any, failing: Turn) -> None:
    with scripted(failing) as first, scripted("Rehn did.") as second:
        assert said(model(first.address, second.address), 10) == "Rehn did."
    assert (len(first.requests), len(second.requests)) == (1, 1)


def test_the_next_is_asked_where_one_cannot_be_reached(model: Any, unused_address: str) -> None:
    with scripted("Rehn did.") as second:
        llm = model(unused_address, second.address)
        assert said(llm) == "Rehn did."
        assert chat(llm, ASKED, Deadline(20)).text == "Rehn did."


def test_who_failed_is_left_alone_and_tried_again(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byline.index.endpoints._REST", 0.5)
    with scripted(Refused(503), "First.") as first, scripted("Second.") as second:
        llm = model(first.address, second.address)
        assert [said(llm), said(llm)] == ["Second.", "Second."]
        assert len(first.requests) == 1
        time.sleep(0.6)
        assert said(llm) == "First."


def test_who_may_open_an_endpoint_is_in_no_log_and_no_message(
    model: Any, unused_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    here = unused_address.replace("//", "//me:s3cret@")
    with pytest.raises(ModelUnavailable) as raised:
        said(model(here, f"{here}/2"), 2)
    assert unused_address.removeprefix("http://") in caplog.text
    assert unused_address in str(raised.value)
    assert "s3cret" not in caplog.text + str(raised.value)


def test_calls_that_overlap_are_shared_out(model: Any) -> None:
    with scripted("One two.") as first, scripted("One two.") as second:
        llm = model(first.address, second.address)
        with closing(stream_chat(llm, ASKED, Deadline(20))) as under_way:
            next(under_way)
            said(llm)
        said(llm)
    assert (len(first.requests), len(second.requests)) == (2, 1)


def test_what_has_begun_is_not_begun_elsewhere(model: Any) -> None:
    with broken_off() as first, scripted("Another answer.") as second:
        pieces = stream_chat(model(first, second.address), ASKED, Deadline(20))
        assert next(pieces) == "Rehn "
        with pytest.raises(ModelUnavailable):
            list(pieces)
    assert not second.requests


def test_a_refusal_is_not_carried_elsewhere(model: Any) -> None:
    with scripted(Refused(400)) as first, scripted("Rehn did.") as second:
        llm = model(first.address, second.address)
        with pytest.raises(ModelError, match="refused"):
            said(llm)
    assert not second.requests


def test_where_all_fail_both_are_named_and_asked_again(model: Any) -> None:
    with scripted(Refused(503)) as first, scripted(Refused(503)) as second:
        llm = model(first.address, second.address)
        with pytest.raises(ModelUnavailable) as raised:
            said(llm)
    assert f"{first.address} or {second.address}" in str(raised.value)
    assert len(first.requests) == len(second.requests) == 4


def test_one_deadline_is_for_all_endpoints(model: Any) -> None:
    with scripted(Slow("Late.", 30)) as first, scripted(Slow("Late.", 30)) as second:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable):
            said(model(first.address, second.address), 2)
    assert time.monotonic() - began < 10


def test_vectors_come_from_the_endpoint_that_is_left(unused_address: str) -> None:
    with embedding() as second:
        embedder = openai_embedder("tiny", f"{unused_address},{second.address}", None)
        assert embedder.embed(["Rates rose.", "Ja."]).shape == (2, 3)
        assert embedder.embed_question("Who?").shape == (3,)
        embedder.close()


def test_an_index_of_this_machine_wants_all_of_them_here(home: Any, folder: Any) -> None:
    both = "http://127.0.0.1:9/v1,https://models.example/v1"
    with Desk(settings=Settings(home=home, llm="tiny", llm_base_url=both)) as desk:
        desk.archive.keep_local(True)
        with pytest.raises(SettingsError, match="nothing was sent"):
            desk.ask("Who resigned?")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("http://a.example/v1,b.example/v1", "llm_base_url holds 'b.example/v1'"),
        ("http://a.example/v1, http://a.example/v1/", "twice"),
        ("http://", "llm_base_url holds 'http:'"),
        ("http://a.example:99999/v1", "with a comma between two"),
        ("http://[::1/v1,http://b.example/v1", "with a comma between two"),
        ("http://a.example/v1?key=1,http://b.example/v1", "with a comma between two"),
        (" , ", "llm_base_url holds no address"),
    ],
)
def test_a_list_that_is_none_is_refused(given: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(llm="tiny", llm_base_url=given)


def broken_off() -> Any:
    """An endpoint whose stream breaks off after a word."""
    chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "Rehn "}}]}\n\n'

    class Breaking(Silent):
        def do_POST(self: BaseHTTPRequestHandler) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", "9999")
            self.end_headers()
            self.wfile.write(chunk)

    return answering(Breaking)
