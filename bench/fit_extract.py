"""Fits the quoting answerer: the weights of qa/extract.py and the log-odds of qa/decide.py.

    python bench/fit_extract.py [--data FOLDER]

Fitted on squad2, on the seed and on the even lines of the sample cases, realtimeqa_dev and
multihop_dev; the odd lines are kept aside, and printed with --aside only. Fitted sets are graded by
models that have not seen the same article (squad2) or story (sample); LEAST is chosen by eye from
that.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sets
from byline.evals.case import Case
from byline.evals.match import groups_said, says
from byline.index.embed import MiniLM
from byline.index.words import stems
from byline.qa import extract, when
from byline.qa.asked import is_yes_or_no
from byline.qa.decide import MARGIN
from byline.qa.describe import FEATURES
from byline.qa.question import question
from byline.qa.retrieve import retrieve
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]
# A question of the sample counts three times: it has few, and they are what news is asked.
COUNTS = {"sample": 3.0, "seed": 3.0, "realtimeqa_dev": 1.5, "squad2": 1.0, "multihop_dev": 1.0}
WHOLE = ("squad2", "seed")  # no half of them is kept aside
FOLDS = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the features of its sentences, and which of them hold the answer."""

    case: Case
    found: list[extract.Candidate]
    rows: Array
    holds: Array
    fold: int

    def grade(self, odds: Array) -> str:
        """What comes of quoting the best sentences."""
        for candidate, score in zip(self.found, odds, strict=True):
            candidate.score = float(score)
        ranked = sorted(self.found, key=lambda c: -c.score)
        about = question(self.case.question, as_of=self.case.as_of)
        latest = when.asked(about.text, about.as_of).wants_latest
        quoted = extract.chosen(ranked, latest) if ranked else []
        text = " ".join(extract.quoted(one, about.text, None).text for one in quoted)
        if not self.case.answerable or any(says(text, said) for said in self.case.must_not_say):
            return "wrong"
        context = " ".join(f"{c.hit.title} {c.hit.text}" for c in self.found)
        said = groups_said(text, self.case.wanted, self.case.tolerance, context)
        return "right" if all(said) and said else "partly" if any(said) else "wrong"


def asked(name: str, data: sets.Path) -> Iterator[Asked]:
    """Every case of a set with its ranked sentences; the cache of vectors holds no tokens."""
    embedder = MiniLM()
    with sets.opened(name, data) as desk:
        library = desk.library()
        for case in sets.cases(name, data):
            about = question(case.question, as_of=case.as_of)
            archive = library.archive
            hits = retrieve(about.text, about.filter, archive, library.store, embedder, limit=12)
            found = extract.rank(about.text, hits, archive, embedder, about.as_of)
            rows = np.array([[one.features[name] for name in FEATURES] for one in found])
            holds = np.array([holds_answer(one, case) for one in found], float)
            yield Asked(case, found, rows.reshape(-1, len(FEATURES)), holds, fold_of(case, hits))


def fold_of(case: Case, hits: Sequence[extract.Hit]) -> int:
    """The same for questions about one story: the sample's letter, else the best article."""
    story = re.search(r"twin of (\w)", case.note or "") or re.fullmatch(r"([a-d])\d+", case.id)
    named = story[1] if story else hits[0].article_id if hits else case.id
    return sum(map(ord, named)) % FOLDS


def holds_answer(candidate: extract.Candidate, case: Case) -> bool:
    """Whether a sentence is evidence or says an answer."""
    text = " ".join(candidate.text.split())
    evidence = [" ".join(said.split()) for said in case.evidence]
    if any(said in text or (text in said and len(text) > 20) for said in evidence):
        return True
    if evidence and case.need == "all":
        return False
    answers = [said for group in case.wanted for said in group]
    return case.is_relevant(candidate.hit.article_id) and any(says(text, a) for a in answers)


def logistic(
    rows: Array, target: Array, counts: Array, bounds: Sequence[tuple[float | None, float | None]]
) -> tuple[Array, float]:
    """Weights and bias of a logistic regression with a ridge of 3 on standardised features.

    Bounds give each weight the sign that its feature means, whatever chance in few cases says.
    """
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    scaled = np.c_[np.ones(len(rows)), (rows - mean) / spread]

    def loss(weights: Array) -> tuple[float, Array]:
        logits, ridge = scaled @ weights, np.r_[0, weights[1:]]
        value = counts @ (np.logaddexp(0, logits) - target * logits) + 1.5 * (ridge**2).sum()
        slope = scaled.T @ (counts * (1 / (1 + np.exp(-logits)) - target)) + 3 * ridge
        return float(value), slope

    start = np.zeros(scaled.shape[1])
    limits = [(None, None), *bounds]
    best = minimize(loss, start, jac=True, bounds=limits, method="L-BFGS-B").x
    weights = best[1:] / spread
    return weights, float(best[0] - weights @ mean)


def fit(parts: dict[str, list[Asked]], keep: Callable[[Asked], bool]) -> tuple[Array, float]:
    """The weights of the sentences' features, over the questions to keep."""
    kept = [(one, COUNTS[name]) for name, part in parts.items() for one in part if keep(one)]
    counts = np.concatenate([np.full(len(one.holds), count) for one, count in kept])
    rows, target = (
        np.vstack([one.rows for one, _ in kept]),
        np.concatenate([o.holds for o, _ in kept]),
    )
    is_bad = ("_missing", "too_early", "is_first")
    signs = [(None, 0.0) if name.endswith(is_bad) else (0.0, None) for name in FEATURES]
    return logistic(rows, target, counts, signs)


def of_decision(one: Asked, odds: Array) -> list[float]:
    """What qa/decide.py weighs."""
    text = one.case.question
    length = float(np.log(max(1, len(set(stems(text))))))
    best, second = (*sorted(odds.tolist(), reverse=True), -20.0, -20.0)[:2]
    return [best, length, -float(is_yes_or_no(text)), min(best - second, MARGIN)]


def outcomes(grades: Sequence[str], sure: Array, part: Sequence[Asked]) -> Iterator[list[object]]:
    """For a range of likelihoods: right, partly, wrong, declined, and how many rightly."""
    answerable = np.array([one.case.answerable for one in part])
    for least in np.arange(0.2, 0.61, 0.05):
        said = Counter(np.where(sure >= least, grades, "declined").tolist())
        rightly = int((~answerable & (sure < least)).sum())
        yield [
            f"{least:.2f}",
            *(said[g] for g in ("right", "partly", "wrong", "declined")),
            rightly,
        ]


def main() -> None:
    """Fit and print."""
    command = sets.parser(__doc__)
    command.add_argument("--aside", action="store_true", help="show what is kept aside too")
    given = command.parse_args()
    every = {name: list(asked(name, given.data)) for name in COUNTS}
    fitted = {name: part if name in WHOLE else part[::2] for name, part in every.items()}
    of_sentences = {name: part for name, part in fitted.items() if name != "multihop_dev"}
    weights, bias = fit(of_sentences, lambda one: True)
    print(f"WEIGHTS = np.array({[round(float(w), 2) for w in weights]})\nBIAS = {bias:.2f}")
    others = [fit(of_sentences, lambda one, out=n: one.fold != out) for n in range(FOLDS)]
    odds = {
        name: [one.rows @ others[one.fold][0] + others[one.fold][1] for one in part]
        for name, part in fitted.items()
    }
    shown = {f"{name}, fitted": (fitted[name], odds[name]) for name in fitted}
    for name in every if given.aside else ():
        if name not in WHOLE:
            aside = every[name][1::2]
            shown[f"{name}, aside"] = (aside, [one.rows @ weights + bias for one in aside])
    rows, grades = {}, {}
    for name, part in shown.items():
        rows[name] = np.array([of_decision(*one) for one in zip(*part, strict=True)])
        grades[name] = [one.grade(odds) for one, odds in zip(*part, strict=True)]
    names = [f"{name}, fitted" for name in fitted]
    counts = np.concatenate([np.full(len(rows[n]), COUNTS[n.split(",")[0]]) for n in names])
    target = np.concatenate([[g == "right" for g in grades[n]] for n in names]).astype(float)
    slopes, shift = logistic(np.vstack([rows[n] for n in names]), target, counts, [(0.0, None)] * 4)
    print(f"SLOPE, LENGTH, YES_OR_NO (sign turned), AHEAD, SHIFT = {slopes.round(2)}, {shift:.2f}")
    head = ["likelihood", "right", "partly", "wrong", "declined", "of these rightly"]
    for name, (part, _) in shown.items():
        sure = 1 / (1 + np.exp(-(rows[name] @ slopes + shift)))
        print(f"\n{name}, {len(part)} questions\n")
        print(sets.markdown(head, outcomes(grades[name], sure, part)))


if __name__ == "__main__":
    main()
