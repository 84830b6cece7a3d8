"""The vector store: passages' vectors in Chroma, under the passages' numbers, and nothing else.

with Store(folder, "news") as store:
    store.add([1, 2], vectors); store.nearest(vectors[0], limit=10)

Beside the folder lie, where Chroma is embedded: `chroma.lock`, held while files are opened or
written (also an opening may write them); `chroma.open`, there just as long, so that who gets the
lock and finds it knows that its maker died (docs/decisions/0015); `chroma.at`, the name of the
folder in use where it is another.
"""

import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ..errors import BylineError, IndexDamaged, IndexLocked
from .disk import is_refusal, reason_of, refused
from .survey import Survey, compare, survey

if TYPE_CHECKING:  # Chroma is imported when a collection is opened: it takes half a second
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection

_COLLECTION = "passages"
_FOLDER = re.compile(r"chroma(-\d+)?")
# Recall@10 at 100,000 hard vectors is .93 with ef_search 200 and .82 with the default of 100.
CONFIGURATION: "CreateCollectionConfiguration" = {
    "hnsw": {"space": "cosine", "ef_construction": 100, "ef_search": 200, "max_neighbors": 16}
}
_WAIT_SECONDS = 60.0  # another process writes a batch in half a second


class Store:
    """A collection, embedded in `folder`; opened when needed. `index/server.py` has the other kind.

    `archive_url` is the database of the archive whose vectors these are; None: archive.db beside.
    `unguarded`: the caller sees to it that nobody else has the folder open.
    """

    is_remote = False
    "whether it stands on a Chroma server"
    _batch = 5000
    "rows of a request: Chroma refuses more than 5,461 at once"

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        archive_url: str | None = None,
        unguarded: bool = False,
    ) -> None:
        self._home, self._name, self._archive_url = folder, _COLLECTION, archive_url
        self._is_guarded = not unguarded
        self._lock = FileLock(folder.with_name("chroma.lock"), timeout=_WAIT_SECONDS)
        self._torn: tuple[Path, BylineError] | None = None
        self._left: str | None = None
        self._opened_folder = folder
        self._client: ClientAPI | None = None
        self._collection: Collection | None = None
        self._using = threading.RLock()
        self._seen: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The folder in use: a rebuilt store has another name, so that a swap is one file."""
        if self._is_guarded and self._pointer.exists():
            name = self._pointer.read_text(errors="replace").strip()
            if _FOLDER.fullmatch(name):
                return self._home.with_name(name)
        return self._home

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
        for at in range(0, len(keys), self._batch):
            batch = slice(at, at + self._batch)
            self._write("upsert", ids=[str(key) for key in keys[batch]], embeddings=vectors[batch])

    def delete(self, keys: Sequence[int]) -> None:
        """Delete vectors; numbers that are not there do not matter."""
        for at in range(0, len(keys), self._batch):
            self._write("delete", ids=[str(key) for key in keys[at : at + self._batch]])

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        """The numbers of the passages nearest by cosine, best first.

        Raises IndexDamaged, DiskError or IndexLocked where the store cannot be read now.
        """
        found = self._call("query", query_embeddings=[vector], n_results=limit, include=[])
        return [int(key) for key in found["ids"][0]]  # type: ignore[index]

    def keys(self) -> set[int]:
        """The numbers of all passages whose vectors can be read."""
        return {key for keys, _ in self.pages(self._batch) for key in keys}

    def pages(self, size: int) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """All vectors that can be read, with their passages' numbers, so many at once."""
        found: Any = {"ids": [0]}
        at = 0
        while found["ids"]:
            # Ids alone are no proof of a vector.
            found = self._call("get", include=["embeddings"], limit=size, offset=at)
            at += size
            if found["ids"]:
                yield (
                    [int(key) for key in found["ids"]],
                    np.asarray(found["embeddings"], np.float32),
                )

    # After a fault

    @property
    def is_suspect(self) -> bool:
        """Whether a process died while it had the files open, or failed to write them."""
        if not self._is_guarded or not self._marker.exists():
            return False
        with self._locked():  # it is there, too, while another process is at work
            return self._marker.exists()

    def is_short_of(self, count: Callable[[], int]) -> bool:
        """Whether it has fewer vectors than that, where it can be lost without a mark of it."""
        return False

    def doubt(self) -> None:
        """Have who comes next hold the store against the archive: it is about to fall behind."""
        if self._is_guarded:
            with self._locked():
                self._note_open()

    def survey(self) -> Survey:
        """Hold all vectors against the archive's; in a child, unless this process had it open.

        The store stays suspect where it is short. Raises IndexDamaged, and it stays so too, where
        it cannot be read.
        """
        with self._using, self._locked():
            is_proven = self._collection is not None and not self._marker.exists()
            self.close()  # the child may write
            if self._was_written():
                raise self._damaged(ValueError("a process died or failed while it wrote it"))
            self._note_open()
            if is_proven:
                found = compare(self, self._archive, self._archive_url)
            else:
                found = survey(self.folder, self._archive, self._archive_url)
            self._torn, self._left = None, self._stamp()
            if found.is_complete:
                self._marker.unlink()
            return found

    def refill(self, pages: Iterable[tuple[Sequence[int], NDArray[np.float32]]]) -> None:
        """Make the store anew beside the old one, and put it in its place.

        Readers go on with the old one meanwhile; a kill leaves that one in use.
        """
        new = self._unused()
        with Store(new, "", unguarded=True) as beside:
            for keys, vectors in pages:
                beside.add(keys, vectors)
            beside._open()  # also where there is nothing to hold
        with self._using, self._locked():
            self.close()
            partial = self._pointer.with_suffix(".partial")
            partial.write_text(new.name)
            os.replace(partial, self._pointer)
            self._marker.unlink(missing_ok=True)
            self._torn = None
            self._sweep()

    def _unused(self) -> Path:
        self._sweep()
        held = [int(path.name[7:]) for path in self._folders() if path.name[7:].isdigit()]
        return self._home.with_name(f"chroma-{max(held, default=1) + 1}")

    def _sweep(self) -> None:
        """Delete the folders that are not in use: what came before, and what a kill left."""
        for path in self._folders():
            if path != self.folder:
                self._forget_system(path)
                shutil.rmtree(path, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return [p for p in self._home.parent.glob("chroma*") if p.is_dir()]

    def clear(self) -> None:
        """Start anew with an empty collection; a folder that cannot be read is thrown away."""
        self.refill(())

    # One at a time in the files

    @property
    def _marker(self) -> Path:
        return self._home.with_name("chroma.open")

    @property
    def _pointer(self) -> Path:
        return self._home.with_name("chroma.at")

    @property
    def _archive(self) -> Path:
        return self._home.with_name("archive.db")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._home.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise IndexLocked(
                f"Another process has been at the vector store {self._home} for "
                f"{_WAIT_SECONDS:.0f} seconds. Wait until it is done, or stop it, and try again."
            ) from None
        except OSError as error:
            raise refused(error, self._home.parent) from None
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out while files are opened or written.

        What a dead process left is proved first, by a child: opening it can end this one. Where
        something fails in here the files are in doubt, and the marker stays.
        """
        if not self._is_guarded:
            yield
            return
        with self._locked():
            if self._marker.exists():
                self._prove()
            if self._collection is not None and self._left != self._stamp():
                self.close()  # another process has written what this one holds in memory
            self._note_open()
            yield
            self._marker.unlink(missing_ok=True)
            self._left = self._stamp()

    def _note_open(self) -> None:
        """Note how the vector index's files are before Chroma may write them."""
        if self._marker.exists():
            return
        try:
            self._marker.write_text(self._stamp())
        except OSError as error:  # what is left of it is empty, and says that nothing was written
            raise refused(error, self._home.parent) from None

    def _was_written(self) -> bool:
        """Whether the vector index's files have changed since they were noted.

        They are not read then: of what is half written each vector can be read, and who walks its
        graph is still ended by it (docs/decisions/0015).
        """
        noted = self._marker.read_text(errors="replace") if self._marker.exists() else ""
        return noted not in ("", self._stamp())

    def _prove(self) -> None:
        if self._torn is None or self._torn[0] != self.folder:
            try:
                if self.survey().is_complete:
                    return
                error = self._damaged(ValueError("a process died while it wrote it"))
            except IndexDamaged as torn:
                error = torn
            self._torn = self.folder, error
        raise self._torn[1]

    def _stamp(self) -> str:
        """Size and time of the vector index's files."""
        folder = self.folder
        files = sorted([*folder.glob("*/*.bin"), *folder.glob("*/*.pickle")])
        found = [(f, f.stat()) for f in files]
        return "\n".join(
            [folder.name, *(f"{f.name} {s.st_size} {s.st_mtime_ns}" for f, s in found)]
        )

    def _write(self, method: str, **arguments: object) -> object:
        with self._using, self._alone():
            return self._call(method, **arguments)

    def _call(self, method: str, **arguments: object) -> object:
        with self._using:  # nobody closes the client meanwhile
            collection = self._open()
            from chromadb.errors import ChromaError

            try:
                return getattr(collection, method)(**arguments)
            except (ChromaError, sqlite3.Error, OSError) as error:
                raise self._damaged(error) from None

    def _open(self) -> "Collection":
        if self._collection is not None and self._opened_folder != self.folder:
            self.close()  # the one that is open has been replaced, and is gone
        if self._collection is None:
            if self._lock.is_locked:
                return self._opened()
            with self._alone():
                return self._opened()
        return self._collection

    def _opened(self) -> "Collection":
        try:
            self._opened_folder = self.folder
            self._client = self._connect()
            collection = self._client.get_or_create_collection(
                self._name, configuration=CONFIGURATION, embedding_function=None
            )
            collection.count()  # what is loaded, and perhaps written, at the first use is so now
        except Exception as error:  # its core and its client raise unrelated classes
            if self._client is None:
                self._forget_system(self.folder)
            raise self._damaged(error) from None
        self._collection = collection
        return collection

    def _forget_system(self, folder: Path) -> None:
        """Chroma keeps what it opened, or failed to open, by path, and would hand it out again."""
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient._identifier_to_system.pop(str(folder), None)

    def _connect(self) -> "ClientAPI":
        import chromadb
        from chromadb.config import Settings

        return chromadb.PersistentClient(str(self.folder), Settings(anonymized_telemetry=False))

    def _damaged(self, error: Exception) -> BylineError:
        reason = reason_of(error)
        if is_refusal(error):
            return refused(error, self.folder)
        return IndexDamaged(
            f"The vector store {self.folder} cannot be read: {reason}. "
            "Run `byline check --repair`: it is made anew from the archive, nothing is lost."
        )
