"""What the page shows of one question, as JSON values that only ever become text nodes.

for turn in turns(desk, "Who resigned on Monday?", outlets=["The Ledger"]):
    ...  # what to show now in the place of the one before: turn["status"], turn["sentences"]

No offset leaves Python, since a browser would count UTF-16 units: text goes out in pieces.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from ..desk import Desk
from ..errors import BylineError
from ..index.article import Article, day_start
from ..qa.ask import Answer, Found
from ..qa.cite import Citation, Statement

_log = logging.getLogger(__name__)
# Characters shown on each side of a quote: more than nearly every article has, and a bound for the
# few that are books.
_MOST_AROUND = 30_000
# While a model writes, its numbers are those of the passages it was shown, not yet of the sources.
_PASSAGE_NUMBERS = re.compile(r"\s*[\[【][\d,;\s–-]*(?:[\]】]|$)")
_NO_ANSWER = "NO ANSWER"
MARKS = {
    "partial": "only in part supported",
    "unsupported": "not supported",
    "contradicted": "contradicted",
}
"what a reader is told of a statement with such a verdict"


def welcome(desk: Desk) -> dict[str, Any]:
    """What is in the index, and who answers."""
    newest = next(iter(desk.articles.list(1)), None)
    return {
        "welcome": True,
        "index": desk.settings.index,
        "articles": len(desk.articles),
        "outlets": len(desk.archive.outlets()),
        "newest": day(newest.published) if newest else None,
        "quotes_only": not desk.has_llm,
    }


def turns(
    desk: Desk,
    question: str,
    *,
    since: str | None = None,
    until: str | None = None,
    outlets: Sequence[str] = (),
    as_of: str | None = None,
) -> Iterator[dict[str, Any]]:
    """A question and what has become of it so far; the last is answered, declined or failed.

    Never raises: what goes wrong is the text of a failed turn.
    """
    turn = {
        "id": uuid4().hex,
        "question": " ".join(question.split()),
        "filters": _filters(since, until, outlets, as_of),
        "status": "reading",
        "text": "Looking through the articles …",
    }
    yield turn
    try:
        articles: dict[str, Article] = {}
        draft = ""
        for event in desk.stream(question, since=since, until=until, outlets=outlets, as_of=as_of):
            if isinstance(event, Found):
                articles = {hit.article_id: hit.article for hit in event.hits}
                yield turn | {"text": _reading(len(event.hits), len(articles))}
            elif isinstance(event, str):
                draft += event
                if not _NO_ANSWER.startswith(draft.strip().upper()[: len(_NO_ANSWER)]):
                    yield turn | {"status": "writing", "text": _PASSAGE_NUMBERS.sub("", draft)}
            elif isinstance(event, Answer):
                cited = [c.article_id for c in event.citations]  # a listing cites what no hit is of
                articles |= {a.id: a for a in desk.archive.articles(cited) if a.id not in articles}
                yield turn | _answered(event, articles)
    except BylineError as error:
        yield turn | {"status": "failed", "text": str(error)}
    except Exception as error:
        _log.exception("The page could not answer")
        name = type(error).__name__
        text = f"Unexpected {name}: the question could not be answered. The server's log says more."
        yield turn | {"status": "failed", "text": text}


def day(value: datetime | date | None) -> str | None:
    """A date as people write it; of a moment, its day in UTC.

    >>> day(date(2026, 2, 4))
    '4 February 2026'
    """
    if value is None:
        return None
    start = day_start(value)
    return f"{start.day} {start:%B %Y}"


def moment(value: datetime | date | None) -> str | None:
    """As `day`, with the time where one is known.

    >>> moment(datetime(2026, 2, 4, 14, 32, tzinfo=UTC))
    '4 February 2026, 14:32 UTC'
    """
    if not isinstance(value, datetime):
        return day(value)
    return f"{day(value)}, {value.astimezone(UTC):%H:%M} UTC"


def _filters(
    since: str | None, until: str | None, outlets: Sequence[str], as_of: str | None
) -> str:
    dates = (("since", since), ("until", until), ("as of", as_of))
    said = [f"{name} {value}" for name, value in dates if value]
    return " · ".join([*([", ".join(outlets)] if outlets else []), *said])


def _reading(passages: int, articles: int) -> str:
    def count(number: int, noun: str) -> str:
        return f"{number} {noun}{'' if number == 1 else 's'}"

    return f"Reading {count(passages, 'passage')} from {count(articles, 'article')} …"


def _answered(answer: Answer, articles: Mapping[str, Article]) -> dict[str, Any]:
    cited = answer.nearest if answer.declined else answer.citations
    return {
        "status": answer.status,
        "text": answer.text,
        "sentences": list(_sentences(answer)),
        "sources": [
            _source(citation, articles[citation.article_id], _quoted(citation, cited))
            for citation in cited
        ],
        "notes": list(answer.notes),
        "model": answer.model,
        "style": answer.style,
        "newest": day(answer.newest_evidence),
    }


def _sentences(answer: Answer) -> Iterator[dict[str, Any]]:
    end = 0
    for statement in answer.statements:
        yield _sentence(statement) | {"gap": answer.text[end : statement.start]}
        end = statement.end


def _sentence(statement: Statement) -> dict[str, Any]:
    """Its words, its numbers, and the full stop that stands behind these.

    Only the numbers that the answer put at the end become chips: a quoted "[2]" stays text.
    """
    marks = "".join(f"[{number}]" for number in statement.citations)
    said, found, tail = statement.text.rpartition(f" {marks}") if marks else ("", "", "")
    numbers = statement.citations if found else ()
    shown = {"said": said if found else statement.text, "numbers": list(numbers), "tail": tail}
    return shown | {"weak": _weak(statement)}


def _weak(statement: Statement) -> str | None:
    """What a reader is told of a statement that the check did not pass."""
    mark = MARKS.get(statement.verdict)
    return mark and f"{mark}: {statement.why}" if statement.why else mark


def _quoted(citation: Citation, cited: Sequence[Citation]) -> int:
    """How many characters of its article the answer shows."""
    of_article = [c for c in cited if c.article_id == citation.article_id]
    return sum(len(c.quote) + len(c.notice.text if c.notice else "") for c in of_article)


def _source(citation: Citation, article: Article, quoted: int) -> dict[str, Any]:
    notice = citation.notice
    return {
        "number": citation.number,
        "outlet": citation.outlet,
        "title": citation.title,
        "kind": citation.kind if citation.kind != "news" else None,
        "authors": ", ".join(citation.authors),
        "day": day(citation.published),
        "published": moment(citation.published),
        "updated": moment(citation.updated),
        "link": citation.link,
        "notice": notice and {"kind": notice.kind, "text": notice.text},
        **_text(article, citation.start, citation.end, quoted),
    }


def _text(article: Article, start: int, end: int, quoted: int) -> dict[str, str]:
    """The article's text before, in and after the quote, no more of it than its rights allow.

    Where it is quoted in several places, none of these may show more than its quote.
    """
    before = after = _MOST_AROUND
    if article.excerpt_limit is not None:
        left = article.excerpt_limit - quoted if quoted == end - start else 0
        before, after = left // 2, left - left // 2
    first, last = max(start - before, 0), min(end + after, len(article.text))
    return {
        "before": ("… " if first else "") + article.text[first:start],
        "quote": article.text[start:end],
        "after": article.text[end:last] + (" …" if last < len(article.text) else ""),
    }
