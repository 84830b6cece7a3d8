"""How much of an article may be quoted: what its excerpt limit leaves, cut at a sentence.

>>> article = Article(id="a", text="Rates rose. Prices fell again.", excerpt_limit=20)
>>> excerpts = Excerpts()
>>> excerpts.take(article, 0, 30), excerpts.take(article, 12, 30)
((0, 11), (12, 12))
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from .article import Article
from .chunk import sentence_spans

UNSAID = "the article says what"
"in place of a notice in words of the text that may not be quoted"


class Excerpts:
    """What one answer, or one list of hits, quotes of each article, so that it stays in bounds.

    Article.excerpt_limit is of characters of the text over all its quotes; headlines do not count.
    """

    def __init__(self) -> None:
        self._taken: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def room(self, article: Article) -> int:
        """How many characters may still be quoted."""
        taken = sum(end - start for start, end in self._taken[article.id])
        return max(0, (article.excerpt_limit or 0) - taken)

    def take(self, article: Article, start: int, end: int) -> tuple[int, int]:
        """The span, or as much of it as may still be quoted; (start, start) where nothing may."""
        known = any(left <= start and end <= right for left, right in self._taken[article.id])
        if article.excerpt_limit is None or known:
            return start, end
        end = cut(article, start, end, self.room(article), whole=True)
        self._taken[article.id].append((start, end))
        return start, end


def cut(article: Article, start: int, end: int, room: int, *, whole: bool = False) -> int:
    """Where the span ends if at most `room` characters of it are quoted.

    At the end of a sentence, else of a word; `start` where not even a word fits. Evidence is
    `whole`, of sentences alone: "sold for 19" is not what "sold for 19 million" says.
    """
    if end - start <= room:
        return end
    spans = sentence_spans(article.text, start, end, article.language)
    if fitting := [stop for _, stop in spans if stop <= start + room]:
        return fitting[-1]
    if whole:
        return start
    head = article.text[start : start + room + 1]
    return start + len(head[: max(0, *map(head.rfind, " \n\t"))].rstrip())


def within(article: Article) -> Article:
    """The article with no more of its text, also in its notice, than may be quoted."""
    text, notice = excerpt(article), article.notice
    if text == article.text:
        return article
    marks = tuple(mark for mark in article.marks if mark.end <= len(text))
    in_text, in_excerpt = (
        notice is not None and " ".join(notice.text.split()) in " ".join(one.split())
        for one in (article.text, text)
    )
    if notice and in_text and not in_excerpt:
        notice = replace(notice, text=UNSAID)
    return replace(article, text=text, marks=marks, notice=notice)


def shown(article: Article) -> dict[str, Any]:
    """The article as JSON values, its text no longer than what may be quoted."""
    text = excerpt(article)
    values = article.to_dict() | {"text": text}
    values["marks"] = [mark for mark in values["marks"] if mark["end"] <= len(text)]
    return values


def excerpt(article: Article) -> str:
    """The text, or its beginning where no more may be quoted."""
    limit = article.excerpt_limit
    return (
        article.text if limit is None else article.text[: cut(article, 0, len(article.text), limit)]
    )
