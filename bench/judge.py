"""How well a chat model as judge tells what its evidence carries, beside the rules on the same.

    python bench/judge.py --model FILE.gguf [--data FOLDER] [--claims N] [--pairs N]

The figures of `bench/verify.py`, of fewer claims, since a model takes seconds for each: every k-th
of `qags` and of the pairs of `bump`. The judge is asked alone, with the whole evidence as passage,
and nothing is fitted but, in the second row, the likelihood from which on a claim is supported: on
the documents of one half for the other, both ways. The rules are fitted on the documents left out.
"""

import contextlib
from functools import cache, partial
from pathlib import Path

import numpy as np
import sets
from byline.index.embed import MiniLM
from byline.qa.judge import LLMJudge
from byline.qa.local import LocalModel
from byline.qa.model import openai_llm
from fit_verify import Claim, accuracy, claims, fitted, measured, pairs
from verify import Scorer, _score, halves

_PARTS = ("all", "cnndm", "xsum")


def main() -> None:
    """Measure and print."""
    parser = sets.parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a .gguf file")
    parser.add_argument("--claims", type=int, default=200, help="of qags (default: 200)")
    parser.add_argument("--pairs", type=int, default=60, help="of bump (default: 60)")
    given = parser.parse_args()
    judged, edited = claims("qags", given.data), claims("bump", given.data)
    asked = judged[:: max(1, len(judged) // given.claims)]
    two = pairs(edited)[:: max(1, len(pairs(edited)) // given.pairs)]
    measures = measured([*judged, *edited], embedder := MiniLM())
    seen = {one.document for one in asked} | {one.document for pair in two for one in pair}
    rest = [[one for one in of if one.document not in seen] for of in (judged, edited)]
    scorers: dict[str, Scorer] = {
        f"rules and {embedder.name}": partial(_score, fitted(*rest, measures), measures)
    }
    with contextlib.closing(LocalModel(str(given.model), 8192)) as local:
        limits = {"context_window": 8192, "max_tokens": 5, "timeout_seconds": 300.0}
        judge = LLMJudge(openai_llm(given.model.stem, local.base_url, None, **limits))

        @cache
        def likelihood(evidence: str, said: str) -> float:
            found = judge.support(evidence, said)
            return 0.5 if found is None else found

        scorers[given.model.stem] = lambda one: likelihood("".join(one.sentences), one.said)
        for name, scorer in scorers.items():
            print(f"\n## {name}\n")
            print(sets.markdown(["balanced accuracy", *_PARTS], _balanced(asked, scorer)), "\n")
            above = [scorer(a) > scorer(b) for a, b in two]
            print(f"bump: the faithful one above in {np.mean(above):.3f} of {len(two)}", flush=True)


def _balanced(asked: list[Claim], scorer: Scorer) -> list[list[object]]:
    """At .5, and from where on it is best on the other half."""
    scores = {one.id: scorer(one) for one in asked}
    at_half = {one.id: scores[one.id] >= 0.5 for one in asked}
    chosen: dict[str, bool] = {}
    for learn, test in (halves(asked, 0), halves(asked, 0)[::-1]):
        known = np.array([one.supported for one in learn])
        given = np.array([scores[one.id] for one in learn])
        bound = max(sorted(set(given)), key=lambda at: accuracy(given >= at, known))
        chosen |= {one.id: scores[one.id] >= bound for one in test}
    rows: list[list[object]] = []
    for name, said in (("at .5", at_half), ("bound of the other half", chosen)):
        row: list[object] = [name]
        for part in _PARTS:
            of = [one for one in asked if part in ("all", one.kind)]
            found = accuracy(
                np.array([said[one.id] for one in of]), np.array([one.supported for one in of])
            )
            row.append(f"{found:.3f} of {len(of)}")
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
