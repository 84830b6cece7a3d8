"""Jobs: articles that were accepted to be added in the background, kept until they have been.

folder = jobs.stage(); (folder / "0").mkdir(); (folder / "0" / "wire.jsonl").write_bytes(raw)
job = jobs.accept(folder)               # durable from here on
jobs.get(job.id).state

What is to be added lies beside the archive until its job ends; what it names is in no table.
"""

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..errors import Conflict, InputError, NotFound
from .archive import Archive, tombstones
from .archive.tables import job_parts, jobs
from .build import Report
from .read import Entry, Failure, read_upload

STATES = ("queued", "running", "done", "failed", "cancelled")
URLS = ".urls"  # the file that lists addresses; no upload is called so
_OPEN = ("queued", "running")
_MOST_KEPT = 1000  # jobs that have ended
_MOST_FAILURES = 1000  # that are kept of a job
_LARGEST_PAGE = 16_000_000  # bytes, within a file that is compressed
_PIECE_BYTES = 1 << 20  # of what a job was given, in a row
_UPLOAD_SECONDS = 3600  # of silence, after which an upload is not under way any more


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands."""

    id: str
    state: str
    "queued | running | done | failed | cancelled"
    created: datetime
    started: datetime | None
    ended: datetime | None
    added: int
    updated: int
    unchanged: int
    failed: int
    "articles and files that could not be added"
    failures: tuple[Failure, ...]
    "the first thousand of them, and why"
    error: str | None
    "why the job failed, or what it waits for"
    runs: int
    "more than 1: it was interrupted and resumed; what it had added before counts as unchanged"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state not in _OPEN


class Jobs:
    """The jobs of an index; safe to use from several threads and processes."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder

    def stage(self) -> Path:
        """A folder for what is to be added: numbered folders, each with one file."""
        staged = self._folder / secrets.token_hex(9)
        staged.mkdir(parents=True)
        return staged

    def accept(self, staged: Path) -> Job:
        """Make a job of what was staged: once this returns, a kill of the process loses nothing."""
        files = sorted(staged.glob("*/*"))
        for path in (*files, *staged.glob("*"), staged, self._folder, self._folder.parent):
            _to_disk(path)
        values = {"id": staged.name, "state": "queued", "parts": len(files)}
        values["report"] = _noted(Report())
        ended = sa.select(jobs.c.pk).where(jobs.c.state.not_in(_OPEN)).order_by(jobs.c.pk.desc())
        with self._engine.begin() as connection:
            connection.execute(jobs.insert().values(**values, created_at=time.time()))
            self._keep(connection, staged.name, files)
            old = ended.offset(_MOST_KEPT)
            connection.execute(jobs.delete().where(jobs.c.pk.in_(old)))
        return self.get(staged.name)

    def _keep(self, connection: sa.Connection, job_id: str, files: Sequence[Path]) -> None:
        """Nothing: here files stay where they were staged."""

    def get(self, job_id: str) -> Job:
        """The job of this id. Raises NotFound."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).first()
        if row is None:
            raise NotFound(f"There is no job '{job_id}' in this index.")
        return _job(row)

    def list(self, limit: int = 100) -> list[Job]:
        """Jobs, the newest first."""
        query = sa.select(jobs).order_by(jobs.c.pk.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query)]

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        query = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        with self._engine.connect() as connection:
            found = {state: count for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in STATES}

    def cancel(self, job_id: str) -> Job:
        """Add no more of a job. Raises NotFound, and Conflict where it has ended."""
        if not self._change(job_id, state="cancelled", ended_at=time.time(), error=None):
            raise Conflict(f"Job '{job_id}' is {self.get(job_id).state}: nothing to cancel.")
        self._discard(job_id)
        return self.get(job_id)

    # For the one that works on them, which holds a lock of its own

    def begin(self, job_id: str | None = None) -> Job | None:
        """The job that is next, running from now on: one that was interrupted, or the oldest.

        Of an id: that one, unless it has ended.
        """
        first = sa.select(sa.func.min(jobs.c.pk)).where(jobs.c.state.in_(_OPEN))
        if job_id is not None:
            first = first.where(jobs.c.id == job_id)
        started = sa.func.coalesce(jobs.c.started_at, time.time())
        now = {"state": "running", "runs": jobs.c.runs + 1, "started_at": started, "error": None}
        with self._engine.begin() as connection:
            pk = connection.scalar(first)
            if pk is None:  # looking takes no turn to write
                return None
            change = jobs.update().where(jobs.c.pk == pk, jobs.c.state.in_(_OPEN))
            row = connection.execute(change.values(now).returning(jobs)).first()
        return _job(row) if row else None

    def given(self, job_id: str, *, max_article_bytes: int) -> Iterator[str | Entry | Failure]:
        """What a job is to add. Raises InputError where it is not all there any more."""
        files = sorted(self._files(job_id).glob("*/*"), key=lambda f: int(f.parent.name))
        parts = sa.select(jobs.c.parts).where(jobs.c.id == job_id)
        with self._engine.connect() as connection:
            if len(files) != connection.scalar(parts):
                raise InputError(
                    "What it was to add is gone: an article in it was erased meanwhile, or the "
                    "index is a restored one. Give the rest again."
                )
        return _given(files, max_article_bytes)

    def _files(self, job_id: str) -> Path:
        return self._folder / job_id

    def progress(self, job: Job, report: Report) -> bool:
        """Note how far a job is; False where it was cancelled, or another has taken it over."""
        return self._change(job.id, run=job.runs, report=_noted(report))

    def holds(self, job: Job) -> bool:
        """Whether it is neither cancelled nor taken over by another."""
        query = sa.select(jobs.c.pk).where(jobs.c.id == job.id, jobs.c.state.in_(_OPEN))
        with self._engine.connect() as connection:
            return connection.scalar(query.where(jobs.c.runs == job.runs)) is not None

    def requeue(self, job: Job, why: str | None) -> None:
        """Let a job that was not finished be begun again."""
        now: dict[str, Any] = {"state": "queued", "runs": jobs.c.runs - 1, "error": why}
        self._change(job.id, run=job.runs, **now)

    def end(self, job: Job, report: Report, error: str | None = None) -> None:
        """Note what became of a job, and delete what it was given.

        Nothing, where another has taken it over, nor of one that was interrupted, but a cancelled.
        """
        among = ("cancelled",) if report.interrupted else STATES
        state = sa.case(
            (jobs.c.state == "cancelled", "cancelled"), else_="failed" if error else "done"
        )
        now = {"ended_at": sa.func.coalesce(jobs.c.ended_at, time.time()), "error": error}
        noted = _noted(report)
        if self._change(job.id, among, run=job.runs, state=state, report=noted, **now):
            self._discard(job.id)

    def sweep(self) -> None:
        """Delete what lies here of jobs that have ended, and of uploads that broke off."""
        query = sa.select(jobs.c.id).where(jobs.c.state.in_(_OPEN))
        with self._engine.connect() as connection:
            kept = set(connection.scalars(query))
        self._sweep_files(kept)

    def _sweep_files(self, kept: set[str]) -> None:
        for staged in self._folder.glob("*"):
            with suppress(OSError):
                touched = max(p.stat().st_mtime for p in (staged, *staged.rglob("*")))
                if staged.name not in kept and touched < time.time() - _UPLOAD_SECONDS:
                    shutil.rmtree(staged, ignore_errors=True)

    def forget(self, words: Iterable[str]) -> None:
        """Leave nothing of what was erased: no file that holds it, no failure that names it.

        `words` are ids and texts of what was erased; in files the tombstones tell it. A job whose
        files are deleted fails when its turn comes, unless it is running.
        """
        with self._engine.begin() as connection:
            for word in words:
                quoted = json.dumps(word, ensure_ascii=False)[1:-1]
                speaks = jobs.c.error.contains(quoted, autoescape=True)
                connection.execute(jobs.update().where(speaks).values(error="erased"))
                named = jobs.c.report.contains(quoted, autoescape=True)
                for row in connection.execute(
                    sa.select(jobs.c.pk, jobs.c.report).where(named)
                ).all():
                    without = json.dumps(json.loads(row.report) | {"failures": []})
                    this = jobs.update().where(jobs.c.pk == row.pk)
                    connection.execute(this.values(report=without))
        self._forget_files()

    def _forget_files(self) -> None:
        with self._engine.connect() as connection:  # reading takes long: nobody waits for it
            for staged in self._folder.glob("*"):
                if any(_is_erased(connection, file) for file in staged.glob("*/*")):
                    shutil.rmtree(staged, ignore_errors=True)

    def _discard(self, job_id: str) -> None:
        shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def _change(
        self, job_id: str, among: Sequence[str] = _OPEN, *, run: int | None = None, **values: Any
    ) -> bool:
        change = jobs.update().where(jobs.c.id == job_id, jobs.c.state.in_(among)).values(**values)
        if run is not None:
            change = change.where(jobs.c.runs == run)
        with self._engine.begin() as connection:
            return connection.execute(change).rowcount > 0


class Later(Exception):
    """What was begun of a task is put back: whichever process may go on with it in a moment."""


class SharedJobs(Jobs):
    """The jobs of an index in PostgreSQL: what they are to add is there too, for any process.

    On this machine's disk it lies only while it arrives, and while this process works on it.
    """

    def __init__(self, engine: sa.Engine, folder: Path, name: str) -> None:
        from .tasks import Tasks  # of an extra

        super().__init__(engine, folder)
        self.tasks = Tasks(engine, name)
        self._here: dict[str, Path] = {}

    def accept(self, staged: Path) -> Job:
        """As `Jobs.accept`; a task of the queue does it."""
        self.tasks.make()
        job = super().accept(staged)
        shutil.rmtree(staged, ignore_errors=True)
        return job

    def _keep(self, connection: sa.Connection, job_id: str, files: Sequence[Path]) -> None:
        for file in files:
            row = {"job_id": job_id, "file": int(file.parent.name), "name": file.name}
            with file.open("rb") as opened:
                pieces = iter(lambda: opened.read(_PIECE_BYTES), b"")
                for number, body in enumerate(chain(pieces, (b"",))):  # also of an empty file
                    piece = row | {"number": number, "body": body}
                    connection.execute(job_parts.insert().values(piece))
        self.tasks.put(connection, "add", job_id=job_id)

    def _files(self, job_id: str) -> Path:
        self.leave(job_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._here[job_id] = Path(tempfile.mkdtemp(prefix=f"{job_id}.", dir=self._folder))
        self._unpack(job_id, self._here[job_id])
        return self._here[job_id]

    def _unpack(self, job_id: str, into: Path) -> None:
        """Write what a job was given to this machine's disk."""
        parts = sa.select(job_parts).where(job_parts.c.job_id == job_id)
        parts = parts.order_by(job_parts.c.file, job_parts.c.number)
        with self._engine.connect().execution_options(yield_per=4) as connection:
            for row in connection.execute(parts):
                folder = into / str(row.file)
                folder.mkdir(parents=True, exist_ok=True)
                with folder.joinpath(row.name).open("ab") as file:
                    file.write(row.body)

    def leave(self, job_id: str) -> None:
        """Delete what lies on this machine's disk of a job that is not worked on here any more."""
        if job_id in self._here:
            shutil.rmtree(self._here.pop(job_id), ignore_errors=True)

    def sweep(self) -> None:
        """Delete what is left of jobs that have ended; find those that are in no task."""
        waiting = sa.select(jobs.c.id).where(jobs.c.state.in_(_OPEN)).order_by(jobs.c.pk)
        with self._engine.begin() as connection:
            connection.execute(job_parts.delete().where(job_parts.c.job_id.not_in(waiting)))
            held = list(connection.scalars(waiting))
            self.tasks.put_lost(connection, held)
        here = (path.name for path in self._folder.glob("*"))
        self._sweep_files({name for name in here if name.partition(".")[0] in held})

    def _forget_files(self) -> None:
        super()._forget_files()  # what a process that was killed has left
        with self._engine.connect() as connection:
            for job_id in list(connection.scalars(sa.select(job_parts.c.job_id).distinct())):
                with tempfile.TemporaryDirectory() as name:
                    self._unpack(job_id, Path(name))
                    if any(_is_erased(connection, file) for file in Path(name).glob("*/*")):
                        self._discard(job_id)

    def _discard(self, job_id: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(job_parts.delete().where(job_parts.c.job_id == job_id))
        self.leave(job_id)


def jobs_of(archive: Archive) -> Jobs:
    """The jobs of an index."""
    engine, folder = archive.engine, archive.path.parent / "jobs"
    if engine.dialect.name == "postgresql":
        return SharedJobs(engine, folder, archive.uuid)
    return Jobs(engine, folder)


def _given(files: Sequence[Path], limit: int) -> Iterator[str | Entry | Failure]:
    for file in files:
        if file.name == URLS:
            yield from json.loads(file.read_text("utf-8"))
        else:
            yield from read_upload(file, max_article_bytes=limit)


def _is_erased(connection: sa.Connection, file: Path) -> bool:
    """Whether a file holds an article that was erased, in whatever format."""
    for found in _given([file], max(file.stat().st_size, _LARGEST_PAGE)):
        with suppress(InputError, RecursionError):
            if isinstance(found, str):
                keys = tombstones.keys_of(found, found)
                if tombstones.erased_at(connection, keys) is not None:
                    return True
            elif isinstance(found, Entry) and tombstones.refusal(connection, found.load()):
                return True
    return False


def _noted(report: Report) -> str:
    counts = {name: getattr(report, name) for name in ("added", "updated", "unchanged")}
    counts["failed"] = len(report.failed)
    failures = [asdict(failure) for failure in report.failed[:_MOST_FAILURES]]
    return json.dumps(counts | {"failures": failures}, ensure_ascii=False)


def _job(row: Any) -> Job:
    noted = json.loads(row.report)
    noted["failures"] = tuple(Failure(**failure) for failure in noted["failures"])
    times = (_moment(at) for at in (row.created_at, row.started_at, row.ended_at))
    return Job(row.id, row.state, *times, **noted | {"error": row.error, "runs": row.runs})


def _moment(at: float | None) -> Any:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _to_disk(path: Path) -> None:
    """Have a file or folder on the disk, so that a power cut does not lose it."""
    if os.name != "posix" and path.is_dir():  # there, a folder cannot be opened
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
