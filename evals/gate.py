"""Whether a run may be released: its metrics against bounds, and against a baseline.

failures = gate(run, baseline, load_gates("gates.toml"))     # [] where it may

gates.toml:

    [[gate]]
    metric = "precision"
    min = 0.5                # or max
    max_drop = 0.05          # below the baseline, at most
    clear = true             # only where the drop's 95 % interval leaves out 0
    tag = "number"           # of these cases only
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..errors import InputError
from .case import wrong_key
from .compare import both, paired
from .metrics import METRICS
from .run import Record, Run
from .summary import estimate, per_case, tags


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition. What a metric cannot tell of is a failure too: a gate must gate something."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    metric: str
    min: float | None = None
    max: float | None = None
    max_drop: float | None = None
    "how much worse than the baseline it may be, in the metric's own unit"
    clear: bool = False
    "let a drop pass that may be chance: its 95 % interval holds 0"
    tag: str | None = None
    min_cases: int = 1
    "scored cases below which the gate fails, for it would tell nothing"


_ADAPTER = TypeAdapter(list[Gate])
_ALWAYS = Gate("failed", max=0.0)


def load_gates(path: Path) -> list[Gate]:
    """The gates of a file. Raises InputError that says what is wrong with it."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}.") from None
    if stray := set(content) - {"gate"}:
        raise InputError(f"{path}: there is no key {sorted(stray)[0]}: write [[gate]] tables.")
    try:
        gates = _ADAPTER.validate_python(content.get("gate", []))
    except ValidationError as error:
        raise InputError(f"{path}: {wrong_key(error, [f.name for f in fields(Gate)])}") from None
    if not gates:
        raise InputError(f"{path} holds no gate: it would let everything pass.")
    for one in gates:
        if one.metric not in METRICS:
            raise InputError(
                f"{path}: there is no metric '{one.metric}': `byline eval metrics` lists them."
            )
        if (one.min, one.max, one.max_drop) == (None, None, None):
            raise InputError(f"{path}: the gate of {one.metric} has no min, max or max_drop.")
        if one.max_drop is not None and METRICS[one.metric].better == "neither":
            raise InputError(f"{path}: {one.metric} is neither good nor bad: give min or max.")
    return gates


def gate(run: Run, baseline: Run | None, gates: Sequence[Gate]) -> list[str]:
    """Why the run may not be released, a line each. Failed cases are one unless a gate says more.

    Raises InputError where a gate compares and there is no baseline.
    """
    if baseline is None and any(one.max_drop is not None for one in gates):
        raise InputError("The gates name max_drop: give the run to compare --against.")
    own = [] if any(one.metric == "failed" for one in gates) else [_ALWAYS]
    found = [*_other_cases(run, baseline)] if baseline else []
    for one in [*own, *gates]:
        found += _failures(one, run, baseline)
    return found


def _failures(one: Gate, run: Run, baseline: Run | None) -> Iterable[str]:
    name = f"{one.metric} [{one.tag}]" if one.tag else one.metric
    values = _values(one, run)
    now = estimate([*values.values()], METRICS[one.metric].statistic)
    if now.value is None or now.scored < one.min_cases:
        yield f"{name}: {now.scored} of {len(values)} cases could be scored, {one.min_cases} needed"
        return
    if one.min is not None and now.value < one.min:
        yield f"{name}: {now.value:.3f} is below {one.min:g}"
    if one.max is not None and now.value > one.max:
        yield f"{name}: {now.value:.3f} is above {one.max:g}"
    if baseline and one.max_drop is not None:
        yield from _drop(one, name, values, _values(one, baseline))


def _drop(
    one: Gate, name: str, now: dict[str, float | None], before: dict[str, float | None]
) -> Iterable[str]:
    """How it became worse. The cases that were scored in both count, and they must be enough."""
    pairs = both(before, now)
    if len(pairs) < one.min_cases:
        yield f"{name}: {len(pairs)} cases are scored in both, {one.min_cases} needed"
        return
    first, second, low, high = paired(*zip(*pairs, strict=True))
    sign = 1 if METRICS[one.metric].better == "higher" else -1
    drop = sign * (first - second)
    # The interval of the gain, turned so that a drop is positive.
    least = None if low is None or high is None else min(-sign * low, -sign * high)
    is_chance = one.clear and (least is None or least <= 0)
    if one.max_drop is not None and drop > one.max_drop + 1e-12 and not is_chance:
        bounds = "" if low is None else f" (95 % of the gain {low:+.3f} to {high:+.3f})"
        yield f"{name}: {second:.3f} is worse than {first:.3f} by {drop:.3f}{bounds}"


def _values(one: Gate, run: Run) -> dict[str, float | None]:
    cases = run.by_id
    records: list[Record] = [
        r for r in run.records if one.tag is None or one.tag in tags(cases[r.case])
    ]
    return per_case(records, one.metric)


def _other_cases(run: Run, baseline: Run) -> Iterable[str]:
    mine, theirs = {case.id for case in run.cases}, {case.id for case in baseline.cases}
    for ids, where in ((theirs - mine, "baseline"), (mine - theirs, "run")):
        if ids:
            shown = ", ".join(sorted(ids)[:5])
            yield f"cases: {len(ids)} are in the {where} only ({shown}): make a new baseline"
