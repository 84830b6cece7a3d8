"""Fits the weights of qa/verify/align.py and writes them to qa/verify/align.json.

    python bench/fit_verify.py [--data FOLDER] [--out FILE]

Learned from: `qags` (sentences that people judged) and `bump` (pairs of a faithful and an edited
summary), jointly: a logistic regression on the standardised measures of the first, both classes
weighing the same, and on the differences within the pairs of the second. Where .5 lies is chosen on
folds of documents that were left out. Without MiniLM and with it. `bench/verify.py` calls `fitted`
on halves, so what it prints is never what was learned. `_STRENGTH` and `_PAIR_WEIGHT` are the best
of six pairs by the left-out folds of the learn halves.
"""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import sets
from byline.index.chunk import sentence_spans
from byline.index.embed import MiniLM
from byline.qa.verify.align import Weights, features
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Rows = NDArray[np.float32]
_STRENGTH = 0.001  # of the regression (C): the fewer data, the smaller
_PAIR_WEIGHT = 0.7  # of a pair beside a judged sentence
_FOLDS = 5
_LEAST_SCALE = 1e-4


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement to verify, with its evidence cut into sentences."""

    id: str
    document: str
    said: str
    sentences: tuple[str, ...]
    supported: bool
    kind: str
    "the corpus part of a qags claim; of an edited bump claim its error type"
    pair: str


def main() -> None:
    """Fit on all claims, and write the file."""
    parser = sets.parser(__doc__)
    parser.add_argument("--out", type=Path, default=sets.ROOT / "qa" / "verify" / "align.json")
    args = parser.parse_args()
    judged, edited = claims("qags", args.data), claims("bump", args.data)
    found = {}
    for name, embedder in (("words", None), ("minilm", MiniLM())):
        weights = fitted(judged, edited, measured([*judged, *edited], embedder))
        found[name] = {
            "mean": _short(weights.mean),
            "scale": _short(weights.scale),
            "weight": _short(weights.weight),
            "bias": round(weights.bias, 4),
        }
    args.out.write_text(json.dumps(found) + "\n")
    print(f"{args.out}: {args.out.stat().st_size} bytes")


def claims(name: str, data: Path) -> list[Claim]:
    """The claims of `qags` or `bump`, in the order of the file."""
    found, documents = [], {}
    with gzip.open(data / "claims_dev" / f"{name}.jsonl.gz", "rt") as file:
        for line in file:
            record: dict[str, Any] = json.loads(line)
            text = record["evidence"]
            document = documents.setdefault(text, f"{name}-{len(documents)}")
            spans = sentence_spans(text, 0, len(text))
            kind = record["id"].split("-")[1] if name == "qags" else record["error_type"] or ""
            found.append(
                Claim(
                    record["id"],
                    document,
                    record["claim"],
                    tuple(text[start:end] for start, end in spans),
                    record["supported"],
                    kind.removesuffix(" Error"),
                    record.get("pair", ""),
                )
            )
    return found


def measured(of: Iterable[Claim], embedder: MiniLM | None) -> dict[str, Rows]:
    """The measures of each claim by its id, one row a sentence."""
    return {
        claim.id: np.array(
            [list(row.values()) for row in features(claim.said, claim.sentences, embedder)],
            np.float32,
        )
        for claim in of
    }


def pairs(edited: Sequence[Claim]) -> list[tuple[Claim, Claim]]:
    """The faithful and the unfaithful claim of each pair."""
    faithful = {claim.pair: claim for claim in edited if claim.supported}
    return [(faithful[claim.pair], claim) for claim in edited if not claim.supported]


def fitted(judged: Sequence[Claim], edited: Sequence[Claim], measures: dict[str, Rows]) -> Weights:
    """Weights from judged claims and edited pairs, with .5 where the balanced accuracy is best."""
    weights, known = _regressed(judged, edited, measures), _known(judged)
    scores = _left_out(judged, edited, measures)
    tried = np.quantile(scores, np.linspace(0.05, 0.95, 61))
    values = [accuracy(scores >= value, known) for value in tried]
    smooth = np.convolve(np.pad(values, 2, mode="edge"), np.ones(5) / 5, "valid")
    return replace(weights, bias=weights.bias - _odds(float(tried[int(smooth.argmax())])))


def _left_out(judged: Sequence[Claim], edited: Sequence[Claim], measures: dict[str, Rows]) -> Rows:
    """The likelihood of each judged claim, from weights that its document had no share in."""
    documents = sorted({claim.document for claim in judged})
    fold = np.array([documents.index(claim.document) % _FOLDS for claim in judged])
    found = np.zeros(len(judged), np.float32)
    for number in range(_FOLDS):
        rest = [claim for claim, own in zip(judged, fold, strict=True) if own != number]
        weights = _regressed(rest, edited, measures)
        for at in np.flatnonzero(fold == number):
            found[at] = weights.likelihoods(measures[judged[at].id]).prod()
    return found


def _odds(likelihood: float) -> float:
    return float(np.log(likelihood / (1 - likelihood)))


def accuracy(said: NDArray[np.bool_], known: NDArray[np.bool_]) -> float:
    """Balanced: the mean of the two classes' shares."""
    return float((said[known].mean() + (~said[~known]).mean()) / 2)


def _known(judged: Sequence[Claim]) -> NDArray[np.bool_]:
    return np.array([claim.supported for claim in judged])


def _regressed(
    judged: Sequence[Claim], edited: Sequence[Claim], measures: dict[str, Rows]
) -> Weights:
    rows = np.array([measures[claim.id].mean(axis=0) for claim in judged])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + _LEAST_SCALE

    def scores(values: Rows) -> Rows:
        clipped: Rows = np.clip((values - mean) / scale, -5, 5)
        return clipped

    differences = [
        np.clip(scores(measures[a.id]).sum(axis=0) - scores(measures[b.id]).sum(axis=0), -5, 5)
        for a, b in pairs(edited)
    ]
    known = _known(judged)
    balance = np.where(known, 0.5 / known.mean(), 0.5 / (1 - known.mean()))
    is_judged = np.r_[np.ones(len(rows)), np.zeros(len(differences))]
    inputs = np.c_[np.vstack([scores(rows), *differences]), is_judged]  # a difference has no bias
    truth = np.r_[known, np.ones(len(differences), bool)]
    counts = np.r_[balance, np.full(len(differences), _PAIR_WEIGHT)]
    model = LogisticRegression(C=_STRENGTH, fit_intercept=False, max_iter=3000)
    found = model.fit(inputs, truth, sample_weight=counts).coef_[0].astype(np.float32)
    return Weights(mean, scale, found[:-1], float(found[-1]))


def _short(values: Rows) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


if __name__ == "__main__":
    main()
