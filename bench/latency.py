"""How long finding takes: `Desk.search` at 10,000 passages, with and without filters.

    python bench/latency.py [--data FOLDER] [--passages N]

In one open desk, every question of the news quiz (without the data folder: of the sample, over the
sample's articles repeated) is searched without a filter, with dates that about 50 %, 10 % and 1 %
of the articles fall between, and with the largest outlet, in turns. Wall clock, the question's
embedding by the bundled model included. Required: 95 % within 40 ms.

Beside it, in the same turns: embedding the question alone, and exact search in numpy over the same
vectors in memory alone. The last column is p95 over that of these two together.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import numpy as np
import sets
from byline import Desk
from ingest import sample_again

_SET = "realtimeqa_dev"
_PASSAGES = 10_000


def main() -> None:
    """Print a row a filter."""
    parser = sets.parser(__doc__)
    parser.add_argument("--passages", type=int, default=_PASSAGES, metavar="N")
    parser.add_argument("--turns", type=int, default=3, help="turns that count (%(default)s)")
    given = parser.parse_args()
    (name,) = sets.available([_SET], given.data)
    with _desk(name, given.data, given.passages) as desk:
        questions = [case.question for case in sets.cases(name, given.data)]
        print(measured(desk, questions, given.turns))


def measured(desk: Desk, questions: list[str], turns: int) -> str:
    """A table of p50 and p95 in milliseconds."""
    archive, embedder = desk.archive, desk.library().embedder
    vectors = archive.vectors(archive.all_passages())

    def reference(question: str) -> None:
        np.argsort(-(vectors @ embedder.embed_question(question)))[:100]

    calls: dict[str, Callable[[str], object]] = {
        "embedding the question": embedder.embed_question,
        "the same and exact search in numpy": reference,
        "search, no filter": desk.search,
    }
    for name, kept in _filters(desk).items():
        calls[f"search, {name}"] = lambda question, kept=kept: desk.search(question, **kept)
    milliseconds: dict[str, list[float]] = defaultdict(list)
    for turn in range(turns + 1):
        for question in questions:
            for name, call in calls.items():
                began = time.perf_counter()
                call(question)
                if turn:
                    milliseconds[name].append((time.perf_counter() - began) * 1000)
    base = np.percentile(milliseconds["the same and exact search in numpy"], 95)
    rows = []
    for name, taken in milliseconds.items():
        half, most = np.percentile(taken, (50, 95))
        rows.append([name, f"{half:.1f}", f"{most:.1f}", f"{most / base:.1f}"])
    articles, passages = archive.count()
    return (
        f"## Search: {articles} articles, {passages} passages, {len(questions)} questions, "
        f"{turns} turns\n\n{sets.markdown(['', 'p50, ms', 'p95, ms', 'p95 / reference'], rows)}\n\n"
        "(required: p95 within 40 ms)"
    )


def _filters(desk: Desk) -> dict[str, dict[str, object]]:
    """Filters for `Desk.search` by what they let through."""
    dates = sorted(_day(a.published) for a in desk.articles.list(100_000) if a.published)
    found: dict[str, dict[str, object]] = {}
    for share in (0.5, 0.1, 0.01):
        middle, half = len(dates) // 2, max(1, int(len(dates) * share / 2))
        between = {"since": dates[middle - half], "until": dates[middle + half - 1]}
        found[f"dates of about {share:.0%}"] = between
    outlet = next(iter(desk.archive.outlets()))
    found["one outlet"] = {"outlets": [outlet]}
    everything = len(desk.articles)
    return {
        f"{name} ({len(desk.articles.list(100_000, **kept)) / everything:.1%} of articles)": kept
        for name, kept in found.items()
    }


def _day(moment: datetime | date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


@contextmanager
def _desk(name: str, data: Path, passages: int) -> Iterator[Desk]:
    """A desk that holds about as many passages."""
    if name == "sample":
        with sets.opened("sample", data) as desk:
            articles, held = desk.archive.count()
        with sets.opened("sample", data, sample_again(data, articles * passages // held)) as desk:
            yield desk
    else:
        # its articles have about nine passages each
        with sets.opened(name, data, sets.records(name, data, passages // 9)) as desk:
            yield desk


if __name__ == "__main__":
    main()
