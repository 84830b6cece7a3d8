r"""Names in articles: which capitalised words are a person's, which are none.

>>> Names(["Ms Farrant spoke. Then engineer Odile Farrant left."]).people("Odile Farrant left.")
['Odile Farrant']
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

# "Sony", "O'Neill", "Asia-Pacific", "J.", without a possessive ending
CAPITAL = r"(?:[A-Z]\.(?:[A-Z]\.)*|[A-Z](?:[\w&-]|[’'](?!s\b|\W))*)"
_LINK = r"(?:van der|van de|van|von|de la|de|der|di|da|del|al|bin|el|ten|ter)"
FULL_NAME = rf"{CAPITAL}(?: {_LINK})?(?: {CAPITAL}(?: {_LINK})?){{0,4}} {CAPITAL}"
NAME = rf"{CAPITAL}(?: (?:{CAPITAL}|of {CAPITAL}|& {CAPITAL})){{0,4}}"
HONORIFIC = r"(?:Mr|Mrs|Ms|Miss|Sir|Dame|Lord|Lady|Baroness|Dr|Professor|Prof|Rev)\b\.?"
_PARTY = "Republican|Democrat|Democratic|Tory|Labour|Liberal|Conservative"
_TITLE = re.compile(
    rf"{HONORIFIC}|(?:{_PARTY}|Sen|Rep|Gov|Senator|President|Justice|Judge|General|Gen|Speaker)\.?"
)
OFFICE = (
    r"(?:chief executive officer|chief executive|managing director|finance director|chairman"
    r"|chairwoman|chief economist|chief financial officer|head coach|coach|captain|manager"
    r"|secretary[- ]general|general secretary|prime minister|foreign minister|finance minister"
    r"|defence minister|foreign secretary|home secretary|president|attorney general|chancellor"
    r"|leader|founder|co-founder|editor|governor|mayor|ambassador)"
)
ROLE = (
    rf"(?:{OFFICE}|minister|spokesman|spokeswoman|analyst|economist|director|actor|actress|singer"
    r"|striker|midfielder|defender|winger|lawyer|author|writer|producer|lawmaker|senator)"
)
_CALENDAR = """January February March April May June July August September October November December
Monday Tuesday Wednesday Thursday Friday Saturday Sunday Christmas Easter"""
_ROLES = (
    rf"\b[a-z]+ {ROLE} ({CAPITAL}) {CAPITAL}\b",
    rf"\b({CAPITAL}) {CAPITAL}, \d\d,",
)


class Names:
    """What a collection shows of its names: which words are none, and which are given names."""

    def __init__(self, texts: Iterable[str]) -> None:
        lower: Counter[str] = Counter()
        inside: Counter[str] = Counter()
        given: Counter[str] = Counter()
        for text in texts:
            lower.update(re.findall(r"\b[a-z][a-z’'-]+", text))
            inside.update(re.findall(rf"(?<=[a-z,] ){CAPITAL}", text))
            given.update(_given_names(text))
        self._lower, self._inside = lower, inside
        self._given = frozenset(
            name for name in given if not self.is_ordinary(name) and not _TITLE.fullmatch(name)
        )

    def is_ordinary(self, word: str) -> bool:
        """Whether a capitalised word is no name: it is as often written small."""
        is_small = self._lower[word.lower()] >= max(1, self._inside[word])
        return is_small or word in _CALENDAR.split() or bool(re.search("-[a-z]", word))

    def person(self, words: str) -> str | None:
        """The full name of a person that ends these capitalised words, without honorific."""
        parts = words.split()
        while len(parts) > 2 and (_TITLE.fullmatch(parts[0]) or self.is_ordinary(parts[0])):
            parts.pop(0)
        is_known = len(parts) > 1 and parts[0] in self._given
        return " ".join(parts) if is_known and not self.is_ordinary(parts[-1]) else None

    def people(self, text: str) -> list[str]:
        """The full names of persons in a text, each once, in order."""
        found = (self.person(match) for match in re.findall(FULL_NAME, text))
        return list(dict.fromkeys(name for name in found if name))

    def introduced(self, surname: str, text: str) -> str | None:
        """The full name with which a text first brings in this surname, of whatever kind.

        None where it stands alone at first, or with several given names.
        """
        found = re.findall(rf"(?:({CAPITAL}) )?\b{re.escape(surname)}\b", text)
        given = {first for first in found if first and not re.fullmatch(HONORIFIC, first)}
        first = found[0] if found else ""
        is_one = given == {first} and "-" not in first and not self.is_ordinary(first)
        return f"{first} {surname}" if is_one else None


def _given_names(text: str) -> Iterator[str]:
    """First words of names that an honorific, an age or a role shows to be a person's."""
    called = set(re.findall(rf"\b(?:Mr|Mrs|Ms|Miss)\.? ({CAPITAL})", text))
    for first, last in re.findall(rf"\b({CAPITAL}) ({CAPITAL})", text):
        if last in called:
            yield first
    for pattern in _ROLES:
        yield from re.findall(pattern, text)
