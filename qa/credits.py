"""Answers questions about an article itself: who wrote it, when and in which outlet it appeared.

sentences = credit(question, hits, article_count)

The byline and dateline lines are cited where the article has them; what only its metadata says is
cited at its first words, and says so.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime

from ..index.article import Article
from ..index.chunk import sentence_spans
from ..index.dates import find_dateline
from ..index.words import stems
from .cite import Sentence, Source
from .question import Question
from .retrieve import Hit, is_named

_PIECE = r"(?:article|story|piece|column|op-?ed|editorial)"
_WRITER = r"(?:author|writer|reporter|journalist|columnist|byline|correspondent)s?"
_ASKS = {
    "authors": re.compile(
        rf"\bwho\b.{{0,40}}\b(?:wrote|writes|authored|penned|reported|written)\b(?=.*\b{_PIECE}\b)"
        rf"|\b(?:which|what) (?:\w+ )?{_WRITER} (?:wrote|reported|covered|are named|is named)\b"
        rf"|\bwho (?:reported|wrote) for\b.*\b{_PIECE}\b"
        rf"|\b(?:who|what|which)\b.{{0,30}}\b{_WRITER}\b.*\b{_PIECE}\b"
        rf"|\bby whom\b.*\b{_PIECE}\b.*\bwritten\b|\bwho is it by\b",
        re.I,
    ),
    "published": re.compile(
        rf"\b(?:when|(?:what|which) (?:day|date|time))\b.*\b{_PIECE}\b.*"
        r"\b(?:published|posted|appear\w*|printed|written|dated)\b"
        rf"|\b(?:when|(?:what|which) (?:day|date)) did\b.*\b(?:run|print|publish)\b.*\b{_PIECE}\b",
        re.I,
    ),
    "outlet": re.compile(
        rf"\b(?:which|what) (?:outlet|newspaper|paper|site|publication|agency|source)s?\b"
        rf".*\b(?:published|ran|printed|posted|carried)\b.*\b{_PIECE}\b"
        rf"|\bwhere\b.*\b{_PIECE}\b.*\bpublished\b",
        re.I,
    ),
}
# Where an outlet is named these are of its making: "The Ledger's analysis".
_PIECES = re.compile(
    r"((?:['’]s|\bits|\brun the|\bran the) (?:\w+ )?)"
    r"(?:analysis|breakdown|feature|report|coverage|interview|review)\b",
    re.I,
)
_REPORTED_FOR = re.compile(r"(?<=\bwho reported for )(.*?)(?= (?:on|about) )", re.I)
_ABOUT_WHAT_IT_SAYS = re.compile(r"\b(?:will|would|says?|said|according)\b", re.I)
_ABOUT_ITSELF = re.compile(
    rf"\b(?:{_PIECE}s?|{_WRITER}|wrote|writes|written|authored|penned|reported|published|posted|"
    r"appeared|outlet|newspaper|opinion|date|day|time|news)\b",
    re.I,
)
ENOUGH = 0.5  # share of the words that tell which article is meant


def credit(question: Question, hits: Sequence[Hit], article_count: int) -> list[Sentence] | None:
    """The sentence that answers; [] where it is not clear; None: not such a question.

    `article_count` says how many articles the question may be about.
    """
    text = question.text
    if any(is_named(hit.outlet, text) for hit in hits):
        text = _PIECES.sub(r"\1article", _REPORTED_FOR.sub(r"\1 article", text))
    asked = next((name for name, asks in _ASKS.items() if asks.search(text)), None)
    if asked is None or _ABOUT_WHAT_IT_SAYS.search(text):
        return None
    article = _meant(text, hits, article_count)
    told = _told(article, asked) if article else None
    return [told] if told else []


def _meant(text: str, hits: Sequence[Hit], article_count: int) -> Article | None:
    """The article that the question's other words describe, or the only one there is."""
    wanted = set(stems(_ABOUT_ITSELF.sub(" ", text)))
    articles = list({hit.article_id: hit.article for hit in hits}.values())
    if article_count == 1 or not wanted:
        return articles[0] if article_count == 1 and articles else None
    named = [article for article in articles if is_named(article.outlet, text)]
    articles = named or articles
    shares = [share(wanted, article) for article in articles]
    best = max(range(len(articles)), key=lambda at: (shares[at], -at), default=None)
    return articles[best] if best is not None and shares[best] >= ENOUGH else None


def share(wanted: set[str], article: Article) -> float:
    """The share of some stems that an article says, 0 to 1; 0 where there are none."""
    facts = " ".join(filter(None, (article.title, article.outlet, article.section, article.kind)))
    return len(wanted & set(stems(f"{facts} {article.text}"))) / (len(wanted) or 1)


def _told(article: Article, asked: str) -> Sentence | None:
    value = getattr(article, asked)
    if not value:
        return None
    kind = {"authors": "byline", "published": "dateline", "outlet": "byline"}[asked]
    for line in (mark for mark in article.marks if mark.kind == kind and asked != "outlet"):
        shown = " ".join(article.text[line.start : line.end].split())
        if asked == "authors" or find_dateline(shown):  # a dateline may name only the place
            return _supported(shown, _source(article, line.start, line.end))
    start, end = next(iter(sentence_spans(article.text, 0, len(article.text))))
    said = {
        "authors": f"By {', '.join(article.authors)}",
        "published": f"Published {_spoken(article.published)}",
        "outlet": f"Published by {article.outlet}",
    }[asked]
    why = f"{asked}: not in the article's text but in its metadata"
    return _supported(said, _source(article, start, end), why)


def _supported(said: str, source: Source, why: str | None = None) -> Sentence:
    return Sentence(said, (source,), why, score=1.0, verdict="supported", support=1.0)


def _spoken(moment: datetime | date | None) -> str:
    """10 March 2026, with the time where it is known."""
    if moment is None:
        return "undated"
    clock = f", {moment:%H:%M} UTC" if isinstance(moment, datetime) else ""
    return f"{moment.day} {moment:%B %Y}{clock}"


def _source(article: Article, start: int, end: int) -> Source:
    return Source(Hit(article, start, end, article.text[start:end], 0.0), start, end)
