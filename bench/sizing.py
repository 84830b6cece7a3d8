"""How much machine so many articles take: the model, and the measurements that it is fitted on.

    python bench/sizing.py [--articles 1000000] [--per-article 3] [--measured FILE]

`--measured` takes what `scale.py` has kept, fits on its smaller sizes and prints, for the largest,
prediction beside measurement. Without it the figures below count (docs/scale.md).
"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

# `scale.py`, 28 November 2026: what was measured at three sizes on two cores shared with some ten
# processes, at five (`--written-above 0`, medians of two turns) with two: 40 % of one core.
SIZES = (11_059, 33_360, 101_049, 303_909, 1_001_622)
MEASURED: dict[str, tuple[float, ...]] = {
    "bytes a passage: text and facts": (1025.6, 1020.5, 1006.3),
    "bytes a passage: vectors": (821.5, 821.3, 821.3),
    "bytes a passage: full text": (1132.1, 1090.3, 1155.0),
    "bytes a passage: other tables": (256.4, 246.5, 243.6),
    "bytes a passage: Chroma's index": (1716.8, 1688.1, 1707.7),
    "bytes a passage: Chroma's log": (379.6, 206.0, 154.3),
    "memory of the adder, MB": (474.2, 528.9, 716.8),
    "adding 1,000: read and cut, processor": (0.749, 0.820, 0.693),
    "adding 1,000: accept, processor": (0.196, 0.217, 0.254),
    "adding 1,000: publish, processor": (0.354, 0.453, 1.067),
    "adding 1,000: Chroma and the rest, processor": (0.643, 1.135, 1.626),
    "memory of who asks, MB": (313.7, 317.3, 365.2, 475.1, 816.3),
    "shelf is read: processor, s": (0.060, 0.145, 0.824, 2.198, 6.365),
    "search, no filter: p50 processor, ms": (29.5, 42.7, 77.0, 136.6, 253.9),
    "search, 50 % of the days: p50 processor, ms": (22.5, 34.8, 69.1, 115.9, 207.0),
    "search, one day of three years: p50 processor, ms": (9.5, 11.7, 21.4, 44.7, 116.4),
    "search, the largest outlet (22 %): p50 processor, ms": (15.9, 23.9, 54.2, 139.0, 387.7),
}
# How each grows with the number n of passages: y = a, a + b n, a + b ln n, or a n^b. The rarest
# words of a question choose what is ranked, so a search grows with the root of n; not under a
# narrow filter, where all its words choose: that looks at each passage that has one.
SHAPES = {
    "bytes": "flat",
    "adding 1,000: read": "flat",
    "adding": "log",
    "memory": "line",
    "shelf": "line",
    "search, no filter": "power",
    "search, 50 %": "power",
    "search": "line",
}
MINILM_PER_CORE = 22.0  # passages a second: bench/ingest.py
HELD_IN_MEMORY = 2_000_000  # passages: index/archive/shelf.py


def fitted(name: str, sizes: Sequence[float], values: Sequence[float], at: float) -> float:
    """What a quantity is at a size, by least squares over the sizes where it was measured.

    Of what is missed by the shares, not the differences: the sizes lie a hundredfold apart.
    """
    shape = _shape(name)
    if shape == "flat":
        return float(values[-1])
    x = np.asarray if shape == "line" else np.log
    y = np.log(values) if shape == "power" else np.asarray(values)
    share = None if shape == "power" else 1 / y
    line = np.polyfit(x(np.asarray(sizes, float)), y, 1, w=share)
    found = float(np.polyval(line, float(x(float(at)))))
    return float(np.exp(found)) if shape == "power" else found


def _shape(name: str) -> str | None:
    return next((shape for start, shape in SHAPES.items() if name.startswith(start)), None)


def predicted(passages: int) -> dict[str, float]:
    """Each quantity at so many passages."""
    return {n: fitted(n, SIZES[: len(of)], of, passages) for n, of in MEASURED.items()}


def sized(articles: int, per_article: float = 3.0) -> dict[str, float]:
    """What so many articles take, in the units that machines are ordered in."""
    passages = int(articles * per_article)
    of = predicted(min(passages, HELD_IN_MEMORY))
    archive = sum(v for n, v in of.items() if n.startswith("bytes") and "Chroma" not in n)
    store = sum(v for n, v in of.items() if n.startswith("bytes") and "Chroma" in n)
    adding = sum(v for n, v in of.items() if n.startswith("adding"))
    return {
        "articles": articles,
        "passages": passages,
        "indexes of 2 million passages at most": -(-passages // HELD_IN_MEMORY),
        "archive on disk, GB": archive * passages / 1e9,
        "Chroma on disk, GB": store * passages / 1e9,
        "memory of a process that asks one index, GB": of["memory of who asks, MB"] / 1e3,
        "memory of a process that adds to one, GB": of["memory of the adder, MB"] / 1e3,
        "hours of one core: embedding, bundled model": passages / MINILM_PER_CORE / 3600,
        "hours of one core: everything else": adding * passages / 1e3 / 3600,
        "searches a second and core, no filter": 1e3 / of["search, no filter: p50 processor, ms"],
    }


def report(measured: Path) -> str:
    """Prediction beside measurement for the largest size that `scale.py` has measured."""
    sizes = _sizes(measured)
    if not sizes:
        return "No size has been reached yet."
    *before, last = sorted(sizes)
    rows = []
    for name, value in sizes[last].items():
        known = [(sizes[n]["passages"], sizes[n][name]) for n in before if name in sizes[n]]
        shape = _shape(name)
        if shape is None or len(known) < 2 or name.endswith(("clock", "clock, s", "clock, ms")):
            continue
        guess = fitted(name, *zip(*known, strict=True), sizes[last]["passages"])
        rows.append([name, shape, f"{guess:.2f}", f"{value:.2f}", f"{guess / value - 1:+.0%}"])
    head = [f"at {sizes[last]['passages']:,.0f} passages", "shape", "predicted", "measured", ""]
    return _table(head, rows)


def _sizes(measured: Path) -> dict[int, dict[str, float]]:
    """What was measured at each size that was reached, without what another way of adding took."""
    sizes: dict[int, dict[str, float]] = {}
    for line in measured.read_text().splitlines():
        record: dict[str, float] = json.loads(line)
        if record.pop("kind") == "size":  # type: ignore[comparison-overlap]
            sizes.setdefault(int(record.pop("size")), {}).update(record)
    for found in sizes.values():
        if "adding 1,000: read and cut, processor" in found:
            found["adding 1,000: Chroma and the rest, processor"] = _rest(found)
            continue
        has_store = "the vector store of 1,000: clock" in found
        for name in list(found):
            is_of_store = "Chroma" in name or name.endswith("together")
            is_of_adding = name.startswith(("adding", "memory of the adder"))
            if (is_of_store and not has_store) or (is_of_adding and "publish" not in name):
                del found[name]
    return {size: found for size, found in sizes.items() if "passages" in found}


def _rest(found: Mapping[str, float]) -> float:
    parts = ("read and cut", "embed (seeded)", "accept", "publish")
    own = sum(found[f"adding 1,000: {part}, processor"] for part in parts)
    return found["adding 1,000: all, processor"] - own


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def main() -> None:
    """Print a table."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0], epilog=__doc__)
    parser.add_argument("--articles", type=int, nargs="+", default=[35_000, 100_000, 600_000])
    parser.add_argument("--per-article", type=float, default=3.0, metavar="PASSAGES")
    parser.add_argument("--measured", type=Path, metavar="FILE")
    given = parser.parse_args()
    if given.measured:
        print(report(given.measured))
        return
    columns = [sized(articles, given.per_article) for articles in given.articles]
    rows = [[name, *(_shown(one[name]) for one in columns)] for name in columns[0]]
    print(_table(["", *("" for _ in columns)], rows))


if __name__ == "__main__":
    main()
