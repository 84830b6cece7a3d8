"""Fits the weights of the quoting answerer (qa/extract.py): which sentence holds the answer.

    python bench/fit_extract.py [--data FOLDER]

Fitted on squad2 (the answerable half of its questions) and on the even lines of the sample cases,
three times each; the odd lines are kept aside. Prints the weights and, for a range of thresholds,
how many questions of each set are answered rightly, wrongly and declined, so that THRESHOLD is
chosen by eye on the fitted sets and on the seed, and reported on the one kept aside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sets
from byline.evals.case import Case
from byline.evals.match import says
from byline.qa import extract
from byline.qa.question import question
from byline.qa.retrieve import retrieve
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the features of its sentences, and which of them hold the answer."""

    case: Case
    rows: Array
    holds: Array


def asked(name: str, data: sets.Path) -> list[Asked]:
    """Every case of a set with its ranked sentences."""
    found = []
    with sets.opened(name, data) as desk:
        library = desk.library()
        for case in sets.cases(name, data):
            about = question(case.question, as_of=case.as_of)
            hits = retrieve(
                about.text,
                about.filter,
                library.archive,
                library.store,
                library.embedder,
                limit=12,
            )
            ranked = extract.rank(about.text, hits, library.archive, library.embedder)
            rows = np.array([[c.features[name] for name in extract.FEATURES] for c in ranked])
            holds = np.array([holds_answer(candidate, case) for candidate in ranked], float)
            found.append(Asked(case, rows.reshape(-1, len(extract.FEATURES)), holds))
    return found


def holds_answer(candidate: extract.Candidate, case: Case) -> bool:
    """Whether a sentence is evidence or, where none is labelled, says an answer."""
    text = " ".join(candidate.text.split())
    if case.evidence:
        evidence = [" ".join(said.split()) for said in case.evidence]
        return any(said in text or text in said for said in evidence)
    answers = [said for group in case.wanted for said in group]
    return case.is_relevant(candidate.hit.article_id) and any(says(text, a) for a in answers)


def fit(items: Sequence[Asked]) -> tuple[Array, float]:
    """Weights and bias of a logistic regression with a ridge of 1 on standardised features.

    Each weight has the sign that its feature means, so that chance in few cases cannot turn it.
    """
    useful = [item for item in items if item.holds.any()]
    rows = np.vstack([item.rows for item in useful])
    target = np.concatenate([item.holds for item in useful])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = np.c_[np.ones(len(rows)), (rows - mean) / spread]

    def loss(weights: Array) -> tuple[float, Array]:
        logits = scaled @ weights
        ridge = np.r_[0, weights[1:]]
        value = np.logaddexp(0, logits).sum() - target @ logits + (ridge**2).sum() / 2
        return float(value), scaled.T @ (1 / (1 + np.exp(-logits)) - target) + ridge

    signs = [(None, 0) if name.endswith("missing") else (0, None) for name in extract.FEATURES]
    start = np.zeros(scaled.shape[1])
    best = minimize(loss, start, jac=True, bounds=[(None, None), *signs], method="L-BFGS-B").x
    weights = best[1:] / spread
    return weights, float(best[0] - weights @ mean)


def outcomes(items: Sequence[Asked], weights: Array, bias: float) -> Iterator[list[object]]:
    """For a range of thresholds: right, wrong and rightly declined, two sentences quoted."""
    for threshold in np.arange(-1.5, 1.01, 0.25):
        right = wrong = declined = 0
        for item in items:
            scores = item.rows @ weights + bias
            shown = [at for at in np.argsort(-scores)[:2] if scores[at] >= threshold]
            if shown and item.case.answerable and item.holds[shown].any():
                right += 1
            elif shown:
                wrong += 1
            elif not item.case.answerable:
                declined += 1
        yield [f"{threshold:+.2f}", right, wrong, declined]


def main() -> None:
    """Fit and print."""
    data = sets.parser(__doc__).parse_args().data
    squad, sample = asked("squad2", data), asked("sample", data)
    weights, bias = fit([*squad, *sample[::2] * 3])
    print(f"WEIGHTS = np.array({[round(float(w), 2) for w in weights]})\nBIAS = {bias:.2f}")
    parts = {"squad2": squad, "sample, even": sample[::2], "sample, odd (aside)": sample[1::2]}
    head = ["threshold", "right", "wrong", "rightly declined"]
    for name, items in parts.items():
        print(f"\n{name}, {len(items)} questions\n")
        print(sets.markdown(head, outcomes(items, weights, bias)))


if __name__ == "__main__":
    main()
