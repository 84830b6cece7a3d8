"""How far reviewers agree with each other, and with the automatic grades of runs.

found = agreement(load_opinions(Path("run/judgements.jsonl")), [load_run("run")])
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from .calibrate import kappa
from .compare import as_table
from .record import Run
from .review import Key, Opinion, graded
from .summary import Estimate, estimate


@dataclass(frozen=True, slots=True)
class Compared:
    """How two judged the same answers."""

    names: tuple[str, str]
    "two reviewers, or a reviewer and `automatic`"
    share: Estimate
    "of the answers that both judged alike; Wilson's 95 % interval"
    kappa: float | None
    "Cohen's (1960)"
    why: str | None
    "why there is no share or no kappa"
    confusion: Mapping[tuple[str, str], int]
    "how often the first said the one and the second the other"
    differ: tuple[str, ...]
    "ids of the cases on which they differ"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far reviewers agree with each other and with the automatic grade."""

    between: tuple[Compared, ...]
    "each pair of reviewers"
    automatic: tuple[Compared, ...]
    "each reviewer and the grades of the runs"
    why: tuple[str, ...] = ()
    "what could not be compared at all"


def agreement(opinions: Iterable[Opinion], runs: Iterable[Run] = ()) -> Agreement:
    """Compare reviewers pair by pair by Cohen's kappa, and each with the runs' present grades.

    Pairs, and not one number over all, because two of three who agree hide the third; and because
    kappa is what judges are calibrated by, too. Nothing to compare is None with the reason.
    """
    said: dict[str, dict[Key, str]] = {}
    for one in opinions:
        said.setdefault(one.reviewer, {})[one.key] = one.judgement
    grades = _grades(runs)
    between = [_compared((a, b), said[a], said[b]) for a, b in combinations(sorted(said), 2)]
    automatic = [_compared((name, "automatic"), said[name], grades) for name in sorted(said)]
    why = [] if said else ["nothing was judged yet"]
    why += [f"{name} is the only reviewer" for name in said if len(said) == 1]
    why += [] if grades else ["there are no runs whose grades could be compared"]
    return Agreement(tuple(between), tuple(automatic) if grades else (), tuple(why))


def _grades(runs: Iterable[Run]) -> dict[Key, str]:
    """The grade of each answer; of one that was graded in two ways (a judge's whim), none."""
    found: dict[Key, set[str]] = {}
    for key, _, grade in graded(runs):
        if grade != "unjudged":  # no answer is known: there is nothing to agree with
            found.setdefault(key, set()).add(grade)
    return {key: grades.pop() for key, grades in found.items() if len(grades) == 1}


def _compared(names: tuple[str, str], one: Mapping[Key, str], other: Mapping[Key, str]) -> Compared:
    both = [key for key in one if key in other]
    pairs = [(one[key], other[key]) for key in both]
    share = estimate([*(float(a == b) for a, b in pairs), *[None] * (len(one) - len(both))])
    value, why = kappa(*zip(*pairs, strict=True)) if pairs else None, None
    if not pairs:
        why = f"{names[0]} and {names[1]} judged no answer in common"
    elif value is None:
        why = f"both always say '{pairs[0][0]}': agreement by chance cannot be told apart"
    differ = dict.fromkeys(key[0] for key in both if one[key] != other[key])
    return Compared(names, share, value, why, Counter(pairs), tuple(differ))


def as_markdown(found: Agreement) -> str:
    """A table of who agrees with whom, and the cases on which they differ."""
    rows = []
    for one in (*found.between, *found.automatic):
        share, low, high = one.share.value, one.share.low, one.share.high
        shown = "-" if share is None else f"{share:.2f} ({low:.2f} to {high:.2f})"
        kappa_shown = one.why or "-" if one.kappa is None else f"{one.kappa:.2f}"
        rows.append([" and ".join(one.names), str(one.share.scored), shown, kappa_shown])
    lines = [as_table(["who", "answers", "agree (95 %)", "kappa"], rows)] if rows else []
    for one in (*found.between, *found.automatic):
        if one.differ:
            lines.append(f"{' and '.join(one.names)} differ on {', '.join(one.differ)}.")
    return "\n\n".join([*lines, *found.why])
