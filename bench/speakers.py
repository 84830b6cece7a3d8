"""Who is quoted: the labelled quotations of bench/labels, right by part and phenomenon.

    python bench/speakers.py [--wrong tune]

A speaker is right where one of label and answer has all the words of the other, titles and articles
apart ("Rell" for "Jan Rell"), or both are None; a channel likewise. `all` asks for speaker,
reported_by and stance. The rules were written with the failures of part `tune` in sight, by the
author of `tune` and `aside`; another reader labelled `fresh` later. The figures of `aside` and
`fresh` from before their failures were read are the blind ones; what is printed is mended since.
"""

import json
import timeit
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Any

import dates
from byline.index.read import Entry, read
from byline.index.words import words
from byline.qa.speakers import quotations, speaker_of

LABELS = Path(__file__).parent / "labels" / "quotations.jsonl"
SAMPLE = Path(__file__).parents[1] / "index" / "sample"
PARTS = ("tune", "aside", "fresh")
_TITLES = {"the", "a", "an", "mr", "mrs", "ms", "dr", "professor", "his", "her", "its", "own"}


def main() -> None:
    """Print each part as Markdown, and the wrong ones of a part where asked."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", choices=PARTS, help="print the failures of a part")
    wrong = parser.parse_args().wrong
    texts = articles()
    score: dict[tuple[str, str], list[dict[str, bool]]] = defaultdict(list)
    for line in LABELS.read_text("utf-8").splitlines():
        label = json.loads(line)
        marks = judged(label, label.get("text") or texts[label["article"]], label["part"] == wrong)
        score[label["part"], label["kind"]].append(marks)
        score[label["part"], "all"].append(marks)
    print("| part | phenomenon | n | speaker | all | 95 % | channel |\n|" + "---|" * 7)
    order = sorted(score, key=lambda key: (PARTS.index(key[0]), key[1] != "all", key[1]))
    for part, kind in order:
        rows = score[part, kind]
        speaker, right, channel = (
            sum(row[k] for row in rows) for k in ("speaker", "all", "channel")
        )
        low, high = dates.wilson(right, len(rows))
        shown = f"{speaker} | {right} | {low:.0%}-{high:.0%} | {channel}"
        print(f"| {part} | {kind} | {len(rows)} | {shown} |")
    long = "\n\n".join(texts.values())[:12_000]
    took = min(timeit.repeat(lambda: quotations(long), number=1, repeat=5))
    print(f"\n{len(long.split())} words in {1000 * took:.1f} ms, best of five")
    whole = "\n\n".join(texts.values())[:100_000]
    took = min(timeit.repeat(lambda: speaker_of(whole, 50_000, 50_200), number=1, repeat=5))
    print(f"one span of a text of 100,000 characters in {1000 * took:.1f} ms, best of five")


def articles() -> dict[str, str]:
    """Text of each sample article by file name; `name#line` in a file of records."""
    entries = [e for e in read([SAMPLE], max_article_bytes=10**7) if isinstance(e, Entry)]
    return {Path(e.path).name + (f"#{e.line}" if e.line else ""): e.load().text for e in entries}


def judged(label: dict[str, Any], text: str, is_shown: bool) -> dict[str, bool]:
    """Which parts of a label are right."""
    quote = label["quote"]
    at = max(text.find(mark + quote) for mark in "“\"'‘«„") + 1 or text.find(quote)
    got = speaker_of(text, at, at + len(quote))
    given = {k: getattr(got, k, None) for k in ("speaker", "reported_by", "stance", "channel")}
    marks = {k: agree(label[k], given[k]) for k in given}
    marks["all"] = marks["speaker"] and marks["reported_by"] and marks["stance"]
    if is_shown and not all(marks.values()):
        print(label["id"], label["kind"], label.get("article"), quote[:60], given, sep=" | ")
    return marks


def agree(label: str | None, given: str | None) -> bool:
    """One has all the words of the other, titles apart; None agrees with None alone."""
    if label is None or given is None:
        return label is given
    left, right = (set(words(name)) - _TITLES for name in (label, given))
    return bool(left and right) and (left <= right or right <= left)


if __name__ == "__main__":
    main()
