"""Answers "who said what about ...": what is quoted or reported of somebody, word for word.

sentences = said_about("Who said what about the treaty?", hits)
"""

import re
from collections.abc import Sequence

from ..index.article import day_of
from ..index.chunk import sentence_spans
from ..index.words import stems
from .cite import Sentence, Source
from .retrieve import Hit
from .speakers import quotations
from .when import Asked

_ASKS = re.compile(
    r"\b(?:who (?:has |have |had )?(?:said|says|say) what|what (?:did|does|do|has|have) "
    r"(?P<who>.+?) (?:say|said|think|argue|claim|comment|(?:tell|told) .+?)|"
    r"how (?:did|does|do|has|have) (?P<other>.+?) "
    r"(?:(?:respond|react|comment)(?:ed)?|reply|replied)"
    r") (?:about|on|of|to|regarding|concerning) (?P<matter>.+)",
    re.I,
)
_ANYBODY = re.compile(r"(?:they|people|everyone|everybody|anyone|anybody|others|he|she|we|i)", re.I)
_MOST = 4  # sentences that are quoted
_EVER = Asked()


def said_about(question: str, hits: Sequence[Hit], period: Asked = _EVER) -> list[Sentence]:
    """The sentences of the passages that are somebody's words on the matter, in their order.

    They name the matter. Where none of somebody's does who is asked about, those count beside which
    a sentence names it, else those of an article whose headline does. Of a period only what was
    published in it, or the day after. Empty where the question asks for something else, or nobody
    speaks of the matter.
    """
    asked = _ASKS.search(question)
    matter = frozenset(stems(asked["matter"])) if asked else frozenset()
    if period.words:
        matter -= frozenset(stems(f"since until before after {period.words}"))
    who = asked["who"] or asked["other"] if asked else None
    is_anybody = who is None or bool(_ANYBODY.fullmatch(who))
    wanted = frozenset(stems(who)) if who and not is_anybody else frozenset()
    found: tuple[dict[str, Sentence], ...] = ({},) if is_anybody else ({}, {}, {})
    for hit in hits if matter else ():
        if not _is_of(hit, period):
            continue
        article, text = hit.article, hit.article.text
        spans = sentence_spans(text, hit.start, hit.end, article.language)
        says = [frozenset(stems(text[start:end])) for start, end in spans]
        named = [
            (quoted, name)
            for quoted in quotations(text, hit.start, hit.end)
            if (name := frozenset(stems(quoted.speaker)))
        ]
        for at, (start, end) in enumerate(spans):
            if not any(
                one.start < end and one.end > start and (wanted <= name or name <= wanted)
                for one, name in named
            ):
                continue
            beside = says[at].union(*says[max(0, at - 1) : at + 2])
            of_article = beside.union(stems(article.title or ""))
            said = " ".join(text[start:end].split())
            for near, kept in zip((says[at], beside, of_article), found, strict=False):
                if matter <= near:
                    kept.setdefault(said, Sentence(said, (Source(hit, start, end),)))
    return list(next(filter(None, found), {}).values())[:_MOST]


def _is_of(hit: Hit, period: Asked) -> bool:
    if not (period.first or period.last):
        return True
    if hit.published is None:
        return False
    written = day_of(hit.published)
    is_late = period.last is not None and (written - period.last).days > 1
    return not is_late and (period.first is None or period.first <= written)
