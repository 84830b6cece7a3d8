"""What the charts of a report draw: lines over a square from 0 to 1, which the page then scales.

for chart in charts_of(sheets):
    chart.lines[0].points, chart.notes
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..metrics import METRICS
from ..summary import Estimate, area, coverage_at, risk_coverage
from .sheet import Sheet
from .words import number

_SURE_RISK = 0.05


@dataclass(frozen=True)
class Line:
    """The line of a system."""

    sheet: Sheet
    points: list[tuple[float, float]]
    told: str
    "what it shows, for those who do not see it"
    intervals: Sequence[tuple[float, Estimate]] = ()
    is_dotted: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart of shares; without lines there is nothing to draw, and the notes say why."""

    title: str
    across: str
    "what the width means; the height is a share"
    up: str
    ticks: list[tuple[float, str]]
    lines: list[Line]
    notes: list[str]


def charts_of(sheets: Sequence[Sheet]) -> list[Chart]:
    """Retrieval, confidence and time, in this order."""
    return [
        _by_depth("Hit rate of retrieval by depth", "hit", "share with a relevant article", sheets),
        _by_depth("Recall of retrieval by depth", "recall", "share of relevant articles", sheets),
        _risk(sheets),
        _latency(sheets),
    ]


def _by_depth(title: str, metric: str, up: str, sheets: Sequence[Sheet]) -> Chart:
    names = [re.fullmatch(rf"{metric}@(\d+)", name) for name in METRICS]
    depths = sorted(int(name[1]) for name in names if name)
    places = [(step + 0.5) / len(depths) for step in range(len(depths))]
    lines = []
    for at, sheet in enumerate(sheets):
        aside = (at - (len(sheets) - 1) / 2) * 0.02
        found = [sheet.measured[f"{metric}@{depth}"] for depth in depths]
        each = zip(places, depths, found, strict=True)
        known = [(x + aside, depth, e) for x, depth, e in each if e.value is not None]
        points = [(x, e.value or 0.0) for x, _, e in known]
        told = ", ".join(f"{e.value:.0%} at {depth}" for _, depth, e in known)
        lines += [Line(sheet, points, told, [(x, e) for x, _, e in known])] if known else []
    note = "With 95 % intervals." if lines else "Not scored: no system gave its passages."
    ticks = list(zip(places, map(str, depths), strict=True))
    return Chart(title, "passages looked at", up, ticks, lines, [note])


def _risk(sheets: Sequence[Sheet]) -> Chart:
    lines, notes = [], []
    for sheet in sheets:
        points = risk_coverage(sheet.run.records)
        under, reached = area(points), coverage_at(points, _SURE_RISK)
        if under is None or reached is None:
            notes.append(f"{sheet.label}: no curve, as not all its answers have a confidence.")
            continue
        most, share = number(_SURE_RISK, "share"), number(reached, "share")
        notes += [
            f"{sheet.label}: the area under the curve is {under:.3f}, where 0 is the best. "
            f"With a risk of at most {most}, {share} of the questions can be answered."
        ]
        lines += [Line(sheet, points, "risk {1:.0%} at coverage {0:.0%}".format(*points[-1]))]
    ticks = [(share / 5, number(share / 5, "share")) for share in range(6)]
    across, up = "coverage: questions answered, surest first", "risk: share of these not right"
    return Chart("Risk over coverage", across, up, ticks, lines, notes)


def _latency(sheets: Sequence[Sheet]) -> Chart:
    found = []
    for sheet in sheets:
        fresh = [r.response for r in sheet.run.records if not r.cached and not r.response.error]
        for kind, what in (("total", "are there"), ("first_token", "have their first word")):
            seconds = sorted(r.timings[kind] for r in fresh if kind in r.timings)
            found += [(sheet, what, seconds)] if seconds else []
    place, ticks = _axis([value for *_, seconds in found for value in seconds] or [1.0])
    lines, shares = [], (0, 1)
    for sheet, what, values in found:
        steps = [(place(v), (n + up) / len(values)) for n, v in enumerate(values) for up in shares]
        told = f"half {what} after {values[(len(values) - 1) // 2]:.2g} seconds"
        lines.append(Line(sheet, steps, told, is_dotted=what != "are there"))
    notes = ["Answers that came from an earlier run are left out."]
    if any(line.is_dotted for line in lines):
        notes.insert(0, "Solid: the whole answer; dotted: its first word.")
    if not lines:
        notes = ["Not measured: no answer of this run has a time."]
    up = "share of the answers that are there"
    return Chart("Time to answer", "seconds", up, ticks, lines, notes)


def _axis(values: Sequence[float]) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    """Where seconds stand from 0 to 1, and the marks: by their logarithm where they differ much."""
    low, high = min(values), max(values) * 1.02 or 1.0
    least = math.floor(math.log10(min(low, high / 20) or high / 20))
    exponents = range(least, math.ceil(math.log10(high)) + 1)
    marks = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
    if low > 0 and high / low > 30:
        start, width = math.log(low), math.log(high / low)
        places = [((math.log(mark) - start) / width, f"{mark:g}") for mark in marks]
        return lambda value: (math.log(value) - start) / width, [
            p for p in places if 0 <= p[0] <= 1
        ]
    step = next(mark for mark in marks if mark >= high / 6)
    ticks = [(step * n / high, f"{step * n:g}") for n in range(int(high / step) + 1)]
    return lambda value: value / high, ticks
