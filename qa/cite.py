"""From sentences and the passages under them to an answer's text, statements and citations.

    text, statements, citations = cite([Sentence("Rates rose [1].", (source,))])

Numbers run from 1 in the order in which the text shows them; a passage has one number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import quote as percent_encoded

from ..index.archive import Archive
from ..index.archive.filter import Filter
from ..index.archive.origins import outlets_of
from ..index.article import Article, Notice, day_end, day_of, day_start
from ..index.rights import UNSAID, Excerpts
from .retrieve import Hit
from .speakers import speaker_of


@dataclass(frozen=True, slots=True)
class Source:
    """The span of a found passage that carries a sentence, in the article's code points."""

    hit: Hit
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, without numbers, and what it stands on."""

    text: str
    sources: tuple[Source, ...]
    why: str | None = None
    "a derivation that the sentence uses"
    gap: str = " "
    "what stands between it and the sentence before"
    score: float | None = None
    "how likely it answers the question, 0 to 1, where that was reckoned"
    verdict: str = "unchecked"
    support: float | None = None
    "how likely its sources carry it, 0 to 1, where that was checked"


@dataclass(frozen=True, slots=True)
class Citation:
    """A span of a stored article version: `text[start:end] == quote`."""

    number: int
    article_id: str
    version: str
    outlet: str | None
    title: str | None
    authors: tuple[str, ...]
    published: datetime | date | None
    updated: datetime | date | None
    url: str | None
    kind: str | None
    start: int
    end: int
    quote: str
    speaker: str | None
    "who says it, and through what, where the article tells; None: the outlet itself"
    link: str | None
    "the article's address with a text fragment that marks the quote"
    copies: tuple[str, ...]
    "other outlets that ran the same text"
    notice: Notice | None
    warning: str | None = None
    "what a reader should know of the article: that it instructs machines"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the answer: `answer.text[start:end] == text`."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...]
    verdict: str
    "supported | partial | unsupported | contradicted | unchecked"
    score: float | None
    "how likely its citations carry it, 0 to 1; None where that was not checked"
    why: str | None
    "what is amiss with it, or the derivation that it uses"


_CITES_NOTHING = "it cites no passage"
INSTRUCTS = "its article instructs machines that read it; that part was not followed"


class Numbering:
    """Numbers sources in the order in which sentences are added, and writes the answer's text."""

    def __init__(self) -> None:
        self.text = ""
        self._numbers: dict[tuple[str, int, int], int] = {}
        self._spans: list[Source] = []

    def numbers(self, sources: Iterable[Source]) -> list[int]:
        """The numbers that these sources have, or would get if their sentence came next."""
        known = dict(self._numbers)
        found = [known.setdefault(_passage(source), len(known) + 1) for source in sources]
        return list(dict.fromkeys(found))

    def add(self, sentence: Sentence) -> Statement:
        """The sentence as the next statement: `text[start:end] == statement.text`."""
        cited = self.numbers(sentence.sources)
        for source in sentence.sources:
            number = self._numbers.setdefault(_passage(source), len(self._numbers) + 1)
            if number > len(self._spans):
                self._spans.append(source)
            else:
                self._spans[number - 1] = _hull(self._spans[number - 1], source)
        shown = _with_numbers(sentence.text, cited)
        self.text += (sentence.gap if self.text else "") + shown
        end = len(self.text)
        verdict, why = sentence.verdict, sentence.why
        if not cited:
            verdict, why = "unsupported", why or _CITES_NOTHING
        return Statement(shown, end - len(shown), end, tuple(cited), verdict, sentence.support, why)

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the numbers stand for, in their order."""
        return tuple(self._spans)

    def citations(self) -> tuple[Citation, ...]:
        """What the numbers point to.

        Each quotes from the first to the last character that a sentence takes from its passage.
        """
        return citations(self._spans)


def cite(sentences: Iterable[Sentence]) -> tuple[str, tuple[Statement, ...], tuple[Citation, ...]]:
    """The text, statements and citations of whole sentences."""
    numbering = Numbering()
    statements = tuple(numbering.add(sentence) for sentence in sentences)
    return numbering.text, statements, numbering.citations()


def _passage(source: Source) -> tuple[str, int, int]:
    return source.hit.article_id, source.hit.start, source.hit.end


def citations(
    sources: Iterable[Source], as_of: datetime | date | None = None
) -> tuple[Citation, ...]:
    """The records of sources, numbered from 1; together they quote of an article what they may.

    With `as_of`, a correction of after it is not told.
    """
    excerpts = Excerpts()
    found = (citation(source, number, excerpts) for number, source in enumerate(sources, 1))
    return tuple(replace(c, notice=None) if _is_later(c.notice, as_of) else c for c in found)


def _is_later(notice: Notice | None, as_of: datetime | date | None) -> bool:
    if notice is None or notice.date is None or as_of is None or notice.kind == "retracted":
        return False
    return day_start(notice.date) > day_end(as_of)


def citation(source: Source, number: int, excerpts: Excerpts) -> Citation:
    """The record of a source under its number, cut to what may still be quoted."""
    article = source.hit.article
    start, end = excerpts.take(article, source.start, source.end)
    quoted = article.text[start:end]
    return Citation(
        number=number,
        article_id=article.id,
        version=article.version,
        outlet=article.outlet,
        title=article.title,
        authors=article.authors,
        published=article.published,
        updated=article.updated,
        url=article.url,
        kind=article.kind,
        start=start,
        end=end,
        quote=quoted,
        speaker=_speaker(article.text, start, end),
        link=text_link(article.url, quoted),
        copies=(),
        notice=_notice_within(article, excerpts),
        warning=INSTRUCTS if source.hit.instructs else None,
    )


def _speaker(text: str, start: int, end: int) -> str | None:
    """Who says a span, through what, as one line."""
    quoted = speaker_of(text, start, end)
    if quoted is None:
        return None
    how = (quoted.channel, f"reported by {quoted.reported_by}" if quoted.reported_by else None)
    said = ", ".join(filter(None, how))
    return f"{quoted.speaker} ({said})" if said else quoted.speaker


def _notice_within(article: Article, excerpts: Excerpts) -> Notice | None:
    """Its notice; one in words of its text counts as a quote."""
    found = article.notice
    for mark in article.marks if found else ():
        span = mark.start, mark.end
        is_said = " ".join(article.text[slice(*span)].split()) == found.text  # type: ignore[union-attr]
        if is_said and excerpts.take(article, *span) != span:
            return replace(found, text=UNSAID)  # type: ignore[type-var]
    return found


_BRACKETED = re.compile(r"\[(\d+)\]")
_WHOLE_UP_TO, _EDGE = 12, 5  # words of a text fragment


def text_link(url: str | None, quoted: str) -> str | None:
    """An address that makes a browser scroll to the quote (URL Fragment Text Directives).

    >>> text_link("https://a.example/x", "Rates rose.")
    'https://a.example/x#:~:text=Rates%20rose.'
    """
    if not url or not url.startswith(("http://", "https://")):
        return None
    words = quoted.split()
    if not words:
        return url
    ends = [words] if len(words) <= _WHOLE_UP_TO else [words[:_EDGE], words[-_EDGE:]]
    # A dash, comma or ampersand would be read as part of the directive.
    parts = [percent_encoded(" ".join(part), safe="").replace("-", "%2D") for part in ends]
    return f"{url}{':~:' if '#' in url else '#:~:'}text={','.join(parts)}"


def _hull(one: Source, other: Source) -> Source:
    return Source(one.hit, min(one.start, other.start), max(one.end, other.end))


def _with_numbers(text: str, numbers: Sequence[int]) -> str:
    """A sentence with its numbers behind it, in front of a closing full stop of its own.

    A number that it has in square brackets itself, as a quoted footnote, is put in round ones:
    what looks like a citation is one.
    """
    text = _BRACKETED.sub(r"(\1)", text)
    shown = "".join(f"[{number}]" for number in numbers)
    if not shown:
        return text
    if text.endswith(".") and not text.endswith(".."):
        return f"{text[:-1]} {shown}."
    return f"{text} {shown}"


def with_copies(
    cited: Sequence[Citation], archive: Archive, as_of: datetime | date | None
) -> tuple[Citation, ...]:
    """The citations with the other outlets that had run the text by the date of asking."""
    copies = archive.copies([c.article_id for c in cited], Filter(as_of=as_of))
    return tuple(
        replace(c, copies=outlets_of(copies.get(c.article_id, ()), c.outlet)) for c in cited
    )


def notes_of_retracted(
    cited: Sequence[Citation], archive: Archive, as_of: datetime | date | None, today: date
) -> list[str]:
    """Of articles that are cited and were retracted, or whose origin was by the date of asking."""
    told = [one for one in cited if one.notice and one.notice.kind == "retracted"]
    notes = [f"the article of [{one.number}] was retracted" for one in told]
    if not archive.has_retracted():
        return notes
    copies = archive.copies([one.article_id for one in cited], Filter(as_of=as_of, retracted=True))
    origins = {of: one.id for of, others in copies.items() for one in others if one.is_origin}
    gone = {
        one.id
        for one in archive.articles(list(origins.values()))
        if one.notice
        and one.notice.kind == "retracted"
        and not (one.notice.date and day_of(one.notice.date) > today)
    }
    return notes + [
        f"[{one.number}] runs the text of an article that was retracted"
        for one in cited
        if origins.get(one.article_id) in gone
    ]


def is_retracted(hit: Hit) -> bool:
    """Whether the article of a passage was retracted."""
    return bool(hit.article.notice and hit.article.notice.kind == "retracted")
