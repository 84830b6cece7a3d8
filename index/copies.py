"""Which articles run one text: copies count as one source, however many outlets carry them.

>>> one = "The council voted on Monday to close the harbour road for a year."
>>> groups([one, one + " It was raining.", "Rates rose on Friday, the central bank said."])
[[0, 1], [2]]
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from rensa import RMinHash

_SHINGLE = 5  # words
# Bands of two: a text cut to a third of another still shares a band with it 97 times in 100, and
# two reports of one event seldom do (bench/copies.py).
_BANDS, _ROWS = 32, 2
# Chosen on one half of the pairs of bench/copies.py: how much of the shorter text the longer one
# has; how long the shorter one is beside it at least; below what length more of it must be there,
# and from near the beginning of the longer one on (what was cut, not one story of several, nor a
# quotation); how many of its figures, where there are some, are the same (else it is a form that
# was filled in anew).
_COPIED, _SHORTEST, _WHOLE, _CUT, _BEGINS = 0.6, 0.35, 0.62, 0.75, 60
_FIGURES, _FEW = 0.5, 4
_LONGEST = 100_000  # characters that are looked at
_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORD, _FIGURE = re.compile(r"\w+"), re.compile(r"\d{2,}")
_CANARY = "Texts that are one have signatures that are one, whatever release of rensa made them."


class _Shingles(NamedTuple):
    """A text's runs of five words, with the first position of each."""

    at: dict[str, int]
    figures: frozenset[str]
    "numbers of two digits and more: house styles write smaller ones as they like"


def is_copy(one: str, other: str) -> bool:
    """Whether the shorter text is the longer one, whole or mostly, in another outlet's clothes.

    It is not where it is one story of several, a quotation, or a form with other figures in it.
    """
    return overlap(one, other) > 0


def overlap(one: str, other: str) -> float:
    """The share of the shorter text that a copy has in common with the longer; 0: no copy."""
    shorter, longer = sorted((_shingles(one), _shingles(other)), key=lambda s: len(s.at))
    shared = shorter.at.keys() & longer.at.keys()
    copied = len(shared) / max(len(shorter.at), 1)
    length = len(shorter.at) / max(len(longer.at), 1)
    if copied < _COPIED or length < _SHORTEST:
        return 0.0
    if length < _WHOLE:
        begins = sorted(longer.at[shingle] for shingle in shared)[len(shared) // 20]
        if copied < _CUT or begins > _BEGINS + len(longer.at) // 20:
            return 0.0
    figures = shorter.figures
    if len(figures) >= _FEW and len(figures & longer.figures) < _FIGURES * len(figures):
        return 0.0
    return copied


def contained(part: str, whole: str) -> float:
    """The share of a passage's shingles that a text has; 1 for a passage that is too short."""
    shingles = _shingles(part).at.keys()
    return len(shingles & _shingles(whole).at.keys()) / len(shingles) if shingles else 1.0


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


def bands(text: str) -> list[int]:
    """Signed 32-bit numbers: texts that share one may be copies. None of a text below 5 words."""
    shingles = list(_shingles(text).at)
    if not shingles:
        return []
    minhash = RMinHash(num_perm=_BANDS * _ROWS, seed=1)
    minhash.update(shingles)
    signature = minhash.digest()
    return [_band(at, signature[at * _ROWS : at * _ROWS + _ROWS]) for at in range(_BANDS)]


def _band(at: int, rows: Sequence[int]) -> int:
    mixed = at
    for row in rows:
        mixed = (mixed * 0x9E3779B1 + row) * 0x85EBCA6B & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 29
    return (mixed >> 16 & 0xFFFFFFFF) - 0x80000000


@cache
def scheme() -> str:
    """What another release's bands cannot be compared with, where it is another."""
    return f"{sum(at * band for at, band in enumerate(bands(_CANARY), 1)) & 0xFFFFFFFF:08x}"


@lru_cache(maxsize=256)  # 80 kB each
def _shingles(text: str) -> _Shingles:
    folded = text[:_LONGEST].casefold()
    if not folded.isascii():  # as words.fold, ten times faster on a text with curly quotes
        folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", folded))
    words = _WORD.findall(folded)
    at: dict[str, int] = {}
    for position in range(len(words) - _SHINGLE + 1):
        at.setdefault(" ".join(words[position : position + _SHINGLE]), position)
    return _Shingles(at, frozenset(_FIGURE.findall(text)))
