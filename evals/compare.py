"""Two runs of the same cases beside each other: paired differences, and the cases that flipped.

found = compare(load_run("before"), load_run("after")); print(as_markdown(found))
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from ..errors import InputError
from .case import Case
from .metrics import METRICS
from .record import Record, Run
from .summary import bootstrap, per_case, percentiles, tags

if TYPE_CHECKING:
    from .judge import Judge

_OK = ("right", "rightly declined")
_ANSWERED = {"right", "partly", "wrong", "unjudged"}


@dataclass(frozen=True, slots=True)
class Difference:
    """What a metric gains from the first run to the second, each over what it could score."""

    metric: str
    first: float
    second: float
    gain: float
    "second minus first"
    low: float | None
    high: float | None
    cases: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def verdict(self) -> str:
        """Better, worse or "no clear difference"; more or less of what is neither good nor bad."""
        if self.low is None:
            return "too few cases"
        if not self.is_clear:
            return "no clear difference"
        better = METRICS[self.metric].better
        if better == "neither":
            return "more" if self.gain > 0 else "less"
        return "better" if (self.gain > 0) == (better == "higher") else "worse"


@dataclass(frozen=True, slots=True)
class Flip:
    """A case whose outcome is another one in the second run."""

    case: str
    question: str
    tags: tuple[str, ...]
    first: str
    second: str
    first_text: str
    second_text: str

    @property
    def kind(self) -> str:
        """Mended, broken, or changed (from one mistake to another)."""
        if self.second in _OK:
            return "mended"
        return "broken" if self.first in _OK else "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs beside each other."""

    first: str
    second: str
    cases: int
    "that are in both"
    left_out: tuple[str, ...]
    "in one of them only"
    differences: tuple[Difference, ...]
    by_tag: Mapping[str, Difference]
    "of accuracy"
    mended: int
    broken: int
    p_value: float | None
    "McNemar's exact test of mended against broken; None where no case flipped"
    flips: tuple[Flip, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def compare(first: Run, second: Run) -> Comparison:
    """Compare two runs by their common cases. Raises InputError where they have none."""
    ids = [case.id for case in first.cases if case.id in second.by_id]
    if not ids:
        raise InputError(f"{first.name} and {second.name} have no case in common.")
    left_out = {case.id for case in (*first.cases, *second.cases)} - set(ids)
    one, two = (_of(run, ids) for run in (first, second))
    before, after = _outcomes(first, one), _outcomes(second, two)
    flips = [
        _flip(first.by_id[i], one[i], two[i], before[i], after[i])
        for i in ids
        if before[i] != after[i]
    ]
    mended = sum(flip.kind == "mended" for flip in flips)
    broken = sum(flip.kind == "broken" for flip in flips)
    return Comparison(
        first.name,
        second.name,
        len(ids),
        tuple(sorted(left_out)),
        tuple(_differences(one, two, METRICS)),
        _by_tag(first, one, two),
        mended,
        broken,
        mcnemar(mended, broken),
        tuple(flips),
        tuple(differences_in_kind(first, second)),
    )


@dataclass(frozen=True, slots=True)
class Preference:
    """Which of two runs' answers a judge prefers, case by case, asked in both orders."""

    first: int
    second: int
    equal: int
    unscored: int
    "no usable verdict, or another one when the order is turned: they count for nobody"
    p_value: float | None
    "sign test of first against second"


def preference(first: Run, second: Run, judge: "Judge") -> Preference:
    """Let a judge choose between the answers to each case that both runs answer."""
    cases, others = first.by_id, {r.case: r for r in second.records if r.repeat == 0}
    counts: Counter[str | None] = Counter()
    for record in first.records:
        other, case = others.get(record.case), cases[record.case]
        if other is None or record.repeat or not {record.grade, other.grade} <= _ANSWERED:
            continue
        expected = [" or ".join(group) for group in case.wanted]
        texts = (record.response.text, other.response.text)
        counts[judge.prefers(case.question, *texts, expected).verdict] += 1
    one, two = counts["FIRST"], counts["SECOND"]
    return Preference(one, two, counts["EQUAL"], counts[None], mcnemar(one, two))


def mcnemar(mended: int, broken: int) -> float | None:
    """Two-sided p of McNemar's exact test (1947): whether flips go both ways equally often.

    >>> round(mcnemar(1, 9), 4)
    0.0215
    """
    if mended + broken == 0:
        return None
    return float(stats.binomtest(mended, mended + broken).pvalue)


_FEWEST = 10  # cases below which an interval of a difference would promise too much
Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Paired:
    """A statistic of two runs over the same cases, and the interval of its difference."""

    first: float
    second: float
    low: float | None
    high: float | None
    cases: int
    "that are scored in the run that has fewer of them"


def paired(
    first: Scores, second: Scores, statistic: Literal["mean", "median"] = "mean"
) -> Paired | None:
    """Each run's statistic over what it scored, and 95 % of the paired bootstrap of the difference.

    Cases are drawn with what both runs have of them, and each run's statistic is taken anew: an
    answer that only one of them gave counts there, as it does in that run's own summary. None
    where one of them has no score.
    """
    ids = [case for case in first if case in second]
    table = np.array([(first[case], second[case]) for case in ids], float).reshape(-1, 2)
    scored = (~np.isnan(table)).sum(axis=0)
    if not len(table) or not scored.all():
        return None
    of = np.nanmean if statistic == "mean" else np.nanmedian
    one, two = (float(value) for value in of(table, axis=0))
    low = high = None
    if scored.min() >= _FEWEST:
        resamples = bootstrap(table, statistic)
        low, high = percentiles(resamples[:, 1] - resamples[:, 0])
    return Paired(one, two, low, high, int(scored.min()))


def _of(run: Run, ids: Iterable[str]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    wanted = set(ids)
    for record in run.records:
        if record.case in wanted:
            found[record.case].append(record)
    return found


def _differences(
    one: Mapping[str, Sequence[Record]], two: Mapping[str, Sequence[Record]], names: Iterable[str]
) -> Iterable[Difference]:
    for name in names:
        first, second = (
            per_case([record for records in found.values() for record in records], name)
            for found in (one, two)
        )
        found = paired(first, second, METRICS[name].statistic)
        if found:
            gain = found.second - found.first
            bounds = (found.low, found.high)
            yield Difference(name, found.first, found.second, gain, *bounds, found.cases)


def _by_tag(
    run: Run, one: Mapping[str, Sequence[Record]], two: Mapping[str, Sequence[Record]]
) -> dict[str, Difference]:
    names = sorted({tag for i in one for tag in tags(run.by_id[i])})
    found = {}
    for tag in names:
        within = {i for i in one if tag in tags(run.by_id[i])}
        first, second = (
            {i: r for i, r in records.items() if i in within} for records in (one, two)
        )
        for difference in _differences(first, second, ["accuracy"]):
            found[tag] = difference
    return found


def _outcomes(run: Run, records: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    cases = run.by_id
    return {case: _outcome(cases[case], found) for case, found in records.items()}


def _outcome(case: Case, records: Sequence[Record]) -> str:
    """The grade that most repeats have, else "unsteady"; a right refusal has its own name."""
    (grade, most), *others = Counter(record.grade for record in records).most_common()
    if others and others[0][1] == most:
        return "unsteady"
    return "rightly declined" if grade == "declined" and not case.answerable else grade


def _flip(
    case: Case, one: Sequence[Record], two: Sequence[Record], before: str, after: str
) -> Flip:
    def text(records: Sequence[Record]) -> str:
        return records[0].response.error or records[0].response.text

    return Flip(case.id, case.question, case.tags, before, after, text(one), text(two))


def differences_in_kind(first: Run, second: Run) -> Iterable[str]:
    """Why two runs are not to be compared as they stand."""
    keys = {
        "metrics": "scored by other versions of the metrics (`byline eval score` scores anew)",
        "cases_sha256": "of cases that differ",
        "judge": "judged by other judges",
    }
    for key, what in keys.items():
        if first.manifest.get(key) != second.manifest.get(key):
            yield f"{first.name} and {second.name} are {what}"


def as_markdown(found: Comparison, most: int = 30) -> str:
    """The comparison as a Markdown report."""
    p = "no case flipped" if found.p_value is None else f"McNemar's exact p = {found.p_value:.3g}"
    lines = [
        f"# {found.second} against {found.first}",
        "",
        f"{found.cases} cases in both: {found.mended} mended, {found.broken} broken ({p}).",
    ]
    lines += [f"\nWarning: {warning}: what differs may be that." for warning in found.warnings]
    if found.left_out:
        lines += ["", f"{len(found.left_out)} cases are in one of them only, and do not count."]
    head = ["metric", found.first, found.second, "gain (95 %)", "cases", ""]
    lines += ["", as_table(head, [_row(d, d.metric) for d in found.differences])]
    lines += ["", "## Accuracy by tag", ""]
    lines += [as_table(["tag", *head[1:]], [_row(d, tag) for tag, d in found.by_tag.items()])]
    for kind in ("broken", "mended", "changed"):
        flips = [flip for flip in found.flips if flip.kind == kind]
        if flips:
            lines += ["", f"## {kind.capitalize()}: {len(flips)}", ""]
            lines += [_flipped(flip) for flip in flips[:most]]
            lines += [f"- … and {len(flips) - most} more"] if len(flips) > most else []
    return "\n".join(lines) + "\n"


def _row(d: Difference, name: str) -> list[str]:
    bounds = "" if d.low is None else f" ({d.low:+.3f} to {d.high:+.3f})"
    gain = f"{d.gain:+.3f}{bounds}"
    return [name, f"{d.first:.3f}", f"{d.second:.3f}", gain, str(d.cases), d.verdict]


def _flipped(flip: Flip) -> str:
    def short(text: str) -> str:
        flat = " ".join(text.split())
        return f"{flat[:160]}…" if len(flat) > 160 else flat

    change = f"{flip.first} → {flip.second}"
    texts = f"\n  - before: {short(flip.first_text)}\n  - now: {short(flip.second_text)}"
    return f"- **{flip.case}** {flip.question} ({change}){texts}"


def as_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
