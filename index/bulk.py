"""Adding on a Ray cluster: workers read, clean, cut and embed; this process decides and writes.

with cluster("local", workers=2, threads=1) as size:
    found = read(["s3://bucket/news"], Work(...), size, threads=1)
    report = add(found, archive, store, embedder, lock_file=folder / "lock")

The workers' functions are those of one machine (read, build). What they are done with comes back in
the order of the input, so that `add` sees the same as where it reads by itself.
"""

import logging
import os
import pickle
import pkgutil
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ray
import ray.data
from ray.exceptions import RayError

from .. import __version__
from ..errors import BylineError, IndexMismatch, InputError, SettingsError
from . import build
from .archive.inventory import Inventory
from .article import Article
from .embed import Embedder
from .read import Entry, Failure, File, Found, entries, files

_TOGETHER = 16  # articles that are embedded at once: some seconds of one thread
_FILES, _BYTES = 64, 8_000_000  # of a task that reads
_TASKS = 2_000  # that are planned at once: what they name is in the memory of this process
_READER = 0.1  # of a processor: reading takes .03 of what embedding takes (docs/log.md)
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker is told once."""

    make_embedder: Callable[[], Embedder]
    embedder: str
    "its name, as the index has it"
    inventory: Inventory
    passage_chars: int
    max_article_bytes: int


def is_connected() -> bool:
    """Whether this program has a connection to a Ray cluster already, wherever that is."""
    return bool(ray.is_initialized())


@contextmanager
def cluster(address: str, workers: int, threads: int) -> Iterator[int]:
    """A connection to a Ray cluster, with how many workers: so many, or (0) as it has room for.

    `address`: local (a cluster of this process), auto, HOST:PORT or ray://HOST:PORT. A program that
    is connected already keeps its connection. Raises SettingsError.
    """
    is_own = not is_connected()
    if is_own and address == "local":
        workers = workers or max(1, (os.cpu_count() or 1) // threads)
    try:
        if is_own:
            _connect(address, workers * threads + _spare(threads))
        for version in _versions():
            if version != __version__:
                raise SettingsError(
                    f"A worker of the Ray cluster has Byline {version}, this is {__version__}: "
                    "give both the same."
                )
        room = (int(ray.cluster_resources().get("CPU", 0)) - _spare(threads)) // threads
        if not workers and room < 1:
            raise SettingsError(
                f"The Ray cluster has no room for a worker of {threads} threads: set "
                "BYLINE_RAY_THREADS lower, or BYLINE_RAY_WORKERS where it grows by itself."
            )
        yield workers or room
    finally:
        if is_own:
            ray.shutdown()


def read(
    paths: Iterable[Path | str | Found], work: Work, workers: int, threads: int
) -> Iterator[Found]:
    """As `read.read`, by a cluster that is connected, each article with what was made of it.

    Raises BylineError where the cluster or its embedder fails, having given what comes before.
    """
    groups = _groups(files(paths))
    while some := list(islice(groups, _TASKS)):
        if not any(isinstance(one, File) for group in some for one in group):
            yield from chain.from_iterable(some)  # failures: nobody need start for them
            continue
        try:
            for batch in _results(some, work, workers, threads):
                if isinstance(batch, BylineError):
                    raise batch
                yield from batch
        except (RayError, ConnectionError) as error:
            raise BylineError(
                f"The Ray cluster failed: {_told(error)}. What was accepted is kept: run it again "
                "to go on."
            ) from None


def _connect(address: str, processors: int) -> None:
    options: dict[str, Any] = {}
    if address == "local":
        options = {"num_cpus": processors, "include_dashboard": False}
    elif address != "auto":
        _require_listening(address)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except Exception as error:  # of many classes
        raise SettingsError(
            f"The Ray cluster {address} cannot be used: {_told(error)}. Check the address, that it "
            f"runs Ray {ray.__version__} as this process does, and RAY_AUTH_MODE=token where it "
            "asks for a token."
        ) from None


def _spare(threads: int) -> int:
    """Processors that workers leave to readers, since Ray takes no fraction of more than one."""
    return int(threads > 1)


def _require_listening(address: str) -> None:
    parts = urlsplit(address if "://" in address else f"ray-node://{address}")
    try:
        host, port = parts.hostname, parts.port or (10001 if parts.scheme == "ray" else None)
        if parts.scheme not in ("ray", "ray-node") or not host or not port:
            raise ValueError
    except ValueError:
        raise InputError(
            f"'{address}' is no address of a Ray cluster: use local, auto, HOST:PORT or "
            "ray://HOST:PORT."
        ) from None
    try:
        socket.create_connection((host, port), _PATIENCE_SECONDS).close()
    except OSError as error:
        raise SettingsError(
            f"No Ray cluster answers at {address}: {error.strerror or error}. Check the address, "
            "or use --ray local."
        ) from None


def _versions() -> set[str]:
    """The release of Byline on each node that has processors. Raises SettingsError."""
    ask = ray.remote(num_cpus=0)(pkgutil.resolve_name)
    nodes = [n["NodeID"] for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]
    on = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    asked = [
        ask.options(scheduling_strategy=on(node, soft=True)).remote(f"{__name__}:__version__")
        for node in nodes
    ]
    try:
        return set(ray.get(asked))
    except RayError as error:
        raise SettingsError(
            f"Byline cannot be used on the workers of the Ray cluster: {_told(error)}. Install "
            "byline[ray] in their image, or hand it over with a runtime_env (docs/bulk.md)."
        ) from None


def _groups(found: Iterable[File | Found]) -> Iterator[list[File | Found]]:
    """What one task reads: some small files, or a large one."""
    group, size = list[File | Found](), 0
    for one in found:
        if isinstance(one, Entry):
            raise InputError(f"{one.path}: a Ray cluster reads files and object storage alone.")
        if isinstance(one, File) and str(one.at).startswith("memory:"):
            raise InputError(f"{one.at} is in the memory of this process: no worker sees it.")
        own = one.size if isinstance(one, File) else 0
        if group and (len(group) == _FILES or size + own > _BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += own
    if group:
        yield group


def _results(
    groups: Sequence[Sequence[File | Found]], work: Work, workers: int, threads: int
) -> Iterator[list[Found] | BylineError]:
    """What the workers make of each group, in order, some articles at a time."""
    rows = [{"files": pickle.dumps(group)} for group in groups]
    told = ray.put(work)
    if not ray.util.client.ray.is_connected():
        made = _rows(rows, told, workers, threads)
    else:  # Ray Data does not run at the far end of a Ray Client
        feed = ray.remote(num_cpus=0)(_Feed).remote(rows, [told], workers, threads)
        made = iter(lambda: ray.get(feed.next.remote()), None)
    return map(pickle.loads, made)


class _Feed:
    """Runs the stages inside the cluster, for one who is not."""

    def __init__(self, rows: list[Any], told: list[Any], workers: int, threads: int) -> None:
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        self._rows = _rows(rows, told[0], workers, threads)

    def next(self) -> bytes | None:
        return next(self._rows, None)


def _rows(rows: list[Any], told: Any, workers: int, threads: int) -> Iterator[bytes]:
    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.target_max_block_size = 1  # bytes: each row travels by itself, as soon as it is made
    context.enable_progress_bars = context.print_on_execution_start = False
    with ray.data.DataContext.current(context):
        found = (
            ray.data.from_items(rows, override_num_blocks=len(rows))
            .flat_map(
                _read,
                fn_args=[told],
                num_cpus=_READER,
                compute=ray.data.TaskPoolStrategy(size=min(workers, len(rows))),
            )
            .map_batches(
                _Embedding,
                batch_size=None,
                fn_constructor_args=[told],
                num_cpus=threads if _spare(threads) else 1 - _READER,
                compute=ray.data.ActorPoolStrategy(size=workers),
            )
        )
    for row in found.iter_rows():
        yield row["found"]


# What runs on the workers


def _read(row: dict[str, Any], told: Any) -> Iterator[dict[str, Any]]:
    """The stages before embedding: read, clean and cut."""
    work = ray.get(told)
    found = chain.from_iterable(_found(one, work) for one in pickle.loads(row["files"]))
    while batch := list(islice(found, _TOGETHER)):
        yield {"found": pickle.dumps(batch)}


def _found(one: File | Found, work: Work) -> Iterator[Found]:
    if not isinstance(one, File):
        yield one
    elif isinstance(one.at, Path) and not one.at.exists():
        why = f"the worker on {socket.gethostname()} does not see it: use a shared disk or storage"
        yield Failure(one.shown, None, why)
    else:
        for at, found in enumerate(entries(one, work.max_article_bytes)):
            yield _made(found, at, one, work) if isinstance(found, Entry) else found


def _made(entry: Entry, at: int, file: File, work: Work) -> Entry | Failure:
    """The entry in a form that travels, with the passages of its article where they are new."""
    held = work.inventory
    if held.has_read(entry.fingerprint):
        return replace(entry, load=partial(_again, file, at, work.max_article_bytes))
    article = build.load(entry)
    if isinstance(article, Failure):
        return article
    is_new = not (held.has_version(article) or held.was_erased(article))
    made = build.cut(article, None, (), work.passage_chars) if is_new else None
    return replace(entry, load=partial(_given, article), made=made)


def _given(article: Article) -> Article:
    return article


def _again(file: File, at: int, limit: int) -> Article:
    """An article that was known when the run began, and is not any more: it is read now."""
    found = next(islice(entries(file, limit), at, None), None)
    if not isinstance(found, Entry):
        raise InputError("it was changed while it was added: add it again")
    return found.load()


class _Embedding:
    """The last stage: a worker that keeps its embedder; what stops that one is a result, too."""

    def __init__(self, told: Any) -> None:
        self._work: Work = ray.get(told)
        self._embedder: Embedder | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        return {"found": [pickle.dumps(self._embedded(pickle.loads(f))) for f in batch["found"]]}

    def _embedded(self, found: list[Found]) -> list[Found] | BylineError:
        made = [one.made for one in found if isinstance(one, Entry) and one.made]
        try:
            vectors = iter(build.embed(made, self._loaded())) if made else iter(())
        except BylineError as error:
            return error
        return [
            replace(one, made=next(vectors)) if isinstance(one, Entry) and one.made else one
            for one in found
        ]

    def _loaded(self) -> Embedder:
        if self._embedder is None:
            self._embedder = self._work.make_embedder()
        if self._embedder.name != self._work.embedder:
            raise IndexMismatch(
                f"A worker's embedder is {self._embedder.name}, not {self._work.embedder}: give "
                "the workers the same model as this process."
            )
        return self._embedder


def _told(error: Exception) -> str:
    """What was wrong, in one line; Ray puts tracebacks of its processes around it."""
    cause = getattr(error, "cause", None) or error
    line = next((line.strip() for line in str(cause).splitlines() if line.strip()), "")
    return f"{type(cause).__name__}: {line}"[:300].rstrip(".:")
