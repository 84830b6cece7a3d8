"""The vector store: passages' vectors in Chroma, under the passages' numbers, and nothing else.

with Store(folder, dimension=384) as store:
    store.add([1, 2], vectors); store.nearest(vectors[0], limit=10)
"""

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.errors import ChromaError
from numpy.typing import NDArray

from ..errors import IndexDamaged, SettingsError

_COLLECTION = "passages"
# Recall@10 at 100,000 hard vectors is .93 with ef_search 200 and .82 with the default of 100.
_HNSW = {"space": "cosine", "ef_construction": 100, "ef_search": 200, "max_neighbors": 16}
_LARGEST_BATCH = 5000  # Chroma refuses more than 5,461 rows at once


class Store:
    """An open collection, embedded in `folder` or, with `url`, on a Chroma server."""

    def __init__(self, folder: Path, name: str, url: str | None = None) -> None:
        self.folder, self._url = folder, url
        self._name = _COLLECTION if url is None else f"byline-{name}"
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        options = chromadb.Settings(anonymized_telemetry=False)
        try:
            if self._url is None:
                self._client = chromadb.PersistentClient(str(self.folder), options)
            else:
                parts = urlsplit(self._url)
                self._client = chromadb.HttpClient(
                    host=parts.hostname or "",
                    port=parts.port or (443 if parts.scheme == "https" else 8000),
                    ssl=parts.scheme == "https",
                    settings=options,
                )
            self._collection = self._client.get_or_create_collection(
                self._name, configuration={"hnsw": _HNSW}, embedding_function=None
            )
        except Exception as error:  # its Rust core and its client raise unrelated classes
            if self._url is not None:
                raise SettingsError(
                    f"The Chroma server {self._url} cannot be used: {error}. "
                    "Check BYLINE_CHROMA_URL and that the server runs."
                ) from None
            raise self._damaged(error) from None

    def close(self) -> None:
        """Close the client; the last one on a folder lets go of its files."""
        self._client.close()

    def reopen(self) -> None:
        """See what another process has written: a loaded vector index never does by itself."""
        self.close()
        self._open()

    def add(self, keys: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Store vectors under the passages' numbers, in place of any that are there."""
        for at in range(0, len(keys), _LARGEST_BATCH):
            batch = slice(at, at + _LARGEST_BATCH)
            self._call("upsert", ids=[str(key) for key in keys[batch]], embeddings=vectors[batch])

    def delete(self, keys: Sequence[int]) -> None:
        """Delete vectors; numbers that are not there do not matter."""
        for at in range(0, len(keys), _LARGEST_BATCH):
            self._call("delete", ids=[str(key) for key in keys[at : at + _LARGEST_BATCH]])

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        """The numbers of the passages nearest by cosine, best first."""
        found = self._call("query", query_embeddings=[vector], n_results=limit, include=[])
        return [int(key) for key in found["ids"][0]]  # type: ignore[index]

    def keys(self) -> set[int]:
        """The numbers of all passages that are here."""
        return {int(key) for key in self._call("get", include=[])["ids"]}  # type: ignore[index]

    def clear(self) -> None:
        """Start anew with an empty collection."""
        if self._url is None:
            self.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self._client.delete_collection(self._name)
        self._open()

    def _call(self, method: str, **arguments: object) -> object:
        try:
            return getattr(self._collection, method)(**arguments)
        except (ChromaError, sqlite3.Error, OSError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> IndexDamaged:
        reason = " ".join(str(error).split())[:200]
        return IndexDamaged(
            f"The vector store {self.folder} cannot be read: {reason}. "
            "Run `byline check --rebuild`: it is made anew from the archive, nothing is lost."
        )
