"""Runs as plain data for machines: estimates, tags and every record.

json.dumps(data_of(sheets_of([run])), default=str)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..metrics import METRICS
from ..record import Record
from ..summary import HEADLINE, Estimate, grades, tagged
from .sheet import Sheet, measured, warnings

_RECORD = ("repeat", "grade", "scores", "judged", "cached")
_RESPONSE = ("status", "text", "error", "timings")


def data_of(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Everything that was measured; `report.to_json` describes it."""
    return {"runs": [_run(sheet) for sheet in sheets]}


def _run(sheet: Sheet) -> dict[str, Any]:
    run = sheet.run
    return {
        "name": run.name,
        "label": sheet.label,
        "manifest": run.manifest,
        "complete": len(run.records) >= len(run.cases) * sheet.repeats,
        "warnings": [text for _, text in warnings([sheet])],
        "grades": dict(sheet.grades),
        "metrics": _metrics(sheet.measured),
        "tags": {tag: _tag(records) for tag, records in tagged(run).items()},
        "cases": [
            _picked(case, ("id", "question", "answerable", "tags"))
            | {"records": [_record(record) for record in sheet.by_case.get(case.id, [])]}
            for case in run.cases
        ],
    }


def _metrics(found: Mapping[str, Estimate]) -> dict[str, Any]:
    about = ("family", "unit", "better")
    return {name: asdict(one) | _picked(METRICS[name], about) for name, one in found.items()}


def _tag(records: Sequence[Record]) -> dict[str, Any]:
    found = _metrics(measured(records, HEADLINE))
    return {"records": len(records), "grades": dict(grades(records)), "metrics": found}


def _record(record: Record) -> dict[str, Any]:
    return _picked(record, _RECORD) | _picked(record.response, _RESPONSE)


def _picked(value: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}
