"""How fast articles come in: beside the bare embedder, and when nothing has changed.

    python bench/ingest.py [--data FOLDER] [--full]

First, `Desk.add` against embedding the same passages' texts with the bare embedder, in turns of
four batches of articles (add, embed, add, embed ...), the first thrown away: the share of the
embedder's throughput that is left when articles are also read, cut, stored and indexed. Required:
0.95. On a machine that has other work, go by the share of processor time, and by a quiet one's.

Then a second add of articles that have not changed, as one JSONL file and as text files, in one
open desk: the first add's time over the second's. Required: 100. `--full` does this with 2,000
articles, which takes five minutes, otherwise it is 200.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import sets
from byline import Desk
from byline.index.build import Report, embedded_text
from byline.index.embed import MiniLM
from numpy.typing import NDArray

Seconds = NDArray[np.float64]  # by the clock, of the processor
_TURN = 256  # articles: four batches of `Desk.add`
_ARTICLES = 200
_FULL = 2000


def main() -> None:
    """Print both tables."""
    parser = sets.parser(__doc__)
    parser.add_argument("--turns", type=int, default=3, help="turns that count (%(default)s)")
    parser.add_argument("--full", action="store_true", help="add 2,000 articles twice")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        print(throughput(given.data, Path(folder), given.turns), end="\n\n")
        print(unchanged(given.data, Path(folder), _FULL if given.full else _ARTICLES))


def throughput(data: Path, folder: Path, turns: int) -> str:
    """Adding against embedding alone, a batch of articles a turn."""
    found = articles(data, _TURN * (turns + 1))
    embedder, rows, passages = MiniLM(), [], 0
    added, alone = np.zeros(2), np.zeros(2)
    with sets.new_desk(folder / "throughput", embedder) as desk:
        for turn in range(turns + 1):
            batch = found[_TURN * turn : _TURN * (turn + 1)]
            source = sets.written(batch, folder / f"batch{turn}.jsonl")
            before = set(desk.archive.all_passages())
            of_add = _seconds(partial(desk.add, source))
            new = [key for key in desk.archive.all_passages() if key not in before]
            texts = [embedded_text(p.article, p.text) for p in desk.archive.passages(new)]
            of_embedder = _seconds(partial(embedder.embed, texts))
            if turn:  # the first one loads libraries
                added, alone, passages = added + of_add, alone + of_embedder, passages + len(texts)
                rows.append([turn, len(texts), *_rates(len(texts), of_add, of_embedder)])
    shares = [float(row[-2]) for row in rows]
    rows.append(["together", passages, *_rates(passages, added, alone)])
    head = ["Turn", "passages", "add, passages/s", "embedder alone, passages/s", "share"]
    return (
        f"## Throughput: {_TURN} articles a turn\n\n"
        f"{sets.markdown([*head, 'share by processor time'], rows)}\n\n"
        f"(share: median {statistics.median(shares):.3f}, {min(shares):.3f} to {max(shares):.3f}; "
        "required 0.95)"
    )


def _rates(passages: int, added: Seconds, alone: Seconds) -> list[str]:
    wall, processor = alone / added
    return [
        f"{passages / added[0]:.1f}",
        f"{passages / alone[0]:.1f}",
        f"{wall:.3f}",
        f"{processor:.3f}",
    ]


def unchanged(data: Path, folder: Path, number: int) -> str:
    """A second add of the same sources, in one open desk."""
    found = articles(data, number)
    jsonl = sets.written(found, folder / "unchanged.jsonl")
    texts = folder / "texts"
    texts.mkdir()
    for at, article in enumerate(found):
        text = f"{article.get('title') or ''}\n\n{article['text']}".strip()
        (texts / f"{at:05}.txt").write_text(text)
    embedder, rows = MiniLM(), []
    for name, source in (("one JSONL file", jsonl), (f"{len(found)} text files", texts)):
        with sets.new_desk(folder / f"twice-{source.name}", embedder) as desk:
            (new, first), (same, second) = _added(desk, source), _added(desk, source)
            assert new.added == same.unchanged == len(found), (new, same)
            passages = desk.archive.count()[1]
        rows.append([name, passages, f"{first:.2f}", f"{second:.3f}", f"{first / second:.0f}"])
    head = ["Articles as", "passages", "first add, s", "second add, s", "times faster"]
    return (
        f"## A second add of {len(found)} unchanged articles\n\n{sets.markdown(head, rows)}\n\n"
        "(required: 100 times)"
    )


def articles(data: Path, number: int) -> list[dict[str, Any]]:
    """Articles of the BBC set, or those of the sample again and again under other ids."""
    if (data / "bbc").is_dir():
        found = sets.records("bbc", data, number)
        return [{"id": a["id"], "title": a["title"], "text": a["text"]} for a in found]
    return sample_again(data, number)


def sample_again(data: Path, number: int) -> list[dict[str, Any]]:
    """The bundled articles again and again, each time under other ids."""
    with sets.opened("sample", data) as desk:
        sample = desk.articles.list(1000)
    again = (
        {**a.to_dict(), "id": f"{a.id}-{turn}", "text": f"{a.text}\n\nRepeated {turn}."}
        for turn in count()
        for a in sample
    )
    return list(islice(again, number))


def _added(desk: Desk, source: Path) -> tuple[Report, float]:
    began = time.perf_counter()
    report = desk.add(source)
    return report, time.perf_counter() - began


def _seconds(call: Callable[[], object]) -> Seconds:
    """By the clock on the wall, and of the processor."""
    began = np.array([time.perf_counter(), time.process_time()])
    call()
    return np.array([time.perf_counter(), time.process_time()]) - began


if __name__ == "__main__":
    main()
