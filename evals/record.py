"""A run as a folder: what was asked of what, each answer with its scores, and reading it back.

run = load_run("eval-runs/sample"); run.records[0].grade

A folder holds run.json (the manifest), cases.jsonl, records.jsonl (an answer a line, written as
soon as it is there) and scores.json (grades and metrics, without any text of articles: it alone
will do as a baseline).
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import response as responses
from .case import Case, case_of, json_line, load_cases, read_lines
from .response import Response, response_of

GRADES = ("right", "partly", "wrong", "declined", "failed", "unjudged")


@dataclass(frozen=True, slots=True)
class Record:
    """What one system gave for one case, and how it was scored."""

    case: str
    repeat: int
    response: Response
    grade: str
    "one of GRADES; failed: there is no answer at all; unjudged: no right answer is known"
    scores: dict[str, float] = field(default_factory=dict)
    "by metric; one that is not there could not be told"
    judged: dict[str, Any] = field(default_factory=dict)
    "verdict and reason of the judge by what it was asked"
    cached: bool = False
    "taken from an earlier run: its times are of then"


@dataclass(frozen=True)
class Run:
    """A finished run: `records` holds each case as often as it was repeated."""

    folder: Path
    manifest: dict[str, Any]
    cases: tuple[Case, ...]
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """What the run is called in reports."""
        return str(self.manifest.get("name") or self.folder.name)

    @cached_property
    def by_id(self) -> dict[str, Case]:
        """The cases by their ids."""
        return {case.id: case for case in self.cases}


def load_run(path: Path | str) -> Run:
    """A run from its folder, or from its scores.json alone (then without answers).

    Raises InputError where there is none, or where it was not finished.
    """
    path = Path(path)
    file = path / "scores.json" if path.is_dir() else path
    if not file.is_file():
        is_begun = (path / "run.json").is_file()
        todo = "run it again to finish it" if is_begun else "give a run's folder or scores.json"
        within = sorted(found.parent.name for found in path.glob("*/scores.json"))
        todo = f"there are {', '.join(within)} in it" if within else todo
        raise InputError(f"There is no finished run in {path}: {todo}.")
    try:
        scores = json.loads(file.read_text("utf-8"))
        manifest, scored = scores["manifest"], scores["cases"]
        cases = _cases_of(path, scored)
        answers = stored_records(path, cases) if path.is_dir() else {}
        records = tuple(_loaded(one, answers) for one in scores["records"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is not the scores of a run of this version ({error!r}): "
            "`byline eval score` makes them anew from a run's folder."
        ) from None
    return Run(path if path.is_dir() else path.parent, manifest, tuple(cases), records)


def stored_records(folder: Path, cases: Iterable[Case]) -> dict[tuple[str, int], Record]:
    """The unscored records of a folder by case and repeat; the last line of each counts.

    A last line that was cut off, as by a kill, is passed over.
    """
    file = folder / "records.jsonl"
    known = {case.id for case in cases}
    found: dict[tuple[str, int], Record] = {}
    for number, line in read_lines(file, whole=True) if file.is_file() else ():
        try:
            key = (line["case"], line["repeat"])
            record = Record(*key, response_of(line["response"]), "", cached=line["cached"])
        except (KeyError, TypeError, InputError) as error:
            raise InputError(
                f"{file}, line {number}: not an answer of a run ({error!r}): remove the line."
            ) from None
        if record.case in known:
            found[key] = record
    return found


def load_manifest(folder: Path) -> dict[str, Any]:
    """What run.json says. Raises InputError where there is no run, or it cannot be read."""
    file = folder / "run.json"
    if not file.is_file():
        raise InputError(f"There is no run in {folder}: give the folder of one.")
    try:
        manifest: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except ValueError:
        manifest = {}
    if "repeats" not in manifest:
        raise InputError(f"{file} is damaged: run the cases again into another folder (--out).")
    return manifest


def record_line(record: Record) -> str:
    """An unscored record as a line of records.jsonl."""
    return json_line(
        {
            "case": record.case,
            "repeat": record.repeat,
            "cached": record.cached,
            "response": responses.to_record(record.response),
        }
    )


def to_scores(run: Run) -> dict[str, Any]:
    """What scores.json holds."""
    keys = ("question", "answerable", "tags")
    return {
        "manifest": run.manifest,
        "cases": {case.id: {key: getattr(case, key) for key in keys} for case in run.cases},
        "records": [_score_row(record) for record in run.records],
    }


def write_json(file: Path, value: Any) -> None:
    """Write JSON so that a reader sees all of it or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.{id(value)}")
    partial.write_text(json_line(value), "utf-8")
    partial.replace(file)


def _score_row(record: Record) -> dict[str, Any]:
    return {
        "case": record.case,
        "repeat": record.repeat,
        "grade": record.grade,
        "scores": {name: round(value, 6) for name, value in record.scores.items()},
        "judged": record.judged,
        "confidence": record.response.confidence,
        "reason": record.response.reason,
        "cached": record.cached,
    }


def _cases_of(path: Path, scored: Mapping[str, Any]) -> Sequence[Case]:
    if (path / "cases.jsonl").is_file():
        return load_cases(path / "cases.jsonl")
    return [case_of({"id": case_id, **known}) for case_id, known in scored.items()]


def _loaded(one: Mapping[str, Any], answers: Mapping[tuple[str, int], Record]) -> Record:
    key = (one["case"], one["repeat"])
    bare = Response(confidence=one["confidence"], reason=one["reason"])
    response = answers[key].response if key in answers else bare
    return Record(*key, response, one["grade"], one["scores"], one["judged"], one["cached"])
