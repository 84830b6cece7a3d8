"""How many relative dates of news sentences `index/dates.py` resolves to the right days.

    python bench/dates.py [--missed]

Each of bench/labels/dates.jsonl marks one expression of a sentence, the dateline, and the first and
last day that it means, as read before anything was tuned; no days where it must not be resolved (a
name, an event that is not the dateline, a season). It is right where `resolve` gives exactly these
days for words that overlap the marked ones, or nothing. The rules were written with the part `tune`
in sight; another reader labelled `fresh` later. The figures of `aside` and `fresh` from before
their failures were read are the blind ones; what is printed is mended since.
"""

import argparse
import json
from datetime import date
from math import sqrt
from pathlib import Path
from typing import Any

from byline.index.dates import resolve

LABELS = Path(__file__).parent / "labels" / "dates.jsonl"


def main() -> None:
    """Print the share right of each part, and what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--missed", action="store_true", help="also print what failed")
    given = parser.parse_args()
    labels = [json.loads(line) for line in LABELS.read_text("utf-8").splitlines()]
    print("| part | labels | right | share | 95 % |\n| --- | ---: | ---: | ---: | ---: |")
    for part in ("tune", "aside", "fresh"):
        of_part = [label for label in labels if label["part"] == part]
        wrong = [label for label in of_part if not is_right(label)]
        right, total = len(of_part) - len(wrong), len(of_part)
        low, high = wilson(right, total)
        print(f"| {part} | {total} | {right} | {right / total:.3f} | {low:.3f}–{high:.3f} |")
        if given.missed:
            print("".join(f"\n{missed(label)}" for label in wrong), end="\n\n")


def found(label: dict[str, Any]) -> list[tuple[date, date]]:
    """The days that are resolved for words that overlap the marked ones."""
    end = (start := label["text"].index(label["words"])) + len(label["words"])
    resolved = resolve(label["text"], date.fromisoformat(label["written"]))
    return [(when.first, when.last) for when in resolved if when.start < end and when.end > start]


def is_right(label: dict[str, Any]) -> bool:
    """Whether exactly the labelled days are found, or nothing where there are none."""
    days = tuple(date.fromisoformat(label[key]) for key in ("first", "last") if label[key])
    return found(label) == [days][: len(days)]


def missed(label: dict[str, Any]) -> str:
    """A line for a label that failed."""
    got = ", ".join(f"{first} to {last}" for first, last in found(label)) or "nothing"
    right = f"{label['first']} to {label['last']}" if label["first"] else "nothing"
    return (
        f"{label['id']} {label['written']} “{label['words']}”: {got}, not {right}: {label['text']}"
    )


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, right / total
    middle = share + z * z / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    whole = 1 + z * z / total
    return (middle - spread) / whole, (middle + spread) / whole


if __name__ == "__main__":
    main()
