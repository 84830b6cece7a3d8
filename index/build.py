"""Brings articles into an index: read, cut, embed, accept, publish; and out of it again.

report = add(["articles/"], archive, store, embedder, lock)
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import IndexLocked, InputError
from .archive import Accession, Archive
from .article import Article
from .chunk import chunk
from .embed import Embedder
from .read import Entry, Failure, read
from .store import Store

_BATCH = 64  # articles that become durable at once: two or three seconds of the bundled embedder


@dataclass(slots=True)
class Report:
    """What became of everything that was to be added."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def accepted(self) -> int:
        """How many articles are in the index as they were given."""
        return self.added + self.updated + self.unchanged

    @property
    def articles_per_second(self) -> float:
        """Articles looked at in a second, failures left out."""
        return round(self.accepted / self.seconds, 1) if self.seconds else 0.0


@contextmanager
def writing(lock_file: Path, wait_seconds: float = 30.0) -> Iterator[None]:
    """Hold the writer's lock of an index; raise IndexLocked, naming the holder, if it is held."""
    holder = lock_file.with_name("lock.pid")
    try:
        with FileLock(lock_file, timeout=wait_seconds):
            holder.write_text(str(os.getpid()))
            yield
    except Timeout:
        pid = holder.read_text() if holder.exists() else "unknown"
        raise IndexLocked(
            f"Index '{lock_file.parent.name}' is being written by process {pid}. "
            "Wait until it is done, or stop it, and try again."
        ) from None


def add(
    paths: Iterable[Path | str],
    archive: Archive,
    store: Store,
    embedder: Embedder,
    *,
    lock_file: Path,
    passage_chars: int = 1000,
    max_article_bytes: int = 5_000_000,
    progress: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Add every article that the paths hold; what cannot be read is in the report.

    A batch is durable before the next is begun, so that an interrupt keeps what was accepted
    (`report.interrupted`). Raises IndexLocked or IndexMismatch before the first article.
    """
    began = time.monotonic()
    report = Report()
    with writing(lock_file):
        archive.claim(embedder=embedder.name, passage_chars=str(passage_chars))
        settle(archive, store)
    try:
        for batch in _batches(read(paths, max_article_bytes=max_article_bytes)):
            accessions = _prepare(batch, archive, embedder, passage_chars, report)
            if accessions:
                with writing(lock_file):
                    archive.accept(accessions)
                    settle(archive, store)
            report.seconds = time.monotonic() - began
            progress(report)
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.monotonic() - began
    return report


def settle(archive: Archive, store: Store) -> None:
    """Finish what is begun, here or in a process that died: publish the pending, bury the doomed.

    Vectors are stored before readers can find their passages, and deleted after they cannot.
    """
    keys = archive.pending()
    if keys is not None:
        store.add(keys, archive.vectors(keys))
        archive.publish()
    doomed = archive.doomed()
    if doomed:
        store.delete(doomed)
        archive.forget_doomed(doomed)


def remove(ids: Sequence[str], archive: Archive, store: Store, *, lock_file: Path) -> int:
    """Take articles out of archive, lexical index and vector store; how many there were."""
    with writing(lock_file):
        removed = sum(archive.remove(article_id) for article_id in ids)
        settle(archive, store)
    return removed


def rebuild(archive: Archive, store: Store, embedder: Embedder, *, lock_file: Path) -> int:
    """Make the vector store anew from the archive's vectors; how many passages it holds.

    Only where the index was built with another embedder are the passages embedded again.
    """
    with writing(lock_file):
        if archive.built_with("embedder") not in (None, embedder.name):
            keys = archive.all_passages()
            for at in range(0, len(keys), _BATCH):
                texts = [
                    embedded_text(p.article, p.text)
                    for p in archive.passages(keys[at : at + _BATCH])
                ]
                archive.replace_vectors(keys[at : at + _BATCH], embedder.embed(texts))
            archive.claim_anew(embedder=embedder.name)
        store.clear()
        settle(archive, store)
        keys = archive.all_passages()
        store.add(keys, archive.vectors(keys))
    return len(keys)


def embedded_text(article: Article, passage: str) -> str:
    """What is embedded of a passage: its headline in front, as that finds more (design, 6)."""
    return f"{article.title}\n{passage}" if article.title else passage


def _prepare(
    batch: Sequence[Entry | Failure],
    archive: Archive,
    embedder: Embedder,
    passage_chars: int,
    report: Report,
) -> list[Accession]:
    """What of a batch is new, embedded; the rest is counted in the report."""
    entries = [entry for entry in batch if isinstance(entry, Entry)]
    report.failed += [failure for failure in batch if isinstance(failure, Failure)]
    known = archive.is_known([entry.fingerprint for entry in entries])
    read_now: list[tuple[Entry, Article]] = []
    for entry in entries:
        if entry.fingerprint in known:
            report.unchanged += 1
            continue
        try:
            read_now.append((entry, entry.load()))
        except InputError as error:
            report.failed.append(Failure(entry.path, entry.line, str(error)))
    held = {a.id: a for a in archive.articles([article.id for _, article in read_now])}
    before = dict(held)
    staged: dict[str, tuple[Article, bytes]] = {}
    for entry, article in read_now:
        reason = _refusal(article, held.get(article.id))
        if reason:
            report.failed.append(Failure(entry.path, entry.line, reason))
            continue
        _count(article, held.get(article.id), report)
        held[article.id] = article
        staged[article.id] = (article, entry.fingerprint)
    return _embed(staged.values(), before, embedder, passage_chars)


def _refusal(article: Article, holder: Article | None) -> str | None:
    if holder is None or holder.outlet == article.outlet:
        return None
    return (
        f"the id '{article.id}' is held by an article of {holder.outlet or 'an unnamed outlet'}, "
        f"and this one is of {article.outlet or 'an unnamed outlet'}: give it an id of its own"
    )


def _count(article: Article, before: Article | None, report: Report) -> None:
    if before is None:
        report.added += 1
    elif before == article:
        report.unchanged += 1
    else:
        report.updated += 1


def _embed(
    staged: Iterable[tuple[Article, bytes]],
    before: Mapping[str, Article],
    embedder: Embedder,
    passage_chars: int,
) -> list[Accession]:
    """Accessions with the vectors of those passages whose text is new."""
    cut = []
    for article, fingerprint in staged:
        same = article.id in before and before[article.id].version == article.version
        cut.append((article, fingerprint, [] if same else chunk(article, passage_chars)))
    texts = [embedded_text(article, p.text) for article, _, passages in cut for p in passages]
    vectors = iter(embedder.embed(texts) if texts else ())
    return [
        Accession(article, fingerprint, passages, list(islice(vectors, len(passages))))
        for article, fingerprint, passages in cut
    ]


def _batches(entries: Iterable[Entry | Failure]) -> Iterator[list[Entry | Failure]]:
    batch: list[Entry | Failure] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
