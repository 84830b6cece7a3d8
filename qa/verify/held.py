"""The statement that is checked and the sentences that it is checked against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .facts import Facts, facts


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A sentence of the evidence."""

    number: int
    "the place of its passage in the evidence"
    start: int
    end: int
    read: Facts
    passage: str
    label: str
    beside: str
    written: date | None

    @classmethod
    def of(cls, text: str, label: str, written: date | None = None) -> "Held":
        """A passage of one sentence."""
        return cls(0, 0, len(text), facts(text, written), text, label, "", written)

    @property
    def span(self) -> tuple[int, int, int]:
        """As in Verdict.spans."""
        return self.number, self.start, self.end


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its reason, or a derivation (supported)."""

    verdict: str
    why: str
    unsaid: frozenset[str] = frozenset()
    "stems that the evidence need not have, as the derivation gives them"


@dataclass(frozen=True, slots=True)
class Case:
    """A statement, and the evidence around the sentences that carry it."""

    claim: Facts
    carriers: Sequence[Held]
    "the sentences that hold most of its words, the best first"
    near: Sequence[Held]
    "these and the ones beside them"
    held: Sequence[Held]
    "all sentences of the evidence"

    @property
    def best(self) -> Held:
        """The sentence that holds most of the statement."""
        return self.carriers[0]


def near(carriers: Sequence[Held], held: Sequence[Held]) -> list[Held]:
    """The sentences that carry a statement, and the ones beside them in the same passage."""
    places = {at for at, one in enumerate(held) if one in carriers}
    around = {at + step for at in places for step in (-1, 0, 1)}
    passages = {one.number for one in carriers}
    return [one for at, one in enumerate(held) if at in around and one.number in passages]
