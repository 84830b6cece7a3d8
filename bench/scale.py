"""What an index costs as it grows: time to find, recall, memory, disk, adding, freshness.

    python bench/scale.py [--sizes 10000,30000,100000] [--full] [--home FOLDER] [--data FOLDER]

Real articles of `allsides` and `bbc` (else of the sample), and after them others that are each made
of sentences of five of these, so that words are as frequent as in news and no article is a copy.
Dates fall in three years, the 50 outlets' sizes follow Zipf's law. Vectors are seeded: points of a
48-dimensional manifold, one centre an article, with noise, as hard for an approximate index as it
gets; the bundled model embeds the question all the same, for its time. Up to `--written-above`
passages all goes through `Desk.add`; above it nothing is read from files, a thousand articles are
accepted and published at once, and `--only refill` makes the vector store at the end.

One index grows; at each size every part is measured in a process of its own. What `sizing.py`
predicts of the last size from the smaller ones is printed beside it. Figures are kept in
`measured.jsonl` in the folder. `--full`: up to 100,000.
"""

import json
import multiprocessing
import os
import re
import sqlite3
import sys
import tempfile
import time
import zlib
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import date, timedelta
from hashlib import blake2b
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sets
import sizing
from byline.index import build, settle
from byline.index.archive import Archive
from byline.index.archive.filter import Filter
from byline.index.archive.writes import Accession
from byline.index.article import Article
from byline.index.chunk import chunk
from byline.index.embed import MiniLM, Vectors
from byline.index.store import Store
from byline.qa.retrieve import nearest, retrieve
from ingest import sample_again

_SIZES, _FULL, _AT_ONCE = "10000", "10000,30000,100000", 1000  # articles that are added at once
_DIMENSION, _MANIFOLD, _NOISE = 384, 48, 0.4
_FIRST_DAY, _DAYS = date(2023, 1, 1), 3 * 365
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_NEW_ARTICLES, _QUESTIONS = 20, 60
_PATIENCE = 120.0  # seconds


def main() -> None:
    """Print what is measured at each size."""
    parser = sets.parser(__doc__)
    parser.add_argument("--sizes", default=_SIZES, metavar="N,N...", help="default: %(default)s")
    parser.add_argument("--written-above", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep the index there")
    parser.add_argument("--only", choices=[part.__name__ for part in (*PARTS, *ALONE)])
    parser.add_argument("--full", action="store_true", help=_FULL)
    given = parser.parse_args()
    given.sizes = _FULL if given.full else given.sizes
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        home = given.home or Path(folder)
        home.mkdir(exist_ok=True)
        for size in map(int, given.sizes.split(",")):
            found: dict[str, float] = {}
            for part in (*PARTS, *ALONE):
                if given.only == part.__name__ or (given.only is None and part in PARTS):
                    with _process() as alone:  # so that its memory is its own
                        found |= alone.submit(_measured, part, home, given, size).result()
                    print(f"{size:,} passages: {part.__name__}", file=sys.stderr, flush=True)
            note(home, "size", {"size": size, **found})
        print(f"\n{sizing.report(home / 'measured.jsonl')}")


def _measured(part: Callable[..., Any], *given: Any) -> dict[str, float]:
    return {name: float(value) for name, value in part(*given)}


class Seeded:
    """An embedder whose vectors follow from the texts' first lines and bytes."""

    name = "seeded"

    def __init__(self, model: MiniLM | None = None) -> None:
        self._model = model
        self._plane = np.random.default_rng(1).standard_normal((_MANIFOLD, _DIMENSION))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder: a text's headline says where its article lies."""
        return np.array([self._vector(*text.split("\n", 1)) for text in texts], np.float32)

    def embed_question(self, text: str) -> Vectors:
        """See Embedder. Takes the time that the bundled model takes."""
        if self._model is not None:
            self._model.embed_question(text)
        return self._vector(text).astype(np.float32)

    def _vector(self, title: str, body: str = "") -> np.ndarray[Any, Any]:
        article, own = (np.random.default_rng(zlib.crc32(part.encode())) for part in (title, body))
        at = article.standard_normal(_MANIFOLD) + 0.7 * own.standard_normal(_MANIFOLD)
        vector = at @ self._plane / _MANIFOLD**0.5 + _NOISE * own.standard_normal(_DIMENSION)
        return vector / np.linalg.norm(vector)


def articles(data: Path) -> Iterator[dict[str, Any]]:
    """Articles without end: the real ones, then each of sentences of five of them."""
    random = Random(1)
    found = [
        a
        for name in ("allsides", "bbc")
        if (data / name).is_dir()
        for a in sets.records(name, data)
    ] or sample_again(data, 200)
    real = [(a.get("title") or "Untitled", a["text"]) for a in found]
    random.shuffle(real)
    sentences = [_SENTENCE_END.split(text) for _, text in real]
    for at in count():
        title, text = real[at % len(real)]
        if at >= len(real):
            parts = [
                s for of in random.choices(sentences, k=5) for s in of[random.randrange(5) :: 5]
            ]
            title, text = f"{title} ({at})", " ".join(random.sample(parts, len(parts)))
        outlet = random.choices(range(50), [1 / (rank + 1) for rank in range(50)])[0]
        day = _FIRST_DAY + timedelta(days=random.randrange(_DAYS))
        yield {
            "id": f"news-{at}",
            "title": title,
            "text": text,
            "published": str(day),
            "outlet": f"Outlet {outlet:02}",
        }


def grow(home: Path, given: Namespace, size: int) -> Iterator[tuple[str, float]]:
    """Fill the index up to a size, and note what it took by part."""
    took = _Took()
    with sets.new_desk(home, Seeded()) as desk:
        number, began = desk.archive.count()
        held, at_first = began, began
        source = islice(articles(given.data), number, None)
        while held < size:
            some = list(islice(source, min(_AT_ONCE, -(-size // 3))))
            with took.part("all"):
                if held < given.written_above:
                    assert not desk.add(sets.written(some, home / "batch.jsonl")).failed
                else:
                    _write(desk.archive, some)
            held = desk.archive.count()[1]
            note(home, "adding", {"passages": held, **took.per_thousand(held - began)})
            began = held
        yield "passages", held
        yield "memory of the adder, MB", _rss()
        for name, value in took.in_all(held - at_first).items():
            yield f"adding 1,000: {name}", value


def _write(archive: Archive, records: Sequence[dict[str, Any]]) -> None:
    """Accept and publish at once; `refill` makes the vector store afterwards."""
    accessions, embedder = [], Seeded()
    for record in records:
        article = Article(**record | {"published": date.fromisoformat(record["published"])})
        passages = chunk(article, 1000)
        vectors = embedder.embed([build.embedded_text(article, p.text) for p in passages])
        source = blake2b(article.id.encode(), digest_size=16).digest()
        accessions.append(Accession(article, (source,), passages, list(vectors)))
    archive.claim(embedder=embedder.name, dimension=str(_DIMENSION), passage_chars="1000")
    archive.accept(accessions)
    archive.publish()


def refill(home: Path, given: Namespace, size: int) -> Iterator[tuple[str, float]]:
    """Make the vector store of what the archive holds."""
    with sets.new_desk(home, Seeded()) as desk:
        began = _now()
        settle.refill(desk.archive, desk.library().store)
        clock, processor = 1000 * (_now() - began) / desk.archive.totals()[1]
        yield "the vector store of 1,000: clock", clock
        yield "the vector store of 1,000: processor", processor
        yield "memory of who makes it, MB", _rss()


class _Took:
    """Seconds by the clock and of the processor in the parts of an `add`."""

    def __init__(self) -> None:
        self.now: dict[str, float] = defaultdict(float)
        self.all: dict[str, float] = defaultdict(float)
        build._prepared = self._each(build._prepared, "read and cut")
        for owner, name, part in (
            (build, "embed", "embed (seeded)"),
            (Archive, "accept", "accept"),
            (Archive, "publish", "publish"),
            (Store, "add", "Chroma"),
        ):
            setattr(owner, name, self._whole(getattr(owner, name), part))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        clock = time.process_time if name == "all" else time.thread_time
        began = time.perf_counter(), clock()
        yield
        for unit, at, since in (
            ("clock", time.perf_counter(), began[0]),
            ("processor", clock(), began[1]),
        ):
            for of in (self.now, self.all):
                of[f"{name}, {unit}"] += at - since

    def _whole(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            with self.part(name):
                return function(*given, **named)

        return timed

    def _each(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Iterator[Any]:
            made = iter(function(*given, **named))
            while True:
                with self.part(name):
                    item = next(made, None)
                if item is None:
                    return
                yield item

        return timed

    def per_thousand(self, passages: int) -> dict[str, float]:
        now, self.now = self.now, defaultdict(float)
        return {name: 1000 * seconds / passages for name, seconds in now.items()}

    def in_all(self, passages: int) -> dict[str, float]:
        return {name: 1000 * seconds / passages for name, seconds in self.all.items()}


def disk(home: Path, given: Namespace, size: int) -> Iterator[tuple[str, float]]:
    """Bytes a passage, by part."""
    with closing(sqlite3.connect(home / "bench" / "archive.db")) as archive:
        archive.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        held = archive.execute("SELECT count(*) FROM passages").fetchone()[0]
        text = archive.execute("SELECT sum(length(CAST(text AS BLOB))) FROM versions").fetchone()[0]
        pages = archive.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
    sizes: dict[str, int] = defaultdict(int)
    for name, bytes_ in pages:
        part = "full text" if "_text" in name else "other tables"
        sizes[{"vectors": "vectors", "versions": "text and facts"}.get(name, part)] += bytes_
    for file in (home / "bench").glob("chroma*/**/*"):
        if file.is_file():
            part = "Chroma's log" if ".sqlite" in file.name else "Chroma's index"
            sizes[part] += file.stat().st_size
    for name, number in sorted(sizes.items()):
        yield f"bytes a passage: {name}", number / held
    yield "bytes a passage: together", sum(sizes.values()) / held
    yield "bytes a passage: (its text alone)", text / held


def speed(home: Path, given: Namespace, size: int) -> Iterator[tuple[str, float]]:
    """`retrieve` by filter, and what a process that asks needs before its first."""
    questions, middle = _questions(given.data), _FIRST_DAY + timedelta(days=_DAYS // 2)
    quarter = timedelta(days=_DAYS // 4)
    half = {"since": middle - quarter, "until": middle + quarter}
    filters = {
        "no filter": Filter(),
        "one day of three years": Filter(since=middle, until=middle),
        "50 % of the days": Filter(**half),
        "the largest outlet (22 %)": Filter(outlets=("Outlet 00",)),
        "both (11 %)": Filter(outlets=("Outlet 00",), **half),
    }
    taken: dict[str, list[Any]] = defaultdict(list)
    with sets.new_desk(home, Seeded(MiniLM())) as desk:
        library, began = desk.library(), _now()
        index = (library.archive, library.store, library.embedder)
        desk.archive.shelf()
        shelf, began = _now() - began, _now()
        retrieve(questions[0], Filter(), *index)
        first = _now() - began
        for _ in range(given.rounds):
            for question in questions:
                for name, matching in filters.items():
                    began = _now()
                    retrieve(question, matching, *index)
                    taken[name].append((_now() - began) * 1000)
    for name, (clock, processor) in (("shelf is read", shelf), ("first question", first)):
        yield f"{name}: clock, s", clock
        yield f"{name}: processor, s", processor
    yield "memory of who asks, MB", _rss()
    for name, ms in taken.items():
        for unit, (p50, p95) in zip(
            ("clock", "processor"), np.percentile(ms, (50, 95), axis=0).T, strict=True
        ):
            yield f"search, {name}: p50 {unit}, ms", p50
            yield f"search, {name}: p95 {unit}, ms", p95


_BLOCK = 50_000  # vectors


def recall(home: Path, given: Namespace, size: int) -> Iterator[tuple[str, float]]:
    """The ten nearest that the dense signal finds, and Chroma alone, against exact search."""
    questions = _questions(given.data)
    shares: dict[str, list[float]] = defaultdict(list)
    with sets.new_desk(home, Seeded()) as desk:
        shelf, library = desk.archive.shelf(), desk.library()
        asked = np.array([library.embedder.embed_question(question) for question in questions])
        near = np.concatenate(
            [
                desk.archive.vectors(shelf.keys[at : at + _BLOCK].tolist()) @ asked.T
                for at in range(0, len(shelf.keys), _BLOCK)
            ]
        )
        every = np.ones(len(shelf.keys), bool)
        for vector, to_all in zip(asked, near.T, strict=True):
            best = set(shelf.keys[np.argsort(-to_all)[:10]].tolist())
            found = nearest(vector, shelf, every, library.archive, library.store, 100)
            shares["the dense signal"].append(len(best & set(found[:10])) / 10)
            found = library.store.nearest(vector, 100)
            shares["Chroma's index"].append(len(best & set(found[:10])) / 10)
    for name, of in shares.items():
        yield f"recall@10: {name}", float(np.mean(of))
    yield "memory with Chroma's index, MB", _rss()


def soon(home: Path, given: Namespace, size: int) -> Iterator[tuple[str, float]]:
    """A reader in another process looks for each new article while it is added."""
    words = [
        f"zyx{''.join(chr(97 + int(d)) for d in str(time.time_ns() + n))}q"
        for n in range(_NEW_ARTICLES)
    ]
    returned, taken = [], []
    with _process() as reader, sets.new_desk(home, Seeded()) as desk:
        watching = reader.submit(_watch, home, words)
        time.sleep(10)  # the reader opens the index and asks a first question
        for word in words:
            article = {"id": word, "title": f"News of {word}", "text": f"Of {word} more soon."}
            began = _now()
            desk.add(sets.written([article], home / "new.jsonl"))
            taken.append(_now() - began)
            returned.append(time.time())
            time.sleep(0.3)
        found, searches = watching.result()
    late = np.maximum(np.array(found) - returned, 0)
    yield "one article, first of a process: clock, s", taken[0][0]
    yield "one article, first of a process: processor, s", taken[0][1]
    yield "one article, later ones: clock, s", float(np.median(taken[1:], axis=0)[0])
    yield "found after `add`, median, s", float(np.median(late))
    yield "found after `add`, most, s", float(late.max())
    yield "search meanwhile: p50 clock, ms", float(np.median(searches))
    yield "search meanwhile: p95 clock, ms", float(np.percentile(searches, 95))


def _watch(home: Path, words: Sequence[str]) -> tuple[list[float], list[float]]:
    found, taken = [], []
    with sets.new_desk(home, Seeded(MiniLM())) as desk:
        desk.search("the first question")
        for word in words:
            hit, until = False, time.monotonic() + _PATIENCE
            while not hit:
                assert time.monotonic() < until, f"{word} is not found after {_PATIENCE} s"
                began = time.perf_counter()
                hit = any(word in one.text for one in desk.search(word))
                taken.append((time.perf_counter() - began) * 1000)
                time.sleep(0.02)
            found.append(time.time())
    return found, taken


def note(home: Path, kind: str, found: dict[str, float]) -> None:
    """Keep what was measured beside the index, a line a record."""
    with (home / "measured.jsonl").open("a") as file:
        file.write(json.dumps({"kind": kind, **{k: round(v, 4) for k, v in found.items()}}) + "\n")


def _questions(data: Path) -> list[str]:
    (name,) = sets.available(["realtimeqa_dev"], data)
    return [case.question for case in sets.cases(name, data)][:_QUESTIONS]


def _now() -> np.ndarray[Any, Any]:
    return np.array([time.perf_counter(), time.process_time()])


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _rss() -> float:
    """Megabytes of this process in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


PARTS = (grow, disk, speed, recall, soon)
ALONE = (refill,)

if __name__ == "__main__":
    main()
