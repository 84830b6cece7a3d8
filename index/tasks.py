"""The task queue of an index in PostgreSQL, which all processes that serve it work on together.

tasks = Tasks(archive.engine, archive.uuid)
tasks.put(connection, "add", job_id="5e0f")      # in the transaction of `connection`
await tasks.work(add_job, tend)          # the second once a minute, by one of all processes

procrastinate keeps it: tables in the index's schema, a heartbeat of each process, locks. What a
process had in hand that died is another's within 25 seconds.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from procrastinate.jobs import Job
from procrastinate.schema import SchemaManager, migrations_path

from ..errors import BylineError
from .archive import tables, writes
from .jobs import Later

_BEAT_SECONDS, _DEAD_SECONDS = 5.0, 15.0
_TAKE_OVER = "* * * * * */5"  # cron, seconds last: so often stalled tasks are looked for
_MINUTE = "* * * * *"
_POLL_SECONDS = 2.0  # between looks for tasks that are tried again; of new ones it is told
_RETRY_SECONDS = 2
_LOCKED = "SELECT pg_advisory_xact_lock(hashtext('byline tasks'))"
_MADE = "tasks"  # a key of meta: the last of procrastinate's migrations

# A line for each task, and stack frames where the database is away: what that means is said once.
logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class Tasks:
    """The queue; tasks of one name are done one after the other."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._is_made = False

    def make(self) -> None:
        """Make its tables, or bring them up to date."""
        if self._is_made:
            return
        with self._engine.begin() as connection:
            connection.execute(sa.text(_LOCKED))
            query = sa.select(tables.meta.c.value).where(tables.meta.c.key == _MADE)
            made = connection.scalar(query)
            there = sorted(migrations_path.glob("*.sql"))
            scripts = [one.read_text("utf-8") for one in there if made and one.name > made]
            for script in scripts if made else [SchemaManager.get_schema()]:
                _raw(connection).execute(script)
            if made != there[-1].name:
                writes.note(connection, _MADE, there[-1].name)
        self._is_made = True

    def put(self, connection: sa.Connection, task: str, *, priority: int = 0, **given: str) -> None:
        """Have a task done after those of its name and priority that were put before."""
        app = App(connector=SyncPsycopgConnector())
        at = {"queue": self._name, "lock": task, "connection": _raw(connection)}
        app.configure_task(task, priority=priority, **at).defer(**given)

    def put_lost(self, connection: sa.Connection, job_ids: Iterable[str]) -> None:
        """Put the jobs that are in no task, as those of a restored index are, before others.

        They are in the order in which they came, and older than what is in one.
        """
        connection.execute(sa.text(_LOCKED))
        held = sa.text("SELECT args->>'job_id' FROM procrastinate_jobs WHERE task_name = 'add'")
        known = set(connection.scalars(held))
        for job_id in job_ids:
            if job_id not in known:
                self.put(connection, "add", priority=1, job_id=job_id)

    async def work(
        self,
        add: Callable[[str], None],
        tend: Callable[[], None],
    ) -> None:
        """Do tasks, each in a thread, until cancelled; then what is in hand ends first.

        Raises whatever the database does when it is away.
        """
        app = App(connector=PsycopgConnector(**self._pool()))
        again = RetryStrategy(wait=_RETRY_SECONDS, retry_exceptions=[Later])
        told: dict[str, Any] = {"queue": self._name, "pass_context": False}

        @app.task(name="add", retry=again, **told)
        def _(job_id: str) -> None:
            add(job_id)

        @app.periodic(cron=_MINUTE)
        @app.task(name="tend", lock="tend", queueing_lock="tend", **told)
        def _(timestamp: int) -> None:
            tend()

        @app.periodic(cron=_TAKE_OVER)
        @app.task(name="take_over", **told)
        async def _(timestamp: int) -> None:
            stalled = await app.job_manager.get_stalled_jobs(
                queue=self._name, seconds_since_heartbeat=_DEAD_SECONDS
            )
            with suppress(BylineError):  # the next look finds them again
                await asyncio.to_thread(self._replace, stalled)

        opened = asyncio.ensure_future(app.connector.open_async())
        try:
            await asyncio.shield(opened)  # a pool that is cancelled as it opens never ends
            await app.run_worker_async(
                queues=[self._name],
                concurrency=3,  # one of each name
                delete_jobs="always",
                install_signal_handlers=False,
                fetch_job_polling_interval=_POLL_SECONDS,
                update_heartbeat_interval=_BEAT_SECONDS,
                stalled_worker_timeout=_DEAD_SECONDS,
            )
        finally:
            await asyncio.wait([opened])
            await app.close_async()

    def _replace(self, stalled: Iterable[Job]) -> None:
        """Put others in the place of tasks whose process died; one that lives yet may end its own.

        None in place of those that time brings again: the next may wait behind it already.
        """
        gone = sa.text("DELETE FROM procrastinate_jobs WHERE id = :id AND status = 'doing'")
        with self._engine.begin() as connection:
            for job in stalled:
                is_ours = connection.execute(gone, {"id": job.id}).rowcount
                if is_ours and job.task_name == "add":
                    self.put(connection, "add", priority=1, job_id=str(job.task_kwargs["job_id"]))

    def _pool(self) -> dict[str, Any]:
        with self._engine.connect() as connection:
            schema = connection.scalar(sa.text("SELECT current_schema()"))

        async def configure(connection: Any) -> None:
            was = connection.autocommit
            await connection.set_autocommit(True)
            await connection.execute(f'SET search_path TO "{schema}"')
            await connection.set_autocommit(was)

        url = self._engine.url.set(drivername="postgresql")
        shown = url.render_as_string(hide_password=False)
        return {"conninfo": shown, "configure": configure, "min_size": 1, "max_size": 4}


def _raw(connection: sa.Connection) -> Any:
    """Psycopg's own connection, within the same transaction."""
    return connection.connection.driver_connection
