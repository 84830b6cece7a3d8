"""Spans of an ask for OpenTelemetry: what took how long, and how many tokens.

    with span("retrieve", "RETRIEVER") as opened:
        note(opened, {"byline.passages": 12})

They go where the setting `trace` says, else to the OpenTelemetry of the program, if it has one.
No text is in them. See docs/decisions/0020-tracing.md.
"""

import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer, set_span_in_context

from ..errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["Span", "exporting", "note", "span", "stepping"]
E = TypeVar("E")
R = TypeVar("R")
Told = Mapping[str, Any]
_SEND_SECONDS = 2.0  # retries included: as long as a desk that closes waits for a dead collector
_PROVIDER = context.create_key("byline")


def exporting(where: str) -> "TracerProvider":
    """What sends spans to a collector's address (OTLP over HTTP), or console: standard error.

    `shutdown` sends what is left. Raises SettingsError where the extra `trace` is missing.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider, export

    processor: export.SimpleSpanProcessor | export.BatchSpanProcessor
    if where == "console":
        line = export.ConsoleSpanExporter(
            out=sys.stderr, formatter=lambda one: f"{one.to_json(indent=None)}\n"
        )
        processor = export.SimpleSpanProcessor(line)
    else:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError:
            install = "run `pip install 'byline[trace]'`"
            raise SettingsError(f"trace needs the extra `trace`: {install}.") from None
        path = "" if urlsplit(where).path.strip("/") else "/v1/traces"
        exporter = OTLPSpanExporter(where.rstrip("/") + path, timeout=_SEND_SECONDS)
        processor = export.BatchSpanProcessor(exporter)
    provider = TracerProvider(resource=Resource.create({"service.name": "byline"}))
    provider.add_span_processor(processor)
    return provider


@contextmanager
def span(name: str, kind: str, told: Told | None = None) -> Iterator[Span]:
    """A span around a step that yields nothing; `kind` is one of OpenInference's."""
    with _opened(name, kind, told or {}) as (opened, inside), _within(inside):
        yield opened


def stepping(
    events: Generator[E, None, R],
    name: str,
    kind: str,
    told: Told,
    tell: Callable[[Span, E | R], None],
    provider: "TracerProvider | None" = None,
) -> Generator[E, None, R]:
    """The same events and result; each step of them is within the span, what a reader does is not.

    `tell` is called with each event and the result.
    """
    with _opened(name, kind, told, provider) as (opened, inside):
        try:
            while True:
                try:
                    with _within(inside):
                        event = next(events)
                except StopIteration as ended:
                    result: R = ended.value
                    tell(opened, result)
                    return result
                tell(opened, event)
                yield event
        finally:
            with _within(inside):
                events.close()


def note(opened: Span, told: Told) -> None:
    """Put attributes on a span, those that are not None."""
    opened.set_attributes({name: value for name, value in told.items() if value is not None})


@contextmanager
def _opened(
    name: str, kind: str, told: Told, provider: "TracerProvider | None" = None
) -> Iterator[tuple[Span, Context]]:
    inside = context.set_value(_PROVIDER, provider) if provider else context.get_current()
    found: Any = context.get_value(_PROVIDER, inside)
    which = SpanKind.CLIENT if kind == "LLM" else SpanKind.INTERNAL
    opened = get_tracer("byline", tracer_provider=found).start_span(name, inside, which)
    note(opened, {"openinference.span.kind": kind, **told})
    try:
        yield opened, set_span_in_context(opened, inside)
    except GeneratorExit:  # nobody listens any more
        opened.set_attribute("byline.left", True)
        raise
    except BaseException as error:  # its kind alone: its message may hold a question
        opened.set_attribute("error.type", type(error).__name__)
        opened.set_status(StatusCode.ERROR)
        raise
    finally:
        opened.end()


@contextmanager
def _within(inside: Context) -> Iterator[None]:
    before = context.attach(inside)
    try:
        yield
    finally:
        context.detach(before)
