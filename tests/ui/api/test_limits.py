"""What holds the service up under load, slow or rude clients, clocks that jump, and at its end."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import anyio
import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from byline import Desk
from byline.bench import service_faults
from byline.index.archive.counts import Counts
from byline.index.embed import MiniLM
from byline.tests.fakes import Slow, scripted
from byline.tests.servers import serving
from byline.tests.ui.api.test_gate import built
from byline.ui.api import service
from byline.ui.api.bounds import protocol
from byline.ui.api.drain import Drain, DrainingServer
from byline.ui.api.logs import start_logging
from byline.ui.api.queue import Queue
from byline.ui.api.rates import Rates, Taken
from fastapi.testclient import TestClient
from mcp import Client
from starlette.exceptions import HTTPException

QUESTION = {"question": "How much will the ferry's repair cost?"}
EVENTS = {"Accept": "text/event-stream"}
Start = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def start(own_desk: Desk, minilm: MiniLM) -> Start:
    """Starts a real server of the desk with some settings changed; gives its address."""

    @contextmanager
    def started(**changed: object) -> Iterator[str]:
        settings = own_desk.settings.model_copy(update=changed)
        with Desk(settings=settings, embedder=minilm) as desk:
            desk.search("ferry", 1)
            drain = Drain(5)
            config = uvicorn.Config(
                built(service, desk, drain),
                http=protocol(settings.request_timeout_seconds),
                log_config=None,
                timeout_graceful_shutdown=1,
            )
            with serving(DrainingServer(config, drain)) as address:
                yield address

    return started


def _local(desk: Desk) -> TestClient:
    return TestClient(
        built(service, desk), base_url="http://localhost", client=("127.0.0.1", 50_000)
    )


class TestQueue:
    def test_so_many_are_at_work_so_many_wait_and_no_more(self) -> None:
        async def crowd() -> tuple[int, int]:
            queue, at_work, most = Queue(at_once=3, waiting=4), 0, 0

            async def ask() -> None:
                nonlocal at_work, most
                async with queue.place("one"):
                    at_work += 1
                    most = max(most, at_work)
                    await asyncio.sleep(0.01)
                    at_work -= 1

            done = await asyncio.gather(*(ask() for _ in range(10)), return_exceptions=True)
            refused = [error for error in done if isinstance(error, HTTPException)]
            assert all(error.status_code == 429 for error in refused)
            assert all(error.headers and error.headers["Retry-After"] for error in refused)
            await asyncio.gather(*(ask() for _ in range(7)))  # all places were given back
            return most, len(refused)

        assert asyncio.run(crowd()) == (3, 3)

    def test_who_asks_once_is_not_behind_who_asks_often(self) -> None:
        async def order() -> str:
            queue, served = Queue(at_once=1, waiting=10), ""

            async def ask(whose: str) -> None:
                nonlocal served
                async with queue.place(whose):
                    served += whose
                    await asyncio.sleep(0)

            await asyncio.gather(*(ask(whose) for whose in "aaaabc"))
            return served

        assert asyncio.run(order()) == "aabcaa"

    def test_who_leaves_the_line_takes_no_place(self) -> None:
        async def leaving() -> None:
            queue = Queue(at_once=1, waiting=2)

            async def ask() -> None:
                async with queue.place("x"):
                    await asyncio.sleep(0.01)

            tasks = [asyncio.create_task(ask()) for _ in range(3)]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert queue.waiting == 0
            tasks = [asyncio.create_task(ask()) for _ in range(2)]
            await asyncio.sleep(0)
            tasks[0].cancel()  # at work: the next one's turn comes as it is cancelled too
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.wait_for(ask(), 1)

        asyncio.run(leaving())

    def test_one_too_many_is_told_when_to_come_again(self, start: Start) -> None:
        with (
            scripted(Slow("Cost [1].", 0.5)) as model,
            start(
                llm="tiny", llm_base_url=model.address, asks_at_once=1, asks_waiting=1
            ) as address,
            ThreadPoolExecutor(4) as threads,
        ):

            def ask(headers: dict[str, str]) -> httpx.Response:
                return httpx.post(f"{address}/v1/ask", json=QUESTION, headers=headers, timeout=30)

            got = list(threads.map(ask, [EVENTS, {}, EVENTS, {}]))
        statuses = sorted(one.status_code for one in got)
        assert statuses == [200, 200, 429, 429]
        refused = next(one for one in got if one.status_code == 429)
        assert refused.headers["retry-after"] == "5"
        assert refused.headers["content-type"] == "application/problem+json"

    def test_a_tool_of_mcp_waits_in_the_same_line(self, start: Start) -> None:
        with (
            scripted(Slow("Cost [1].", 0.5)) as model,
            start(
                llm="tiny", llm_base_url=model.address, asks_at_once=1, asks_waiting=0
            ) as address,
            ThreadPoolExecutor(1) as threads,
        ):

            async def call() -> str:
                async with Client(f"{address}/mcp") as client:
                    found = await client.call_tool("ask_news", QUESTION)
                    await client.call_tool("search_news", {"query": "ferry"})  # goes on
                    return found.content[0].text

            asked = threads.submit(httpx.post, f"{address}/v1/ask", json=QUESTION, timeout=30)
            while not model.requests:
                time.sleep(0.01)
            assert anyio.run(call) == "0 questions wait already: ask again in 5 seconds."
            assert asked.result().status_code == 200
            assert "Cost" in anyio.run(call)


@pytest.mark.parametrize("accepted", [b"text/event-stream", b"application/json"])
def test_the_model_stops_when_the_client_leaves(start: Start, accepted: bytes) -> None:
    with (
        scripted(Slow("word " * 200, 0.05)) as model,
        start(llm="tiny", llm_base_url=model.address, asks_at_once=1) as address,
    ):
        body = json.dumps(QUESTION).encode()
        head = _ASK + b"accept: " + accepted + b"\r\ncontent-length: %d\r\n\r\n" % len(body)
        with socket.create_connection(_pair(address)) as connection:
            connection.sendall(head + body)
            while not model.requests:
                time.sleep(0.02)
        assert model.left.wait(3)
        with httpx.stream("POST", f"{address}/v1/ask", json=QUESTION, headers=EVENTS) as got:
            assert next(got.iter_lines()) == "event: hits"  # its place is free again


@pytest.mark.alone
def test_a_hundred_questions_do_not_hold_up_a_health_check(start: Start) -> None:
    with (
        scripted(Slow("The repair will cost 4.2 million crowns [1].", 0.15)) as model,
        start(llm="tiny", llm_base_url=model.address, asks_at_once=100) as address,
        ThreadPoolExecutor(100) as threads,
    ):

        def ask(number: int) -> int:
            headers = EVENTS if number % 2 else {}
            got = httpx.post(f"{address}/v1/ask", json=QUESTION, headers=headers, timeout=300)
            return got.status_code

        asked = [threads.submit(ask, number) for number in range(100)]
        waited = []
        while not all(one.done() for one in asked):
            began = time.monotonic()
            assert httpx.get(f"{address}/healthz", timeout=30).is_success
            waited.append(time.monotonic() - began)
            time.sleep(0.1)
        assert {one.result() for one in asked} == {200}
    assert sorted(waited)[len(waited) // 2] < 2


class TestRates:
    def test_a_key_has_its_own_rate(self, own_desk: Desk) -> None:
        keys = own_desk.archive.keys
        (_, slow), (_, other) = keys.add("slow", "read", rate="2/hour"), keys.add("other", "read")
        with _local(own_desk) as client:

            def search(key: str) -> httpx.Response:
                headers = {"Authorization": f"Bearer {key}"}
                return client.post("/v1/search", json={"query": "ferry"}, headers=headers)

            got = [search(slow) for _ in range(3)]
            assert [one.status_code for one in got] == [200, 200, 429]
            assert got[0].headers["ratelimit-policy"] == '"default";q=2;w=3600'
            assert got[0].headers["ratelimit"].startswith('"default";r=1;t=')
            assert 0 < int(got[2].headers["retry-after"]) <= 3600
            assert got[2].json()["status"] == 429
            assert search(other).status_code == 200

    @pytest.mark.parametrize("jump", [-86_400, 86_400])
    def test_a_clock_that_jumps_locks_nobody_out(
        self, monkeypatch: pytest.MonkeyPatch, jump: float
    ) -> None:
        async def taken() -> list[bool]:
            rates = Rates("2/minute")
            before = [(await rates.take("x")).granted for _ in range(3)]
            now = time.time() + jump
            monkeypatch.setattr("time.time", lambda: now)
            last = await rates.take("x")
            assert int(last.headers["RateLimit"].rpartition("=")[2]) <= 60
            return [*before, last.granted]

        assert asyncio.run(taken()) == [True, True, False, True]

    def test_processes_over_one_postgresql_count_together(self, database: str) -> None:
        engines = [sa.create_engine(database) for _ in range(2)]
        one, other = (Rates("60/minute", Counts(engine)) for engine in engines)

        async def taken() -> list[Taken]:
            both = (rates.take("x") for _ in range(40) for rates in (one, other))
            return await asyncio.gather(*both, one.take("y"))

        *got, last = asyncio.run(taken())
        # The window may turn within the test: what was before counts in part then.
        assert 60 <= sum(each.granted for each in got) < 80
        refused = [each for each in got if not each.granted]
        assert all(1 <= int(each.headers["Retry-After"]) <= 60 for each in refused)
        assert "q=60;w=60" in got[0].headers["RateLimit-Policy"]
        assert last.granted
        assert last.headers["RateLimit"].startswith('"default";r=59;t=')
        for engine in engines:
            engine.dispose()

    @pytest.mark.parametrize(("ahead", "granted"), [(1, False), (5, True)])
    def test_a_request_that_read_the_clock_before_the_window_turned_is_of_the_new_one(
        self, database: str, ahead: int, granted: bool
    ) -> None:
        engine = sa.create_engine(database)
        counts, whose = Counts(engine), f"late-{ahead}"
        assert counts.take(whose, most=1, seconds=3600).granted
        moved = "UPDATE request_counts SET slot = slot + :ahead WHERE whose LIKE :whose"
        with engine.begin() as connection:  # five windows ahead: the clock was set back since
            connection.execute(sa.text(moved), {"ahead": ahead, "whose": f"{whose}%"})
        taken = counts.take(whose, most=1, seconds=3600)
        assert (taken.granted, taken.left) == (granted, 0)
        assert not counts.take(whose, most=1, seconds=3600).granted
        engine.dispose()

    def test_off_is_no_limit(self) -> None:
        async def taken() -> bool:
            rates = Rates("off")
            return all([(await rates.take("x")).granted for _ in range(2000)])

        assert asyncio.run(taken())


def _pair(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("http://").partition(":")
    return host, int(port)


def _raw(address: str, sent: list[bytes], pause: float = 0.0) -> bytes:
    """What a server says to bytes that are sent one after the other."""
    with socket.create_connection(_pair(address), timeout=10) as connection:
        got = b""
        with suppress(OSError):
            for piece in sent:
                connection.sendall(piece)
                time.sleep(pause)
            while piece := connection.recv(65_536):
                got += piece
        return got


_ASK = b"POST /v1/ask HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


class TestBounds:
    def test_too_large_a_body_is_refused(self, start: Start) -> None:
        with start(max_request_bytes=1000) as address:
            got = httpx.post(f"{address}/v1/ask", json={"question": "x" * 2000})
            assert (got.status_code, got.json()["status"]) == (413, 413)
            assert "1,000 bytes" in got.json()["detail"]
            path = f"{address}/v1/chat/completions"
            told = httpx.post(path, json={"model": "byline", "messages": ["x" * 2000]}).json()
            assert told["error"]["message"] == told["detail"]
            chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
            said = _raw(address, [_ASK, b"transfer-encoding: chunked\r\n\r\n", chunk])
            assert said.startswith(b"HTTP/1.1 413")
            assert httpx.post(f"{address}/v1/ask", json=QUESTION, timeout=30).is_success

    def test_slow_heads_and_bodies_are_ended(self, start: Start) -> None:
        with start(request_timeout_seconds=0.5) as address:
            began = time.monotonic()
            said = _raw(address, [_ASK, b'content-length: 30\r\n\r\n{"que'])
            assert said.startswith(b"HTTP/1.1 408")
            assert _raw(address, [b"GET /healthz HTTP/1.1\r\n"]) == b""
            trickle = _raw(address, [b"GET / HTTP/1.1\r\n", *[b"a: b\r\n"] * 20], 0.1)
            assert trickle == b""
            assert time.monotonic() - began < 6
            with httpx.stream("POST", f"{address}/v1/ask", json=QUESTION, headers=EVENTS) as got:
                time.sleep(0.7)  # answers are not hurried
                assert "event: answer" in got.read().decode()
            large = _raw(address, [_ASK, b"x: " + b"y" * 1_000_000 + b"\r\n\r\n"])
            assert large.startswith(b"HTTP/1.1 400")


class TestLog:
    def test_a_line_a_request_without_what_was_asked(
        self, own_desk: Desk, capfd: pytest.CaptureFixture[str]
    ) -> None:
        given = {"X-Request-ID": "given-1"}
        before = logging.getLogger().handlers[:]
        try:
            start_logging("json", "info", questions=False)
            with _local(own_desk) as client:
                got = client.post("/v1/ask", json=QUESTION, headers=given)
                client.get("/healthz")
                client.get("/v1/secretive?question=ferry")
            try:
                raise ValueError(QUESTION)
            except ValueError:
                logging.getLogger("byline.x").exception("it failed")
        finally:
            logging.basicConfig(handlers=before, force=True)
        text = capfd.readouterr().err
        asked, other, error = map(json.loads, text.splitlines())
        assert got.headers["x-request-id"] == asked["request_id"] == "given-1"
        assert (asked["method"], asked["route"], asked["status"]) == ("POST", "/v1/ask", 200)
        assert asked["bytes_in"] == len(got.request.content)
        assert asked["bytes_out"] == len(got.content)
        assert other["status"] == 404
        assert error["exc_info"].endswith("builtins.ValueError")
        assert "secretive" not in text
        assert "repair" not in text
        assert "ferry" not in text


class TestFaults:
    """Short forms of bench/service_faults.py, with a process of its own each."""

    @pytest.mark.parametrize("seconds", [20, 1])
    def test_sigterm_lets_answers_end(self, home: Path, seconds: float) -> None:
        views = service_faults.terminated(home, drain_seconds=seconds)
        seen = {view.asked if "new" not in view.fault else "new": view for view in views}
        assert seen["new"].seen.startswith("503 The service is shutting down")
        assert seen["readyz"].seen == "503, Retry-After 5"
        assert seen["process"].seen == "exit code 0"
        assert seen["process"].seconds < 20
        streamed = seen["ask, events"].seen
        assert streamed.endswith("1 answer" if seconds == 20 else "ask again in a moment.")

    def test_a_model_that_is_cut_off_is_an_error_event(self, home: Path) -> None:
        plain, events, after = service_faults.model_cut(home)
        assert plain.seen.startswith("503 ")
        assert "error: 503 " in events.seen
        assert after.seen == "alive"

    @pytest.mark.store_here
    def test_a_store_that_vanishes_is_no_end(self, home: Path) -> None:
        *asked, after = service_faults.chroma_gone(home)
        assert all(view.seen[:3] in ("200", "500", "503") for view in asked if "ask" in view.asked)
        assert after.seen.startswith("healthz 200")
