"""The words of sentences as `align` compares them: stem, kind, rarity and vector in context.

>>> text = read(("Rates did not rise.",), None)
>>> text.stems, text.negations.tolist()
(('rate', 'did', 'not', 'rise'), [False, False, True, False])
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray

from ...index.embed import MiniLM, bundled_tokenizer
from ...index.words import STOP_WORDS, WORD, fold, stem

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]
CLASSES = ("number", "unknown", "verb", "noun", "modifier", "rare", "content")
_NEGATION_WORDS = """
not no never cannot without neither nor none nobody nothing deny denied denies refuse refused
refuses fail failed fails unable hardly barely reject rejected
"""
_PRONOUN_WORDS = "he she they it him her them his their its we i you us our"
_NUMBER_WORDS = """
one two three four five six seven eight nine ten eleven twelve dozen twenty thirty forty fifty sixty
seventy eighty ninety hundred thousand million billion first second third fourth fifth half quarter
hundreds thousands millions dozens both couple
"""
_NEGATIONS, _PRONOUNS, _NUMBERS = (
    frozenset(words.split()) for words in (_NEGATION_WORDS, _PRONOUN_WORDS, _NUMBER_WORDS)
)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """The words of one or more sentences, and what is known of each."""

    words: tuple[str, ...]
    stems: tuple[str, ...]
    kinds: NDArray[np.bool_]
    "one row a word: its classes in the order of CLASSES"
    rarity: Array
    "0 (the most frequent word) to 1 (not in the tokenizer's vocabulary)"
    sentence: NDArray[np.int64]
    "the number of the sentence it stands in"
    negations: Flags
    pronouns: Flags
    vectors: Array
    "of the words in context, unit length; empty without MiniLM"
    whole: Array
    "of the sentences; empty without MiniLM"
    marks: tuple[int, int]
    "quotation marks and commas"


_CUT_NUMBER = re.compile(r"\b\d{1,3}\.$")
_APART = (  # what tokenisers set apart, and what it was
    (re.compile(r"(?<=\d), (?=\d{3}\b)"), ","),
    (re.compile(r"(?<=\d)\. (?=\d)"), "."),
    (re.compile(r"(?<=\w) - (?=\w)"), "-"),
    (re.compile(r"([$£€]) (?=\d)"), r"\1"),
    (re.compile(r"``|''"), '"'),
    (re.compile(r"`"), "'"),
)


def tidy(sentences: Sequence[str]) -> tuple[str, ...]:
    """Sentences with the numbers, compounds and quotation marks whole that a tokeniser took apart.

    "98. 7 per cent" may have been cut into two sentences: it is one again.
    """
    whole: list[str] = []
    for text in sentences:
        if whole and text[:1].isdigit() and _CUT_NUMBER.search(whole[-1]):
            whole[-1] += text
        else:
            whole.append(text)
    return tuple(_together(text) for text in whole)


def _together(text: str) -> str:
    for apart, together in _APART:
        text = apart.sub(together, text)
    return text


@lru_cache(maxsize=32)  # 0.5 MB each with vectors
def read(texts: tuple[str, ...], embedder: MiniLM | None) -> Text:
    """The words of some sentences, at least one of them with a word."""
    each = [_read(text, embedder) for text in texts]
    return Text(
        tuple(word for one in each for word in one.words),
        tuple(word for one in each for word in one.stems),
        np.concatenate([one.kinds for one in each]),
        np.concatenate([one.rarity for one in each]),
        np.repeat(np.arange(len(each)), [len(one.words) for one in each]),
        np.concatenate([one.negations for one in each]),
        np.concatenate([one.pronouns for one in each]),
        np.concatenate([one.vectors for one in each]),
        np.concatenate([one.whole for one in each]),
        (sum(one.marks[0] for one in each), sum(one.marks[1] for one in each)),
    )


@lru_cache(maxsize=1024)
def _read(text: str, embedder: MiniLM | None) -> Text:
    folded = [fold(match.group()) for match in WORD.finditer(text)]
    words = tuple(word.removesuffix("'s").removesuffix("’s") for word in folded)
    facts = [known(word) for word in words]
    none = np.zeros((0, 0), np.float32)
    vectors, whole = (none, none) if embedder is None else _word_vectors(text, embedder)
    return Text(
        words,
        tuple(stem(word) for word in words),
        np.array([classes for classes, _, _ in facts], bool),
        np.array([rarity for _, rarity, _ in facts], np.float32),
        np.zeros(len(words), np.int64),
        np.array([word in _NEGATIONS or word.endswith(("n't", "n’t")) for word in words]),
        np.array([word in _PRONOUNS for word in words]),
        vectors,
        whole,
        (sum(text.count(mark) for mark in '"`“'), text.count(",")),
    )


@lru_cache(maxsize=100_000)
def known(word: str) -> tuple[tuple[bool, ...], float, frozenset[str]]:
    """Its classes, its rarity and the stems of its lemmas.

    The tokenizer's vocabulary is ordered by frequency: the first word has number 1996 of 30522.
    """
    from lemminflect import getAllLemmas

    lemmas = getAllLemmas(word)
    is_number = word in _NUMBERS or any(char.isdigit() for char in word)
    rank = _vocabulary().get(word)
    rarity = 1.0 if rank is None else min(1.0, log(max(1, rank - 1995)) / log(28527))
    is_content = word not in STOP_WORDS
    classes = (
        is_number,
        not lemmas and not is_number,
        "VERB" in lemmas and is_content,
        "NOUN" in lemmas and "VERB" not in lemmas and is_content,
        ("ADJ" in lemmas or "ADV" in lemmas) and "NOUN" not in lemmas and is_content,
        rarity > 0.85,
        is_content,
    )
    return classes, rarity, frozenset(stem(one) for forms in lemmas.values() for one in forms)


@cache
def _vocabulary() -> dict[str, int]:
    return bundled_tokenizer().get_vocab()


def _word_vectors(text: str, embedder: MiniLM) -> tuple[Array, Array]:
    """The unit vectors of the words (the sum of their pieces in context) and of the sentence."""
    ((whole, vectors, pieces),) = embedder.read([text])
    spans = [match.span() for match in WORD.finditer(text)]
    starts = np.array([start for start, _ in spans])
    found = np.zeros((len(spans), vectors.shape[1]), np.float32)
    for (start, _), vector in zip(pieces, vectors, strict=True):
        at = int(np.searchsorted(starts, start, side="right")) - 1
        if at >= 0 and start < spans[at][1]:
            found[at] += vector
    return _unit(found), whole[None]


def _unit(rows: Array) -> Array:
    scaled: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return scaled
