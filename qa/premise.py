"""What a question takes for granted: "Why did Amsel resign?" that he did.

>>> premise("Why did Lukas Amsel resign over the treaty?")
'Lukas Amsel resign over the treaty'
>>> premise("Who resigned?")
"""

import re
from collections.abc import Sequence

from .check import evidence
from .retrieve import Hit
from .verify import verify

_TAKES_FOR_GRANTED = re.compile(
    r"(?:.*?,\s+)?(?:why|how|for\s+what\s+reason|what\s+(?:made|led|caused|prompted|reasons?\b.*?))\s+"
    r"(?:did|does|do|was|were|is|are|has|have|had|will|would)\s+(?!many\b|much\b)(.+?)\s*\?*",
    re.I,
)
_READ = 4  # passages that may hold it
_HOLDS = ("supported", "partial", "unchecked")


def premise(question: str) -> str | None:
    """The words of what a why or how question assumes; None for other questions."""
    assumed = _TAKES_FOR_GRANTED.fullmatch(question.strip())
    return assumed[1] if assumed else None


def of_premise(question: str, hits: Sequence[Hit]) -> str | None:
    """What to say where such a question is declined: whether what it assumes stands anywhere."""
    assumed = premise(question)
    if assumed is None:
        return None
    found = [verify(f"{assumed}.", [evidence(hit, "")]).verdict for hit in hits[:_READ]]
    if any(verdict in _HOLDS for verdict in found):
        return "The articles do not tell this."
    return "The articles do not say that this happened: what the question assumes is not in them."
