"""Where answers are measured: run a set of cases, read a report, compare two runs.

Runs stand in the index's folder, under `runs`; a report is the same page that `byline eval report`
writes, in a frame of its own.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from ...desk import Desk
from ...errors import BylineError, InputError
from ...evals.case import Case, load_cases, save_cases
from ...evals.compare import as_markdown, compare
from ...evals.corpus import Corpus
from ...evals.importers import import_cases
from ...evals.record import Record, Run, load_run
from ...evals.report import html
from ...evals.run import run_cases
from ...evals.systems import BylineSystem
from .parts import QUIET, Tell, masthead, own, working

_SAMPLE, _FEEDBACK, _FILE = "The bundled questions", "Readers' feedback", "A file"
_PROGRESS = '<div class="report" role="status" aria-live="polite"></div>'
_RUNS = '<section class="runs" aria-label="Runs"></section>'
_REPORT = '<iframe title="Report"></iframe><p class="placeholder">A report is shown here.</p>'


def evals_page(desk: Desk, blocks: gr.Blocks) -> None:
    """The parts of the page and what they do."""
    masthead()
    with gr.Row(elem_id="evals", equal_height=False):
        with gr.Column(elem_id="runs"):
            with gr.Group():
                what = gr.Radio([_SAMPLE, _FEEDBACK, _FILE], value=_SAMPLE, label="Cases")
                file = gr.File(label="Cases (.jsonl)", visible=False, height=110)
                limit = gr.Number(20, label="How many at most", precision=0)
                start = gr.Button("Run", variant="primary", elem_id="run")
            progress = own("progress", _PROGRESS, "report.js")
            listed = own("list", _RUNS, "runs.js")
        own("report", _REPORT)

    def run(what: str, file: str | None, limit: float | None) -> Iterator[dict[str, Any]]:
        try:
            if limit is not None and limit < 1:
                raise InputError(f"How many questions at most is {int(limit)}: give 1 or more.")
            cases = _cases(desk, what, file)[: int(limit) if limit else None]
            yield from _running(desk, cases)
        except BylineError as error:
            yield {"error": str(error)}

    what.change(lambda value: gr.File(visible=value == _FILE), what, file, **QUIET)
    start.click(run, [what, file, limit], progress, concurrency_limit=1, **QUIET).then(
        lambda: _listed(desk), None, listed, **QUIET
    )
    blocks.load(lambda: _listed(desk), None, listed, **QUIET)


def report_of(desk: Desk, names: Sequence[str]) -> str:
    """The report of one run, or of two side by side. Raises InputError where one is not there."""
    folder = _folder(desk)
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in names:
        if name not in known:
            raise InputError(f"There is no run '{name}' in this index.")
    return html([load_run(folder / name) for name in names])


def _folder(desk: Desk) -> Path:
    return desk.folder / "runs"


def _cases(desk: Desk, what: str, file: str | None) -> list[Case]:
    if what == _SAMPLE:
        return load_cases("sample")
    if what == _FILE:
        if file is None:
            raise InputError("No file of cases is chosen: drop one, or choose other cases.")
        try:
            return load_cases(file)
        except InputError as error:  # which names it by where the upload was put
            raise InputError(str(error).replace(file, Path(file).name)) from None
    lines = [json.dumps(given) for given in desk.conversations.feedback()]
    if not lines:
        raise InputError("No reader has given feedback yet: use the thumbs under an answer.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feedback.jsonl"
        path.write_text("\n".join(lines), "utf-8")
        cases = import_cases("feedback", path).cases
    _folder(desk).mkdir(parents=True, exist_ok=True)
    save_cases(cases, _folder(desk) / "feedback-cases.jsonl")
    return cases


def _running(desk: Desk, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Run the cases, and tell how far they are."""
    name = datetime.now(UTC).strftime("%Y-%m-%d %H.%M.%S")

    def work(tell: Tell) -> dict[str, Any]:
        run_cases(
            cases,
            BylineSystem(desk),
            _folder(desk) / name,
            Corpus(archive=desk.archive, passage_chars=desk.settings.passage_chars),
            progress=lambda done, total: tell({"text": f"{done} of {total} questions asked …"}),
        )
        return {"text": f"Done: {len(cases)} question{'' if len(cases) == 1 else 's'}."}

    yield {"text": f"Asking {len(cases)} question{'' if len(cases) == 1 else 's'} …"}
    yield from working(work)


def _listed(desk: Desk) -> dict[str, Any]:
    """The finished runs, the newest first, with what became of their cases."""
    found = []
    folder = _folder(desk)
    for path in sorted(folder.glob("*/scores.json"), reverse=True):
        try:
            run = load_run(path.parent)
        except BylineError:
            continue
        missed = [record for record in run.records if _is_missed(record, run)]
        found.append(
            {
                "name": path.parent.name,
                "cases": len(run.cases),
                "grades": Counter(record.grade for record in run.records),
                "missed": [run.by_id[record.case].question for record in missed[:20]],
            }
        )
    return {"runs": found, "compared": _compared(folder, found)}


def _is_missed(record: Record, run: Run) -> bool:
    is_declined = record.grade == "declined" and run.by_id[record.case].answerable
    return is_declined or record.grade in ("wrong", "partly", "failed")


def _compared(folder: Path, found: Sequence[dict[str, Any]]) -> str | None:
    """What changed between the two newest runs, in words, where their cases are the same."""
    if len(found) < 2:
        return None
    new, old = (load_run(folder / one["name"]) for one in found[:2])
    if {case.id for case in new.cases} != {case.id for case in old.cases}:
        return None
    return as_markdown(compare(old, new))
