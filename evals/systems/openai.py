"""A chat endpoint that speaks OpenAI's API: only its text and what it took are known."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

from ...errors import InputError, ModelError
from ...qa.budget import price
from ..case import Case
from ..response import Response, Spent
from .system import NO_FILTERS, is_limited


class OpenAISystem:
    """A chat endpoint: only its text and what it took are known."""

    def __init__(self, model: str, base_url: str, stack: ExitStack) -> None:
        from openai import OpenAI

        from ...settings import load_settings

        key = load_settings(llm=model, llm_base_url=base_url).llm_api_key
        self._client = stack.enter_context(
            closing(
                OpenAI(
                    base_url=base_url,
                    api_key=key.get_secret_value() if key else "none",
                    timeout=300,
                    max_retries=1,
                )
            )
        )
        self._model = model
        self.label, self.about = model, {"model": model, "url": base_url}
        self.depends_on = None

    def answer(self, case: Case) -> Response:
        """Ask with the turns before as messages, streaming."""
        from openai import OpenAIError

        messages: Any = [*_messages(case)]
        began = time.monotonic()
        first, text, usage = None, "", None
        try:
            for chunk in self._client.chat.completions.create(
                model=self._model,
                messages=messages,
                temperature=0,
                stream=True,
                stream_options={"include_usage": True},
            ):
                usage = chunk.usage or usage
                delta = chunk.choices[0].delta.content if chunk.choices else None
                if delta:
                    first = first or time.monotonic() - began
                    text += delta
        except OpenAIError as error:
            raise ModelError(f"{self._model}: {' '.join(str(error).split())[:200]}") from None
        total = time.monotonic() - began
        spent = Spent(
            usage.prompt_tokens if usage else None,
            usage.completion_tokens if usage else None,
            calls=1,
        )
        timings = {"total": total} | ({"first_token": first} if first else {})
        return Response(
            text,
            model=self._model,
            usage=replace(spent, cost=price(self._model, spent)),
            timings=timings,
            notes=(NO_FILTERS,) if is_limited(case) else (),
        )


def _messages(case: Case) -> Iterator[dict[str, str]]:
    for turn in case.turns:
        yield {"role": "user", "content": turn.question}
        if turn.answer:
            yield {"role": "assistant", "content": turn.answer}
    yield {"role": "user", "content": case.question}


def model_at(address: str) -> tuple[str, str]:
    """Name and address of MODEL@URL. Raises InputError where it is not of that form."""
    model, _, url = address.partition("@")
    if not model or not url.startswith(("http://", "https://")):
        raise InputError(f"'{address}' names no model at an address: write MODEL@http://HOST/v1.")
    return model, url
