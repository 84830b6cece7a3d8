"""Chroma as a server: a vector store that several machines share, or Chroma Cloud.

server = server_of("https://vectors.example/chroma", headers="Authorization: Basic b2s=")
store = store_at(server, folder / "chroma", "byline-1f0c")     # without a server: embedded

Its state is the server's own: readers and writers of all processes see the same collection, which
is made anew beside the one in use and takes its name then.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import httpx
import numpy as np
from numpy.typing import NDArray

from ..errors import BylineError, IndexDamaged, SettingsError, StoreUnavailable
from .disk import reason_of
from .store import CONFIGURATION, Store
from .survey import Survey, compare

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

_CLOUD = "chroma-cloud://"
_CLOUD_AT = {"cloud_host": "api.trychroma.com", "cloud_port": 443, "enable_ssl": True}
_LARGEST_BYTES = 4_000_000  # of vectors in one request; a third more as base64
_MOST_ROWS = 1000  # of one request that reads
_CLOUD_ROWS = 300  # of any request: the quota that Chroma Cloud publishes
_TIMEOUT_SECONDS = 60.0
_WAITS = (0.3, 1.0)  # seconds before a request that broke off is sent again: all can be repeated
_BUSY = (429, 500, 502, 503, 504)
_EMPTY: dict[str, Any] = {"query": {"ids": [[]]}, "get": {"ids": []}}
_T = TypeVar("_T")


def store_at(
    server: "Server | None", folder: Path, name: str, *, archive_url: str | None = None
) -> Store:
    """The store of an index on a server; None: embedded in its folder. `archive_url` as there."""
    if server is None:
        return Store(folder, name, archive_url=archive_url)
    return ServerStore(folder, name, server, archive_url=archive_url)


def server_of(
    address: str | None, api_key: str | None = None, headers: str | None = None
) -> "Server | None":
    """The server that settings name; `headers` are lines of `Name: value`.

    Raises SettingsError where they are malformed, or a key is missing.
    """
    if address is None:
        return None
    if address.startswith(_CLOUD) and not api_key:
        raise SettingsError(
            f"store is {address}: set its key with BYLINE_STORE_API_KEY or CHROMA_API_KEY."
        )
    if api_key and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise SettingsError("store_api_key is no key: it holds a space or another odd character.")
    return Server(address.rstrip("/"), api_key, _headers(headers))


def _headers(given: str | None) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, (given or "").splitlines())):
        name, colon, value = line.partition(":")
        if not (
            colon and line.isascii() and line.isprintable() and name.replace("-", "").isalnum()
        ):
            raise SettingsError(
                "store_headers is not valid: give lines of `Name: value`, in ASCII. "
                "(They are not shown here.)"
            )
        found[name] = value.strip()
    return found


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Chroma is, and what opens it."""

    address: str
    api_key: str | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def connect(self) -> "ClientAPI":
        """A client. Raises BylineError where the server is not well, or what the client does."""
        if told := self._looked_at():
            raise told
        import chromadb
        from chromadb.config import Settings

        headers, options = dict(self.headers), Settings(anonymized_telemetry=False)
        if self.address.startswith(_CLOUD):
            tenant, _, database = self.address.removeprefix(_CLOUD).partition("/")
            options.chroma_server_headers = headers
            at: Any = _CLOUD_AT
            client = chromadb.CloudClient(tenant, database, self.api_key, options, **at)
        else:
            if self.api_key:
                headers["X-Chroma-Token"] = self.api_key
            is_tls = self.address.startswith("https")
            client = chromadb.HttpClient(
                self.address, ssl=is_tls, headers=headers, settings=options
            )
        for session in _sessions(client):  # else one that hangs is waited for without end
            session.timeout = httpx.Timeout(_TIMEOUT_SECONDS)
        return client

    def told(self, error: Exception) -> BylineError:
        """What is to be told of an error, once the server was asked whether it is well.

        Chroma's client leaves the status out of what it raises.
        """
        from chromadb import errors

        where, reason = f"The vector store {self.address}", reason_of(error).rstrip("?.")
        if isinstance(error, httpx.TransportError):
            return self._away(reason)
        if isinstance(error, (errors.ChromaAuthError, errors.AuthorizationError)):
            return SettingsError(f"{where} refuses it: {reason}. {_KEYS}")
        is_home = isinstance(error, errors.NotFoundError) and "ollection" not in reason
        if is_home or isinstance(error, errors.VersionMismatchError):
            return SettingsError(f"{where} cannot be used: {reason}. Check BYLINE_STORE.")
        if isinstance(error, (errors.NotFoundError, errors.InvalidArgumentError)):
            return IndexDamaged(
                f"{where} cannot be read: {reason}. Run `byline check --repair`: it is made anew "
                "from the archive, nothing is lost."
            )
        if isinstance(error, errors.ChromaError):
            return self._away(reason)
        return self._looked_at() or SettingsError(
            f"{where} cannot be used: {reason}. Check BYLINE_STORE, and what stands before it."
        )

    def _away(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"The vector store {self.address} does not answer: {reason}. Check that it runs and "
            "try again: what was accepted is kept, the rest is to be added again."
        )

    def _looked_at(self) -> BylineError | None:
        """What is wrong with the server, as a plain request sees it; None: nothing is."""
        headers, base = dict(self.headers), self.address
        if self.api_key:
            headers["X-Chroma-Token"] = self.api_key
        if self.address.startswith(_CLOUD):
            scheme = "https" if _CLOUD_AT["enable_ssl"] else "http"
            base = f"{scheme}://{_CLOUD_AT['cloud_host']}:{_CLOUD_AT['cloud_port']}"
        try:
            reply = httpx.get(f"{base}/api/v2/auth/identity", headers=headers, timeout=10)
        except httpx.TransportError as error:
            return self._away(reason_of(error))
        except (httpx.InvalidURL, ValueError) as error:
            told = f"store {self.address} is no address: {reason_of(error)}. Set BYLINE_STORE."
            return SettingsError(told)
        said = f"HTTP {reply.status_code}"
        if reply.status_code in (401, 403):
            return SettingsError(f"The vector store {self.address} refuses it: {said}. {_KEYS}")
        if reply.status_code in _BUSY:
            return self._away(said)
        if reply.status_code != 200 or '"tenant"' not in reply.text:
            return SettingsError(
                f"No Chroma answers at {self.address} ({said}): check the address and path of "
                "BYLINE_STORE."
            )
        return None


_KEYS = "Check BYLINE_STORE, BYLINE_STORE_API_KEY and BYLINE_STORE_HEADERS."


class ServerStore(Store):
    """A collection on a server; connected to when needed.

    What breaks off is sent again. A collection that is not there reads as empty, and is made by
    the first write.
    """

    is_remote = True

    def __init__(
        self, folder: Path, name: str, server: Server, *, archive_url: str | None = None
    ) -> None:
        super().__init__(folder, name, archive_url=archive_url, unguarded=True)
        self._name, self._server = name, server
        self._quota = _CLOUD_ROWS if server.address.startswith(_CLOUD) else sys.maxsize
        self._batch = min(self._batch, self._quota)
        self._proven: object = None
        self._had = 0

    def close(self) -> None:
        """Let go of the connections; a later call opens them again."""
        with self._using:
            if self._client is not None:
                for session in _sessions(self._client):
                    session.close()
        super().close()

    def catch_up(self, generation: int, *, wrote: bool = False) -> None:
        """Nothing: what others have written is seen at once."""

    def add(self, keys: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """As `Store.add`, in requests that proxies let through."""
        rows = min(self._batch, max(1, _LARGEST_BYTES // max(1, vectors.shape[1] * 4)))
        for at in range(0, len(keys), rows):
            super().add(keys[at : at + rows], vectors[at : at + rows])

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        """As `Store.nearest`; Chroma Cloud finds 300 at most."""
        return super().nearest(vector, min(limit, self._quota))

    def pages(self, size: int) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """As `Store.pages`, in replies of no more rows than a server gives."""
        return super().pages(min(size, _MOST_ROWS, self._quota))

    @property
    def is_suspect(self) -> bool:
        """Whether a process died between a change of all vectors and making them anew."""
        with self._using:
            self._collection = None  # what another process has noted is seen
        found = self._asked(self._held)
        return found is not None and bool((found.metadata or {}).get("suspect"))

    def is_short_of(self, count: Callable[[], int]) -> bool:
        """Whether the collection has fewer vectors than that.

        It is asked where it is another than the last time, or has fewer.
        """
        there = int(self._call("count") or 0)  # type: ignore[call-overload]
        is_known = self._collection is not None and self._collection.id == self._proven
        if not (is_known and there >= self._had) and there < count():
            return True
        self._proven, self._had = self._collection and self._collection.id, there
        return False

    def doubt(self) -> None:
        """As `Store.doubt`."""
        self._mark(True)

    def _mark(self, is_suspect: bool) -> None:
        with self._using:
            self._asked(lambda: self._open().modify(metadata={"suspect": is_suspect}))

    def survey(self) -> Survey:
        """Hold all vectors against the archive's."""
        found = compare(self, self._archive, self._archive_url)
        if found.is_complete and self.is_suspect:
            self._mark(False)
        return found

    def refill(self, pages: Iterable[tuple[Sequence[int], NDArray[np.float32]]]) -> None:
        """Make the collection anew beside the old one, which gives its name to it at the end.

        A kill between the two leaves none: `is_short_of` tells the next writer.
        """
        name = f"{self._name}-anew"
        with self._using:
            client = self._asked(self._connected)
            self._asked(lambda: _drop(client, name))
            new = ServerStore(self._home, name, self._server)
            with new:
                made = new._asked(new._open).id
                for keys, vectors in pages:
                    new.add(keys, vectors)
            self._asked(lambda: _drop(client, self._name))
            self._asked(lambda: _rename(client, name, self._name, made))
            self._collection = None

    def clear(self) -> None:
        """Start anew with an empty collection."""
        self.refill(())

    def _write(self, method: str, **arguments: object) -> object:
        return self._call(method, **arguments)

    def _call(self, method: str, **arguments: object) -> object:
        def call() -> object:
            found = self._open() if method == "upsert" else self._held()
            return getattr(found, method)(**arguments) if found is not None else None

        def call_twice() -> object:
            from chromadb.errors import NotFoundError

            try:
                return call()
            except NotFoundError:  # it was made anew: another has its name
                self._collection = None
                return call()

        return self._asked(call_twice) or _EMPTY.get(method)

    def _asked(self, ask: Callable[[], _T]) -> _T:
        """What the server answers. Raises StoreUnavailable, SettingsError, IndexDamaged."""
        for wait in (*_WAITS, 0.0):
            try:
                return ask()
            except BylineError as error:
                told = error
            except Exception as error:  # its client raises unrelated classes
                told = self._server.told(error)
            if not (wait and isinstance(told, StoreUnavailable)):
                raise told
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _connected(self) -> "ClientAPI":
        with self._using:
            if self._client is None:
                self._client = self._server.connect()
            return self._client

    def _held(self) -> "Collection | None":
        """The collection; None where there is none of that name."""
        from chromadb.errors import NotFoundError

        if (found := self._collection) is None:
            client = self._connected()
            try:
                found = self._collection = client.get_collection(self._name, None)
            except NotFoundError:
                return None
        return found

    def _open(self) -> "Collection":
        found = self._held()
        if found is None:
            found = self._collection = self._connected().get_or_create_collection(
                self._name, configuration=CONFIGURATION, embedding_function=None
            )
        return found


def _sessions(client: "ClientAPI") -> list[httpx.Client]:
    """The connections of a client, which it neither bounds nor closes itself."""
    parts: tuple[Any, ...] = client, client._admin_client  # type: ignore[attr-defined]
    return [part._server._session for part in parts]


def _drop(client: "ClientAPI", name: str) -> None:
    from chromadb.errors import NotFoundError

    with suppress(NotFoundError):
        client.delete_collection(name)


def _rename(client: "ClientAPI", name: str, new: str, made: UUID) -> None:
    from chromadb.errors import NotFoundError

    try:
        client.get_collection(name, None).modify(name=new)
    except NotFoundError:  # it may be done, and only the reply was lost
        if client.get_collection(new, None).id != made:
            raise
