"""The connection to a model: retries, one deadline, what it can do, what it costs.

Beside an endpoint that plays a script there is a real language model behind a real llama.cpp
server. It is small and weak: what it says does not matter, only that what is shown of it holds.
"""

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from byline import Answer, Desk
from byline.errors import ModelError, ModelUnavailable, SettingsError
from byline.index.embed import MiniLM
from byline.qa.budget import Deadline, Usage, price
from byline.qa.capabilities import Capabilities, capabilities
from byline.qa.cite import Statement
from byline.qa.model import chat, json_schema, openai_llm, stream_chat
from byline.settings import load_settings
from byline.tests.conftest import ROOT
from byline.tests.fakes import Refused, Scripted, Slow, saying, scripted
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

MODEL = ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTION = "How many workers replaced the cables of the bridge?"
KEY = "the-right-key"


LIMITS: Any = {"context_window": 4096, "max_tokens": 64, "timeout_seconds": 60.0}
ASKED = [ChatMessage(role="user", content="Who resigned?")]


def model_at(endpoint: Scripted) -> Any:
    return openai_llm("scripted", endpoint.address, "key", **LIMITS)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """No attempt waits for long."""
    monkeypatch.setattr("byline.index.endpoints._FIRST_WAIT", 0.01)


def streamed(llm: Any, deadline: Deadline) -> str:
    return "".join(stream_chat(llm, ASKED, deadline))


def plain(llm: Any, deadline: Deadline) -> str:
    return chat(llm, ASKED, deadline).text


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("call", [plain, streamed])
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_call_that_may_pass_is_made_again(call: Any, status: int) -> None:
    with scripted(Refused(status), Refused(status), "Rehn did.") as endpoint:
        assert call(model_at(endpoint), Deadline(20)) == "Rehn did."
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize("call", [plain, streamed])
@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_call_that_is_refused_is_not(call: Any, status: int) -> None:
    with scripted(Refused(status), "Rehn did.") as endpoint:
        with pytest.raises(ModelError, match="refused") as raised:
            call(model_at(endpoint), Deadline(20))
        assert not isinstance(raised.value, ModelUnavailable)
    assert len(endpoint.requests) == 1


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("call", [plain, streamed])
def test_attempts_come_to_an_end(call: Any) -> None:
    with scripted(Refused(503)) as endpoint, pytest.raises(ModelUnavailable, match="503"):
        call(model_at(endpoint), Deadline(20))
    assert len(endpoint.requests) == 4


@pytest.mark.usefixtures("brief")
def test_waits_grow() -> None:
    with scripted(Refused(503)) as endpoint, pytest.raises(ModelUnavailable):
        plain(model_at(endpoint), Deadline(20))
    waits = [later - one for one, later in zip(endpoint.times, endpoint.times[1:], strict=False)]
    assert waits[0] > 0.0075
    assert waits[2] > 0.03


def a_second_from_now() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("said", [lambda: "1", a_second_from_now], ids=["seconds", "date"])
def test_the_endpoint_says_how_long_to_wait(said: Any) -> None:
    with scripted(Refused(429, {"retry-after": said()}), "Rehn did.") as endpoint:
        assert plain(model_at(endpoint), Deadline(20)) == "Rehn did."
    assert 0.9 < endpoint.times[1] - endpoint.times[0] < 5


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    with scripted(Refused(429, {"retry-after": "60"})) as endpoint:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match="429"):
            plain(model_at(endpoint), Deadline(5))
    assert time.monotonic() - began < 4


def test_a_model_that_retries_by_itself_is_called_once() -> None:
    with scripted(Refused(503)) as endpoint:
        llm = model_at(endpoint)
        llm.max_retries = 1
        with pytest.raises(ModelUnavailable):
            plain(llm, Deadline(20))
    assert len(endpoint.requests) == 2  # its client's own second try


@pytest.mark.parametrize("call", [plain, streamed])
def test_past_the_deadline_the_model_is_unavailable_in_one_line(call: Any) -> None:
    with scripted(Slow("word " * 20, 0.3)) as endpoint:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match=r"not done within 0\.7 seconds") as raised:
            call(model_at(endpoint), Deadline(0.7))
        assert time.monotonic() - began < 15  # the endpoint would take a minute
    assert len(endpoint.requests) == 1
    assert "\n" not in str(raised.value)


def test_a_deadline_that_is_past_calls_nothing() -> None:
    with scripted("Rehn did.") as endpoint, pytest.raises(ModelUnavailable):
        plain(model_at(endpoint), Deadline(0))
    assert endpoint.requests == []


def test_one_deadline_is_for_all_calls() -> None:
    deadline = Deadline(1.0)
    with scripted(Slow("one two", 0.3)) as endpoint:
        llm = model_at(endpoint)
        assert plain(llm, deadline) == "one two"
        with pytest.raises(ModelUnavailable):
            plain(llm, deadline)


def test_a_stream_that_is_left_frees_the_model() -> None:
    with scripted(Slow("word " * 1000, 0.01)) as endpoint:
        pieces = stream_chat(model_at(endpoint), ASKED, Deadline(20))
        next(pieces)
        pieces.close()
        assert endpoint.left.wait(5)


def events(*chunks: bytes) -> bytes:
    return b"".join(b"data: " + chunk + b"\n\n" for chunk in chunks)


HELLO = b'{"choices": [{"delta": {"content": "Rehn did."}}]}'
ENDED = b'{"choices": [{"delta": {}, "finish_reason": "stop"}]}'


def said_by(address: str) -> Any:
    pieces = stream_chat(openai_llm("scripted", address, "key", **LIMITS), ASKED, Deadline(20))
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            return done.value


@pytest.mark.parametrize(
    ("body", "is_whole"),
    [
        (events(HELLO, ENDED).replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n", True),
        (events(HELLO, ENDED).replace(b"\n", b"\r") + b"data: [DONE]\r\r", True),
        (b"\xef\xbb\xbf: ping\n\n" + events(HELLO, ENDED), True),
        (events(HELLO, ENDED, b"[DONE]", HELLO, b"junk"), True),
        (events(HELLO, ENDED)[:-2], True),
        (events(HELLO) + b'data: {"choices": [{"del', False),
        (events(HELLO, b'{"choices": [], "usage": "none"}', ENDED), True),
        (events(HELLO, b'{"choices": [], "usage": {"prompt_tokens": -1}}', ENDED), True),
        (events(HELLO, b'{"choices": null}', b'{"choices": [{"delta": null}]}'), False),
    ],
)
def test_a_stream_is_read_in_whatever_form_it_comes(
    endpoint: Any, body: bytes, is_whole: bool
) -> None:
    said = said_by(endpoint(200, "text/event-stream", body))
    assert (said.text, said.is_whole, said.usage) == ("Rehn did.", is_whole, Usage())


@pytest.mark.parametrize(
    "error",
    [b'{"error": "overloaded"}', b'{"error": {"message": "overloaded"}}'],
)
def test_an_error_in_mid_stream_is_told_in_the_endpoints_words(endpoint: Any, error: bytes) -> None:
    with pytest.raises(ModelError, match="overloaded"):
        said_by(endpoint(200, "text/event-stream", events(HELLO, error)))
    other = b'event: error\ndata: {"object": "error", "message": "overloaded", "code": 503}\n\n'
    with pytest.raises(ModelError, match="overloaded"):
        said_by(endpoint(200, "text/event-stream", other))


@contextmanager
def held_open(*bodies: bytes) -> Iterator[str]:
    """An endpoint that gives these bytes, a call each, and closes none but the ones before."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as held:

        def serve() -> None:
            for body in bodies:
                at = held.enter_context(listening.accept()[0])
                at.recv(65536)
                at.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
                at.sendall(body)
                if body is not bodies[-1]:
                    at.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


def test_a_stream_is_over_with_its_last_event_not_with_the_connection() -> None:
    with held_open(b"\r\n" + events(HELLO, ENDED, b"[DONE]")) as address:
        said = said_by(address)
    assert (said.text, said.is_whole) == ("Rehn did.", True)


@pytest.mark.usefixtures("brief")
def test_comments_are_nothing_yet_and_the_call_is_made_again() -> None:
    lost = b"content-length: 999\r\n\r\n: waiting\n\n"
    with held_open(lost, b"\r\n" + events(HELLO, ENDED, b"[DONE]")) as address:
        assert said_by(address).text == "Rehn did."


def test_half_a_character_does_not_end_a_stream(endpoint: Any) -> None:
    half = b'{"choices": [{"delta": {"content": " \\ud83d"}}]}'
    assert said_by(endpoint(200, "text/event-stream", events(HELLO, half))).text == "Rehn did. ?"


def test_a_reply_too_deep_to_be_read_is_no_usable_reply(endpoint: Any) -> None:
    deep = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(ModelError, match="no usable reply"):
        said_by(endpoint(200, "text/event-stream", events(deep)))


def test_what_was_taken_is_known_and_summed() -> None:
    with scripted("Rehn did.") as endpoint:
        llm = model_at(endpoint)
        first = chat(llm, ASKED, Deadline(20))
        pieces = stream_chat(llm, ASKED, Deadline(20))
        while True:
            try:
                next(pieces)
            except StopIteration as done:
                second = done.value
                break
    assert (first.text, first.usage) == (second.text, second.usage) == ("Rehn did.", Usage(7, 3))
    assert first.usage + second.usage + Usage() == Usage(14, 6)
    assert Usage(1, 1, 0.5) + Usage(1, 1, 0.25) == Usage(2, 2, 0.75)


def test_cost_is_the_list_price_where_that_is_known() -> None:
    assert price("gpt-5-mini", Usage(1_000_000, 0)) == pytest.approx(0.25)
    assert price("a-model-of-our-own", Usage(1, 1)) is None
    assert price("gpt-5-mini", Usage(None, 3)) is None
    million = Usage(1_000_000, 0)
    assert price("gpt-5-mini", million, "https://api.openai.com/v1") == pytest.approx(0.25)
    assert price("gpt-5-mini", million, "http://127.0.0.1:8080/v1") is None


def honest(asked: dict[str, Any]) -> str | Refused:
    """An endpoint that knows JSON schemas and refuses logprobs."""
    if "logprobs" in asked:
        return Refused(400)
    return json.dumps({"n": 7}) if "response_format" in asked else "Yes."


def test_what_an_endpoint_can_do_is_asked_once() -> None:
    with scripted(honest) as endpoint:
        llm = model_at(endpoint)
        found = capabilities(llm, Deadline(20))
        assert found == Capabilities(json_schema=True, logprobs=False, stream_usage=True)
        number = len(endpoint.requests)
        assert capabilities(model_at(endpoint), Deadline(20)) == found
    assert number == len(endpoint.requests) == 4


@pytest.mark.parametrize("reply", ["Yes.", '{"n": 8}', "[]", "7", '{"n": '])
def test_a_schema_that_is_ignored_is_none(reply: str) -> None:
    with scripted(reply) as endpoint:
        assert not capabilities(model_at(endpoint), Deadline(20)).json_schema
    assert len(endpoint.requests) == 1


def test_an_endpoint_that_is_down_can_be_asked_again(unused_address: str) -> None:
    llm = openai_llm("scripted", unused_address, "key", **LIMITS)
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            capabilities(llm, Deadline(0.5))


def test_a_model_of_another_kind_can_do_nothing_and_is_not_asked() -> None:
    llm = saying("x")
    assert capabilities(llm, Deadline(20)) == Capabilities()
    assert llm.prompts == []


def test_a_model_without_address_or_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="Model gpt-5-mini needs a key: set BYLINE_LLM_API_KEY"):
        openai_llm("gpt-5-mini", None, None, **LIMITS)


@pytest.fixture(scope="module")
def model() -> Path:
    if not MODEL.is_file() and os.environ.get("CI") != "true":
        pytest.skip(f"{MODEL.relative_to(ROOT)} is missing: run `make test-model`")
    assert MODEL.is_file(), "run `make test-model`"
    return MODEL


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    """The address of a llama.cpp server that asks for a key."""
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = str(model)
    params.model_alias = "smollm2"
    params.n_ctx, params.n_parallel, params.port = 4096, 1, 0
    params.cpuparams.n_threads = 1  # spinning threads stall where a core is shared
    params.hostnames, params.api_keys = ["127.0.0.1"], [KEY]
    params.ui, params.verbosity = False, -1
    running = Server(params)
    yield f"{running.listening_address}/v1"
    del running


@pytest.fixture
def open_desk(home: Path, folder: Path, minilm: MiniLM) -> Iterator[Any]:
    """Opens a desk over the three articles with settings of its own."""
    opened: list[Desk] = []

    def call(**given: object) -> Desk:
        settings = load_settings(home=home, llm_context_window=4096, **given)
        brief = settings.model_copy(update={"llm_max_tokens": 16})  # fewer than are allowed
        desk = Desk(settings=brief, embedder=minilm)
        opened.append(desk)
        desk.add(folder)
        return desk

    yield call
    for desk in opened:
        desk.close()


def hold(desk: Desk, answer: Answer) -> None:
    """Whatever the model said: it is cited exactly, or it is declined."""
    shown = {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)}
    assert shown == {citation.number for citation in answer.citations}
    for statement in answer.statements:
        assert answer.text[statement.start : statement.end] == statement.text
    for citation in (*answer.citations, *answer.nearest):
        article = desk.articles.get(citation.article_id)
        assert article.text[citation.start : citation.end] == citation.quote
    assert answer.declined == (not answer.citations)
    assert answer.model == "smollm2"
    assert answer.usage.input_tokens
    assert answer.usage.output_tokens


def test_a_model_answers_a_plain_question(open_desk: Any, server: str) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=server, llm_api_key=KEY)
    hold(desk, desk.ask(QUESTION))


def test_a_model_answers_a_streamed_question_as_a_plain_one(open_desk: Any, server: str) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=server, llm_api_key=KEY)
    found, *events, answer = desk.stream(QUESTION)
    assert found.hits
    assert len([event for event in events if isinstance(event, str)]) > 1
    assert all(isinstance(event, (str, Statement)) for event in events)
    hold(desk, answer)


def test_a_wrong_key_is_refused_in_one_line_that_does_not_show_it(
    open_desk: Any, server: str
) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=server, llm_api_key="the-wrong-key")
    for call in (desk.ask, lambda text: list(desk.stream(text))):
        with pytest.raises(
            ModelError, match="smollm2 at .* refused: .*BYLINE_LLM_API_KEY"
        ) as error:
            call(QUESTION)
        assert not isinstance(error.value, ModelUnavailable)
        assert "\n" not in str(error.value)
        assert "the-wrong-key" not in str(error.value)


def test_an_endpoint_that_is_down_is_unavailable(open_desk: Any, unused_address: str) -> None:
    desk = open_desk(llm="smollm2", llm_base_url=unused_address)
    with pytest.raises(ModelUnavailable, match="did not answer: Connection error"):
        desk.ask(QUESTION)


def test_a_model_file_runs_in_this_process(open_desk: Any, model: Path) -> None:
    desk = open_desk(llm=f"gguf:{model}")
    answer = desk.ask(QUESTION)
    assert answer.model
    assert desk.llm.api_base.startswith("http://127.0.0.1:")
    shown = {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)}
    assert shown == {citation.number for citation in answer.citations}


def test_a_real_server_holds_to_a_schema_counts_and_gives_probabilities(server: str) -> None:
    llm = openai_llm("smollm2", server, KEY, **LIMITS)
    assert capabilities(llm, Deadline(60)) == Capabilities(True, True, True)
    numbers = {"type": "array", "items": {"enum": [1, 2]}, "maxItems": 2}
    form = {"type": "object", "properties": {"found": numbers}, "required": ["found"]}
    said = chat(llm, ASKED, Deadline(60), **json_schema("found", form))
    assert set(json.loads(said.text)["found"]) <= {1, 2}


def test_a_model_that_only_completes_is_reached_as_llamaindex_does() -> None:
    """LlamaIndex's own default for an endpoint of OpenAI's shape, where one is handed in."""
    with scripted("Rehn did.") as endpoint:
        llm = OpenAILike(model="x", api_base=endpoint.address, api_key="key", max_retries=0)
        with suppress(ModelError):  # the script speaks chat alone
            streamed(llm, Deadline(5))
    assert ["prompt" in asked for asked in endpoint.requests] == [True]  # chat has messages
