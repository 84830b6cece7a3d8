"""Whether the words of some sentences carry a statement: its sense, without an entailment model.

>>> paper = ["The council rejected the harbour plan on Monday.", "Mayor Ines Hale had backed it."]
>>> carried, other = "The council rejected the plan.", "The council paid for a bridge."
>>> support(carried, paper, None) > support(other, paper, None)
True

Each content word of the statement is aligned with the evidence: by stem, lemma, shared beginning
and, where there is MiniLM, by its vector in context. A word counts as carried when it is found, in
the sentence that carries the others, near its own neighbours and in their order. A logistic
regression over these measures (align.json, fitted by bench/fit_verify.py) gives the likelihood.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import exp, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...index.chunk import sentence_spans
from ...index.embed import Embedder, MiniLM
from ...index.words import WORD
from .wording import CLASSES, Array, Text, known, read, tidy

Measures = dict[str, float]
_REACH = 8  # words within which two words count as neighbours
_PREFIX = 5  # shared first letters from which two stems may be of one family
# Of these the share that is missing is taken for each class of words.
_BY_CLASS = ("found", "in_best", "gap", "near", "seen", "seen_alike", "seen_in_best")
_HARDEST = 3  # the words that fit worst, and best, are also looked at by themselves


def support(said: str, sentences: Sequence[str], embedder: Embedder | None) -> float:
    """How likely the sentences carry what is said, 0 to 1; from .5 on rather than not.

    Several sentences are carried when each is. Contextual vectors need MiniLM: any other embedder
    counts as none. Fitted on English news, evidence of 50 to 900 words.
    """
    model = embedder if isinstance(embedder, MiniLM) else None
    weights = _weights("words" if model is None else "minilm")
    rows = [list(row.values()) for row in features(said, sentences, model)]
    return float(weights.likelihoods(np.array(rows, np.float32)).prod()) if rows else 0.0


def features(said: str, sentences: Sequence[str], embedder: MiniLM | None) -> list[Measures]:
    """The measures of each sentence of what is said; none where either side has no word."""
    texts = tidy([text for text in sentences if WORD.search(text)])
    if not texts:
        return []
    evidence = read(texts, embedder)
    said = " ".join(tidy([said]))
    parts = [said[start:end] for start, end in sentence_spans(said, 0, len(said))]
    return [_measures(read((part,), embedder), evidence) for part in parts if WORD.search(part)]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A logistic regression over clipped standard scores."""

    mean: Array
    scale: Array
    weight: Array
    bias: float

    def likelihoods(self, rows: Array) -> Array:
        """Of the measures of each sentence, one row each: 0 to 1."""
        scores = np.clip((rows - self.mean) / self.scale, -5, 5)
        odds = np.clip(scores @ self.weight + self.bias, -30, 30)
        found: Array = (1 / (1 + np.exp(-odds))).astype(np.float32)
        return found


@cache
def _weights(name: str) -> Weights:
    stored = json.loads(Path(__file__).with_name("align.json").read_text())[name]
    mean, scale, weight = (
        np.array(stored[part], np.float32) for part in ("mean", "scale", "weight")
    )
    return Weights(mean, scale, weight, stored["bias"])


def _measures(claim: Text, evidence: Text) -> Measures:
    """All measures of one sentence, in an order that depends on nothing but the vectors."""
    at = np.flatnonzero(claim.kinds[:, -1])
    if not len(at):
        at = np.arange(len(claim.words))
    alike = _alike(claim, evidence)
    found: Measures = {}
    weight = claim.rarity[at] + 0.02
    weight /= weight.sum()
    by_word = _plain(claim, evidence, alike)
    for name, values in by_word.items():
        found |= _spread(f"any {name}", values)
    by_word = {name: values[at] for name, values in by_word.items()}
    by_word |= _carried(alike[at], weight, evidence, found)
    if evidence.vectors.size:
        cosine = claim.vectors[at] @ evidence.vectors.T
        soft = np.clip((cosine - 0.35) / 0.5, 0, 0.9) * ~claim.kinds[at, :1]
        soft = np.maximum(alike[at], soft)
        by_word |= _carried(soft, weight, evidence, found, "soft ")
        by_word |= _seen(cosine, alike[at], weight, evidence, found)
        every = claim.vectors @ evidence.vectors.T
        by_sentence = _by_sentence(every, evidence)
        found |= _spread("any seen", every.max(axis=1))
        found |= _spread("any seen in one", by_sentence[:, by_sentence.mean(axis=0).argmax()])
        found["cosine"] = float((claim.whole @ evidence.whole.T).max())
    for name, values in by_word.items():
        found |= _spread(name, values, weight)
    classed = [name for name in by_word if name.removeprefix("soft ") in _BY_CLASS]
    missing = np.stack(
        [by_word[name] if name.endswith("gap") else 1 - by_word[name] for name in classed]
    )
    for column, kind in enumerate(CLASSES):
        of_kind = claim.kinds[at, column]
        count, of_class = of_kind.sum(), missing * of_kind
        found[f"{kind} count"] = float(count)
        both = zip(classed, of_class.sum(axis=1), of_class.max(axis=1), strict=True)
        for name, total, most in both:
            found[f"{kind} {name} sum"] = float(total)
            found[f"{kind} {name} mean"] = float(total / max(1, count))
            found[f"{kind} {name} most"] = float(most)
    found["opens with a pronoun"] = float(claim.pronouns[0])
    found["pronouns"] = float(claim.pronouns.sum())
    found["negations"] = float(claim.negations.sum())
    return found | _runs(claim, evidence)


def _spread(name: str, values: Array, weight: Array | None = None) -> Measures:
    """The (weighted) mean, and that of the worst and of the best."""
    ordered = np.sort(values)
    return {
        f"mean {name}": _mean(values) if weight is None else float(weight @ values),
        f"least {name}": _mean(ordered[:_HARDEST]),
        f"most {name}": _mean(ordered[-_HARDEST:]),
    }


def _mean(values: Array) -> float:
    """As `values.mean()`, to the last bit, in a third of the time."""
    return float(np.add.reduce(values) / len(values))


def _alike(claim: Text, evidence: Text) -> Array:
    """1 where two words have one stem, .95 for one lemma, less for one beginning, else 0."""
    found = np.zeros((len(claim.words), len(evidence.words)), np.float32)
    places: dict[str, list[int]] = {}
    families: dict[str, list[str]] = {}
    for at, stemmed in enumerate(evidence.stems):
        if stemmed not in places:
            families.setdefault(stemmed[:_PREFIX], []).append(stemmed)
        places.setdefault(stemmed, []).append(at)
    for row, stemmed in enumerate(claim.stems):
        if claim.kinds[row, -1] and len(stemmed) >= _PREFIX:
            for other in families.get(stemmed[:_PREFIX], ()):
                shared = next((n for n, (a, b) in enumerate(zip(stemmed, other, strict=False))
                               if a != b), min(len(stemmed), len(other)))  # fmt: skip
                found[row, places[other]] = 0.8 * shared / max(len(stemmed), len(other))
        if claim.kinds[row, -1]:
            for lemma in known(claim.words[row])[2]:
                found[row, places.get(lemma, [])] = 0.95
        found[row, places.get(stemmed, [])] = 1
    return found


def _carried(
    alike: Array, weight: Array, evidence: Text, found: Measures, name: str = ""
) -> dict[str, Array]:
    """Of each word: whether it is found, where the others are, and beside its neighbours."""
    by_sentence = _by_sentence(alike, evidence)
    wide = by_sentence.copy()
    wide[:, 1:] = np.maximum(wide[:, 1:], by_sentence[:, :-1])
    wide[:, :-1] = np.maximum(wide[:, :-1], by_sentence[:, 1:])
    measures: dict[str, Array] = {"found": by_sentence.max(axis=1)}
    rows = np.arange(len(alike))
    rest = np.maximum(1 - weight, 1e-6)[:, None]
    for scope, held in (("", by_sentence), ("wide ", wide)):
        weighted = weight[:, None] * held
        others = (weighted.sum(axis=0) - weighted) / rest  # what a sentence carries of the others
        measures[f"{scope}in_best"] = held[rows, others.argmax(axis=1)]
        measures[f"{scope}fits"] = (held * others).max(axis=1)
        measures[f"{scope}gap"] = others.max(axis=1) - measures[f"{scope}fits"]
        found[f"{name}{scope}covered"] = float(weighted.sum(axis=0).max())
    measures |= _neighbours(alike, evidence)
    return {f"{name}{measure}": values for measure, values in measures.items()}


def _by_sentence(values: Array, evidence: Text) -> Array:
    """The largest value in each sentence: one row a word, one column a sentence."""
    starts = np.flatnonzero(np.diff(evidence.sentence, prepend=-1))
    largest: Array = np.maximum.reduceat(values, starts, axis=1)
    return largest


def _neighbours(alike: Array, evidence: Text) -> dict[str, Array]:
    """Of each word: how close its aligned word stands to those of the words around it.

    `near` in any order, `in_order` in the claim's own; 1 within two words, falling with distance.
    """
    ahead = np.zeros_like(alike)  # the best at or after each place, and before it
    behind = np.zeros_like(alike)
    for step in range(1, _REACH + 1):
        same = evidence.sentence[step:] == evidence.sentence[:-step]
        fading = same * np.float32(exp(-(step - 1) / 4))
        np.maximum(ahead[:, :-step], alike[:, step:] * fading, out=ahead[:, :-step])
        np.maximum(behind[:, step:], alike[:, :-step] * fading, out=behind[:, step:])
    count = len(alike)
    near, in_order = np.full((2, 4, count), np.nan, np.float32)
    for apart in range(1, min(3, count)):
        forward = (alike[:-apart] * ahead[apart:]).max(axis=1)
        backward = (alike[:-apart] * behind[apart:]).max(axis=1)
        for side, part in ((2 * apart - 2, slice(apart, None)), (2 * apart - 1, slice(-apart))):
            in_order[side, part] = forward
            near[side, part] = np.maximum(forward, backward)
    if count == 1:
        near[0] = in_order[0] = alike.max()
    return {
        "near": np.nanmax(near, axis=0),
        "near_mean": np.nanmean(near, axis=0),
        "near_least": np.nanmin(near, axis=0),
        "in_order": np.nanmax(in_order, axis=0),
        "in_order_mean": np.nanmean(in_order, axis=0),
    }


def _seen(
    cosine: Array, alike: Array, weight: Array, evidence: Text, found: Measures
) -> dict[str, Array]:
    """Of each word: how near in meaning, in its context, the evidence has one."""
    by_sentence = _by_sentence(cosine, evidence)
    best = int((weight @ by_sentence).argmax())
    measures = {
        "seen": cosine.max(axis=1),
        "seen_alike": np.where(alike >= 0.9, cosine, -0.2).max(axis=1),
        "seen_in_best": by_sentence[:, best],
    }
    found["seen in one"] = float(weight @ by_sentence[:, best])
    return measures | {"other_seen": measures["seen"] - measures["seen_alike"]}


def _plain(claim: Text, evidence: Text, alike: Array) -> dict[str, Array]:
    """Of each word, function words among them: copied phrases, frequency and negation."""
    phrases = {evidence.stems[at : at + n] for n in (2, 3) for at in range(len(evidence.stems))}
    count = len(claim.words)
    left, right, three = np.zeros((3, count), np.float32)
    for at in range(count - 1):
        if claim.stems[at : at + 2] in phrases:
            right[at] = left[at + 1] = 1
        if at + 2 < count and claim.stems[at : at + 3] in phrases:
            three[at : at + 3] = 1
    same = alike >= 0.9
    times = same.sum(axis=1)
    denied, there = _near_negation(claim), _near_negation(evidence)
    share = (same @ there) / np.maximum(times, 1)
    return {
        "after": left,
        "before": right,
        "phrase": three,
        "times": np.minimum(times, 8).astype(np.float32),
        "rarity": claim.rarity,
        "negation": np.where(times > 0, abs(denied - share), 0).astype(np.float32),
    }


def _near_negation(text: Text) -> Array:
    """1 for the words around a negation."""
    found = np.zeros(len(text.words), np.float32)
    for at in np.flatnonzero(text.negations):
        found[max(0, at - 3) : at + 5] = 1
    return found


def _runs(claim: Text, evidence: Text) -> Measures:
    """Of the claim, cut into the longest runs that the evidence has: how it was pieced together."""
    lengths = _lengths(claim, evidence)
    runs: list[tuple[int, int]] = []  # where in the evidence (-1: nowhere), how many words
    at, count, after = 0, len(claim.stems), 0
    while at < count:
        length, place = int(lengths[at].max()), -1
        if length:
            places = np.flatnonzero(lengths[at] == length)
            place = int(places[abs(places - after).argmin()])
            after = place + length
        runs.append((place, length))
        at += max(1, length)
    long = [(place, length) for place, length in runs if length > 1]
    turns = [(a + n, b, evidence.sentence[a] == evidence.sentence[b])
             for (a, n), (b, _) in pairwise(long)]  # fmt: skip
    seams = [(a, b) for (a, n), (b, k) in pairwise(runs) if n > 1 and k > 1]
    sources = [int(evidence.sentence[place]) for place, _ in long] or [0]
    lengths_only = np.array([length for _, length in runs], float)
    longest = np.sort(lengths_only)[::-1]
    density = float((lengths_only**2).sum() / count)
    return {
        "copied": float(lengths_only.sum() / count),
        "log density": log(1 + density),
        "runs": float(len(runs)),
        "runs by word": len(runs) / count,
        "steps back": float(sum(same and b < a for a, b, same in turns)),
        "gaps": float(sum(same and b > a for a, b, same in turns)),
        "turns": float(sum(not same for _, _, same in turns)),
        "seams": float(len(seams)),
        "seams of sentences": float(
            sum(evidence.sentence[a] != evidence.sentence[b] for a, b in seams)
        ),
        "longest": float(longest[0] / count),
        "second": float(longest[1] / count) if len(longest) > 1 else 0.0,
        "sources": float(len(set(sources))),
        "reach": float(max(sources) - min(sources)),
        "words": float(count),
        "quotation marks": float(claim.marks[0]),
        "commas": float(claim.marks[1]),
    }


def _lengths(claim: Text, evidence: Text) -> NDArray[np.int32]:
    """From each word of both: how many words are the same from there on, within one sentence."""
    numbers = {stemmed: at for at, stemmed in enumerate(evidence.stems)}
    there = np.array([numbers[stemmed] for stemmed in evidence.stems])
    goes_on = np.append(evidence.sentence[1:] == evidence.sentence[:-1], False)
    found = np.zeros((len(claim.stems) + 1, len(there) + 1), np.int32)
    for at in range(len(claim.stems) - 1, -1, -1):
        same = there == numbers.get(claim.stems[at], -1)
        found[at, :-1] = same * (1 + found[at + 1, 1:] * goes_on)
    return found[:-1, :-1]
