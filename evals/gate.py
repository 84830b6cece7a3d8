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
from .compare import differences_in_kind, paired
from .metrics import METRICS
from .record import Record, Run
from .summary import estimate, per_case, tags


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition. What a metric cannot tell of is a failure too: a gate must gate something."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

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
    is_own = any(one.metric == "failed" and not one.tag and one.max is not None for one in gates)
    own = [] if is_own else [_ALWAYS]
    found = [f"{name} broke" for name in run.manifest.get("broken_metrics") or ()]
    if baseline:
        found += [*_other_cases(run, baseline), *differences_in_kind(run, baseline)]
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
    """How it became worse, each run over what it could score."""
    metric = METRICS[one.metric]
    found = paired(before, now, metric.statistic)
    if found is None or found.cases < one.min_cases or (one.clear and found.low is None):
        count = found.cases if found else 0
        yield f"{name}: only {count} cases are scored in both runs, too few to tell"
        return
    sign = 1 if metric.better == "higher" else -1
    drop = sign * (found.first - found.second)
    # The least drop that the interval of the gain lets be.
    bounds = [-sign * bound for bound in (found.low, found.high) if bound is not None]
    is_chance = one.clear and min(bounds) <= 0
    if one.max_drop is not None and drop > one.max_drop + 1e-12 and not is_chance:
        shown = "" if not bounds else f" (95 % of the gain {found.low:+.3f} to {found.high:+.3f})"
        yield f"{name}: {found.second:.3f} is worse than {found.first:.3f} by {drop:.3f}{shown}"


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
