"""Runs cases through a system under test and keeps what came of it, so that it can be resumed.

run = run_cases(cases, system, Path("eval-runs/sample"), corpus); load_run("eval-runs/sample")

A run is a folder: run.json (what was asked of what), cases.jsonl, records.jsonl (an answer a line,
written as soon as it is there) and scores.json (grades and metrics, without any text of articles:
it alone will do as a baseline).
"""

import hashlib
import json
import os
import platform
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BylineError, InputError, SettingsError
from ..index.article import isoformat
from . import case as cases_module
from . import response as responses
from .case import Case, case_of, load_cases, read_lines, save_cases
from .corpus import Corpus
from .metrics import Seen, scored
from .metrics.judged import questions
from .response import Response, response_of
from .systems import System

if TYPE_CHECKING:
    from .judge import Judge

GRADES = ("right", "partly", "wrong", "declined", "failed", "unjudged")
_TIMES = ("first_token_seconds", "total_seconds")
Progress = Callable[["Record", int, int], None]
"Called after each answer with the record, how many are done and how many there will be."


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


@dataclass(frozen=True, slots=True)
class Run:
    """A finished or half-done run: `records` holds each case as often as it was repeated."""

    folder: Path
    manifest: dict[str, Any]
    cases: tuple[Case, ...]
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """What the run is called in reports."""
        return str(self.manifest.get("name") or self.folder.name)

    @property
    def by_id(self) -> dict[str, Case]:
        """The cases by their ids."""
        return {case.id: case for case in self.cases}


@dataclass(frozen=True, slots=True)
class Plan:
    """How cases are run."""

    repeats: int = 1
    workers: int = 1
    cache: Path | None = None
    "folder of answers given before; None: ask anew"
    retry_failed: bool = False
    "in a resumed run, ask again what failed"
    command: str | None = None
    "how the run was called, for the report"
    spec: str | None = None


def run_cases(
    cases: Sequence[Case],
    system: System,
    folder: Path,
    corpus: Corpus,
    *,
    plan: Plan | None = None,
    judge: "Judge | None" = None,
    progress: Progress = lambda record, done, total: None,
) -> Run:
    """Answer and score every case; what is in the folder already is not asked again.

    A case that the system cannot answer is a failed record, and the run goes on; a wrong setting
    (SettingsError) stops it. Raises InputError where the folder holds a run of something else.
    """
    plan = plan or Plan()
    manifest = _opened(folder, cases, system, plan)
    kept = _kept(folder, cases, plan)
    wanted = [(c, repeat) for repeat in range(plan.repeats) for c in cases]
    missing = [(c, repeat) for c, repeat in wanted if (c.id, repeat) not in kept]
    lock, total = threading.Lock(), len(wanted)
    with (folder / "records.jsonl").open("a", encoding="utf-8") as file:

        def answer(one: tuple[Case, int]) -> None:
            record = _answered(*one, system, plan.cache)
            with lock:
                file.write(json.dumps(_line(record), ensure_ascii=False) + "\n")
                file.flush()
                kept[record.case, record.repeat] = record
                progress(record, len(kept), total)

        _each(answer, missing, plan.workers)
    records = [_scored(c, kept[c.id, repeat], corpus, judge) for c, repeat in wanted]
    manifest |= {"finished": isoformat(datetime.now(UTC)), "judge": judge.model if judge else None}
    _write(folder / "run.json", manifest)
    run = Run(folder, manifest, tuple(cases), tuple(records))
    _write(folder / "scores.json", _scores(run))
    return run


def load_run(path: Path | str) -> Run:
    """A run from its folder, or from its scores.json alone (then without answers).

    Raises InputError where there is none, or where it was not finished.
    """
    path = Path(path)
    file = path / "scores.json" if path.is_dir() else path
    if not file.is_file():
        unfinished = (path / "run.json").is_file()
        todo = "run it again to finish it" if unfinished else "give a run's folder or scores.json"
        raise InputError(f"There is no finished run in {path}: {todo}.")
    try:
        scores = json.loads(file.read_text("utf-8"))
        manifest, scored = scores["manifest"], scores["cases"]
        cases = _cases_of(path, scored)
        responses_there = _kept(path, cases, Plan()) if path.is_dir() else {}
        records = tuple(_loaded(one, responses_there) for one in scores["records"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is not the scores of a run: {error!r}") from None
    return Run(path if path.is_dir() else path.parent, manifest, tuple(cases), records)


def unfinished(base: Path, cases: Sequence[Case], system: System) -> Path | None:
    """The newest run below a folder that was begun with the same, and not finished."""
    same = _identity(cases, system)
    for file in sorted(base.glob("*/run.json"), key=lambda f: -f.stat().st_mtime):
        before = json.loads(file.read_text("utf-8"))
        is_same = all(before.get(key) == value for key, value in same.items())
        if is_same and not file.with_name("scores.json").exists():
            return file.parent
    return None


def _identity(cases: Sequence[Case], system: System) -> dict[str, str]:
    """What a run must agree in to be resumed."""
    return {
        "system": system.label,
        "depends_on": _digest(system.depends_on or system.about),
        "cases_sha256": _digest([cases_module.to_record(case) for case in cases]),
    }


def _opened(folder: Path, cases: Sequence[Case], system: System, plan: Plan) -> dict[str, Any]:
    """The manifest of a new run, or of the one that is resumed."""
    file = folder / "run.json"
    same = _identity(cases, system)
    if file.is_file():
        before: dict[str, Any] = json.loads(file.read_text("utf-8"))
        changed = [key for key, value in same.items() if before.get(key) != value]
        if changed:
            raise InputError(
                f"{folder} holds a run of something else ({', '.join(changed)} changed): "
                "choose another folder with --out, or remove it."
            )
        return before | {"repeats": plan.repeats, "workers": plan.workers}
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "name": folder.name,
        **same,
        "about": system.about,
        "spec": plan.spec,
        "command": plan.command,
        "cases": len(cases),
        "repeats": plan.repeats,
        "workers": plan.workers,
        "started": isoformat(datetime.now(UTC)),
        "version": version("byline"),
        "commit": _commit(),
        "metrics": metrics_version(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    _write(file, manifest)
    save_cases(cases, folder / "cases.jsonl")
    return manifest


def _kept(folder: Path, cases: Sequence[Case], plan: Plan) -> dict[tuple[str, int], Record]:
    """The records of a folder, by case and repeat; the last line of each counts.

    A last line that was cut off, as by a kill, is dropped: its case is asked again.
    """
    file = folder / "records.jsonl"
    if not file.is_file():
        return {}
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        file.write_bytes(whole)
    known, found = {case.id for case in cases}, {}
    for _, line in read_lines(file):
        record = Record(
            line["case"], line["repeat"], response_of(line["response"]), "", {}, {}, line["cached"]
        )
        if record.case in known and not (plan.retry_failed and record.response.error):
            found[record.case, record.repeat] = record
    return found


def _each(
    answer: Callable[[tuple[Case, int]], None], wanted: Iterable[tuple[Case, int]], workers: int
) -> None:
    """Answer one after the other, or several at a time; the first error stops the rest."""
    if workers <= 1:
        for one in wanted:
            answer(one)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        for _ in pool.map(answer, wanted):
            pass
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _answered(case: Case, repeat: int, system: System, cache: Path | None) -> Record:
    file = _cache_file(case, repeat, system, cache)
    if file and file.is_file():
        stored = response_of(json.loads(file.read_text("utf-8")))
        return Record(case.id, repeat, stored, "", cached=True)
    try:
        response = system.answer(case)
    except SettingsError:
        raise  # no other case would fare better
    except BylineError as error:
        response = Response(error=str(error))
    except Exception as error:  # of somebody's engine: its case has failed, the run goes on
        response = Response(error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    if file and response.error is None:
        _write(file, responses.to_record(response))
    return Record(case.id, repeat, response, "")


def _cache_file(case: Case, repeat: int, system: System, cache: Path | None) -> Path | None:
    if cache is None or system.depends_on is None:
        return None
    asked = {key: getattr(case, key) for key in ("question", "as_of")}
    asked |= {"filters": asdict(case.filters), "turns": [asdict(turn) for turn in case.turns]}
    return cache / f"{_digest([system.depends_on, asked, repeat])}.json"


def _scored(case: Case, record: Record, corpus: Corpus, judge: "Judge | None") -> Record:
    seen = Seen(case, record.response, corpus)
    judged = {name: asdict(ask(judge)) for name, ask in questions(seen)} if judge else {}
    seen = replace(seen, judged=judged)
    scores = {
        name: value
        for name, value in scored(seen).items()
        if not (record.cached and name in _TIMES)
    }
    return Record(
        case.id, record.repeat, record.response, seen.grade, scores, judged, record.cached
    )


def _scores(run: Run) -> dict[str, Any]:
    """What scores.json holds."""
    keys = ("answerable", "tags")
    cases = {
        case.id: {"question": case.question, **{k: getattr(case, k) for k in keys}}
        for case in run.cases
    }
    records = [
        {
            "case": record.case,
            "repeat": record.repeat,
            "grade": record.grade,
            "scores": {name: round(value, 6) for name, value in record.scores.items()},
            "judged": record.judged,
            "confidence": record.response.confidence,
            "reason": record.response.reason,
            "cached": record.cached,
        }
        for record in run.records
    ]
    return {"manifest": run.manifest, "cases": cases, "records": records}


def _cases_of(path: Path, scored: Mapping[str, Any]) -> list[Case]:
    if (path / "cases.jsonl").is_file():
        return load_cases(path / "cases.jsonl")
    return [case_of({"id": case_id, **known}) for case_id, known in scored.items()]


def _loaded(one: Mapping[str, Any], there: Mapping[tuple[str, int], Record]) -> Record:
    known = there.get((one["case"], one["repeat"]))
    bare = Response(confidence=one["confidence"], reason=one["reason"])
    return Record(
        one["case"],
        one["repeat"],
        known.response if known else bare,
        one["grade"],
        one["scores"],
        one["judged"],
        one["cached"],
    )


def _line(record: Record) -> dict[str, Any]:
    return {
        "case": record.case,
        "repeat": record.repeat,
        "cached": record.cached,
        "response": responses.to_record(record.response),
    }


def _write(file: Path, value: Any) -> None:
    """Write JSON so that a reader sees all of it or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{threading.get_ident()}")
    partial.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
    partial.replace(file)


def _digest(value: Any) -> str:
    plain = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def metrics_version() -> str:
    """A hash of the code that scores: numbers of two versions are not comparable as they stand."""
    root = Path(__file__).parent
    files = [*sorted((root / "metrics").glob("*.py")), root / "match.py", root / "corpus.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _commit() -> str | None:
    """The commit of the working directory, "+" behind it where there are changes; None: no Git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
