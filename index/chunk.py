"""Cuts an article into passages of about equal size on sentence borders.

>>> from .article import Article
>>> [p.text for p in chunk(Article(id="a", text="Rates rose. Prices fell."), size=12)]
['Rates rose.', 'Prices fell.']
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import sentencex

from .article import Article

UNEMBEDDED = ("byline", "dateline")
_BLANK_LINE = re.compile(r"\n\s*\n|\n")


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a stored article: `article.text[start:end] == text`, in code points."""

    start: int
    end: int
    text: str


def chunk(article: Article, size: int = 1000) -> list[Passage]:
    """Passages of `size` characters or a little less, in order, without overlap.

    Sentences are not cut unless one alone is longer than `size`; byline and dateline lines are in
    no passage. Every other character that is not white space is in exactly one passage.
    """
    passages = []
    for start, end in _between_marks(article):
        begin = stop = None
        for left, right in sentence_spans(article.text, start, end, article.language, size):
            if begin is not None and stop is not None and right - begin > size:
                passages.append(Passage(begin, stop, article.text[begin:stop]))
                begin = None
            begin = left if begin is None else begin
            stop = right
        if begin is not None and stop is not None:
            passages.append(Passage(begin, stop, article.text[begin:stop]))
    return passages


def sentence_spans(
    text: str, start: int, end: int, language: str | None = None, longest: int = 2000
) -> list[tuple[int, int]]:
    """Spans of the sentences in `text[start:end]`, trimmed of white space, in order.

    A line break ends a sentence; one longer than `longest` characters is cut at white space, or,
    where there is none, between two characters (never before a combining mark).
    """
    spans: list[tuple[int, int]] = []
    for line_start, line_end in _lines(text, start, end):
        at = line_start
        for sentence in sentencex.segment(language or "en", text[line_start:line_end]):
            spans += _pieces(text, *_trim(text, at, at + len(sentence)), longest)
            at += len(sentence)
        if at != line_end:  # a segmenter that lost characters must not shift what follows
            spans += _pieces(text, *_trim(text, at, line_end), longest)
    return spans


def _between_marks(article: Article) -> Iterator[tuple[int, int]]:
    left_out = sorted((m.start, m.end) for m in article.marks if m.kind in UNEMBEDDED)
    borders = [(0, 0), *left_out, (len(article.text), len(article.text))]
    for (_, start), (end, _) in pairwise(borders):
        if start < end:
            yield start, end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for gap in _BLANK_LINE.finditer(text, start, end):
        if at < gap.start():
            yield at, gap.start()
        at = gap.end()
    if at < end:
        yield at, end


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _pieces(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    while end - start > longest:
        cut = start + longest
        space = max(text.rfind(mark, start + longest // 2, cut + 1) for mark in " \n\t")
        if space > start:
            cut = space
        else:
            while cut < end and unicodedata.combining(text[cut]):
                cut += 1
        piece = _trim(text, start, cut)
        if piece[0] < piece[1]:
            yield piece
        start = _trim(text, cut, end)[0]
    if start < end:
        yield start, end
