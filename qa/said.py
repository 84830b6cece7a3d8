"""Answers "who said what about ...": what is quoted or reported of somebody, word for word.

sentences = said_about("Who said what about the treaty?", hits)
"""

import re
from collections.abc import Sequence

from ..index.chunk import sentence_spans
from ..index.words import stems
from .cite import Sentence, Source
from .retrieve import Hit
from .speakers import quotations

_ASKS = re.compile(
    r"\b(?:who (?:has |have |had )?(?:said|says|say) what|what (?:did|does|do|has|have) "
    r"(?P<who>.+?) (?:say|said)) (?:about|on|of|regarding|concerning) (?P<matter>.+)",
    re.I,
)
_ANYBODY = re.compile(r"(?:they|people|everyone|everybody|anyone|anybody|others|he|she|we|i)", re.I)
_MOST = 4  # sentences that are quoted


def said_about(question: str, hits: Sequence[Hit]) -> list[Sentence]:
    """The sentences of the passages that are somebody's words and name the matter, in their order.

    Empty where the question asks for something else, or nobody speaks of the matter.
    """
    asked = _ASKS.search(question)
    matter = frozenset(stems(asked["matter"])) if asked else frozenset()
    who = asked["who"] if asked else None
    wanted = frozenset() if who is None or _ANYBODY.fullmatch(who) else frozenset(stems(who))
    found: dict[str, Sentence] = {}
    for hit in hits if matter else ():
        text = hit.article.text
        for start, end in sentence_spans(text, hit.start, hit.end, hit.article.language):
            said = " ".join(text[start:end].split())
            if not matter <= frozenset(stems(said)):
                continue
            speakers = [frozenset(stems(q.speaker)) for q in quotations(text, start, end)]
            if any(one and (wanted <= one or one <= wanted) for one in speakers):
                found.setdefault(said, Sentence(said, (Source(hit, start, end),)))
    return list(found.values())[:_MOST]
