"""Stand-ins that can be read by eye: an embedder that counts letters, a model that says a text.

embedder = Letters(); llm = saying("Rates rose [1].")
"""

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

import numpy as np
from byline.index.embed import Vectors


class Letters:
    """Counts the letters a to z of a text; `asked` holds every text that was embedded."""

    def __init__(self, name: str = "letters", alphabet: str = ascii_lowercase) -> None:
        self.name, self._alphabet = name, alphabet
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        counts = np.array([self._counts(text) for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    def embed_question(self, text: str) -> Vectors:
        return self.embed([text])[0]

    def _counts(self, text: str) -> list[float]:
        folded = text.lower()
        return [1.0, *(float(folded.count(letter)) for letter in self._alphabet)]


class Broken(Letters):
    """An embedder that must not be asked."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError(f"{len(texts)} texts were embedded again")


def saying(*replies: str, window: int = 4096) -> Any:
    """A LlamaIndex LLM that gives the replies in turn, the last one for ever.

    `prompts` holds what it was asked; streamed, it gives a word at a time.
    """
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
    from pydantic import PrivateAttr

    class Parrot(CustomLLM):
        _prompts: list[str] = PrivateAttr(default_factory=list)

        @property
        def prompts(self) -> list[str]:
            return self._prompts

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=window, num_output=64, model_name="parrot")

        def _next(self, prompt: str) -> str:
            self._prompts.append(prompt)
            return replies[min(len(self._prompts), len(replies)) - 1]

        def complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            return CompletionResponse(text=self._next(prompt))

        def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            said = ""
            for word in self._next(prompt).split(" "):
                delta = f" {word}" if said else word
                said += delta
                yield CompletionResponse(text=said, delta=delta)

    return Parrot()
