"""Several services over one PostgreSQL and one Chroma server are one service.

Here each is a desk with a home of its own, in this process; bench/replicas.py kills real ones.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from byline import Desk
from byline.desk import server_in
from byline.index import build
from byline.index.archive.tables import job_parts, jobs
from byline.index.backup import restore
from byline.index.build import Report
from byline.index.jobs import SharedJobs, jobs_of
from byline.settings import load_settings
from byline.tests.conftest import ARTICLES
from byline.tests.fakes import Letters
from byline.tests.ui.api.test_adding import RECORD, added, counts, until
from byline.ui import api
from byline.ui.api import service
from byline.ui.api import worker as worker_module
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

Replica = Callable[..., Desk]
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building the page takes seconds, and none of this is about it."""
    monkeypatch.setattr(api, "find_spec", lambda name: find_spec(name) if name == "mcp" else None)


@pytest.fixture
def replica(tmp_path: Path, database: str, chroma_url: str) -> Iterator[Replica]:
    """Opens one more desk over the same index."""
    index, given = f"i{uuid4().hex[:12]}", {"archive": database, "store": chroma_url}
    with ExitStack() as opened:

        def open_one(rate: str = "off") -> Desk:
            home = tmp_path / uuid4().hex
            home.mkdir()
            settings = load_settings(home=home, index=index, rate_limit=rate, **given)
            return opened.enter_context(Desk(settings=settings, embedder=Letters()))

        yield open_one


@contextmanager
def served(desk: Desk) -> Iterator[TestClient]:
    app: ASGIApp = service(desk)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5)) as client:
        yield client


def shared(desk: Desk) -> SharedJobs:
    found = jobs_of(desk.archive)
    assert isinstance(found, SharedJobs)
    return found


def accepted(desk: Desk, *records: dict[str, Any]) -> str:
    """A job that waits: nobody works here."""
    held = shared(desk)
    staged = held.stage()
    (staged / "0").mkdir()
    (staged / "0" / "a.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in records))
    return held.accept(staged).id


def died_with(desk: Desk, tasks: str) -> None:
    """A replica that had such tasks in hand has been silent for a minute."""
    with desk.archive.engine.begin() as connection:
        dead = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1m')"
        number = connection.scalar(sa.text(f"{dead} RETURNING id"))
        taken = f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = {number}"
        assert connection.execute(sa.text(f"{taken} WHERE {tasks}")).rowcount


def test_what_one_takes_another_shows_and_finds(replica: Replica) -> None:
    one, other = replica(), replica()
    with served(one) as here, served(other) as there:
        assert there.post("/v1/ask", json={"question": "What stood in Tern Bay?"}).json()["reason"]
        files = [("files", (name, text.encode())) for name, text in ARTICLES.items()]
        files.append(("files", ("empty.txt", b"")))
        assert counts(added(here, files=files)) == [3, 0, 0, 1]
        job = added(here, json={"articles": [RECORD]})
        assert there.get(f"/v1/jobs/{job['id']}").json() == job
        found = there.post("/v1/search", json={"query": "quay at Tern Bay"}).json()["hits"]
        assert found[0]["article_id"] == "flood-1"
        answer = there.post("/v1/ask", json={"question": "What stood in Tern Bay?"}).json()
        assert answer["index_version"] == here.get("/readyz").json()["index_version"]
    with one.archive.engine.connect() as connection:
        assert connection.execute(sa.select(job_parts)).all() == []
    assert list((one.folder / "jobs").glob("*")) == []
    assert one.check().problems == ()


def test_an_index_that_is_moved_or_put_back_takes_jobs(
    replica: Replica, tmp_path: Path, database: str
) -> None:
    one, before, there = replica(), tmp_path / "before.byline", tmp_path / "there.byline"
    one.backup(before)
    accepted(one, RECORD)
    one.backup(there)
    moved = load_settings(home=tmp_path, index=f"i{uuid4().hex[:12]}", archive=database)
    restore(there, tmp_path / moved.index, archive_url=database)
    with Desk(settings=moved, embedder=Letters()) as desk:
        shared(desk).tasks.make()  # as a worker does
        shared(desk).sweep()
        accepted(desk, RECORD)
    restore(before, one.folder, force=True, server=server_in(one.settings), archive_url=database)
    shared(one).tasks.make()
    accepted(one, RECORD)


def test_conversations_sessions_and_keys_are_known_to_all(replica: Replica) -> None:
    one, other = replica(), replica()
    one.archive.keys.add("admin", "admin")
    key, shown = other.archive.keys.add("reader", "read")
    bearer = {"Authorization": f"Bearer {shown}"}
    with served(one) as here, served(other) as there:
        began = here.post("/v1/conversations", json={}, headers=bearer).json()["id"]
        for client in (there, here):
            asked = {"question": "Who resigned?"}
            got = client.post(f"/v1/conversations/{began}/ask", json=asked, headers=bearer)
            assert got.status_code == 200, got.text
        turns = there.get(f"/v1/conversations/{began}", headers=bearer).json()["turns"]
        assert len(turns) == 2
        signed = here.post("/signin", data={"key": shown}, headers=OWN, follow_redirects=False)
        cookie = signed.headers["set-cookie"].partition(";")[0]
        assert there.get("/v1/collection", headers={"Cookie": cookie}).status_code == 200
        one.archive.keys.revoke(key.id)
        assert there.get("/v1/collection", headers={"Cookie": cookie}).status_code == 401
        assert there.get("/v1/collection", headers=bearer).status_code == 401


def test_rates_are_counted_together(replica: Replica) -> None:
    with served(replica("20/hour")) as here, served(replica("20/hour")) as there:
        asked = {"query": "ferry"}
        for _ in range(2):  # the hour may turn meanwhile
            got = [
                client.post("/v1/search", json=asked).status_code
                for _ in range(12)
                for client in (here, there)
            ]
            if 429 in got:
                break
        assert got.count(200) <= 20
        assert got[-1] == 429


def test_a_client_of_mcp_may_meet_another_replica_each_time(replica: Replica) -> None:
    accept = {"Accept": "application/json, text/event-stream"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with served(replica()) as here, served(replica()) as there:
        for client in (here, there):
            got = client.post("/mcp", json=call, headers=accept)
            assert got.status_code == 200
            assert "ask" in got.text


def test_a_job_that_a_dead_replica_had_in_hand_is_taken_over(replica: Replica) -> None:
    one, other = replica(), replica()
    job_id, after = accepted(one, RECORD), accepted(one, {**RECORD, "id": "flood-2"})
    assert shared(one).begin(job_id)
    died_with(one, f"args->>'job_id' = '{job_id}'")
    began = time.monotonic()
    with served(other) as there:
        job = until(there, job_id, "done")
        assert (counts(job), job["runs"]) == ([1, 0, 0, 0], 2)
        assert until(there, after, "done")["runs"] == 1  # in order
    assert time.monotonic() - began < 25
    assert [article.id for article in one.articles.list()].count("flood-1") == 1


def test_one_that_was_taken_for_dead_changes_nothing_any_more(replica: Replica) -> None:
    held = shared(replica())
    job_id = accepted(replica(), RECORD)
    first, second = held.begin(job_id), held.begin(job_id)
    assert first is not None
    assert second is not None
    assert not held.progress(first, Report(added=5))
    held.end(first, Report(added=5), "failed here")
    held.requeue(first, "later")
    held.requeue(second, "later")  # which makes the second run the first again
    held.end(first, Report(interrupted=True))
    assert held.get(job_id).state == "queued"
    second = held.begin(job_id)
    assert second is not None
    assert (held.get(job_id).state, held.get(job_id).runs) == ("running", 2)
    assert list(held.given(job_id, max_article_bytes=10_000))
    held.end(second, Report(added=1))
    assert (held.get(job_id).state, held.get(job_id).added) == ("done", 1)


def test_one_that_was_taken_for_dead_writes_nothing_any_more(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = replica(), replica()
    newer = {**RECORD, "text": "The quay at Tern Bay stood under two metres of water."}
    job_id, after = accepted(one, RECORD), accepted(one, newer)
    embedded, embedder, left = build.embed, one._models.embedder(), [job_id, after]

    def embed(made: Any, by: Any) -> Any:
        while by is embedder and left:
            did(other, left.pop(0))
        return embedded(made, by)

    def did(desk: Desk, job_id: str) -> None:
        held = shared(desk)
        assert (job := held.begin(job_id))
        worker_module.worker_of(desk, held)._do(job)

    monkeypatch.setattr(build, "embed", embed)
    did(one, job_id)
    assert one.articles.get("flood-1").text == newer["text"]
    assert [shared(one).get(id).added for id in (job_id, after)] == [1, 0]
    assert one.check().problems == ()


def test_one_that_was_taken_for_dead_and_ends_lets_no_other_job_begin(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, real, begun, goes_on = replica(), Desk.add, threading.Event(), threading.Event()

    def slow(self: Desk, *given: Any, **options: Any) -> Report:
        begun.set()
        goes_on.wait(60)
        return real(self, *given, **options)

    monkeypatch.setattr(Desk, "add", slow)
    job_id, after = accepted(one, RECORD), accepted(one, {**RECORD, "id": "flood-2", "url": None})
    died_with(one, f"args->>'job_id' = '{job_id}'")
    with one.archive.engine.connect() as connection:
        in_hand = "SELECT id FROM procrastinate_jobs WHERE status = 'doing'"
        task = connection.scalar(sa.text(in_hand))
    with served(replica()) as there:
        assert begun.wait(60)
        with suppress(sa.exc.DBAPIError), one.archive.engine.begin() as connection:
            ends = f"SELECT procrastinate_finish_job_v1({task}, 'failed', true)"
            connection.execute(sa.text(ends))
        time.sleep(3)  # longer than between two looks for tasks
        assert there.get(f"/v1/jobs/{after}").json()["state"] == "queued"
        goes_on.set()
        assert until(there, job_id, "done")["ended"] <= until(there, after, "done")["started"]


def test_one_that_ends_hands_its_job_on(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = replica(), replica()
    real, begun = Desk.add, asyncio.Event()

    def slow(
        self: Desk, paths: Any, *, progress: Callable[[Report], None], **options: Any
    ) -> Report:
        if self is not one:
            return real(self, paths, progress=progress, **options)
        begun.set()
        report = Report()
        try:
            for _ in range(300):
                time.sleep(0.05)
                progress(report)
        except KeyboardInterrupt:
            report.interrupted = True
        return report

    monkeypatch.setattr(Desk, "add", slow)
    job_id = accepted(one, RECORD)
    with served(one) as here:
        until(here, job_id, "running")
    assert shared(one).get(job_id).state == "queued"
    with served(other) as there:
        job = until(there, job_id, "done")
    assert (counts(job), job["runs"]) == ([1, 0, 0, 0], 1)


def test_jobs_of_a_restored_index_fail_and_say_why(replica: Replica) -> None:
    one = replica()
    job_id = accepted(one, RECORD)
    with one.archive.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM procrastinate_jobs"))
        connection.execute(job_parts.delete())
    with served(one) as here:
        assert "is gone" in until(here, job_id, "failed")["error"]


def test_what_was_erased_is_in_no_upload_that_waits(replica: Replica) -> None:
    one = replica()
    one.add([_written(one, RECORD)])
    kept = {**RECORD, "id": "other", "title": "Rain", "text": "It rained in Brenik.", "url": None}
    job_id, other = accepted(one, RECORD), accepted(one, kept)
    left = one.folder / "jobs" / f"{job_id}.killed" / "0"  # by a process in the midst of it
    left.mkdir(parents=True)
    (left / "a.jsonl").write_text(json.dumps(RECORD))
    one.articles.erase("flood-1")
    assert not left.exists()
    with one.archive.engine.connect() as connection:
        assert set(connection.scalars(sa.select(job_parts.c.job_id))) == {other}
    with served(one) as here:
        assert "erased" in until(here, job_id, "failed")["error"]
        assert until(here, other, "done")["added"] == 1


def _written(desk: Desk, record: dict[str, Any]) -> Path:
    path = desk.settings.home / "a.jsonl"
    path.write_text(json.dumps(record))
    return path


@pytest.fixture
def feeds_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Whether feeds that are due have been read twice within a minute, every three seconds."""
    read = list[bool]()

    class Following:
        def __init__(self, desk: Desk) -> None:
            pass

        def run(self, *, only_due: bool) -> list[Any]:
            read.append(only_due)
            return []

    monkeypatch.setattr(Desk, "follow", property(Following))
    monkeypatch.setattr("byline.index.tasks._MINUTE", "* * * * * */3")

    def twice() -> bool:
        ends = time.monotonic() + 60
        while len(read) < 2 and time.monotonic() < ends:
            time.sleep(0.1)
        return len(read) >= 2 and all(read)

    return twice


def test_a_feed_that_is_due_is_read_by_one_of_them(
    replica: Replica, feeds_read: Callable[[], bool]
) -> None:
    with served(replica()), served(replica()):
        assert feeds_read()


def test_one_that_died_as_it_read_feeds_does_not_hold_up_the_others(
    replica: Replica, feeds_read: Callable[[], bool]
) -> None:
    one = replica()
    shared(one).tasks.make()
    tend = "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args) "
    tend += f"VALUES ('{one.archive.uuid}', 'tend', 'tend', 'tend', '{{\"timestamp\": 1}}')"
    for is_in_hand in (True, False):  # and the next minute's waits behind it
        with one.archive.engine.begin() as connection:
            connection.exec_driver_sql(tend)
        if is_in_hand:
            died_with(one, "task_name = 'tend'")
    with served(replica()):
        assert feeds_read()


def test_a_database_that_goes_away_is_told_and_waited_for(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = replica()
    monkeypatch.setattr(worker_module, "_RETRY_SECONDS", 0.2)
    with served(one) as here:
        added(here, json={"articles": [RECORD]})
        with one.archive.engine.connect() as connection:
            others = "pid <> pg_backend_pid() AND datname = current_database()"
            connection.execute(
                sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            )
        again = {**RECORD, "id": "flood-2", "url": None}
        assert counts(added(here, json={"articles": [again]})) == [1, 0, 0, 0]


def test_only_jobs_that_are_open_keep_what_they_were_given(replica: Replica) -> None:
    one = replica()
    job_id = accepted(one, RECORD)
    shared(one).cancel(job_id)
    with one.archive.engine.begin() as connection:
        assert connection.execute(sa.select(job_parts)).all() == []
        connection.execute(
            job_parts.insert().values(job_id="x", file=0, number=0, name="a", body=b"a")
        )
        connection.execute(jobs.update().values(state="cancelled"))
    shared(one).sweep()
    with one.archive.engine.connect() as connection:
        assert connection.execute(sa.select(job_parts)).all() == []
