"""Answers without a language model: picks the sentences that answer, word for word, or declines.

    ranked = rank(question.text, hits, archive, embedder)
    sentences = extract(question, ranked, embedder)

Each sentence of the passages found is described by a few numbers (how much of the question it and
its surroundings say, how near its meaning is, whether it holds the kind of thing that is asked
for) and a logistic model weighs them. bench/fit_extract.py fits it; docs/log.md has the numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ..index.archive import Archive
from ..index.chunk import sentence_spans
from ..index.dates import resolve
from ..index.embed import Embedder
from ..index.words import STOP_WORDS, WORD, fold, stem, words
from .asked import HOLDS, focus, kind_asked, unit
from .cite import Sentence, Source
from .question import Question
from .retrieve import Hit

FEATURES = (
    # Of the question's words, weighted by rarity, the share that the sentence says. A missing word
    # counts as much as the nearest word of the sentence is like it.
    "said",
    "said_near",  # the same of the sentence, its neighbours and the headline
    "cosine",  # of question and sentence
    "kind_missing",  # 1 where it holds nothing of the kind that is asked for
    "unit_found",  # 1 where a number stands before what is counted
    "unit_missing",  # 1 where what is counted has no number
    "rank",  # 1 / rank of its passage
    "names_near",  # share of the question's names and figures near it
)
WEIGHTS = np.array([3.03, 0.93, 3.52, -1.4, 1.76, -2.07, 2.83, 0.8])
BIAS = -8.03
THRESHOLD = -0.35  # of the best sentence's log-odds, below which the answer is declined
_ALSO = -1.0  # log-odds from which another sentence is quoted too
_FOCUS_ALIKE = 0.58  # cosine from which another word stands for the one that is asked about
_COMPARED = 40  # sentences whose meaning is compared
_ALIGNED = 8  # sentences whose words are compared one by one
_LEAD = 400  # characters
_LONGEST_QUOTE = 700  # characters between two sentences quoted from one passage
_SAME = 0.65  # overlap of words from which two sentences are copies


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

    @property
    def source(self) -> Source:
        """Its span as a source."""
        return Source(self.hit, self.start, self.end)


def rank(
    question: str, hits: Sequence[Hit], archive: Archive, embedder: Embedder
) -> list[Candidate]:
    """The sentences of the passages by how likely they answer, best first."""
    weights, names = _weigh(question, archive)
    found = _candidates(hits, weights)
    if not found:
        return []
    cosines = embedder.embed([c.text for c in found]) @ embedder.embed_question(question)
    for candidate, cosine in zip(found, cosines, strict=True):
        _describe(candidate, question, weights, names, float(cosine))
    closest = sorted(found, key=lambda c: -(c.features["said"] + c.features["cosine"]))
    _align(closest[:_ALIGNED], question, weights, names, embedder)
    for candidate in found:
        row = np.array([candidate.features[name] for name in FEATURES])
        candidate.score = float(row @ WEIGHTS + BIAS)
    return sorted(found, key=lambda c: -c.score)


def extract(question: Question, ranked: Sequence[Candidate], embedder: Embedder) -> list[Sentence]:
    """The sentences that answer, at most three; none where the best is not good enough."""
    if not ranked or ranked[0].score < THRESHOLD:
        return []
    kind = kind_asked(question.text)
    best = ranked[:2]
    if kind and all(candidate.features["kind_missing"] for candidate in best):
        return []
    if not _speaks_of_focus(question.text, best, embedder):
        return []
    return [_quoted(candidate, kind) for candidate in _chosen(question.text, ranked)]


def nearest(ranked: Sequence[Candidate], most: int) -> list[Source]:
    """The best sentence of each of the best articles."""
    first = {candidate.hit.article_id: candidate for candidate in reversed(ranked)}
    return [c.source for c in sorted(first.values(), key=lambda c: -c.score)[:most]]


def _weigh(question: str, archive: Archive) -> tuple[dict[str, float], set[str]]:
    """The stems of the question's content words with their BM25 rarity, and which are names."""
    forms: dict[str, str] = {}
    names = set()
    for match in WORD.finditer(question):
        folded = re.sub(r"[’']s$", "", fold(match[0]))
        if folded in STOP_WORDS:
            continue
        forms[stem(folded)] = folded
        if match[0][0].isdigit() or (match.start() and match[0][0].isupper()):
            names.add(stem(folded))
    counts, total = archive.frequencies(list(forms.values()))
    weights = {
        stemmed: float(np.log(1 + (total - counts[form] + 0.5) / (counts[form] + 0.5)))
        for stemmed, form in forms.items()
    }
    return weights, names


def _candidates(hits: Sequence[Hit], weights: dict[str, float]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for number, hit in enumerate(hits, 1):
        article = hit.article
        spans = sentence_spans(article.text, hit.start, hit.end, article.language)
        sets = [_stems(article.text[start:end]) for start, end in spans]
        title = _stems(article.title or "")
        for at, (start, end) in enumerate(spans):
            near = title.union(*sets[max(0, at - 1) : at + 2])
            text = article.text[start:end]
            found.setdefault(text, Candidate(hit, start, end, text, sets[at], near, number))

    def promise(candidate: Candidate) -> float:
        said = _share(weights, candidate.stems) + _share(weights, candidate.near) / 2
        return said + 0.3 / candidate.rank

    return sorted(found.values(), key=promise, reverse=True)[:_COMPARED]


def _describe(
    candidate: Candidate,
    question: str,
    weights: dict[str, float],
    names: set[str],
    cosine: float,
) -> None:
    kind, counts = kind_asked(question), unit(question)
    holds = kind is None or any(
        not _stems(found[0]) & weights.keys() for found in HOLDS[kind].finditer(candidate.text)
    )
    counted = bool(counts) and any(
        counts in [stem(word) for word in words(candidate.text[n.end() : n.end() + 60])[:5]]
        for n in HOLDS["number"].finditer(candidate.text)
    )
    lead = _stems(candidate.hit.article.text[:_LEAD])
    candidate.features = {
        "said": _share(weights, candidate.stems),
        "said_near": _share(weights, candidate.near),
        "cosine": cosine,
        "kind_missing": float(not holds),
        "unit_found": float(counted),
        "unit_missing": float(bool(counts) and not counted),
        "rank": 1 / candidate.rank,
        "names_near": len(names & (candidate.near | lead)) / len(names) if names else 1.0,
    }


def _align(
    closest: Sequence[Candidate],
    question: str,
    weights: dict[str, float],
    names: set[str],
    embedder: Embedder,
) -> None:
    """Let words that a sentence does not say count by the nearest one that it says."""
    asked = _content(question)
    said = {id(c): _content(c.text) for c in closest}
    every = list(dict.fromkeys([*asked, *(word for found in said.values() for word in found)]))
    vector = dict(zip(every, embedder.embed(every), strict=True)) if every else {}
    total = sum(weights.values()) or 1.0
    for candidate in closest:
        if not said[id(candidate)]:
            continue
        others = np.array([vector[word] for word in said[id(candidate)]])
        for word in asked:
            if stem(word) in candidate.stems:
                continue
            # Words without relation have a cosine of about .3; a name has no synonym.
            alike = max(0.0, (float((others @ vector[word]).max()) - 0.3) / 0.7)
            share = weights.get(stem(word), 0.0) / total
            gain = share * alike * (0.3 if stem(word) in names else 1.0)
            candidate.features["said"] += gain
            if stem(word) not in candidate.near:
                candidate.features["said_near"] += gain


def _speaks_of_focus(question: str, best: Sequence[Candidate], embedder: Embedder) -> bool:
    """Whether what the question asks about ("the population of") is spoken of at all."""
    about = focus(question)
    if about is None or any(stem(about) in candidate.near for candidate in best):
        return True
    said = _content(" ".join(candidate.text for candidate in best))
    vectors = embedder.embed([about, *said])
    return bool(said) and float((vectors[1:] @ vectors[0]).max()) >= _FOCUS_ALIKE


def _chosen(question: str, ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best sentence, and the next ones that are likely and say something of their own."""
    most = 3 if re.search(r"\b(?:and|both|agree|differ\w*|disagree)\b", question, re.I) else 2
    chosen: list[Candidate] = []
    for candidate in ranked:
        if len(chosen) == most or candidate.score < _ALSO:
            break
        if all(_goes_with(candidate, other) for other in chosen):
            chosen.append(candidate)
    return chosen


def _goes_with(one: Candidate, other: Candidate) -> bool:
    shared = len(one.stems & other.stems) / (len(one.stems | other.stems) or 1)
    reach = max(one.end, other.end) - min(one.start, other.start)
    is_far = one.hit == other.hit and reach > _LONGEST_QUOTE
    return shared < _SAME and not is_far


def _quoted(candidate: Candidate, kind: str | None) -> Sentence:
    """The sentence word for word; where a time is asked for, with what its dates mean."""
    published = candidate.hit.published
    text = " ".join(candidate.text.split())
    likely = round(1 / (1 + float(np.exp(-candidate.score))), 4)
    if kind != "time" or published is None:
        return Sentence(text, (candidate.source,), score=likely)
    written = published.date() if isinstance(published, datetime) else published
    meant = [f"“{when.words}” is {when.label}" for when in resolve(candidate.text, written)]
    if not meant:
        return Sentence(text, (candidate.source,), score=likely)
    meaning = "; ".join(meant)
    stop = "." if text.endswith(".") else ""
    return Sentence(
        f"{text.removesuffix('.')} ({meaning}){stop}",
        (candidate.source,),
        why=f"{meaning}: counted from the article's date, {written.isoformat()}",
        score=likely,
    )


def _content(text: str) -> list[str]:
    return list(dict.fromkeys(w for w in words(text) if w not in STOP_WORDS and len(w) > 2))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(text))


def _share(weights: dict[str, float], said: frozenset[str]) -> float:
    return sum(w for word, w in weights.items() if word in said) / (sum(weights.values()) or 1.0)
