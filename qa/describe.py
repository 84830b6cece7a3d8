"""What a sentence has to do with a question, in a few numbers that a person can read.

    wanted = weigh("Who resigned?", archive)
    asked, said = read(["Who resigned?", sentence.text], embedder)
    describe(sentence, wanted, cosine, align(wanted, asked, said), best_score)
    sentence.features["kind_missing"]  # 1.0 where it names nobody

The quoting answerer (qa/extract.py) weighs them.
"""

import re
from calendar import month_name
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..index.archive import Archive
from ..index.dates import When, resolve
from ..index.embed import Embedder, Vectors
from ..index.words import STOP_WORDS, WORD, fold, stem, words
from . import when
from .asked import HOLDS, asks_for_words, kind_asked, names, unit
from .cite import Source
from .retrieve import Hit

FEATURES = (
    # Mean over the question's content words of the cosine with the nearest token of the sentence.
    "alike",
    # The same of the words that are no names, by rarity; a word of a neighbour counts .9.
    "alike_near",
    "cosine",  # of question and sentence
    "in_article",  # share of the question's words, by rarity, that the article says
    "rank",  # 1 / rank of its passage
    "found",  # its passage's score as a share of the best one's
    "kind_missing",  # 1 where it holds nothing of the kind that is asked for
    "kind_near",  # how near that stands to the question's words, 0 to 1
    "unit_found",  # how like what is counted the words behind a number are, 0 to 1
    "unit_missing",  # 1 where what is counted has no number
    "name_said",  # of the question's names, the share of the least that it says
    "name_near",  # the same of its passage, headline and lead
    "time_missing",  # 1 where it and its article speak of other days than the question
    "year_missing",  # 1 where a year of the question is neither there, nor near, nor the article's
    "too_early",  # 1 where its article appeared before the time that is asked about
    "speaker_missing",  # 1 where somebody's words are asked for, and it names nobody asked about
    "is_first",  # 1 for the first sentence of a passage
)
_LEAD = 400  # characters
_AROUND = 300  # characters before and behind a sentence in which a year may stand
_DATED = re.compile(rf"\d|\b(?:{'|'.join(month_name[1:])})\b")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that tells the vectors of a text's tokens in their context."""

    def read(self, texts: Sequence[str]) -> "list[Read]":
        """For each text: its unit vector, a unit vector a token, where each token stands."""
        ...


Spans = tuple[tuple[int, int], ...]
Read = tuple[Vectors, Vectors, list[tuple[int, int]]]


@dataclass(slots=True)
class Candidate:
    """A sentence that may answer, with its score."""

    hit: Hit
    start: int
    end: int
    text: str
    stems: frozenset[str]
    near: frozenset[str]
    rank: int
    features: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    "log-odds that it answers"
    is_first: bool = False

    @property
    def source(self) -> Source:
        """Its span as a source."""
        return Source(self.hit, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: the question's content words and what they ask."""

    text: str
    stems: tuple[str, ...]
    spans: Spans
    "where each stands in the question"
    weights: NDArray[np.float64]
    "their BM25 rarity"
    is_name: NDArray[np.bool_]
    period: when.Asked

    def share(self, said: frozenset[str]) -> float:
        """The share of the words, by rarity, that are among these stems."""
        found = np.array([one in said for one in self.stems], float)
        return float(found @ self.weights / (self.weights.sum() or 1.0))


@dataclass(frozen=True, slots=True)
class Aligned:
    """For each word of the question the likest token of a sentence, and where that stands."""

    alike: NDArray[np.float64]
    at: NDArray[np.int64]


def weigh(question: str, archive: Archive, as_of: date | None = None) -> Wanted:
    """The question's content words, each once, with their rarity in the archive."""
    found: dict[str, tuple[str, tuple[int, int], bool]] = {}
    for match in WORD.finditer(question):
        folded = re.sub(r"[’']s$", "", fold(match[0]))
        if folded not in STOP_WORDS:
            is_name = match[0][0].isdigit() or (match.start() > 0 and match[0][0].isupper())
            found.setdefault(stem(folded), (folded, match.span(), is_name))
    counts, total = archive.frequencies([form for form, _, _ in found.values()])
    rare = [
        np.log(1 + (total - counts[form] + 0.5) / (counts[form] + 0.5))
        for form, _, _ in found.values()
    ]
    return Wanted(
        question,
        tuple(found),
        tuple(span for _, span, _ in found.values()),
        np.array(rare, float),
        np.array([is_name for _, _, is_name in found.values()], bool),
        when.asked(question, as_of or datetime.now(UTC).date()),
    )


def read(texts: Sequence[str], embedder: Embedder) -> list[Read]:
    """Texts by their tokens; by their words, each alone, where the embedder gives no tokens."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.read(texts)
    spans = [[m.span() for m in WORD.finditer(text)] for text in texts]
    every = list(dict.fromkeys(t[a:b] for t, s in zip(texts, spans, strict=True) for a, b in s))
    vectors = embedder.embed([*texts, *every])
    of_word = dict(zip(every, vectors[len(texts) :], strict=True))
    return [
        (vectors[n], np.array([of_word[text[a:b]] for a, b in spans[n]]), spans[n])
        for n, text in enumerate(texts)
    ]


def align(wanted: Wanted, asked: Read, said: Read) -> Aligned:
    """The likest token of a sentence for each word of the question (its tokens' mean)."""
    (_, ours, our_spans), (_, theirs, their_spans) = asked, said
    alike, at = np.zeros(len(wanted.stems)), np.full(len(wanted.stems), -1)
    if not len(theirs) or not len(ours):
        return Aligned(alike, at)
    cosines = ours @ theirs.T
    best = cosines.max(axis=1)
    owned = _owned(wanted.spans, tuple(our_spans))
    for word in range(len(wanted.spans)):
        if own := owned[word]:
            alike[word] = best[own].mean()
            at[word] = their_spans[int(cosines[max(own, key=lambda n: best[n])].argmax())][0]
    return Aligned(alike, at)


@lru_cache(maxsize=256)
def _owned(spans: Spans, tokens: Spans) -> list[list[int]]:
    """The tokens of each word."""
    return [[n for n, (a, b) in enumerate(tokens) if a < end and b > start] for start, end in spans]


def describe(
    candidate: Candidate, wanted: Wanted, cosine: float, aligned: Aligned, best_score: float
) -> None:
    """Set the candidate's features. `best_score` is that of the best passage."""
    hit, article, text = candidate.hit, candidate.hit.article, candidate.text
    written = day(hit.published)
    spoken = resolve(text, written) if written else []
    said = candidate.stems | stem_set(" ".join(one.label for one in spoken))
    if written:
        said |= {str(written.year)}
    says, near = (
        np.array([one in stems for one in wanted.stems], float)
        for stems in (said, said | candidate.near)
    )
    alike = np.maximum(aligned.alike, 0.9 * says)
    no_name = wanted.weights * ~wanted.is_name
    beside = np.maximum(alike, 0.9 * near)
    kind, counts = kind_asked(wanted.text), unit(wanted.text)
    kind_near = _kind_near(kind, text, wanted, alike, aligned)
    unit_found = _unit_found(counts, text, wanted, aligned) if counts else 0.6
    lead = stem_set(f"{hit.text} {article.title or ''} {article.text[:_LEAD]}") | said
    asked_names = names(wanted.text)
    candidate.features = {
        "alike": float(alike.mean()) if alike.size else 0.0,
        "alike_near": float(beside @ no_name / no_name.sum())
        if no_name.sum()
        else float(alike.size > 0),
        "cosine": cosine,
        "in_article": wanted.share(stem_set(f"{article.text} {article.title or ''}") | said),
        "rank": 1 / candidate.rank,
        "found": hit.score / best_score,
        "kind_missing": float(kind is not None and kind_near is None),
        "kind_near": kind_near or 0.0,
        "unit_found": unit_found,
        "unit_missing": float(bool(counts) and unit_found < 1.0),
        "name_said": _least(asked_names, said),
        "name_near": _least(asked_names, lead),
        **_of_time(wanted, candidate, spoken, written),
        "speaker_missing": float(
            bool(asked_names)
            and asks_for_words(wanted.text)
            and not any(name & said for name in asked_names)
        ),
        "is_first": float(candidate.is_first),
    }


def _kind_near(
    kind: str | None, text: str, wanted: Wanted, alike: NDArray[np.float64], aligned: Aligned
) -> float | None:
    """How near what is asked for stands to the question's words, 0 to 1; None: not there."""
    if kind is None:
        return 0.0
    own = frozenset(wanted.stems)
    places = [m.start() for m in WORD.finditer(text) if stem_set(m[0]) & own]
    places += [int(at) for one, at in zip(alike, aligned.at, strict=True) if one > 0.5 and at >= 0]
    found = [m.start() for m in HOLDS[kind].finditer(text) if not stem_set(m[0]) & own]
    if not found:
        return None
    apart = min((abs(one - other) for one in found for other in places), default=200)
    return 1 / (1 + apart / 40)


def _unit_found(counts: str, text: str, wanted: Wanted, aligned: Aligned) -> float:
    """1 where a number stands before what is counted, else how like it the words behind one are."""
    best, own = 0.0, frozenset(wanted.stems)
    word = wanted.stems.index(counts) if counts in own else None
    for number in HOLDS["number"].finditer(text):
        if stem_set(number[0]) & own:
            continue
        behind = text[number.end() : number.end() + 40]
        if counts in [stem(one) for one in words(behind)[:4]]:
            return 1.0
        if word is not None and number.end() <= aligned.at[word] < number.end() + 35:
            best = max(best, min(0.99, float(aligned.alike[word])))
    return best


def _of_time(
    wanted: Wanted, candidate: Candidate, spoken: Sequence[When], written: date | None
) -> dict[str, float]:
    article, period = candidate.hit.article, wanted.period
    labels = " ".join(one.label for one in spoken)
    years = set(_YEAR.findall(f"{candidate.text} {labels}"))
    around = article.text[max(0, candidate.start - _AROUND) : candidate.end + _AROUND]
    near = years | set(_YEAR.findall(f"{around} {article.title or ''}"))
    asked_years = set(_YEAR.findall(wanted.text))
    other_days = early = False
    if written and period.first and period.last and _DATED.search(period.words or ""):
        first, last = period.first, period.last
        days = [(written, written), *((one.first, one.last) for one in spoken)]
        other_days = not (
            any(one <= last and first <= other for one, other in days)
            or any(first.year <= int(year) <= last.year for year in years)
        )
        early = written < first
    return {
        "time_missing": float(other_days),
        "year_missing": float(
            bool(asked_years - near - ({str(written.year)} if written else set()))
        ),
        "too_early": float(early),
    }


def _least(asked_names: Sequence[frozenset[str]], said: frozenset[str]) -> float:
    """The share that is said of the name of which least is; 1 where no name is asked about."""
    return min((len(name & said) / len(name) for name in asked_names), default=1.0)


@lru_cache(maxsize=8_000)
def stem_set(text: str) -> frozenset[str]:
    """The stems of all words of a text."""
    return frozenset(stem(word) for word in words(text))


def day(moment: datetime | date | None) -> date | None:
    """The day of a moment."""
    return moment.date() if isinstance(moment, datetime) else moment
