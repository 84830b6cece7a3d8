"""How fast articles come in: beside the bare embedder, and when nothing has changed.

    python -m bench.ingest [--data FOLDER] [--full]

First, `Desk.add` of 200 articles against embedding the same passages' texts with the bare embedder,
in turns (add, embed, add, embed ...), the first turn thrown away: the share of the embedder's
throughput that is left when articles are also read, cut, stored and indexed. Required: 0.95.

Then a second add of articles that have not changed, as one JSONL file and as text files, in one open
desk: the first add's time over the second's. Required: 100. `--full` does this with 2,000 articles,
which takes five minutes, otherwise it is 200.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

from byline.index.build import Report, embedded_text
from byline.index.embed import MiniLM

from bench import sets

_ARTICLES = 200
_FULL = 2000


def main() -> None:
    """Print both tables."""
    parser = sets.parser(__doc__)
    parser.add_argument("--turns", type=int, default=4, help="turns that count (%(default)s)")
    parser.add_argument("--full", action="store_true", help="add 2,000 articles twice")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        print(throughput(given.data, Path(folder), given.turns), end="\n\n")
        print(unchanged(given.data, Path(folder), _FULL if given.full else _ARTICLES))


def throughput(data: Path, folder: Path, turns: int) -> str:
    """Adding against embedding alone, in turns."""
    source = sets.written(articles(data, _ARTICLES), folder / "throughput.jsonl")
    embedder = MiniLM()
    add_seconds, embed_seconds = [], []
    for turn in range(turns + 1):
        with sets.new_desk(folder / f"turn{turn}", embedder) as desk:
            add_seconds.append(_seconds(lambda: desk.add(source)))  # noqa: B023, called here
            archive = desk.archive
            passages = archive.passages(archive.all_passages())
            texts = [embedded_text(passage.article, passage.text) for passage in passages]
        embed_seconds.append(_seconds(lambda: embedder.embed(texts)))  # noqa: B023
    rates = [
        [turn, f"{len(texts) / added:.1f}", f"{len(texts) / alone:.1f}", f"{alone / added:.3f}"]
        for turn, (added, alone) in enumerate(zip(add_seconds, embed_seconds, strict=True))
        if turn
    ]
    shares = [float(row[-1]) for row in rates]
    head = ["Turn", "add, passages/s", "embedder alone, passages/s", "share"]
    return (
        f"## Throughput: {_ARTICLES} articles, {len(texts)} passages\n\n"
        f"{sets.markdown(head, rates)}\n\n"
        f"Share: median {statistics.median(shares):.3f}, {min(shares):.3f} to {max(shares):.3f} "
        "(required: 0.95)."
    )


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
            reports: list[Report] = []
            first, second = (_seconds(lambda: reports.append(desk.add(source))) for _ in range(2))  # noqa: B023
            assert reports[0].added == reports[1].unchanged == len(found), reports
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


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
