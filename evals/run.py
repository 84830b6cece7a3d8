"""Runs cases through a system under test and scores what came of it; goes on where it stopped.

run = run_cases(cases, system, Path("eval-runs/sample"), corpus)
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ..errors import BylineError, InputError, SettingsError
from ..index.article import isoformat
from . import case as cases_module
from . import response as responses
from .case import Case, load_cases, save_cases
from .corpus import Corpus
from .metrics import Seen, scored
from .metrics.judged import questions
from .record import (
    Record,
    Run,
    load_manifest,
    record_line,
    stored_records,
    to_scores,
    write_json,
)
from .response import Response, response_of
from .systems import System

if TYPE_CHECKING:
    from .judge import Judge

_TIMES = ("first_token_seconds", "total_seconds")
Progress = Callable[[int, int], None]
"Called after each answer, and each that is judged: how many are done and how many there are."


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
    progress: Progress = lambda done, total: None,
) -> Run:
    """Answer and score every case; what is in the folder already is not asked again.

    A case that the system cannot answer is a failed record, and the run goes on; a wrong setting
    (SettingsError) stops it. Raises InputError where the folder holds a run of something else, or
    another process writes to it.
    """
    plan = plan or Plan()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            _begin(folder, cases, system, plan)
            _answer_missing(folder, cases, system, plan, progress)
            return score_run(folder, corpus, judge=judge, progress=progress)
    except Timeout:
        raise InputError(f"Another process is running {folder}: choose another --out.") from None


def score_run(
    folder: Path,
    corpus: Corpus,
    *,
    judge: "Judge | None" = None,
    progress: Progress = lambda done, total: None,
) -> Run:
    """Score the answers of a folder with the metrics of today, and write scores.json.

    Raises InputError where there is no run, or answers are missing.
    """
    manifest, cases = load_manifest(folder), load_cases(folder / "cases.jsonl")
    answers = stored_records(folder, cases)
    wanted = [(c, repeat) for repeat in range(manifest["repeats"]) for c in cases]
    if absent := [case.id for case, repeat in wanted if (case.id, repeat) not in answers]:
        raise InputError(f"{folder} lacks {len(absent)} answers: run it again to finish it.")
    records, broken = [], Counter[str]()
    for done, (case, repeat) in enumerate(wanted, 1):
        record, wrong = _scored(case, answers[case.id, repeat], corpus, judge)
        records.append(record)
        broken.update(f"{name} ({reason})" for name, reason in wrong.items())
        if judge:
            progress(done, len(wanted))
    manifest |= {
        "finished": isoformat(datetime.now(UTC)),
        "metrics": metrics_version(),
        "judge": judge.model if judge else None,
        "broken_metrics": dict(broken),
        "articles_not_there": _absent(cases, corpus),
    }
    write_json(folder / "run.json", manifest)
    run = Run(folder, manifest, tuple(cases), tuple(records))
    write_json(folder / "scores.json", to_scores(run))
    return run


def unfinished(base: Path, cases: Sequence[Case], system: System, plan: Plan) -> Path | None:
    """The newest run below a folder that was begun with the same, not finished and left."""
    same = _identity(cases, system, plan)
    for file in sorted(base.glob("*/run.json"), key=lambda f: -f.stat().st_mtime):
        try:
            before = json.loads(file.read_text("utf-8"))
            with FileLock(file.with_name("lock"), timeout=0):
                is_same = all(before.get(key) == value for key, value in same.items())
        except (ValueError, AttributeError, Timeout, OSError):
            continue
        if is_same and not file.with_name("scores.json").exists():
            return file.parent
    return None


def _identity(cases: Sequence[Case], system: System, plan: Plan) -> dict[str, Any]:
    """What a run must agree in to be resumed."""
    return {
        "system": system.label,
        "depends_on": _digest(system.depends_on or system.about),
        "cases_sha256": _digest([cases_module.to_record(case) for case in cases]),
        "repeats": plan.repeats,
    }


def _begin(folder: Path, cases: Sequence[Case], system: System, plan: Plan) -> None:
    """Write the manifest of a new run, or check that of the one that is resumed."""
    file = folder / "run.json"
    same = _identity(cases, system, plan)
    (folder / "scores.json").unlink(missing_ok=True)  # of a state that is about to change
    if file.is_file():
        before = load_manifest(folder)
        changed = [key for key, value in same.items() if before.get(key) != value]
        if changed:
            raise InputError(
                f"{folder} holds a run of something else ({', '.join(changed)} changed): "
                "choose another folder with --out, or remove it."
            )
        return
    if others := [found.name for found in folder.iterdir() if found.name != "lock"]:
        raise InputError(f"{folder} holds {others[0]} and is no run: choose a folder of its own.")
    manifest = {
        "name": folder.name,
        **same,
        "about": system.about,
        "spec": plan.spec and redacted(plan.spec),
        "command": plan.command and redacted(plan.command),
        "cases": len(cases),
        "workers": plan.workers,
        "started": isoformat(datetime.now(UTC)),
        "version": version("byline"),
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    save_cases(cases, folder / "cases.jsonl")
    write_json(file, manifest)


def _answer_missing(
    folder: Path, cases: Sequence[Case], system: System, plan: Plan, progress: Progress
) -> None:
    """Ask what has no answer yet; each is written as soon as it is there."""
    file = folder / "records.jsonl"
    stored = stored_records(folder, cases)
    kept = {key: r for key, r in stored.items() if not (plan.retry_failed and _has_failed(r))}
    wanted = [(c, repeat) for repeat in range(plan.repeats) for c in cases]
    missing = [(c, repeat) for c, repeat in wanted if (c.id, repeat) not in kept]
    done, lock = len(wanted) - len(missing), threading.Lock()
    partial = file.with_name(".records.jsonl")  # without what is cut off or asked again
    partial.write_text("".join(map(record_line, kept.values())), "utf-8")
    partial.replace(file)
    with file.open("a", encoding="utf-8") as lines:

        def answer(one: tuple[Case, int]) -> None:
            nonlocal done
            record = _answered(*one, system, plan.cache)
            with lock:
                lines.write(record_line(record))
                lines.flush()
                done += 1
                progress(done, len(wanted))

        _each(answer, missing, plan.workers)


def _has_failed(record: Record) -> bool:
    is_empty = not record.response.text.strip() and record.response.status != "declined"
    return record.response.error is not None or is_empty


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
        response = responses.whole(system.answer(case))
    except SettingsError:
        raise  # no other case would fare better
    except BylineError as error:
        response = Response(error=str(error))
    except Exception as error:  # of somebody's engine: its case has failed, the run goes on
        response = Response(error=f"{type(error).__name__}: {error}")
    if response.error is not None:
        response = replace(
            response, error=" ".join(response.error.split())[:400] or "it says no why"
        )
    if file and response.error is None:
        write_json(file, responses.to_record(response))
    return Record(case.id, repeat, response, "")


def _cache_file(case: Case, repeat: int, system: System, cache: Path | None) -> Path | None:
    if cache is None or system.depends_on is None:
        return None
    asked = {
        "question": case.question,
        "as_of": case.as_of or datetime.now(UTC).date().isoformat(),
        "filters": asdict(case.filters),
        "turns": [asdict(turn) for turn in case.turns],
    }
    return cache / f"{_digest([system.depends_on, asked, repeat])}.json"


def _scored(
    case: Case, record: Record, corpus: Corpus, judge: "Judge | None"
) -> tuple[Record, dict[str, str]]:
    seen = Seen(case, record.response, corpus)
    judged = {name: asdict(ask(judge)) for name, ask in questions(seen)} if judge else {}
    seen = replace(seen, judged=judged)
    scores, broken = scored(seen)
    if record.cached:
        scores = {name: value for name, value in scores.items() if name not in _TIMES}
    return replace(record, grade=seen.grade, scores=scores, judged=judged), broken


def _absent(cases: Iterable[Case], corpus: Corpus) -> int:
    """How many cases name articles that are not there: to them retrieval can only fail."""
    if not corpus.ids:
        return 0
    return sum(any(corpus.resolve(name) is None for name in case.relevant) for case in cases)


def redacted(text: str) -> str:
    """A command or an address without the passwords and keys in it.

    >>> redacted("http://me:secret@host/v1 --key=sk-1")
    'http://***@host/v1 --key=***'
    """
    text = re.sub(r"(?<=//)[^/@\s]+(?=@)", "***", text)
    return re.sub(r"((?:key|token|password)=)[^,&\s]+", r"\1***", text, flags=re.I)


def _digest(value: Any) -> str:
    plain = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:24]


# What the metrics are made of, beside themselves.
_SCORES = {
    "evals": ("case", "response", "corpus", "match", "run", "summary"),
    "index": ("chunk", "copies", "dates", "numbers", "words"),
    "qa": ("answer", "refusal"),
}


def metrics_version() -> str:
    """A hash of the code that scores: numbers of two versions are not comparable as they stand."""
    root = Path(__file__).parents[1]
    files = [*sorted((root / "evals" / "metrics").glob("*.py"))]
    files += [root / room / f"{name}.py" for room, names in _SCORES.items() for name in names]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    digest.update("".join(map(version, ("ir-measures", "sentencex", "text2num"))).encode())
    return digest.hexdigest()[:12]


def _commit() -> str | None:
    """The commit of Byline's code, "+" behind it where there are changes; None: no Git."""
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
