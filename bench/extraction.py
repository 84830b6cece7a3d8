"""How well the text of web pages is found, beside other extractors, in one run.

    python bench/extraction.py [--worst 5] [--half odd|even]

Sixty news pages with hand-made bodies. Token F1: words of the text against words of the body,
as bags, mean over pages with a 95 % bootstrap interval. Byline's reader was chosen on the even
lines of gold.jsonl (counted from 0); the odd ones were kept aside.
"""

import gzip
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import trafilatura
from byline.errors import InputError
from byline.index.article import Article
from byline.index.readers.html import read_html
from lxml import html as lxml_html
from readability import Document
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree
from sets import markdown, parser

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")  # a word, or a sign of Chinese
_RESAMPLES = 2000
_FIELDS = ("title", "authors", "published", "updated", "outlet", "section", "language", "url")


def _trafilatura(**options: bool) -> Callable[[bytes], str]:
    return lambda raw: trafilatura.extract(raw, **options) or ""


def _readability(raw: bytes) -> str:
    summary = Document(raw.decode("utf-8", "replace")).summary()
    return "\n".join(lxml_html.fromstring(summary).itertext())


def _resiliparse(raw: bytes) -> str:
    tree = HTMLTree.parse_from_bytes(raw, "utf-8")
    return str(extract_plain_text(tree, main_content=True, alt_texts=False))


def _byline(raw: bytes) -> str:
    try:
        return read_html(raw, "page").text
    except InputError:
        return ""


EXTRACTORS: dict[str, Callable[[bytes], str]] = {
    "trafilatura, as it is": _trafilatura(),
    "trafilatura, precision": _trafilatura(favor_precision=True),
    "trafilatura, recall": _trafilatura(favor_recall=True),
    "readability-lxml": _readability,
    "resiliparse": _resiliparse,
    "Byline": _byline,
}


def tokens(text: str) -> Counter[str]:
    """The words of a text, however written, with their counts."""
    return Counter(_TOKEN.findall(text.lower()))


def scores(text: str, gold: str) -> tuple[float, float, float]:
    """F1, precision and recall of a text's words."""
    found, wanted = tokens(text), tokens(gold)
    same = (found & wanted).total()
    if not same:
        return 0.0, 0.0, 0.0
    precision, recall = same / found.total(), same / wanted.total()
    return 2 * precision * recall / (precision + recall), precision, recall


def interval(values: Sequence[float]) -> str:
    """The 95 % bootstrap interval of a mean."""
    draw = random.Random(7)
    means = sorted(mean(draw.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return f"{means[_RESAMPLES // 40]:+.3f} to {means[-_RESAMPLES // 40]:+.3f}".replace("+0", "")


def pages(data: Path) -> list[tuple[str, bytes, str]]:
    """Address, bytes and hand-made body of every page."""
    lines = (data / "extraction" / "gold.jsonl").read_text().splitlines()
    found = []
    for gold in map(json.loads, lines):
        path = data / "extraction" / "html" / f"{gold['id']}.html.gz"
        found.append((gold["url"], gzip.decompress(path.read_bytes()), gold["text"]))
    return found


def main() -> int:
    """Print the table, the fields found, and the worst pages of Byline's reader."""
    command = parser(__doc__)
    command.add_argument("--worst", type=int, default=5, help="pages to name (default: 5)")
    command.add_argument("--half", choices=("even", "odd"), help="only these lines")
    asked = command.parse_args()
    if not (asked.data / "extraction").is_dir():
        print("There are no pages with hand-made bodies: give their folder with --data.")
        return 0
    held = pages(asked.data)
    kept = {"even": held[::2], "odd": held[1::2], None: held}[asked.half]
    rows, by_name = [], {}
    for name, extract in EXTRACTORS.items():
        began = time.process_time()
        of_page = [scores(extract(raw), gold) for _, raw, gold in kept]
        spent = 1000 * (time.process_time() - began) / len(kept)
        by_name[name] = f1 = [page[0] for page in of_page]
        halves = [mean(f1[::2]), mean(f1[1::2])] if asked.half is None else ["", ""]
        columns = [mean(f1), interval(f1), *(mean(p[n] for p in of_page) for n in (1, 2)), *halves]
        shown = (f"{c:.3f}" if isinstance(c, float) else c for c in columns)
        rows.append([name, *shown, min(f1), f"{spent:.0f}"])
        rows[-1][-2] = f"{min(f1):.2f}"
    names = ["extractor", "F1", "95 %", "precision", "recall", "F1, even", "F1, odd", "worst", "ms"]
    print(f"{len(kept)} pages\n\n{markdown(names, rows)}")
    plain = by_name["trafilatura, as it is"]
    gain = [ours - theirs for ours, theirs in zip(by_name["Byline"], plain, strict=True)]
    print(f"\nByline over plain trafilatura: {mean(gain):+.3f} ({interval(gain)})")
    _print_fields(kept)
    worst = sorted(zip(by_name["Byline"], plain, kept, strict=True), key=lambda row: row[0])
    table = [
        [url, f"{f1:.2f}", f"{theirs:.2f}"] for f1, theirs, (url, _, _) in worst[: asked.worst]
    ]
    print("\n" + markdown(["worst pages", "Byline", "trafilatura"], table))
    return 0


def _print_fields(kept: Sequence[tuple[str, bytes, str]]) -> None:
    found = Counter[str]()
    for _, raw, _ in kept:
        try:
            article: Article = read_html(raw, "page")
        except InputError:
            continue
        found.update(name for name in _FIELDS if getattr(article, name))
        found["a time of day"] += hasattr(article.published, "hour")
        found["teaser"] += article.completeness == "teaser"
    columns = [*_FIELDS, "a time of day", "teaser"]
    print("\n" + markdown(["found on", *columns], [["pages", *(found[c] for c in columns)]]))


if __name__ == "__main__":
    sys.exit(main())
