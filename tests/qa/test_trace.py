"""Spans of an ask, as an exporter of OpenTelemetry gets them."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager

import pytest
from byline import Desk, Settings
from byline.errors import ModelError
from byline.index.embed import MiniLM
from byline.tests.fakes import Refused, Scripted, Slow, Turn, scripted
from byline.tests.servers import Silent, answering
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

RESIGNED = "Which mayor resigned, and when?"
WRITTEN = "Mayor Tomas Rehn resigned on Thursday [1]. His contract was with the moon [1]."
CHAT = "chat small"


@contextmanager
def traced(desk: Desk, *turns: Turn) -> Iterator[tuple[Desk, list[ReadableSpan], Scripted]]:
    """The desk's index with an endpoint; the list has the spans that have ended."""
    with scripted(*turns) as endpoint:
        given = {"llm": "small", "llm_base_url": endpoint.address}
        settings = desk.settings.model_copy(update=given)
        with Desk(embedder=desk.library().embedder, settings=settings) as writing:
            memory, writing._tracing = in_memory()
            yield writing, memory._finished_spans, endpoint


def in_memory() -> tuple[InMemorySpanExporter, TracerProvider]:
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return memory, provider


def named(spans: list[ReadableSpan], name: str) -> ReadableSpan:
    (found,) = [span for span in spans if span.name == name]
    return found


async def read(desk: Desk) -> None:
    before = trace.get_current_span()
    async for _ in desk.astream(RESIGNED):
        assert trace.get_current_span() is before


@pytest.mark.parametrize("way", ["ask", "stream", "astream"])
def test_an_ask_is_a_span_with_its_steps_below_it(desk: Desk, way: str) -> None:
    with traced(desk, WRITTEN) as (desk, ended, _):
        if way == "ask":
            desk.ask(RESIGNED)
        elif way == "stream":
            for _ in desk.stream(RESIGNED):
                assert trace.get_current_span() is trace.INVALID_SPAN
        else:
            asyncio.run(read(desk))
    root = named(ended, "ask")
    below = sorted((span for span in ended if span is not root), key=lambda span: span.start_time)
    assert [span.name for span in below][:3] == ["retrieve", "prompt", CHAT]
    assert [span.name for span in below][3:] == ["verify", "verify"]
    assert root.parent is None
    for span in below:
        assert span.parent.span_id == root.context.span_id
        assert root.start_time <= span.start_time <= span.end_time <= root.end_time
    told = named(ended, CHAT).attributes
    assert told["gen_ai.usage.input_tokens"] == told["llm.token_count.prompt"] > 0
    assert told["gen_ai.usage.output_tokens"] > 0
    assert ("gen_ai.response.time_to_first_chunk" in told) == (way != "ask")
    assert told["gen_ai.request.model"] == "small"
    assert root.attributes["byline.status"] == "answered"
    verdicts = [span.attributes["gen_ai.evaluation.score.label"] for span in below[3:]]
    assert verdicts[0] == "supported" != verdicts[1]


def test_no_text_is_in_spans(desk: Desk) -> None:
    with traced(desk, WRITTEN) as (desk, ended, _):
        desk.ask(RESIGNED, outlets=["Castrine Herald"])
    told = "".join(span.to_json() for span in ended)
    assert "retrieve" in told
    for text in (RESIGNED, "water contract", "moon", "Herald"):
        assert text not in told


def test_an_ask_that_fails_or_is_left_says_so_without_its_message(desk: Desk) -> None:
    turns = Refused(400), Slow(WRITTEN * 40, 0.02)
    with traced(desk, *turns) as (desk, ended, endpoint):
        with pytest.raises(ModelError):
            desk.ask(RESIGNED)
        for name in ("ask", CHAT):
            failed = named(ended, name)
            assert failed.attributes["error.type"] == "ModelError"
            assert not failed.status.is_ok
            assert (failed.status.description, failed.events) == (None, ())
        ended.clear()

        async def leave() -> None:
            async with aclosing(desk.astream(RESIGNED)) as events:
                async for event in events:
                    if isinstance(event, str):
                        break

        asyncio.run(leave())
        assert endpoint.left.wait(5)
        while not any(span.name == "ask" for span in list(ended)):
            time.sleep(0.02)  # the thread that closes is not waited for
        assert named(ended, "ask").attributes["byline.left"]
        assert named(ended, CHAT).attributes["byline.left"]


def test_spans_go_below_those_of_the_program(desk: Desk) -> None:
    memory, provider = in_memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        with provider.get_tracer("app").start_as_current_span("request") as request:
            desk.ask(RESIGNED)
            asyncio.run(read(desk))
    asks = [span for span in memory.get_finished_spans() if span.name == "ask"]
    assert len(asks) == 2
    assert {span.parent.span_id for span in asks} == {request.get_span_context().span_id}


def test_console_prints_lines_on_standard_error(
    desk: Desk, minilm: MiniLM, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = desk.settings.model_copy(update={"trace": "console"})
    with Desk(embedder=minilm, settings=settings) as traced:
        traced.ask(RESIGNED)
    out, err = capfd.readouterr()
    assert out == ""
    names = [json.loads(line)["name"] for line in err.splitlines()]
    assert names[0] == "retrieve"
    assert names[-1] == "ask"


def test_a_collector_gets_them_over_http(desk: Desk, minilm: MiniLM) -> None:
    got: list[tuple[str, bytes]] = []

    class Collector(Silent):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

    with answering(Collector) as where:
        settings = desk.settings.model_copy(update={"trace": where})
        with Desk(embedder=minilm, settings=settings) as traced:
            traced.ask(RESIGNED)
    assert got[0][0] == "/v1/traces"
    assert b"retrieve" in got[0][1]
    assert RESIGNED.encode() not in got[0][1]


@pytest.mark.parametrize("where", ["stdout", "ftp://x", "http://", "http://a b", "http://u:p@c"])
def test_places_that_spans_cannot_go_to_are_refused(where: str) -> None:
    with pytest.raises(ValueError, match="trace"):
        Settings(trace=where)
