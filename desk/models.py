"""The models of a desk: handed in, or made of its settings when they are first asked for."""

import pickle
import threading
from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import SecretStr

from ..errors import InputError, SettingsError
from ..index.archive import Archive
from ..index.embed import Embedder, LlamaIndexEmbedder, MiniLM, openai_embedder
from ..index.reach import address_of, require_local
from ..qa.judge import LLMJudge, NLIJudge
from ..qa.model import close_client, openai_llm
from ..qa.verify import Judge
from ..settings import Settings

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import LLM


class Models:
    """What writes, checks and embeds; each method may be called from several threads.

    Each raises SettingsError where its model is elsewhere and the index is for this machine only.
    """

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        *,
        llm: "LLM | None",
        judge: Judge | None,
        embedder: "BaseEmbedding | Embedder | None",
        stay_here: bool,
    ) -> None:
        self._settings, self._archive, self._stay_here = settings, archive, stay_here
        self._handed = llm, judge, _as_embedder(embedder)
        self._llm, self._judge, self._embedder = self._handed
        self._loading = threading.Lock()
        self._made = ExitStack()
        "closes the models that were made here"

    def close(self) -> None:
        """Let go of the models that were made here; the others are their owner's."""
        self._made.close()
        self._llm, self._judge, self._embedder = self._handed

    @property
    def has_llm(self) -> bool:
        """Whether there is a language model, loaded or not."""
        return self._llm is not None or self._settings.llm is not None

    def llm(self) -> "LLM | None":
        """The language model that writes answers; None: they are quoted."""
        given, name = self._settings, self._settings.llm
        self._require_here("model", self._handed[0], name, given.llm_base_url)
        with self._loading:
            if self._llm is None and name is not None:
                base_url = given.llm_base_url
                if name.startswith("gguf:"):
                    from ..qa.local import LocalModel

                    local = LocalModel(name[5:], given.llm_context_window)
                    self._made.callback(local.close)
                    base_url, name = local.base_url, Path(name).stem
                self._llm = self._at(name, base_url, given.llm_api_key)
                self._made.callback(close_client, self._llm)
            return self._llm

    def judge(self) -> Judge | None:
        """The model that checks statements beside the rules; None: they alone."""
        given, name = self._settings, self._settings.judge
        nli = name[4:] if name and name.startswith("nli:") else None
        self._require_here("judge", self._handed[1], name, nli or given.judge_base_url)
        with self._loading:
            if self._judge is None and name is not None:
                if nli is not None:
                    judge: NLIJudge | LLMJudge = NLIJudge(nli)
                else:
                    judge = LLMJudge(self._at(name, given.judge_base_url, given.judge_api_key))
                self._judge = judge
                self._made.callback(judge.close)
            return self._judge

    def embedder(self) -> Embedder:
        """What makes vectors of passages and questions."""
        given = self._settings
        self._require_here("embedder", self._handed[2], given.embedder, given.embed_base_url)
        with self._loading:
            if self._embedder is None:
                self._embedder = _maker(given)()
                if isinstance(self._embedder, LlamaIndexEmbedder):
                    self._made.callback(self._embedder.close)
            return self._embedder

    def embedder_maker(self, threads: int) -> Callable[[], Embedder]:
        """What makes the same embedder in another process. Raises InputError: it cannot travel."""
        self.embedder()  # refused here, if at all
        if (handed := self._handed[2]) is None:
            return _maker(self._settings, threads=threads)
        try:
            pickle.dumps(handed)
        except Exception as error:  # of whatever class
            raise InputError(
                f"The embedder that was handed in cannot be sent to other processes: {error}. "
                "Name one in the settings."
            ) from None
        return partial(copy, handed)

    def _at(self, name: str, base_url: str | None, key: SecretStr | None) -> "LLM":
        given = self._settings
        return openai_llm(
            name,
            base_url,
            _secret(key),
            context_window=given.llm_context_window,
            max_tokens=given.llm_max_tokens,
            timeout_seconds=given.llm_timeout_seconds,
        )

    def _require_here(
        self, what: str, handed: object, name: str | None, address: str | None
    ) -> None:
        if handed is not None and not self._stay_here:
            require_local(self._archive, f"the {what} that was handed in", address_of(handed))
        elif handed is None and name is not None:
            here = name == "minilm" or name.startswith("gguf:")
            require_local(self._archive, f"{what} {name}", "http://127.0.0.1" if here else address)


def _maker(settings: Settings, **options: int) -> Callable[[], Embedder]:
    if settings.embedder == "minilm":
        return partial(MiniLM, settings.embed_model_dir, **options)
    kind, _, name = settings.embedder.partition(":")
    if kind != "openai" or not name:
        raise SettingsError(
            f"There is no embedder '{settings.embedder}': use minilm, or openai:NAME."
        )
    return partial(
        openai_embedder,
        name,
        settings.embed_base_url,
        _secret(settings.embed_api_key),
        batch=settings.embed_batch,
        at_once=settings.embed_at_once,
    )


def _as_embedder(given: "BaseEmbedding | Embedder | None") -> Embedder | None:
    if hasattr(given, "get_text_embedding"):  # a BaseEmbedding, told without importing LlamaIndex
        return LlamaIndexEmbedder(cast("BaseEmbedding", given))
    return given


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
