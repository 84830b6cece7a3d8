"""Fits the weights of the quoting answerer (qa/extract.py): which sentence holds the answer.

    python bench/fit_extract.py --data ../shared/data

Fitted on squad2 (the answerable half of its questions) and on the even lines of the sample cases,
three times each; the odd lines are kept aside. Prints the weights and, for a range of thresholds,
how many questions of each set are answered rightly, wrongly and declined, so that THRESHOLD is
chosen by eye on the fitted sets and reported on the one kept aside.
"""

import argparse
import gzip
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from byline import Desk
from byline.index.embed import Embedder, MiniLM
from byline.qa import extract
from byline.qa.question import question
from byline.qa.retrieve import retrieve
from scipy.optimize import minimize
from vectors import Remembering

ROOT = Path(__file__).parents[1]
Case = dict  # a line of a case file


@dataclass(frozen=True)
class Asked:
    """A question with the features of its sentences and which of them hold the answer."""

    case: Case
    ranked: Sequence[extract.Candidate]
    holds: np.ndarray


def folded(text: str) -> str:
    """Case, white space and typographic quotes folded."""
    return " ".join(text.lower().translate(str.maketrans("’‘“”", "''\"\"")).split())


def holds_answer(candidate: extract.Candidate, case: Case) -> bool:
    """Whether a sentence is evidence or, where none is labelled, says an answer."""
    text = folded(candidate.text)
    if case.get("evidence"):
        return any(folded(e) in text or text in folded(e) for e in case["evidence"])
    is_relevant = candidate.hit.article_id in case["relevant"]
    return is_relevant and any(
        re.search(rf"(?<!\w){re.escape(folded(answer))}(?!\w)", text) for answer in case["answers"]
    )


def asked(articles: Path, cases: Sequence[Case], embedder: Embedder) -> list[Asked]:
    """Every case with its ranked sentences, from a fresh index of the articles."""
    found = []
    with tempfile.TemporaryDirectory() as home, Desk(home=home, embedder=embedder) as desk:
        desk.add([articles])
        for case in cases:
            about = question(case["question"], as_of=case.get("as_of"))
            hits = retrieve(about.text, about.filter, desk.archive, desk.store, embedder, limit=12)
            ranked = extract.rank(about.text, hits, desk.archive, embedder)
            holds = np.array([holds_answer(candidate, case) for candidate in ranked], float)
            found.append(Asked(case, ranked, holds))
    return found


def features(item: Asked) -> np.ndarray:
    """One row a sentence."""
    return np.array([[c.features[name] for name in extract.FEATURES] for c in item.ranked])


def fit(items: Sequence[Asked]) -> tuple[np.ndarray, float]:
    """Weights and bias of a logistic regression with a ridge of 1 on standardised features.

    Each weight has the sign that its feature means, so that chance in few cases cannot turn it.
    """
    useful = [item for item in items if item.holds.any()]
    rows = np.vstack([features(item) for item in useful])
    target = np.concatenate([item.holds for item in useful])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = np.c_[np.ones(len(rows)), (rows - mean) / spread]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = scaled @ weights
        ridge = np.r_[0, weights[1:]]
        value = np.logaddexp(0, logits).sum() - target @ logits + (ridge**2).sum() / 2
        return float(value), scaled.T @ (1 / (1 + np.exp(-logits)) - target) + ridge

    signs = [(None, 0) if name.endswith("missing") else (0, None) for name in extract.FEATURES]
    start = np.zeros(scaled.shape[1])
    best = minimize(loss, start, jac=True, bounds=[(None, None), *signs], method="L-BFGS-B").x
    weights = best[1:] / spread
    return weights, float(best[0] - weights @ mean)


def outcomes(items: Sequence[Asked], weights: np.ndarray, bias: float) -> Iterator[str]:
    """For a range of thresholds: right, wrong and rightly declined."""
    for threshold in np.arange(-2, 1.01, 0.25):
        right = wrong = declined = 0
        for item in items:
            scores = features(item) @ weights + bias if item.ranked else np.array([-9.0])
            shown = [at for at in np.argsort(-scores)[:2] if scores[at] >= threshold]
            if shown and item.case.get("answerable", True) and item.holds[shown].any():
                right += 1
            elif shown:
                wrong += 1
            elif not item.case.get("answerable", True):
                declined += 1
        yield f"{threshold:+.2f}: {right} right, {wrong} wrong, {declined} rightly declined"


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data = parser.parse_args().data
    embedder = Remembering(MiniLM(), ROOT / "bench" / "cache" / "vectors.db")
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "squad2.jsonl"
        corpus.write_bytes(gzip.decompress((data / "squad2" / "corpus.jsonl.gz").read_bytes()))
        with gzip.open(data / "squad2" / "queries.jsonl.gz", "rt") as file:
            squad = asked(corpus, [json.loads(line) for line in file], embedder)
    lines = (ROOT / "evals" / "cases" / "sample.jsonl").read_text().splitlines()
    sample = asked(ROOT / "index" / "sample", [json.loads(line) for line in lines], embedder)
    weights, bias = fit([*squad, *sample[::2] * 3])
    print(f"WEIGHTS = np.array({[round(float(w), 2) for w in weights]})\nBIAS = {bias:.2f}")
    sets = {"squad2": squad, "sample, even": sample[::2], "sample, odd (aside)": sample[1::2]}
    for name, items in sets.items():
        print(f"\n{name}, {len(items)} questions")
        print("\n".join(outcomes(items, weights, bias)))


if __name__ == "__main__":
    main()
