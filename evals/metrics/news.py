"""What news needs besides: when it was, who said it, who disagrees, what was corrected, how new.

Each is scored on the cases that say what is right: a date among the expected answers, `speaker`,
`disagreement`, `superseded`, relevant articles with dates. What is no answer in length describes
nothing.
"""

from datetime import datetime

from ...index.article import day_end, day_start
from ...index.dates import parse_moment
from ..match import as_date, dates, says
from ..response import moment
from .registry import metric
from .seen import Seen


@metric("date_accuracy", family="news", source="Byline")
def date_accuracy(seen: Seen) -> float | None:
    """Where dates are expected: share that the answer states, as exactly as they are expected."""
    if not seen.answered or not seen.case.answerable:
        return None
    stated, right = dates(seen.said), []
    for group in seen.case.wanted:
        expected = [day for said in group if (day := as_date(said))]
        if len(expected) == len(group):
            reach = seen.case.tolerance.days
            right.append(any(day.is_stated_by(s, reach) for day in expected for s in stated))
    if not right:
        return None
    return sum(right) / len(right) if seen.is_brief else 0.0


@metric("speaker_accuracy", family="news", source="Byline")
def speaker_accuracy(seen: Seen) -> float | None:
    """Where the case says who speaks: the answer, or a citation it uses, names that speaker."""
    if not seen.answered or not seen.case.speaker:
        return None
    if not seen.is_brief:
        return 0.0
    if says(seen.said, seen.case.speaker, context=f"{seen.context}\n{seen.case.speaker}"):
        return 1.0
    speakers = [cited.speaker for cited in seen.used or () if cited.speaker]
    return float(any(says(s, seen.case.speaker, context=seen.case.speaker) for s in speakers))


@metric("disagreement_found", family="news", source="Byline")
def disagreement_found(seen: Seen) -> float | None:
    """Where articles disagree: the answer's record says so."""
    if not seen.answered or not seen.case.disagreement or seen.response.disagreements is None:
        return None
    return float(bool(seen.response.disagreements))


@metric("disagreement_described", family="news", source="Byline")
def disagreement_described(seen: Seen) -> float | None:
    """Where articles disagree: share of the positions that the text states and rightly cites.

    Rightly cited is a position when a sentence that states it cites one of its articles; where
    the system gives no citations, or the case no articles, stating it will do.
    """
    if not seen.answered or not seen.case.disagreement:
        return None
    described = []
    for position in seen.case.disagreement:
        sentences = [s for s in seen.statements if any(says(s.text, a) for a in position.answers)]
        described.append(any(_cites(seen, s.citations, position.articles) for s in sentences))
    return sum(described) / len(described) if seen.is_brief else 0.0


@metric("disagreement_claimed", family="news", better="lower", source="Byline")
def disagreement_claimed(seen: Seen) -> float | None:
    """Where articles agree (`disagreement` is empty): the record claims one all the same."""
    if not seen.answered or seen.case.disagreement != () or seen.response.disagreements is None:
        return None
    return float(bool(seen.response.disagreements))


@metric("correction_respected", family="news", source="Byline")
def correction_respected(seen: Seen) -> float | None:
    """Where something was corrected or updated: the answer does not give the old in its place."""
    if not seen.answered or not seen.case.superseded:
        return None
    says_old = any(says(seen.said, old, context=seen.context) for old in seen.case.superseded)
    return float(not says_old or (bool(seen.groups) and all(seen.groups)))


@metric("freshness", family="news", source="Byline")
def freshness(seen: Seen) -> float | None:
    """The newest of the articles that the case names is among the citations."""
    if not seen.used or not seen.case.relevant:
        return None
    apt = [moment(c.published) for c in seen.used if c.article_id in seen.relevant]
    newest = _newest_relevant(seen)
    return float(newest in apt) if newest else None


@metric("after_as_of", family="news", better="lower", source="Byline, invariant 9 of the design")
def after_as_of(seen: Seen) -> float | None:
    """Share of the citations that were published after the date of asking."""
    if not seen.used or not seen.case.as_of or (asked := parse_moment(seen.case.as_of)) is None:
        return None
    published = [at for c in seen.used if (at := moment(c.published))]
    return sum(at > day_end(asked) for at in published) / len(published) if published else None


def _newest_relevant(seen: Seen) -> datetime | None:
    """When the newest of them appeared that could be known on the day of asking."""
    articles = [seen.corpus.article(article_id) for article_id in seen.relevant]
    asked = parse_moment(seen.case.as_of) if seen.case.as_of else None
    dates = [day_start(a.published) for a in articles if a and a.published]
    return max((at for at in dates if asked is None or at <= day_end(asked)), default=None)


def _cites(seen: Seen, numbers: tuple[int, ...], names: tuple[str, ...]) -> bool:
    if seen.citations is None or not names:
        return True
    ids = {seen.corpus.resolve(name) or name for name in names}
    return any(n in seen.citations and seen.citations[n].article_id in ids for n in numbers)
