"""Which articles run one text: copies count as one source, however many outlets carry them.

>>> one = "The council voted on Monday to close the harbour road for a year."
>>> groups([one, one + " It was raining.", "Rates rose on Friday, the central bank said."])
[[0, 1], [2]]
"""

from collections.abc import Sequence
from functools import lru_cache

from .words import fold

# Of five-word shingles: copies share most of them, two reports of one event few.
_COPIED, _SHINGLE = 0.5, 5


def is_copy(one: str, other: str) -> bool:
    """Whether most of the shorter text stands in the longer one."""
    first, second = _shingles(one), _shingles(other)
    shorter = min(len(first), len(second))
    return bool(shorter) and len(first & second) / shorter >= _COPIED


def groups(texts: Sequence[str]) -> list[list[int]]:
    """The positions of the texts, copies of one text together, in order of the first of each."""
    found: list[list[int]] = []
    for at, text in enumerate(texts):
        group = next((g for g in found if any(is_copy(text, texts[one]) for one in g)), None)
        if group is None:
            found.append([at])
        else:
            group.append(at)
    return found


@lru_cache(maxsize=2_000)
def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = fold(text).split()
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))
