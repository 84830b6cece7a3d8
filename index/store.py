"""The vector store: passages' vectors in Chroma, under the passages' numbers, and nothing else.

with Store(folder, "news") as store:
    store.add([1, 2], vectors); store.nearest(vectors[0], limit=10)
"""

import shutil
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ..errors import BylineError, IndexDamaged, SettingsError

if TYPE_CHECKING:  # Chroma is imported when a collection is opened: it takes half a second
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection

_COLLECTION = "passages"
# Recall@10 at 100,000 hard vectors is .93 with ef_search 200 and .82 with the default of 100.
_CONFIGURATION: "CreateCollectionConfiguration" = {
    "hnsw": {"space": "cosine", "ef_construction": 100, "ef_search": 200, "max_neighbors": 16}
}
_LARGEST_BATCH = 5000  # Chroma refuses more than 5,461 rows at once


class Store:
    """A collection, embedded in `folder` or, with `url`, on a Chroma server; opened when needed."""

    def __init__(self, folder: Path, name: str, url: str | None = None) -> None:
        self.folder, self._url = folder, url
        self._name = _COLLECTION if url is None else name
        self._client: ClientAPI | None = None
        self._collection: Collection | None = None
        self._using = threading.RLock()
        self._seen: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files; a later call opens them again, and sees what others have written.

        (A loaded vector index never does by itself.)
        """
        with self._using:
            if self._client is not None:
                self._client.close()  # type: ignore[attr-defined]  # on every client
            self._client = self._collection = None

    def catch_up(self, generation: int, *, wrote: bool = False) -> None:
        """Let go of the files where the index has changed since, unless this store wrote that.

        A writer whose vector index is stale would lose what others have written, in silence.
        """
        with self._using:
            if not wrote and self._seen is not None and self._seen != generation:
                self.close()
            self._seen = generation

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
        """The numbers of all passages whose vectors can be read."""
        found = self._call("get", include=["embeddings"])  # ids alone are no proof of a vector
        return {int(key) for key in found["ids"]}  # type: ignore[index]

    def clear(self) -> None:
        """Start anew with an empty collection; a folder that cannot be read is thrown away."""
        if self._url is None:
            self.close()
            self._forget_system()  # another Desk of this process may have it open
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        with self._using:
            self._open()
            try:
                self._client.delete_collection(self._name)  # type: ignore[union-attr]
            except Exception as error:  # as in _open
                raise self._damaged(error) from None
            self.close()

    def _call(self, method: str, **arguments: object) -> object:
        with self._using:  # nobody closes the client meanwhile
            collection = self._open()
            from chromadb.errors import ChromaError

            try:
                return getattr(collection, method)(**arguments)
            except (ChromaError, sqlite3.Error, OSError) as error:
                raise self._damaged(error) from None

    def _open(self) -> "Collection":
        if self._collection is None:
            try:
                self._client = self._connect()
                self._collection = self._client.get_or_create_collection(
                    self._name, configuration=_CONFIGURATION, embedding_function=None
                )
            except Exception as error:  # its core and its client raise unrelated classes
                if self._client is None:
                    self._forget_system()
                raise self._damaged(error) from None
        return self._collection

    def _forget_system(self) -> None:
        """Chroma keeps what it opened, or failed to open, by path, and would hand it out again."""
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient._identifier_to_system.pop(str(self.folder), None)

    def _connect(self) -> "ClientAPI":
        import chromadb
        from chromadb.config import Settings

        options = Settings(anonymized_telemetry=False)
        if self._url is None:
            return chromadb.PersistentClient(str(self.folder), options)
        parts = urlsplit(self._url)
        return chromadb.HttpClient(
            host=parts.hostname or "",
            port=parts.port or (443 if parts.scheme == "https" else 8000),
            ssl=parts.scheme == "https",
            settings=options,
        )

    def _damaged(self, error: Exception) -> BylineError:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        if self._url is not None:
            return SettingsError(
                f"The Chroma server {self._url} cannot be used: {reason}. "
                "Check BYLINE_CHROMA_URL and that the server runs."
            )
        return IndexDamaged(
            f"The vector store {self.folder} cannot be read: {reason}. "
            "Run `byline check --rebuild`: it is made anew from the archive, nothing is lost."
        )
