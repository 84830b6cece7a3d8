"""Where the articles disagree on what answers a question: each figure with who says it.

    contest = find_contest("How many were hurt?", sentences, hits, embedder)
    numbering.add(contest.sentence)
    contest.record(numbering)   # Disagreement

Two sentences disagree where both speak of what is asked for, in like words and with one unit, and
give different figures. Copies of one text are one source, however many outlets ran it.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ..index.article import day_start
from ..index.chunk import sentence_spans
from ..index.copies import groups
from ..index.embed import Embedder
from ..index.numbers import NUMBER, in_digits, value_of, without_dates
from ..index.words import stems
from .asked import kind_asked, names, unit
from .cite import Numbering, Sentence, Source
from .retrieve import Hit
from .verify.facts import Quantity, facts

# Chosen on the even lines of the sample's cases; docs/log.md has the figures of the odd ones.
_ALIKE = 0.6  # cosine of two sentences, numbers left out, that speak of one thing
_ON_TOPIC = 0.4  # cosine of both to the question
_FARTHEST = 4  # ratio of two figures for one thing
_FAR, _ALIKE_FAR = 20, 0.69  # the same where the sentences are this much alike
_ALIKE_BARE = 0.85  # cosine where neither figure says what it counts
_MOST = 4  # positions that the answer names
_SAME = 0.005  # relative difference of two figures that are one
_ROUNDED = 0.05  # the same where one of them is about that
_COUNTED = re.compile(
    r"[ -]((?:(?!(?:and|or|to|in|on|at|for|of|was|were|is|are|had|have)\b)[A-Za-z]+)\b)"
)
_REPLACES = re.compile(
    r"\b(?:correct(?:s|ed|ion)|revis\w+|rais(?:es|ed)|lift(?:s|ed)|rose|ris(?:es|en)|climb(?:s|ed)|"
    r"lower(?:s|ed)|increased|gr(?:ew|own)|went up|now stands|reduced|"
    r"retract\w+|wrongly|misstated|instead of|not \S+ as)\b",
    re.I,
)
# "The toll has risen to 17": a count that has grown, with nothing counted behind it.
_GROWN = re.compile(
    r"\b(?:toll|number|count|tally|total)\b[^.]*?\b(?:ris(?:es|en)|rose|climb(?:s|ed)|gr(?:ew|own)|"
    r"increased|went up|stands|rais(?:es|ed)|lift(?:s|ed)|revised)\b[^.,;]{0,25}?"
    r"\b(?:to|at)\b[^.,;]{0,12}\Z",
    re.I,
)
_AGREEING = re.compile(r"\b(?:agree|differ|disagree|conflict|contradict|consistent)", re.I)
_ALIKE_GROWN = 0.4  # cosine of two sentences of which one tells such a count


@dataclass(frozen=True, slots=True)
class Position:
    """One side: what it says, and on what it stands."""

    says: str
    "the figure as written"
    citations: tuple[int, ...]
    articles: tuple[str, ...]
    "ids of those that say so"
    published: tuple[datetime | date | None, ...]
    "of each article"
    sources: int
    "independent ones: copies of one text count once"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What articles do not agree on."""

    matter: str
    positions: tuple[Position, ...]
    "the oldest first; one that a single source gives against several last"
    superseded: bool
    "whether the newest one says that it replaces what was said before"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that may answer, in its sentence."""

    quantity: Quantity
    source: Source
    text: str
    "the sentence"

    @property
    def when(self) -> datetime:
        """When its article was published; the undated come first."""
        published = self.source.hit.published
        return day_start(published) if published else datetime.min.replace(tzinfo=UTC)

    @property
    def written(self) -> str:
        """The figure as its sentence writes it, with what it counts."""
        for match in NUMBER.finditer(self.text):
            if value_of(match) == self.quantity.value:
                counted = _COUNTED.match(self.text, match.end())
                return match[0].strip() + (counted[0] if counted else "")
        return self.quantity.shown

    @property
    def has_grown(self) -> bool:
        """Whether it is where a toll or a number has got to, without a word for what it counts."""
        text = in_digits(self.text)
        found = (m for m in NUMBER.finditer(text) if value_of(m) == self.quantity.value)
        return any(_GROWN.search(text[: match.start()]) for match in found)

    @property
    def counted(self) -> str:
        """What it counts, in a word: its unit or the noun behind it."""
        counted = re.search(r"\b(?!(?:thousand|[mbtr]+illion)$)[a-z]+$", self.written.lower())
        return self.quantity.unit or (counted[0] if counted else "figure")


@dataclass(frozen=True, slots=True)
class Contest:
    """Sides that give different figures, the oldest first."""

    matter: str
    sides: tuple[tuple[Figure, ...], ...]
    superseded: bool
    lone: tuple[Figure, ...] = ()
    "the last side, where one source alone gives it against several that agree on another"

    @property
    def majority(self) -> Sentence:
        """The sentence of the figure that most independent sources give, word for word."""
        side = max(self.sides, key=lambda side: len(_independent(side)))
        last = max(side, key=lambda figure: figure.when)
        return Sentence(" ".join(last.text.split()), (last.source,))

    def outvotes(self, sentence: Sentence) -> bool:
        """Whether a sentence stands on the lone source."""
        lone = {figure.source.hit.article_id for figure in self.lone}
        return any(source.hit.article_id in lone for source in sentence.sources)

    @property
    def newest(self) -> Sentence:
        """The sentence of the newest figure, word for word."""
        last = max(self.sides[-1], key=lambda figure: figure.when)
        return Sentence(" ".join(last.text.split()), (last.source,))

    @property
    def is_within(self) -> bool:
        """Whether one article gives all the figures."""
        return len({f.source.hit.article_id for side in self.sides for f in side}) == 1

    @property
    def sentence(self) -> Sentence:
        """The disagreement in words, each figure with its source."""
        *before, last = (f"{side[0].written} ({_who(side)})" for side in self.sides)
        said = ", ".join(before)
        text = (
            f"The figure has changed: {said}, replaced by {last}."
            if self.superseded
            else f"The {'report has several figures' if self.is_within else 'reports differ'}: "
            f"{said} or {last}."
        )
        sources = tuple(side[0].source for side in self.sides)
        return Sentence(text, sources, verdict="supported", support=1.0)

    def record(self, numbering: Numbering) -> Disagreement:
        """With the numbers of a numbering that holds the sentence."""
        positions = []
        for side in self.sides:
            articles = {f.source.hit.article_id: f.source.hit.article for f in side}
            positions.append(
                Position(
                    says=side[0].written,
                    citations=tuple(numbering.numbers([side[0].source])),
                    articles=tuple(articles),
                    published=tuple(article.published for article in articles.values()),
                    sources=len(_independent(side)),
                )
            )
        return Disagreement(self.matter, tuple(positions), self.superseded)


def find_contest(
    question: str, answers: Sequence[Sentence], hits: Sequence[Hit], embedder: Embedder
) -> Contest | None:
    """What the passages say otherwise than a figure of the answer; None where they agree."""
    if kind_asked(question) in ("time", "person", "place", "reason"):
        return None
    others = [f for hit in hits for source in _sources(hit) for f in _figures(question, source)]
    for answer in answers:
        for one in (f for source in answer.sources for f in _figures(question, source)):
            found = list(_alike(question, one, others, embedder))
            sides = _sides(one, found)
            if len(sides) > 1:
                seen = {(f.source.hit.article_id, f.source.start) for f in (one, *found)}
                more = _alike(question, sides[1][0], others, embedder)
                found += [f for f in more if (f.source.hit.article_id, f.source.start) not in seen]
                known = [side[0].quantity for side in sides]
                found = [f for f in found if any(_is_same(f.quantity, said) for said in known)]
                return _contest(_sides(one, found))
    return None


def _contest(sides: list[list[Figure]]) -> Contest:
    sides.sort(key=lambda side: min(figure.when for figure in side))
    *before, newest = sides
    since = min(figure.when for figure in newest)
    is_later = all(since > max(figure.when for figure in side) for side in before)
    replaces = is_later and any(_REPLACES.search(figure.text) for figure in newest)
    shown = sides[-_MOST:]
    lone = [side for side in shown if _is_outvoted(side, [one for one in sides if one is not side])]
    if len(lone) != 1:
        return Contest(newest[0].counted, tuple(map(tuple, shown)), replaces and not lone)
    shown.sort(key=lambda side: side is lone[0])
    replaces = replaces and lone[0] is not newest
    return Contest(newest[0].counted, tuple(map(tuple, shown)), replaces, tuple(lone[0]))


def _is_outvoted(side: Sequence[Figure], others: Sequence[Sequence[Figure]]) -> bool:
    """Whether one source alone gives a figure against several that agree on another.

    An outlet may correct itself: one that gave another figure before is no lone source.
    """
    outlets = {figure.source.hit.outlet for figure in side}
    has_said_else = any(f.source.hit.outlet in outlets for other in others for f in other)
    is_alone = len(_independent(side)) == 1 and not has_said_else
    return is_alone and any(len(_independent(other)) > 1 for other in others)


def _figures(question: str, source: Source) -> Iterator[Figure]:
    """The figures of a sentence that the question does not name itself, in order."""
    text = source.hit.article.text[source.start : source.end]
    asked = {number.value for number in facts(question).numbers}
    for quantity in facts(text).numbers:
        if not quantity.is_ordinal and quantity.value not in asked:
            yield Figure(quantity, source, text)


def _sources(hit: Hit) -> Iterator[Source]:
    text = hit.article.text
    for start, end in sentence_spans(text, hit.start, hit.end, hit.article.language):
        yield Source(hit, start, end)


def _alike(
    question: str, one: Figure, others: Sequence[Figure], embedder: Embedder
) -> Iterator[Figure]:
    """Those of the others that give the same thing a figure, whether another one or not.

    Where it is asked whether figures agree, one article may have both.
    """
    within = _AGREEING.search(question) is not None
    comparable = [
        other
        for other in others
        if (within or other.source.hit.article_id != one.source.hit.article_id)
        and (other.source.hit.article_id, other.source.start)
        != (one.source.hit.article_id, one.source.start)
        and _is_same_thing(one, other)
        and (not (one.has_grown or other.has_grown) or _is_of(question, other))
    ]
    # The first figure of a sentence that can be compared speaks for it.
    comparable = list(
        {(f.source.hit.article_id, f.source.start): f for f in comparable[::-1]}.values()
    )
    texts = list(dict.fromkeys(_masked(figure.text) for figure in (one, *comparable)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    asked, mine = embedder.embed_question(question), vectors[_masked(one.text)]
    for other in comparable:
        theirs = vectors[_masked(other.text)]
        on_topic = min(float(asked @ mine), float(asked @ theirs)) >= _ON_TOPIC
        if on_topic and float(mine @ theirs) >= _needed(one, other):
            yield other


def _is_same_thing(this: Figure, that: Figure) -> bool:
    """Whether two figures count one thing: one unit, a noun in common, and a like size.

    A count that has grown names none: it is compared with a lower one that was published before.
    """
    one, other = this.quantity, that.quantity
    if one.unit != other.unit or _ratio(this, that) > _FAR:
        return False
    old, new = sorted((this, that), key=lambda figure: figure.when)
    is_later = old.when < new.when and old.quantity.value < new.quantity.value
    has_grown = new.has_grown and not one.unit and is_later
    are_bare = bool(one.unit) and not (one.things or other.things)  # "was 58 percent."
    return has_grown or are_bare or not set(one.things[:2]).isdisjoint(other.things[:2])


def _needed(one: Figure, other: Figure) -> float:
    """How much alike the sentences of two figures must be."""
    if _ratio(one, other) > _FARTHEST:
        return _ALIKE_FAR
    is_within = other.source.hit.article_id == one.source.hit.article_id
    if one.has_grown or other.has_grown or is_within:
        return _ALIKE_GROWN
    return _ALIKE if one.quantity.things or other.quantity.things else _ALIKE_BARE


def _ratio(this: Figure, that: Figure) -> float:
    one, other = this.quantity, that.quantity
    smaller, larger = sorted((abs(one.value), abs(other.in_unit_of(one))))
    return larger / smaller if smaller else 1.0 if larger == smaller else math.inf


def _sides(one: Figure, others: Iterable[Figure]) -> list[list[Figure]]:
    """Figures by what they say."""
    sides: list[list[Figure]] = [[one]]
    for other in others:
        side = next((s for s in sides if _is_same(s[0].quantity, other.quantity)), None)
        if side is None:
            sides.append([other])
        else:
            side.append(other)
    return sides


def _is_same(one: Quantity, other: Quantity) -> bool:
    gap = abs(one.value - other.in_unit_of(one))
    loose = _ROUNDED if "about" in (one.hedge, other.hedge) else _SAME
    return gap <= loose * max(abs(one.value), abs(other.value))


def _independent(side: Sequence[Figure]) -> list[Hit]:
    """The earliest hit of each text: copies, as the archive knows them or as they read, are one."""
    hits = [figure.source.hit for figure in sorted(side, key=lambda figure: figure.when)]
    first = {(hit.origin or hit.article_id): hit for hit in reversed(hits)}
    own = list(reversed(first.values()))
    return [own[group[0]] for group in groups([hit.article.text for hit in own])]


def _who(side: Sequence[Figure]) -> str:
    first, *rest = _independent(side)
    day = f"{first.published.day} {first.published:%B %Y}" if first.published else "undated"
    others = {hit.outlet for hit in rest} - {first.outlet}
    more = f" and {len(others)} more" if others else ""
    return f"{first.outlet or 'unnamed outlet'}{more}, {day}"


def _is_of(question: str, figure: Figure) -> bool:
    """Whether it counts what the question counts, in an article on what the question names."""
    article, counted = figure.source.hit.article, unit(question)
    said = frozenset(stems(f"{article.title or ''} {article.text}"))
    is_counted = figure.has_grown or not counted or counted in figure.quantity.things
    return is_counted and frozenset().union(*names(question)) <= said


def _masked(text: str) -> str:
    return re.sub(r"\d[\d.,]*", "N", without_dates(text))
