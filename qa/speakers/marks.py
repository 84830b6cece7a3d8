"""Quotation marks in running text: where they open and close, and the text without what they hold.

>>> text = 'It “leaks. Badly,” she said.'
>>> [text[mark.start : mark.end] for mark in marks(text)]
['leaks. Badly,']
>>> masked(text, marks(text))
'It ƢƢƢƢƢƢƢƢƢƢƢƢƢƢƢ she said.'
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

HOLE = "Ƣ"  # stands for a character in marks: a capital letter that no living spelling uses
_DOT = "ƣ"  # stands for a full stop that ends no sentence
_CLOSE = {"“": "”", "„": "“”", "«": "»", "‹": "›", "‘": "’", '"': '"', "'": "'"}
_OPEN = re.compile(r"(?<![^\W_])[“„«‹‘\"'](?=[^\s.,;:!?)])|(?<=[—–-])[“\"](?=\w)")
_ABBREVIATED = re.compile(
    r"\b(St|Mrs?|Ms|Dr|Jr|Sr|Prof|Sen|Rep|Gov|[A-Z](?=\.[A-Z]|\.\s[A-Z][\w.’'-]))\."
    r"(?!\s(?:The|In|He|She|It|But|A)\b)"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Words in quotation marks, text[start:end]; a quotation over paragraphs has one `group`."""

    start: int
    end: int
    group: int


def marks(text: str) -> list[Mark]:
    """Spans in marks, outermost only; an unclosed one runs to the end of its paragraph."""
    found = list[Mark]()
    at, group, is_open = 0, 0, False
    while opened := _OPEN.search(text, at):
        sign, start = opened[0], opened.end()
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        close = _closing(text, sign, start, stop)
        is_first = not text[text.rfind("\n", 0, start) + 1 : start - 1].strip()
        group += not (is_open and is_first)
        goes_on = sign not in "'‘" and (is_first or re.match(r"\s*[“\"]", text[stop : stop + 9]))
        at, is_open = start, False
        if close is not None:
            at = close + 1
            found += [Mark(start, close, group)] if close > start else []
        elif goes_on:
            at, is_open = stop, True
            found.append(Mark(start, stop, group))
    return found


def masked(text: str, found: list[Mark], is_told: Callable[[str], object] = bool) -> str:
    """The text in its own length with each span in marks as one word of `HOLE`.

    A full stop at the end of a span stays, as does another stop sign before words that are not
    told: `is_told("she said")`.
    """
    parts, at = [], 0
    for mark in found:
        stop = mark.end + (text[mark.end : mark.end + 1] not in ("\n", ""))
        ends = text[mark.end - 1] in ".!?" and stop > mark.end
        if ends and (tail := re.match(r"\s[^.,;:\n]{1,60}", text[stop : stop + 62])):
            ends = text[mark.end - 1] == "." or not is_told(tail[0])
        width = stop - mark.start + 1 - ends
        parts += [softened(text[at : mark.start - 1]), HOLE * width, "." * ends]
        at = stop
    return "".join([*parts, softened(text[at:])])


def softened(text: str) -> str:
    """The text without the full stops of initials and titles, in its own length."""
    return _ABBREVIATED.sub(rf"\1{_DOT}", text.replace(HOLE, "G").replace(_DOT, "g"))


def as_written(words: str) -> str:
    """`words` of a softened text with their full stops."""
    return words.replace(_DOT, ".")


def _closing(text: str, sign: str, start: int, stop: int) -> int | None:
    """Where the mark that closes `sign` stands; an apostrophe does not close."""
    if sign not in "'‘":
        found = [at for close in _CLOSE[sign] if (at := text.find(close, start, stop)) >= 0]
        return min(found, default=None)
    stop = min(stop, start + 2000)
    other = re.compile(rf"\s[{sign}]\w").search(text, start, stop)
    stop = other.start() if other else stop
    ends = [
        m.start() for m in re.compile(rf"(?<=\S){_CLOSE[sign]}(?!\w)").finditer(text, start, stop)
    ]
    after_stop = [at for at in ends if text[at - 1] in ",.!?…"]
    not_plural = [at for at in ends if text[at - 1] != "s"]
    return next(iter(after_stop or not_plural or ends), None)
