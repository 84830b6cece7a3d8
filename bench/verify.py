"""How well a statement is told from one that its evidence does not carry.

    python bench/verify.py [--data FOLDER] [--no-minilm]

The sense (`align`): for `qags` the balanced accuracy at a likelihood of .5, and for `bump` how
often the faithful claim of a pair is scored above the unfaithful one, by error type; split by
document into two halves: everything is fitted on one, the figures are from the other; mean and
standard deviation of ten splits. The whole verifier (`verify`): its verdicts on each half of the
first split, with the sense fitted on the other; and with the weights of the package on
`bench/labels/opponent.jsonl`, statements of a small model labelled by reading, and on
`adversarial.jsonl`, true rewordings and statements with one thing exchanged. Then the speed, in
claims of one sentence a second, the first sight of their evidence included.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import sets
from byline.index.article import Article
from byline.index.embed import Embedder, MiniLM
from byline.index.read import Entry, read
from byline.qa import verify as verifier
from byline.qa.verify import Evidence, Verdict, align
from fit_verify import Claim, Rows, accuracy, claims, fitted, measured, pairs

Scorer = Callable[[Claim], float]
_SPLITS = 10
_TIMED = 200
_VERDICTS = ("supported", "unchecked", "partial", "unsupported", "contradicted")
_CHECKABLE = {"number", "name", "date", "speaker"}


def main() -> None:
    """Measure and print."""
    parser = sets.parser(__doc__)
    parser.add_argument("--no-minilm", action="store_true", help="only the rules on words")
    args = parser.parse_args()
    has_claims = (args.data / "claims_dev").is_dir()
    if not has_claims:
        print(f"No {args.data / 'claims_dev'} (name its folder with --data): opponent only.")
    for name, embedder in (("words", None), ("words and MiniLM", MiniLM())):
        if embedder and args.no_minilm:
            continue
        print(f"\n## {name}\n")
        if has_claims:
            on_claims(claims("qags", args.data), claims("bump", args.data), embedder)
        for file in ("opponent", "adversarial"):
            print(sets.markdown([file, "of", "share", "from", "to"], opponent(embedder, file)))


def on_claims(judged: Sequence[Claim], edited: Sequence[Claim], embedder: MiniLM | None) -> None:
    """Print the tables on `qags` and `bump`."""
    measures = measured([*judged, *edited], embedder)
    of_qags: dict[str, list[float]] = {}
    of_bump: dict[str, list[float]] = {}
    for split in range(_SPLITS):
        learn, test = halves(judged, split)
        learn_edited, test_edited = halves(edited, split)
        scorer = partial(_score, fitted(learn, learn_edited, measures), measures)
        for name, value in balanced(test, scorer).items():
            of_qags.setdefault(name, []).append(value)
        for name, value in ranked(test_edited, scorer).items():
            of_bump.setdefault(name, []).append(value)
    print(sets.markdown(["balanced accuracy", "mean", "sd"], rows(of_qags)), "\n")
    print(sets.markdown(["bump: faithful above", "mean", "sd"], rows(of_bump)), "\n")
    print(f"{rate(judged, embedder):.0f} claims a second\n")
    for step in (1, -1):
        (learn, test), (learn_edited, _) = halves(judged, 0)[::step], halves(edited, 0)[::step]
        scorer = partial(_score, fitted(learn, learn_edited, measures), measures)
        print(sets.markdown(["label and part", "claims", *_VERDICTS], verdicts(test, scorer)))
        print()


def _score(weights: align.Weights, measures: dict[str, Rows], claim: Claim) -> float:
    return float(np.prod(weights.likelihoods(measures[claim.id])))


def halves(of: Sequence[Claim], split: int) -> tuple[list[Claim], list[Claim]]:
    """The claims of half of the documents, and of the other half."""
    documents = sorted({claim.document for claim in of})
    drawn = np.random.default_rng(split).permutation(len(documents))
    first = {documents[at] for at in drawn[: len(documents) // 2]}
    return (
        [claim for claim in of if claim.document in first],
        [claim for claim in of if claim.document not in first],
    )


def balanced(test: Sequence[Claim], scorer: Scorer) -> dict[str, float]:
    """Balanced accuracy at .5, of all and of each part."""
    said = np.array([scorer(claim) for claim in test]) >= 0.5
    known = np.array([claim.supported for claim in test])
    part = np.array([claim.kind for claim in test])
    found = {"all": accuracy(said, known)}
    return found | {name: accuracy(said[part == name], known[part == name])
                    for name in ("cnndm", "xsum")}  # fmt: skip


def ranked(edited: Sequence[Claim], scorer: Scorer) -> dict[str, float]:
    """The share of pairs whose faithful claim scores higher, for all and by error type."""
    above = [(b.kind, scorer(a) > scorer(b)) for a, b in pairs(edited)]
    kinds = sorted({kind for kind, _ in above})
    return {"all": float(np.mean([is_above for _, is_above in above]))} | {
        kind: float(np.mean([is_above for of, is_above in above if of == kind])) for kind in kinds
    }


def verdicts(test: Sequence[Claim], scorer: Scorer) -> Iterable[list[object]]:
    """The share of each verdict by label and part, then the balanced accuracy of the score."""
    found = []
    for claim in test:
        with patch.object(verifier, "support", lambda *_, one=claim: scorer(one)):
            found.append(verifier.verify(claim.said, [Evidence("".join(claim.sentences))]))
    for label in (True, False):
        for part in ("cnndm", "xsum"):
            own = [one.verdict for one, claim in zip(found, test, strict=True)
                   if (claim.supported, claim.kind) == (label, part)]  # fmt: skip
            shares = (f"{own.count(name) / len(own):.3f}" for name in _VERDICTS)
            yield [f"{'supported' if label else 'not'}, {part}", len(own), *shares]
    said = np.array([(one.score or 0.0) >= 0.5 for one in found])
    right = accuracy(said, np.array([claim.supported for claim in test]))
    yield ["balanced accuracy of the score", len(test), f"{right:.3f}", *[""] * 4]


def opponent(embedder: Embedder | None, file: str) -> Iterable[list[object]]:
    """What becomes of the labelled statements: shares with their 95 % intervals."""
    by_id: dict[str, Article] = {}
    for entry in read([sets.ROOT / "index" / "sample"], max_article_bytes=5_000_000):
        if isinstance(entry, Entry):
            article = entry.load()
            by_id |= {article.id: article, Path(entry.path).name: article}
    lines = (sets.ROOT / "bench" / "labels" / f"{file}.jsonl").read_text().splitlines()
    found: Counter[str] = Counter()
    for line in lines:
        record = json.loads(line)
        evidence = [_passage(by_id[name], *span) for name, *span in record["passages"]]
        verdict: Verdict = verifier.verify(record["statement"], evidence, embedder=embedder)
        is_shown, is_true = verdict.verdict == "supported", record["label"] == "supported"
        checkable = bool(_CHECKABLE & set(record["errors"]))
        found.update({"shown": is_shown, "true": is_true, "both": is_shown and is_true})
        found.update({"checkable": checkable, "passed": checkable and is_shown})
        found[f"{record['label']}: {verdict.verdict}"] += 1
    yield ["shown as supported that are", *share(found["both"], found["shown"])]
    yield ["wrong number, name, date, speaker that pass", *share(found["passed"],
                                                                found["checkable"])]  # fmt: skip
    yield ["true ones shown as supported", *share(found["both"], found["true"])]
    for name in sorted(name for name in found if ":" in name):
        yield [name, found[name], "", "", ""]


def _passage(article: Article, start: int, end: int) -> Evidence:
    beside = " | ".join(filter(None, (article.outlet, article.title, *article.authors)))
    when = article.published
    day = when.date() if isinstance(when, datetime) else when
    return Evidence(article.text[start:end], day, "the passage", beside)


def share(part: int, whole: int) -> list[str]:
    """`whole`, the share, and its Wilson interval at 95 %."""
    if not whole:
        return ["0", "", "", ""]
    z, rate = 1.96, part / whole
    middle = (rate + z * z / (2 * whole)) / (1 + z * z / whole)
    reach = z / (1 + z * z / whole) * (rate * (1 - rate) / whole + (z / (2 * whole)) ** 2) ** 0.5
    return [
        str(whole),
        *(f"{value:.3f}" for value in (rate, max(0.0, middle - reach), middle + reach)),
    ]


def rate(judged: Sequence[Claim], embedder: MiniLM | None) -> float:
    """Claims checked a second; the first sight of a document's evidence is part of it."""
    timed = judged[-_TIMED:]
    align.support(timed[0].said, timed[0].sentences, embedder)
    start = time.perf_counter()
    for claim in timed:
        align.support(claim.said, claim.sentences, embedder)
    return len(timed) / (time.perf_counter() - start)


def rows(figures: dict[str, list[float]]) -> Iterable[list[str]]:
    """Of each line its mean and standard deviation."""
    for name, values in figures.items():
        yield [name, f"{np.mean(values):.3f}", f"{np.std(values):.3f}"]


if __name__ == "__main__":
    main()
