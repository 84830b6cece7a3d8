"""Who does the jobs of an index: a thread of each process that serves it.

worker = worker_of(desk, jobs); worker.start(); worker.look(); worker.stop()
"""

import asyncio
import logging
import threading
from contextlib import suppress

from filelock import FileLock, Timeout

from ...desk import Desk
from ...errors import (
    ArchiveUnavailable,
    BylineError,
    DiskError,
    IndexDamaged,
    IndexLocked,
    ModelUnavailable,
    SettingsError,
    StoreUnavailable,
)
from ...index.build import Report
from ...index.disk import reason_of
from ...index.jobs import Job, Jobs, Later, SharedJobs

_MOST_RUNS = 10  # of a job with which the process died each time
_RETRY_SECONDS = 2.0
_LOOK_SECONDS = 5.0  # between two looks for jobs that other processes have left
_LATER = (
    ArchiveUnavailable,
    IndexLocked,
    StoreUnavailable,
    ModelUnavailable,
    DiskError,
    SettingsError,
    IndexDamaged,
)  # these are waited for: no article is to blame

_log = logging.getLogger(__name__)


def worker_of(desk: Desk, jobs: Jobs) -> "Worker":
    """The worker of a process."""
    return SharedWorker(desk, jobs) if isinstance(jobs, SharedJobs) else Worker(desk, jobs)


class Worker:
    """The thread that does the jobs of an index, one at a time, in one process at a time."""

    def __init__(self, desk: Desk, jobs: Jobs) -> None:
        self._desk, self._jobs = desk, jobs
        self._awake = threading.Event()
        self._stopping = False

    def start(self) -> None:
        """Begin, also with what an earlier process has left."""
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="byline-jobs", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """There is a new job."""
        self._awake.set()

    def stop(self) -> None:
        """End after the batch that is under way; the rest of the job is for the next start."""
        self._stopping = True
        self._awake.set()
        self._thread.join(30)

    def _work(self) -> None:
        while not self._stopping:
            self._awake.clear()
            try:
                with FileLock(self._desk.folder / "lock.jobs", timeout=0):
                    self._jobs.sweep()
                    while not self._stopping and (job := self._jobs.begin()):
                        if not self._do(job):
                            self._awake.wait(_RETRY_SECONDS)
            except Timeout:
                pass  # another process does them
            except (BylineError, OSError) as error:
                _log.warning("jobs wait: %s", error)
            self._awake.wait(_LOOK_SECONDS)

    def _do(self, job: Job) -> bool:
        """Do a job; False where it was put back, to be begun again."""
        report = Report()

        def progress(so_far: Report) -> None:
            nonlocal report
            report = so_far
            if self._stopping or not self._jobs.progress(job, so_far):
                raise KeyboardInterrupt  # which `add` takes between two batches

        def may_write() -> bool:
            return self._jobs.holds(job)

        limit = self._desk.settings.max_article_bytes
        try:
            if job.runs > _MOST_RUNS:
                raise BylineError(f"It was begun {_MOST_RUNS} times, and the process died of it.")
            given = self._jobs.given(job.id, max_article_bytes=limit)
            report = self._desk.add(given, progress=progress, may_write=may_write)
        except _LATER as error:
            self._jobs.requeue(job, str(error))
            return False
        except BylineError as error:
            self._jobs.end(job, report, str(error))
        except Exception as error:
            _log.exception("job %s failed", job.id)
            self._jobs.end(job, report, f"Unexpected {type(error).__name__}.")
        else:
            if report.interrupted and self._stopping:
                self._jobs.requeue(job, None)
                return False
            self._jobs.end(job, report)
        return True


class SharedWorker(Worker):
    """The thread that takes part in the jobs of an index that several processes serve.

    It also reads the feeds that are due, once a minute, whichever process it is.
    """

    def __init__(self, desk: Desk, jobs: SharedJobs) -> None:
        super().__init__(desk, jobs)
        self._shared = jobs
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """As `Worker.stop`; another process goes on with what is left of the job."""
        self._stopping = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._part.cancel)
        self._thread.join(30)

    def _work(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._take_part())

    async def _take_part(self) -> None:
        self._part = asyncio.ensure_future(self._do_tasks())
        self._loop = asyncio.get_running_loop()
        await self._part

    async def _do_tasks(self) -> None:
        while not self._stopping:
            try:
                await asyncio.to_thread(self._shared.tasks.make)
                await asyncio.to_thread(self._shared.sweep)
                await self._shared.tasks.work(self._add, self._tend)
            except Exception as error:  # the database is away, for one
                _log.warning("jobs wait: %s", reason_of(error.__cause__ or error))
            await asyncio.sleep(_RETRY_SECONDS)

    def _add(self, job_id: str) -> None:
        try:
            job = self._jobs.begin(job_id)
            is_over = job is None or self._do(job)
        except Exception as error:  # it could not be noted what became of it
            _log.warning("job %s waits: %s", job_id, error)
            raise Later from error
        finally:
            self._shared.leave(job_id)
        if not is_over:
            raise Later

    def _tend(self) -> None:
        try:
            self._shared.sweep()
            self._desk.follow.run(only_due=True)
        except BylineError as error:  # another follows, for one
            _log.warning("feeds wait: %s", error)
