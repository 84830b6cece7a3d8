"""Whether copies are found, whether anything else is taken for one, and what it costs.

    python bench/copies.py [--data FOLDER] [--full]

Real articles are edited as newsrooms do, and as others do that are no copies (roundups, quotations,
forms with new figures). Half of the articles, by a hash of the id, is what the thresholds of
index/copies.py were chosen on (`--tune` shows it); the figures are of the other half. A pair counts
as found where the two texts share a band and `is_copy` agrees, which is what adding does. Beside
them: pairs of two outlets' reports of one event, as labelled by a reader (bench/labels/
copies.jsonl), and every pair of real articles. Last, an archive that fills up with articles and
edited copies of them under other outlets' names. `--full` takes all articles instead of 600, and
fills the archive with 40,000 instead of 1,000.
"""

import hashlib
import json
import random
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

import sets
import sqlalchemy as sa
from byline.index import copies
from byline.index.archive import Archive, origins, tables
from byline.index.article import Article
from edits import EDITS, NOT_COPIES, templates
from scipy.stats import binomtest

Pair = tuple[str, str]
_LABELS = sets.ROOT / "bench" / "labels" / "copies.jsonl"


def main() -> None:
    """Print all tables."""
    parser = sets.parser(__doc__)
    parser.add_argument("--full", action="store_true", help="all articles; 40,000 in an archive")
    parser.add_argument("--tune", action="store_true", help="figures of the half to choose on")
    given = parser.parse_args()
    articles = real(given.data)
    if given.tune or not given.full:
        articles = random.Random(7).sample(articles, min(len(articles), 600))
    half = [a for a in articles if is_tuned_on(a["id"]) == given.tune]
    print(edited(half), end="\n\n")
    print(labelled(real(given.data)), end="\n\n")
    print(every_pair(articles), end="\n\n")
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        print(cost(articles, 40_000 if given.full else 1_000, Path(folder)))


def real(data: Path) -> list[dict[str, Any]]:
    """The articles of two sets, or of the sample, long enough to be edited."""
    found = []
    for name in sets.available(["allsides", "bbc"], data):
        if name == "sample":
            with sets.opened(name, data) as desk:
                found += [
                    {"id": a.id, "text": a.text, "outlet": a.outlet, "title": a.title or ""}
                    for a in desk.articles.list(1000)
                ]
        else:
            found += [
                {**r, "outlet": r["source"], "set": name}
                for r in sets.records(name, data)
                if len(r["text"].split()) >= 80
            ]
    return found


def is_tuned_on(article_id: str) -> bool:
    """Whether an article is of the half on which thresholds are chosen."""
    return hashlib.sha256(article_id.encode()).digest()[0] % 2 == 0


def is_found(one: str, other: str) -> bool:
    """What adding finds: a band in common, and enough of the text."""
    return not set(copies.bands(one)).isdisjoint(copies.bands(other)) and copies.is_copy(one, other)


def edited(articles: Sequence[dict[str, Any]]) -> str:
    """Recall by kind of edit, false merges by kind of what is no copy, precision of all."""
    rows, right, wrong = [], [0, 0], 0
    for name, edit in EDITS.items():
        found = [is_found(a["text"], _edited(a, name, edit)) for a in articles]
        right = [right[0] + sum(found), right[1] + len(found)]
        rows.append([name, *_share(sum(found), len(found))])
    rows.append(["all edits", *_share(*right)])
    for name, make in NOT_COPIES.items():
        pairs = list(_pairs(articles, name, make))
        taken = sum(is_found(one, other) for one, other in pairs)
        wrong += taken
        rows.append([f"no copy: {name}", *_share(taken, len(pairs))])
    forms = list(templates(random.Random(3), 300))
    taken = sum(is_found(one, other) for one, other in forms)
    wrong += taken
    rows.append(["no copy: forms with other figures", *_share(taken, len(forms))])
    rows.append(["precision", *_share(right[0], right[0] + wrong)])
    table = sets.markdown(["Kind", "pairs", "found", "share", "95 % interval"], rows)
    return f"## Edited articles ({len(articles)} of the half)\n\n{table}"


def _edited(article: dict[str, Any], name: str, edit: Callable[..., str]) -> str:
    return edit(article["text"], random.Random(f"{name}{article['id']}"))


def _pairs(
    articles: Sequence[dict[str, Any]], name: str, make: Callable[..., list[Pair]]
) -> Iterator[Pair]:
    """What is no copy, made of several articles each."""
    apart = 37 if len(articles) % 37 else 41  # else an article would be paired with itself
    for at in range(len(articles)):
        several = [articles[(at + step * apart) % len(articles)]["text"] for step in range(5)]
        yield from make(several, random.Random(f"{name}{at}"))


def labelled(articles: Sequence[dict[str, Any]]) -> str:
    """False merges among reports of one event, those that a reader looked at."""
    if not _LABELS.exists():
        return ""
    text_of = {a["id"]: a["text"] for a in articles}
    labels = [json.loads(line) for line in _LABELS.read_text().splitlines()]
    pairs = [(one["one"], one["two"]) for one in labels if {one["one"], one["two"]} <= set(text_of)]
    taken = [pair for pair in pairs if is_found(*(text_of[i] for i in pair))]
    near = [[set(copies.bands(text_of[i])) for i in pair] for pair in pairs]
    banded = [one for one, other in near if one & other]
    return (
        f"## Reports of one event in two outlets, read and labelled\n\n{len(pairs)} pairs at hand "
        f"of {len(labels)}: {len(banded)} share a band, {len(taken)} taken for copies {taken or ''}"
    )


def every_pair(articles: Sequence[dict[str, Any]]) -> str:
    """What is taken for a copy among all pairs of real articles of different outlets."""
    held, candidates, taken, same = defaultdict(list), 0, [], []
    for at, article in enumerate(articles):
        found = copies.bands(article["text"])
        near = sorted({other for band in found for other in held[band]})
        candidates += len(near)
        for other in near:
            if copies.is_copy(article["text"], articles[other]["text"]):
                is_same = article["outlet"] == articles[other]["outlet"]
                (same if is_same else taken).append((article["id"], articles[other]["id"]))
        for band in found:
            held[band].append(at)
    pairs = len(articles) * (len(articles) - 1) // 2
    return (
        f"## All {pairs:,} pairs of {len(articles)} real articles\n\n{candidates} share a band; "
        f"{len(taken)} pairs of two outlets are taken for copies {taken or ''}; {len(same)} of one "
        f"outlet are alike (not merged) {same or ''}"
    )


def cost(articles: Sequence[dict[str, Any]], number: int, folder: Path) -> str:
    """Milliseconds per article by step, in an archive that fills up to `number` articles."""
    spent: Counter[str] = Counter()
    steps = {"bands": "signature", "_candidates": "lookup", "overlap": "comparison"}
    for name in steps:
        setattr(origins, name, _timed(getattr(origins, name), name, spent))
    archive = Archive(folder / "archive.db")
    rows, placed = [], 0
    source, original_of = islice(_filling(articles), number), {}
    while batch := list(islice(source, 64)):
        with archive.engine.begin() as connection:
            pks = [_stored(connection, article) for article, _ in batch]
            original_of |= {pk: of for pk, (_, of) in zip(pks, batch, strict=True)}
            began = time.process_time()
            origins.place(connection, pks)
            spent["all"] += time.process_time() - began
        placed += len(batch)
        if placed // (number // 4) > len(rows):
            since = placed - sum(row[1] for row in rows)
            times = [spent[name] * 1000 / since for name in (*steps, "all")]
            mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append([placed, since, *(f"{t:.2f}" for t in times), f"{mib:.0f}"])
            spent.clear()
    with archive.engine.connect() as connection:
        pages = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%bands%'"
        disk = connection.scalar(sa.text(pages)) / placed
    found = archive.origins(list(original_of))
    mates = Counter((found[pk], of) for pk, of in original_of.items())
    together = sum(
        max(n for (_, o), n in mates.items() if o == of) for of in set(original_of.values())
    )
    mixed = len(mates) - len({group for group, _ in mates})
    head = [
        "Articles",
        "since",
        *steps.values(),
        "in all, ms of processor time each",
        "peak memory, MiB",
    ]
    return (
        f"## Filling an archive\n\n{sets.markdown(head, rows)}\n\n"
        f"{together / placed:.4f} of the articles are with most of their like; {mixed} groups hold "
        f"two texts; the bands take {disk:.0f} bytes an article"
    )


def _timed(call: Callable[..., Any], name: str, spent: Counter[str]) -> Callable[..., Any]:
    def timed(*given: Any) -> Any:
        began = time.process_time()
        try:
            return call(*given)
        finally:
            spent[name] += time.process_time() - began

    return timed


def _filling(articles: Sequence[dict[str, Any]]) -> Iterator[tuple[Article, int]]:
    """The articles, then copies of them in outlet after outlet; the number of the original too."""
    edits = list(EDITS.values())
    for turn in count():
        for at, one in enumerate(articles):
            chance = random.Random(f"{turn}{at}")
            text = chance.choice(edits)(one["text"], chance) if turn else one["text"]
            day = date(2026, 1, 1) + timedelta(days=turn)
            name = f"Outlet {turn}" if turn else one["outlet"]
            yield Article(id=f"{turn}-{at}", text=text, outlet=name, published=day), at


def _stored(connection: sa.Connection, article: Article) -> int:
    """An article as published, without the full-text tables and vectors, which cost the same."""
    row = {"id": article.id, "version": article.version, "added_at": 0.0}
    insert = tables.articles.insert().values(row | tables.columns(article))
    pk = int(connection.execute(insert).inserted_primary_key[0])
    facts = {"text": article.text, "facts": tables.facts_of(article), "seen_at": 0.0}
    key = {"article_pk": pk, "version": article.version}
    connection.execute(tables.versions.insert().values(key | facts))
    return pk


def _share(part: int, whole: int) -> list[object]:
    if not whole:
        return [0, 0, "-", "-"]
    interval = binomtest(part, whole).proportion_ci(method="wilson")
    return [whole, part, f"{part / whole:.4f}", f"{interval.low:.4f} to {interval.high:.4f}"]


if __name__ == "__main__":
    main()
