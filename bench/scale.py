"""What 10,000 passages cost (`--full`: 100,000): time to find, recall, memory, disk, freshness.

    python bench/scale.py [--data FOLDER] [--full] [--home FOLDER]

Real articles of `allsides` and `bbc` (else of the sample), and after them others that are each made
of sentences of five of these, so that words are as frequent as in news and no article is a copy.
Dates fall in three years, the 50 outlets' sizes follow Zipf's law. Vectors are seeded: points of a
48-dimensional manifold, one centre an article, with noise, as hard for an approximate index as it
gets; a question's lies near an article's, and the bundled model embeds the question all the same,
for its time. They are added by `Desk.add`, read, cut, stored and indexed as always.

Required: p95 within 100 ms whatever the filter; recall@10 against exact search 0.97; memory flat
while adding; a new article found by its words, in another process, two seconds after `add`.
`--home` keeps the index there, or measures the one that is there already.
"""

import multiprocessing
import os
import re
import sqlite3
import tempfile
import time
import zlib
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sets
from byline.index.archive.filter import Filter
from byline.index.embed import MiniLM, Vectors
from byline.qa.retrieve import nearest, retrieve
from ingest import sample_again

_PASSAGES, _FULL, _AT_ONCE = 10_000, 100_000, 1000  # articles that are added at once
_DIMENSION, _MANIFOLD, _NOISE = 384, 48, 0.4
_FIRST_DAY, _DAYS = date(2023, 1, 1), 3 * 365
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_NEW_ARTICLES = 20


def main() -> None:
    """Print a table a part."""
    parser = sets.parser(__doc__)
    parser.add_argument("--passages", type=int, default=_PASSAGES, metavar="N")
    parser.add_argument("--full", action="store_true", help=f"{_FULL:,} passages")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep the index there")
    parser.add_argument("--only", choices=[part.__name__ for part in PARTS])
    given = parser.parse_args()
    given.passages = _FULL if given.full else given.passages
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        home = given.home or Path(folder)
        is_there = (home / "bench" / "archive.db").exists()
        for part in PARTS:
            if given.only in (None, part.__name__) and not (is_there and part is grow):
                with _process() as alone:  # so that its memory is its own
                    print(alone.submit(part, home, given).result(), end="\n\n", flush=True)


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


def grow(home: Path, given: Namespace) -> str:
    """Fill an index; time and memory on the way."""
    source, rows, held, began = articles(given.data), [], 0, time.perf_counter()
    with sets.new_desk(home, Seeded()) as desk:
        while held < given.passages:
            batch = sets.written(list(islice(source, _AT_ONCE)), home / "batch.jsonl")
            assert not desk.add(batch).failed
            before, (number, held) = held, desk.archive.count()
            seconds, began = time.perf_counter() - began, time.perf_counter()
            if not rows or held // (given.passages // 5) > before // (given.passages // 5):
                rows.append(
                    [held, number, f"{seconds / (held - before) * 1000:.2f}", f"{_rss():.0f}"]
                )
    head = ["Passages", "articles", "seconds per 1,000 (seeded vectors)", "resident memory, MB"]
    return f"## Adding {given.passages:,} passages\n\n{sets.markdown(head, rows)}"


def disk(home: Path, given: Namespace) -> str:
    """Bytes a passage, by part."""
    with closing(sqlite3.connect(home / "bench" / "archive.db")) as archive:
        archive.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        held = archive.execute("SELECT count(*) FROM passages").fetchone()[0]
        text = archive.execute("SELECT sum(length(CAST(text AS BLOB))) FROM versions").fetchone()[0]
        pages = archive.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
    sizes: dict[str, int] = defaultdict(int)
    for name, size in pages:
        part = "full text" if "_text" in name else "other tables"
        sizes[
            "archive: " + {"vectors": "vectors", "versions": "text and facts"}.get(name, part)
        ] += size
    for file in (home / "bench" / "chroma").rglob("*"):
        if file.is_file():
            sizes[f"chroma: {'sqlite' if '.sqlite' in file.name else 'index'}"] += (
                file.stat().st_size
            )
    sizes["together"] = sum(sizes.values())
    rows = [[name, f"{size / held:.0f}"] for name, size in sorted(sizes.items())]
    rows.append(["(text alone, UTF-8)", f"{text / held:.0f}"])
    return f"## Disk\n\n{sets.markdown(['', 'bytes a passage'], rows)}"


def speed(home: Path, given: Namespace) -> str:
    """`retrieve` by filter: p50 and p95; memory of the process."""
    questions, middle = _questions(given.data), _FIRST_DAY + timedelta(days=_DAYS // 2)
    half = {
        "since": middle - timedelta(days=_DAYS // 4),
        "until": middle + timedelta(days=_DAYS // 4),
    }
    filters = {
        "no filter": Filter(),
        "one day": Filter(since=middle, until=middle),
        "50 % of the days": Filter(**half),
        "the largest outlet": Filter(outlets=("Outlet 00",)),
        "a small outlet": Filter(outlets=("Outlet 40",)),
        "50 % of the days and the largest outlet": Filter(outlets=("Outlet 00",), **half),
        "as of the last day but one": Filter(as_of=_FIRST_DAY + timedelta(days=_DAYS - 2)),
    }
    taken: dict[str, list[Any]] = defaultdict(list)
    before = _rss()
    with sets.new_desk(home, Seeded(MiniLM())) as desk:
        library, began = desk.library(), time.perf_counter()
        index = (library.archive, library.store, library.embedder)
        retrieve(questions[0], Filter(), *index)
        first = time.perf_counter() - began
        for _ in range(given.rounds):
            for question in questions:
                for name, matching in filters.items():
                    began = np.array([time.perf_counter(), time.process_time()])
                    retrieve(question, matching, *index)
                    ended = np.array([time.perf_counter(), time.process_time()])
                    taken[name].append((ended - began) * 1000)
        shares = {name: desk.archive.count(f)[1] for name, f in filters.items()}
    rows = [
        [name, shares[name], *(f"{p:.1f}" for p in np.percentile(ms, (50, 95), axis=0).T.flat)]
        for name, ms in taken.items()
    ]
    return (
        f"## Finding: {len(questions)} questions, {given.rounds} rounds\n\n"
        f"{sets.markdown(['', 'passages', 'p50, ms', 'p95, ms'], rows)}\n\n"
        f"(required: p95 within 100 ms; the first of a process {first:.2f} s; "
        f"memory {before:.0f} MB before, {_rss():.0f} MB after)"
    )


def recall(home: Path, given: Namespace) -> str:
    """The ten nearest that the dense signal finds, and Chroma alone, against exact search."""
    shares: dict[str, list[float]] = defaultdict(list)
    with sets.new_desk(home, Seeded()) as desk:
        shelf, library = desk.archive.shelf(), desk.library()
        vectors = desk.archive.vectors(shelf.keys.tolist())
        every = np.ones(len(shelf.keys), bool)
        for question in _questions(given.data):
            vector = library.embedder.embed_question(question)
            best = set(shelf.keys[np.argsort(-(vectors @ vector))[:10]].tolist())
            found = nearest(vector, shelf, every, library.archive, library.store, 100)
            shares["the dense signal"].append(len(best & set(found[:10])) / 10)
            found = library.store.nearest(vector, 100)
            shares["Chroma's index"].append(len(best & set(found[:10])) / 10)
    rows = [[name, f"{np.mean(of):.3f}"] for name, of in shares.items()]
    return (
        f"## Recall@10 against exact search\n\n{sets.markdown(['', 'recall@10'], rows)}\n\n"
        "(required: 0.97)"
    )


def soon(home: Path, given: Namespace) -> str:
    """A reader in another process looks for each new article while it is added."""
    words = [
        f"zyx{''.join(chr(97 + int(d)) for d in str(time.time_ns() + n))}q"
        for n in range(_NEW_ARTICLES)
    ]
    returned = []
    with _process() as reader, sets.new_desk(home, Seeded()) as desk:
        watching = reader.submit(_watch, home, words)
        time.sleep(10)  # the reader opens the index and asks a first question
        for word in words:
            article = {"id": word, "title": f"News of {word}", "text": f"Of {word} more soon."}
            desk.add(sets.written([article], home / "new.jsonl"))
            returned.append(time.time())
            time.sleep(0.3)
        found, taken = watching.result()
    late = np.maximum(np.array(found) - returned, 0)
    return (
        f"## {_NEW_ARTICLES} new articles, found by a word in another process\n\nSeconds after "
        f"`add` returned: median {np.median(late):.2f}, most {late.max():.2f} (required: 2). "
        f"A search meanwhile: p50 {np.median(taken):.0f} ms, p95 {np.percentile(taken, 95):.0f} ms."
    )


def _watch(home: Path, words: Sequence[str]) -> tuple[list[float], list[float]]:
    found, taken = [], []
    with sets.new_desk(home, Seeded(MiniLM())) as desk:
        desk.search("the first question")
        for word in words:
            hit = False
            while not hit:
                began = time.perf_counter()
                hit = any(word in one.text for one in desk.search(f"news of {word}"))
                taken.append((time.perf_counter() - began) * 1000)
                time.sleep(0.02)
            found.append(time.time())
    return found, taken


def _questions(data: Path) -> list[str]:
    (name,) = sets.available(["realtimeqa_dev"], data)
    return [case.question for case in sets.cases(name, data)]


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _rss() -> float:
    """Megabytes of this process in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


PARTS = (grow, disk, speed, recall, soon)

if __name__ == "__main__":
    main()
