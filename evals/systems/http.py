"""An address that answers with an answer record."""

import time
from dataclasses import replace

import httpx

from ...errors import InputError, ModelError
from ..case import Case
from ..response import Response, response_of
from .system import NO_TURNS


class HttpSystem:
    """POSTs a case to an address that answers with an answer record."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError(f"'{url}' is no address: write http:http://HOST/PATH.")
        self._url = url
        self.label, self.about, self.depends_on = url, {"url": url}, None

    def answer(self, case: Case) -> Response:
        """The record that the address replies with; what is missing in it is not scored."""
        asked = {
            "question": case.question,
            "as_of": case.as_of,
            "since": case.filters.since,
            "until": case.filters.until,
            "outlets": list(case.filters.outlets),
        }
        began = time.monotonic()
        reply = httpx.post(self._url, json=asked, timeout=300)
        if reply.is_error:
            raise ModelError(f"{self._url} replied {reply.status_code}: {reply.text[:200]}")
        try:
            record = reply.json()
        except ValueError:
            raise ModelError(f"{self._url} did not reply with JSON: {reply.text[:80]!r}") from None
        if not isinstance(record, dict):
            raise ModelError(f"{self._url} replied with a {type(record).__name__}, not an object")
        response = response_of(record)
        return replace(
            response,
            timings={"total": time.monotonic() - began} | response.timings,
            notes=(*response.notes, *([NO_TURNS] if case.turns else [])),
        )
