"""The service's log: a line a request, without questions, article text, or any key.

start_logging("json", "info", questions=False); app = logged(app, questions=False)
"""

import logging
import re
import time
import traceback
import uuid
from typing import Any

from asgi_correlation_id.context import correlation_id
from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)
# Asked for so often, or so many at a time, that they are told only where something is wrong.
_QUIET = re.compile(
    r"/(healthz|readyz|metrics)$|/(assets|static|svelte|theme\.css|favicon\.ico)"
    r"|/gradio_api/(startup|heartbeat|theme|app_id|custom_component)"
)
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def start_logging(form: str, level: str, *, questions: bool) -> None:
    """Write this process's log to standard error; of other packages only warnings."""
    handler = logging.StreamHandler()
    plain, as_json = _formatters(questions)
    handler.setFormatter(as_json if form == "json" else plain)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("byline").setLevel(level.upper())


def logged(app: ASGIApp, *, questions: bool) -> ASGIApp:
    """An application whose requests are logged, and have ids."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, sizes = time.monotonic(), {"in": 0, "out": 0}
        state, status = scope.setdefault("state", {}), 0
        state["request_id"] = _id_of(scope)
        correlation_id.set(state["request_id"])  # for what is refused before it is routed
        others = [one for one in scope["headers"] if one[0] != b"x-request-id"]
        scope["headers"] = [*others, (b"x-request-id", state["request_id"].encode())]

        async def counted_receive() -> Message:
            message = await receive()
            sizes["in"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                names = {name.lower() for name, _ in message["headers"]}
                if b"x-request-id" not in names:
                    given = (b"x-request-id", state["request_id"].encode())
                    message = {**message, "headers": [*message["headers"], given]}
            sizes["out"] += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, counted_receive, counted_send)
        finally:
            _tell(scope, status, time.monotonic() - began, sizes, questions)

    return told


def _tell(
    scope: Scope, status: int, seconds: float, sizes: dict[str, int], questions: bool
) -> None:
    state = scope["state"]
    facts: dict[str, Any] = {
        "request_id": state["request_id"],
        "method": scope["method"],
        # Never the path itself, which holds ids, and whatever a stranger put there.
        "route": getattr(scope.get("route"), "path", None) or state.get("route", "-"),
        "status": status,
        "seconds": round(seconds, 4),
        "key": state.get("key_id"),
        "bytes_in": sizes["in"],
        "bytes_out": sizes["out"],
    }
    if questions and "question" in state:
        facts["question"] = state["question"]
    is_quiet = 0 < status < 400 and _QUIET.match(scope["path"])
    line = "%s %s %s in %.3f s, key %s, %s"
    shown = ("method", "route", "status", "seconds", "key", "request_id")
    level = logging.DEBUG if is_quiet else logging.INFO
    _log.log(level, line, *(facts[name] for name in shown), extra=facts)


def _id_of(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    text = given.decode("latin-1")
    return text if _GIVEN_ID.fullmatch(text) else uuid.uuid4().hex


def _formatters(questions: bool) -> tuple[logging.Formatter, logging.Formatter]:
    class Plain(logging.Formatter):
        def formatException(self, error: Any) -> str:
            return super().formatException(error) if questions else _without_words(error[1])

    class Json(JsonFormatter):
        def formatException(self, error: Any) -> Any:
            return super().formatException(error) if questions else _without_words(error[1])

    fields = "%(levelname)s%(name)s%(message)s"
    return (
        Plain("%(asctime)s %(levelname)s %(message)s"),
        Json(fields, timestamp="time", rename_fields={"levelname": "level"}),
    )


def _without_words(error: BaseException | None) -> str:
    """Where an error came from; what it says may quote a question or an article."""
    lines: list[str] = []
    while error is not None:
        lines += traceback.format_tb(error.__traceback__)
        lines.append(f"{type(error).__module__}.{type(error).__name__}\n")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(lines).rstrip()
