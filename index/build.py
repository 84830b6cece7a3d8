"""Brings articles into an index: read, cut, embed, accept, publish.

report = add(["articles/"], archive, store, embedder, lock_file=folder / "lock")
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from ..errors import InputError
from .ahead import ahead
from .archive import Archive
from .archive.writes import Accession
from .article import Article, fitting
from .chunk import chunk
from .embed import Embedder
from .read import Entry, Failure, Found, PassedOver, read
from .settle import settle
from .store import Store

_BATCH = 64  # articles that become durable at once: two or three seconds of the bundled embedder


@dataclass(slots=True)
class Report:
    """What became of everything that was to be added."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    "records of WARC files that are no web pages, by what they are"
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
        self.passed_over += batch.passed_over

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Count articles of this batch as failed that could not be accepted any more."""
        self.failed += _failures(reasons)
        for _ in reasons:  # which of the two it was is not known any more
            if self.updated:
                self.updated -= 1
            else:
                self.added -= 1

    @property
    def articles_per_second(self) -> float:
        """Articles looked at in a second, failures left out."""
        return round(self.accepted / self.seconds, 1) if self.seconds else 0.0


def add(
    paths: Iterable[Path | str | Found],
    archive: Archive,
    store: Store,
    embedder: Embedder,
    *,
    lock_file: Path,
    passage_chars: int = 1000,
    max_article_bytes: int = 5_000_000,
    progress: Callable[[Report], None] = lambda report: None,
    erased_too: bool = False,
    may_write: Callable[[], bool] = lambda: True,
) -> Report:
    """Add every article that the paths hold; what cannot be read is in the report.

    An Entry is an article that was found elsewhere. What was erased is refused, unless `erased_too`
    says that it may come back. While one batch is embedded the next is read and cut and the one
    before is written, in order, by threads: an interrupt of this one falls between two batches, and
    the report counts what was accepted (`report.interrupted`); so it is where `may_write`, asked
    before each batch with the lock held, says no. `progress` is called by this one.
    Raises IndexLocked or IndexMismatch before the first article.
    """
    began = time.monotonic()
    report = Report()
    with archive.writing(lock_file):
        archive.claim(embedder=embedder.name, passage_chars=str(passage_chars))
        report.failed += _failures(settle(archive, store))
    staged: deque[Mapping[str, Article]] = deque()
    batches = _batches(read(paths, max_article_bytes=max_article_bytes))

    def write(counts: Report, accessions: list[Accession]) -> None:
        if accessions:
            with archive.writing(lock_file):
                if not may_write():
                    raise KeyboardInterrupt  # what the other thread takes between two batches
                for vector in (v for a in accessions for v in a.vectors[:1]):
                    archive.claim(dimension=str(len(vector)))
                if erased_too:
                    archive.lift_tombstones([a.article for a in accessions])
                whole = _whole(accessions, archive, embedder, passage_chars)
                counts.refuse(archive.accept(whole) | settle(archive, store))
        staged.popleft()
        report.include(counts)
        report.seconds = time.monotonic() - began

    try:
        refused = (lambda article: None) if erased_too else archive.refusal
        with (
            ThreadPoolExecutor(1, thread_name_prefix="byline-add") as writer,
            ahead(_prepared(batches, archive, passage_chars, staged, refused)) as prepared,
            ahead((counts, embed(some, embedder)) for counts, some in prepared) as embedded,
        ):
            for counts, accessions in embedded:
                writer.submit(write, counts, accessions).result()
                progress(report)
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.monotonic() - began
    return report


def _failures(reasons: Mapping[str, str]) -> list[Failure]:
    return [Failure(article_id, None, why) for article_id, why in reasons.items()]


def embedded_text(article: Article, passage: str) -> str:
    """What is embedded of a passage: its headline in front, as that finds more (design, 6)."""
    return f"{article.title}\n{passage}" if article.title else passage


def _prepared(
    batches: Iterable[Sequence[Found]],
    archive: Archive,
    passage_chars: int,
    staged: deque[Mapping[str, Article]],
    refused: Callable[[Article], str | None],
) -> Iterator[tuple[Report, list[Accession]]]:
    """What of each batch is new, cut and not yet embedded; everything is counted in the reports.

    `staged` holds the articles of the batches that are on their way, for which the archive cannot
    be asked yet; whoever has written one takes it out.
    """
    sources: dict[str, list[bytes]] = defaultdict(list)
    for batch in batches:
        counts = Report()
        read_now = _read_now(batch, archive, sources, counts)
        held = {id: article for articles in list(staged) for id, article in articles.items()}
        asked = [article.id for _, article in read_now if article.id not in held]
        held |= {article.id: article for article in archive.articles(asked)}
        before, new, made = dict(held), dict[str, Article](), dict[str, Accession | None]()
        for entry, article in read_now:
            reason = refused(article) or _refusal(article, held.get(article.id))
            if reason:
                counts.failed.append(Failure(entry.path, entry.line, reason))
                continue
            _count(article, held.get(article.id), counts)
            held[article.id] = new[article.id] = article
            made[article.id] = entry.made
            sources[article.id].append(entry.fingerprint)
        staged.append(new)
        yield (
            counts,
            [
                cut(a, before.get(a.id), sources[a.id], passage_chars, made[a.id])
                for a in new.values()
            ],
        )


def _whole(
    accessions: Sequence[Accession], archive: Archive, embedder: Embedder, passage_chars: int
) -> list[Accession]:
    """The same, those cut anew that had no new text when they were read, and have now.

    Their article was removed meanwhile, or another process has published another version of it.
    """
    published = archive.published([a.article.id for a in accessions if not a.passages])
    again = [
        cut(a.article, None, a.fingerprints, passage_chars)
        if not a.passages and published.get(a.article.id) != a.article.version
        else a
        for a in accessions
    ]
    late = [new for new, old in zip(again, accessions, strict=True) if new is not old]
    vectors = {a.article.id: a for a in embed(late, embedder)}
    return [vectors.get(a.article.id, a) for a in again]


def _read_now(
    batch: Sequence[Found],
    archive: Archive,
    sources: dict[str, list[bytes]],
    report: Report,
) -> list[tuple[Entry, Article]]:
    """The articles of a batch that are not known as they are; the others are counted.

    `sources` gathers the fingerprints of the run by article: of two sources with one id the last
    wins, and adding both again changes nothing.
    """
    known = archive.known([entry.fingerprint for entry in batch if isinstance(entry, Entry)])
    for fingerprint, article_id in known.items():
        sources[article_id].append(fingerprint)
    read_now: list[tuple[Entry, Article]] = []
    for found in batch:
        if isinstance(found, PassedOver):
            report.passed_over.update(found.kinds)
        elif isinstance(found, Failure):
            report.failed.append(found)
        elif found.fingerprint in known:
            report.unchanged += 1
        elif isinstance(article := load(found), Failure):
            report.failed.append(article)
        else:
            read_now.append((found, article))
    return read_now


def load(entry: Entry) -> Article | Failure:
    """The article, parsed and cleaned, or why there is none."""
    try:
        return fitting(entry.load())
    except InputError as error:
        return Failure(entry.path, entry.line, str(error))
    except RecursionError:
        return Failure(entry.path, entry.line, "it is nested too deeply")


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


def cut(
    article: Article,
    before: Article | None,
    fingerprints: Sequence[bytes],
    passage_chars: int,
    made: Accession | None = None,
) -> Accession:
    """The article with the passages of its text, if that is new; those `made` already, if any."""
    if before is not None and before.version == article.version:
        return Accession(article, tuple(fingerprints), (), ())
    if made is not None:
        return replace(made, fingerprints=tuple(fingerprints))
    return Accession(article, tuple(fingerprints), chunk(article, passage_chars), ())


def embed(accessions: Sequence[Accession], embedder: Embedder) -> list[Accession]:
    """The same with vectors; those that have them keep them."""
    bare = [a for a in accessions if not a.vectors]
    texts = [embedded_text(a.article, p.text) for a in bare for p in a.passages]
    vectors = iter(embedder.embed(texts) if texts else ())
    return [
        a if a.vectors else replace(a, vectors=list(islice(vectors, len(a.passages))))
        for a in accessions
    ]


def _batches(entries: Iterable[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
