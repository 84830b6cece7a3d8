"""Reports of runs: a page for people, Markdown for a job's summary, JSON and JUnit for machines.

write([load_run("eval-runs/hybrid"), load_run("eval-runs/dense")], Path("report"), FORMATS)

What could not be scored is shown as not scored, and what failed as failed: neither is ever a 0.
Article text and model output are hostile: they become text, and only http(s) addresses links.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..record import Run
from .data import data_of
from .junit import junit_of
from .page import page_of, summary_of
from .sheet import sheets_of

FORMATS = ("html", "markdown", "json", "junit")


def html(runs: Sequence[Run]) -> str:
    """One page that needs nothing else, of one run or of several side by side.

    Opens without a network, runs one script whose hash it names, and works without it as well.
    """
    return page_of(sheets_of(runs))


def markdown(runs: Sequence[Run]) -> str:
    """Headline, tags and the first failures as GitHub's Markdown; fits a job's summary."""
    return summary_of(sheets_of(runs))


def to_json(runs: Sequence[Run]) -> dict[str, Any]:
    """Everything that was measured, for machines.

    {"runs": [{"name", "label", "manifest", "complete", "warnings": [str],
    "grades": {grade: records}, "metrics": {name: measured}, "tags": {tag: {"records", "grades",
    "metrics"}}, "cases": [{"id", "question", "answerable", "tags", "records": [{"repeat", "grade",
    "scores", "judged", "cached", "status", "text", "error", "timings"}]}]}]}

    A measured metric is {"value", "low", "high", "scored", "unscored"} with its family, unit and
    better; value is null where nothing could be scored. A tag has the metrics of
    `summary.HEADLINE`. A record's `scores` lack what could not be told.
    """
    return data_of(sheets_of(runs))


def junit(run: Run) -> str:
    """JUnit XML, one test a case; a repeated case passes when each of its repeats is right.

    Partly right, wrong and wrongly declined are failures; no answer at all, and a case that was
    not run, are errors. An answer that could not be judged is skipped.
    """
    return junit_of(sheets_of([run])[0])


def write(runs: Sequence[Run], folder: Path, formats: Iterable[str] = ("html",)) -> list[Path]:
    """Write report.html, report.md and report.json, and junit.xml (of each run, where several).

    Returns what was written. Raises ValueError for a format that is not one of FORMATS.
    """
    wanted = list(dict.fromkeys(formats))
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise ValueError(f"There is no format '{unknown[0]}': choose of {', '.join(FORMATS)}.")
    sheets, written = sheets_of(runs), []
    mark = "-{}" if len(sheets) > 1 else ""
    files: dict[str, Callable[[], dict[str, str]]] = {
        "html": lambda: {"report.html": page_of(sheets)},
        "markdown": lambda: {"report.md": summary_of(sheets)},
        "json": lambda: {"report.json": json.dumps(data_of(sheets), indent=1, default=str) + "\n"},
        "junit": lambda: {f"junit{mark.format(s.letter.lower())}.xml": junit_of(s) for s in sheets},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (file for one in wanted for file in files[one]().items()):
        # A model may write half a character (a lone surrogate), which no file can hold.
        (folder / name).write_bytes(text.encode("utf-8", "replace"))
        written.append(folder / name)
    return written
