"""Brings articles into an index: read, cut, embed, accept, publish.

report = add(["articles/"], archive, store, embedder, lock_file=folder / "lock")
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ..errors import InputError
from .archive import Archive
from .article import Article
from .chunk import chunk
from .embed import Embedder
from .lock import writing
from .read import Entry, Failure, read
from .settle import settle
from .store import Store
from .writes import Accession

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

    def include(self, batch: "Report") -> None:
        """Count what became of a batch, once it is durable."""
        self.added += batch.added
        self.updated += batch.updated
        self.unchanged += batch.unchanged
        self.failed += batch.failed

    @property
    def articles_per_second(self) -> float:
        """Articles looked at in a second, failures left out."""
        return round(self.accepted / self.seconds, 1) if self.seconds else 0.0


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
    sources: dict[str, list[bytes]] = defaultdict(list)
    try:
        for batch in _batches(read(paths, max_article_bytes=max_article_bytes)):
            counts = Report()
            accessions = _prepare(batch, archive, embedder, passage_chars, sources, counts)
            if accessions:
                with writing(lock_file):
                    for vector in (v for a in accessions for v in a.vectors[:1]):
                        archive.claim(dimension=str(len(vector)))
                    archive.accept(accessions)
                    settle(archive, store)
            report.include(counts)
            report.seconds = time.monotonic() - began
            progress(report)
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.monotonic() - began
    return report


def embedded_text(article: Article, passage: str) -> str:
    """What is embedded of a passage: its headline in front, as that finds more (design, 6)."""
    return f"{article.title}\n{passage}" if article.title else passage


def _prepare(
    batch: Sequence[Entry | Failure],
    archive: Archive,
    embedder: Embedder,
    passage_chars: int,
    sources: dict[str, list[bytes]],
    report: Report,
) -> list[Accession]:
    """What of a batch is new, embedded; everything is counted in the report.

    `sources` gathers the fingerprints of the run by article: of two sources with one id the last
    wins, and adding both again changes nothing.
    """
    entries = [entry for entry in batch if isinstance(entry, Entry)]
    report.failed += [failure for failure in batch if isinstance(failure, Failure)]
    known = archive.known([entry.fingerprint for entry in entries])
    for fingerprint, article_id in known.items():
        sources[article_id].append(fingerprint)
    read_now: list[tuple[Entry, Article]] = []
    for entry in entries:
        if entry.fingerprint in known:
            report.unchanged += 1
            continue
        try:
            read_now.append((entry, entry.load()))
        except InputError as error:
            report.failed.append(Failure(entry.path, entry.line, str(error)))
        except RecursionError:
            report.failed.append(Failure(entry.path, entry.line, "it is nested too deeply"))
    held = {a.id: a for a in archive.articles([article.id for _, article in read_now])}
    before = dict(held)
    staged: dict[str, Article] = {}
    for entry, article in read_now:
        reason = _refusal(article, held.get(article.id))
        if reason:
            report.failed.append(Failure(entry.path, entry.line, reason))
            continue
        _count(article, held.get(article.id), report)
        held[article.id] = article
        sources[article.id].append(entry.fingerprint)
        staged[article.id] = article
    return _embed(staged.values(), before, sources, embedder, passage_chars)


def _refusal(article: Article, holder: Article | None) -> str | None:
    """Why an article may not take the place of the one with its id.

    Two outlets may give the same id; an address or a path is the same article.
    """
    is_place = "://" in article.id or Path(article.id).is_absolute()
    if holder is None or is_place or None in (holder.outlet, article.outlet):
        return None
    if holder.outlet == article.outlet:
        return None
    return (
        f"the id '{article.id}' is held by an article of {holder.outlet}, "
        f"and this one is of {article.outlet}: give it an id of its own"
    )


def _count(article: Article, before: Article | None, report: Report) -> None:
    if before is None:
        report.added += 1
    elif before == article:
        report.unchanged += 1
    else:
        report.updated += 1


def _embed(
    staged: Iterable[Article],
    before: Mapping[str, Article],
    sources: Mapping[str, Sequence[bytes]],
    embedder: Embedder,
    passage_chars: int,
) -> list[Accession]:
    """Accessions with the vectors of those passages whose text is new."""
    cut = []
    for article in staged:
        same = article.id in before and before[article.id].version == article.version
        cut.append((article, [] if same else chunk(article, passage_chars)))
    texts = [embedded_text(article, p.text) for article, passages in cut for p in passages]
    vectors = iter(embedder.embed(texts) if texts else ())
    return [
        Accession(article, sources[article.id], passages, list(islice(vectors, len(passages))))
        for article, passages in cut
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
