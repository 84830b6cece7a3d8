"""What the page shows of one question, as JSON values that only ever become text nodes.

for turn in turns(chat.stream, "Who resigned?", 12480, text_of, outlets=["The Ledger"]):
    ...  # what to show now in the place of the one before: turn["status"], turn["sentences"]

No offset leaves Python, since a browser would count UTF-16 units: text goes out in pieces.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from ..desk import Desk
from ..errors import BylineError
from ..index.archive.conversations import Conversation
from ..index.archive.filter import Filter
from ..index.article import Article, day_start, from_iso
from ..index.rights import excerpt
from ..qa.cite import Statement
from ..qa.events import Answer, Found

_log = logging.getLogger(__name__)
# Characters shown on each side of a quote: more than nearly every article has, and a bound for the
# few that are books.
_MOST_AROUND = 30_000
# While a model writes, its numbers are those of the passages it was shown, not yet of the sources.
_NUMBERS = re.compile(r"\s*[\[【][\d,;\s–-]*(?:[\]】]|$)")
_SENTENCE_END = re.compile(r"""[.!?]["”’)]*(?:\s*\[[\d,; ]+\])*[.!?]?(?:\s|$)""")
_OPENING, _OPENING_WORDS = 200, 10  # characters, words
_AUTHORS = 8  # that are named
_NO_ANSWER = "NO ANSWER"
TextOf = Callable[[str, str], Article | None]
"The article of an id and a version, where it may be shown."
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
        "articles": desk.archive.count()[0],
        "outlets": len(desk.archive.outlets()),
        "newest": day(newest.published) if newest else None,
        "quotes_only": not desk.has_llm,
    }


def turns(
    stream: Callable[..., Iterator[Any]],
    question: str,
    passages: int,
    text_of: TextOf,
    **filters: Any,
) -> Iterator[dict[str, Any]]:
    """A question and what has become of it so far; the last is answered, declined or failed.

    `stream` is that of a desk or of a chat. Never raises: what goes wrong is the text of a failed
    turn.
    """
    turn: dict[str, Any] = {
        "id": uuid4().hex,
        "question": " ".join(question.split()),
        "status": "reading",
        "text": f"Searching {_count(passages, 'passage')} …",
    }
    yield turn
    try:
        draft, sentences = "", list[dict[str, Any]]()
        for event in stream(question, **filters):
            if isinstance(event, Found):
                articles = len({hit.article_id for hit in event.hits})
                yield turn | {"text": _reading(len(event.hits), articles)}
            elif isinstance(event, str):
                draft += event
                if not _NO_ANSWER.startswith(draft.strip().upper()[: len(_NO_ANSWER)]):
                    yield turn | _written(sentences, draft)
            elif isinstance(event, Statement):
                said = _NUMBERS.sub("", event.text)
                sentences.append({"said": said, "weak": _weak(event.verdict, event.why)})
                yield turn | _written(sentences, draft)
            elif isinstance(event, Answer):
                yield turn | answered(event.to_dict(), text_of)
    except BylineError as error:
        yield turn | {"status": "failed", "text": str(error)}
    except Exception as error:
        _log.exception("The page could not answer")
        name = type(error).__name__
        text = f"Unexpected {name}: the question could not be answered. The server's log says more."
        yield turn | {"status": "failed", "text": text}


def stored(conversation: Conversation, text_of: TextOf) -> list[dict[str, Any]]:
    """The turns of a stored conversation, as `turns` showed the last of each."""
    return [
        {
            "id": f"{conversation.id}-{number}",
            "number": number,
            "conversation": conversation.id,
            "question": turn.question,
            "filters": shown_filters(turn.filters),
            "stale": [one.summary for one in turn.stale],
            **answered(turn.answer, text_of),
        }
        for number, turn in enumerate(conversation.turns, 1)
    ]


def answered(answer: Mapping[str, Any], text_of: TextOf) -> dict[str, Any]:
    """What is shown of an answer, given as `Answer.to_dict` has it."""
    is_declined = answer["status"] == "declined"
    cited = answer["nearest"] if is_declined else answer["citations"]
    looked_for = answer["standalone_question"]
    return {
        "status": answer["status"],
        "text": answer["text"],
        "reason": answer["reason"],
        "standalone": looked_for if looked_for != answer["question"] else None,
        "sentences": list(_sentences(answer)),
        "sources": [
            _source(one, text_of(one["article_id"], one["version"]), _quoted(one, cited))
            for one in cited
        ],
        "disagreements": [_disagreement(one) for one in answer["disagreements"]],
        "notes": list(answer["notes"]),
        "model": answer["model"],
        "style": answer.get("style"),
        "newest": day(from_iso(answer["newest_evidence"])),
    }


def listed_article(article: Article) -> dict[str, Any]:
    """An article in a list."""
    tags = [article.kind if article.kind != "news" else None, article.status, article.completeness]
    return {
        "id": article.id,
        "outlet": article.outlet,
        "title": article.title or _opening(article),
        "day": day(article.published),
        "tags": [tag for tag in tags if tag and tag not in ("usable", "full")],
    }


def whole_article(article: Article) -> dict[str, Any]:
    """An article by itself, no more of it than its rights allow."""
    said = article.notice
    return listed_article(article) | {
        "authors": _named(article.authors),
        "published": moment(article.published),
        "updated": moment(article.updated),
        "url": article.url,
        "notice": said and {"kind": said.kind, "text": said.text},
        "text": excerpt(article),
    }


def _named(authors: Sequence[str]) -> str:
    others = len(authors) - _AUTHORS
    return ", ".join(authors[:_AUTHORS]) + (f" and {others} more" if others > 0 else "")


def _opening(article: Article) -> str:
    """The first words, for an article without a headline; none where its text is limited."""
    if article.excerpt_limit is not None:
        return ""
    start = 0
    for mark in article.marks:  # who, where, and corrections say nothing of the matter
        start = mark.end if not article.text[start : mark.start].strip() else start
    words = article.text[start : start + _OPENING].split()
    return f"{' '.join(words[:_OPENING_WORDS])} …" if words else ""


def shown_filters(filters: Filter) -> list[str]:
    """The filters in force, a text each."""
    dates = [(name, getattr(filters, name)) for name in ("since", "until", "as_of")]
    said = [f"{name.replace('_', ' ')} {day(value)}" for name, value in dates if value]
    return [*filters.outlets, *(f"section {name}" for name in filters.sections), *said]


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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _reading(passages: int, articles: int) -> str:
    return f"Reading {_count(passages, 'passage')} from {_count(articles, 'article')} …"


def _written(sentences: Sequence[Mapping[str, Any]], draft: str) -> dict[str, Any]:
    """The sentences that are checked, and what is written behind them."""
    ends = [match.end() for match in _SENTENCE_END.finditer(draft)] if sentences else []
    rest = draft[ends[-1] :] if ends else "" if sentences else draft
    return {"status": "writing", "checked": list(sentences), "text": _NUMBERS.sub("", rest)}


def _sentences(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    end = 0
    for statement in answer["statements"]:
        yield _sentence(statement) | {"gap": answer["text"][end : statement["start"]]}
        end = statement["end"]


def _sentence(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Its words, its numbers, and the full stop that stands behind these.

    Only the numbers that the answer put at the end become chips: a quoted "[2]" stays text.
    """
    text, numbers = statement["text"], statement["citations"]
    marks = "".join(f"[{number}]" for number in numbers)
    said, found, tail = text.rpartition(f" {marks}") if marks else ("", "", "")
    shown = {"said": said if found else text, "numbers": numbers if found else [], "tail": tail}
    return shown | {"weak": _weak(statement["verdict"], statement["why"])}


def _weak(verdict: str, why: str | None) -> str | None:
    """What a reader is told of a statement that the check did not pass."""
    mark = MARKS.get(verdict)
    return mark and f"{mark}: {why}" if why else mark


def _disagreement(found: Mapping[str, Any]) -> dict[str, Any]:
    positions = [
        {
            "says": one["says"],
            "numbers": one["citations"],
            "sources": _count(one["sources"], "independent source"),
            "days": list(dict.fromkeys(day(from_iso(d)) or "undated" for d in one["published"])),
        }
        for one in found["positions"]
    ]
    articles = {article for one in found["positions"] for article in one["articles"]}
    told = {"matter": found["matter"], "superseded": found["superseded"]}
    return told | {"positions": positions, "within": len(articles) == 1}


def _quoted(citation: Mapping[str, Any], cited: Sequence[Mapping[str, Any]]) -> int:
    """How many characters of its article the answer shows."""
    of_article = [one for one in cited if one["article_id"] == citation["article_id"]]
    return sum(len(c["quote"]) + len((c["notice"] or {}).get("text") or "") for c in of_article)


def _source(citation: Mapping[str, Any], article: Article | None, quoted: int) -> dict[str, Any]:
    return {
        "number": citation["number"],
        "article": citation["article_id"],
        "version": citation["version"],
        "outlet": citation["outlet"],
        "title": citation["title"] or (_opening(article) if article else None),
        "kind": citation["kind"] if citation["kind"] != "news" else None,
        "authors": _named(citation["authors"]),
        "speaker": citation["speaker"],
        "day": day(from_iso(citation["published"])),
        "published": moment(from_iso(citation["published"])),
        "updated": moment(from_iso(citation["updated"])),
        "link": citation["link"],
        "copies": list(citation["copies"]),
        "notice": citation["notice"],
        "warning": citation.get("warning"),
        **_text(article, citation, quoted),
    }


def _text(article: Article | None, citation: Mapping[str, Any], quoted: int) -> dict[str, str]:
    """The article's text before, in and after the quote, no more of it than its rights allow.

    Where it is quoted in several places, none of these may show more than its quote.
    """
    start, end = citation["start"], citation["end"]
    if article is None or article.text[start:end] != citation["quote"]:
        return {"before": "", "quote": citation["quote"], "after": ""}
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
