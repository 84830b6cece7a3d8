"""Byline without a model on every set that is there, two settings compared, the metrics on trial.

    python bench/evals.py [--data FOLDER] [--limit N]

What `make eval` does in short with the bundled questions: here each set of the data folder too, one
signal alone against all three on the sample, and `byline eval audit`. Part of `make proof`.
"""

import tempfile
from pathlib import Path

import sets
from byline import Desk
from byline.evals import audit
from byline.evals.case import Case, load_cases
from byline.evals.compare import as_markdown, compare
from byline.evals.corpus import Corpus
from byline.evals.importers import import_cases
from byline.evals.record import Run
from byline.evals.report import markdown
from byline.evals.run import run_cases
from byline.evals.systems import BylineSystem

SETS = ("seed", "realtimeqa_dev", "multihop_dev", "squad2")


def main() -> None:
    """Print one report after the other."""
    parser = sets.parser(__doc__)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N cases of each set")
    given = parser.parse_args()
    there = [name for name in SETS if (given.data / name).is_dir()]
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        for name in there:
            shape = name.removesuffix("_dev")
            cases = import_cases(shape, given.data / name).cases[: given.limit]
            with sets.opened(name, given.data) as desk:
                print(f"# {name}\n")
                print(markdown([measured(name, cases, desk, Path(folder))]), end="\n\n")
        with sets.opened("sample", given.data) as desk:
            sample(load_cases("sample")[: given.limit], desk, Path(folder))
            if given.limit is None:
                on_trial(desk)


def sample(cases: list[Case], desk: Desk, folder: Path) -> None:
    """The bundled questions with one signal and with all."""
    alone = desk.settings.model_copy(update={"signals": "dense"})
    with Desk(settings=alone, embedder=desk.library().embedder) as dense:
        first = measured("dense alone", cases, dense, folder)
    second = measured("all signals", cases, desk, folder)
    print("# sample\n")
    print(markdown([first, second]), end="\n\n")
    print(as_markdown(compare(first, second)), end="\n\n")


def on_trial(desk: Desk) -> None:
    """What every metric says of systems whose truth is known."""
    table = audit.audit(load_cases("sample"), Corpus(archive=desk.archive))
    print(f"# Metrics on trial\n\n{audit.as_markdown(table)}\n")
    print("\n".join(audit.fooled(table)) or "No metric is fooled.")


def measured(name: str, cases: list[Case], desk: Desk, folder: Path) -> Run:
    """A run over the articles of a desk."""
    return run_cases(cases, BylineSystem(desk), folder / name, Corpus(archive=desk.archive))


if __name__ == "__main__":
    main()
