"""Replicas of the service over one PostgreSQL and one Chroma server, killed while they work.

    python bench/replicas.py [--full] [--seconds N] [--seed N]

Three `byline serve`, each with a home folder of its own, answer asks and take articles, as JSON and
as uploads, from a client that goes round among them. Every few seconds one gets SIGKILL or SIGTERM
and is started again (`--full`: for five minutes). The client sends again, to the next, what broke
off or was refused with 503. Required: no article that was acknowledged is lost or doubled, in
archive or store; `check` is clean; every job is done, once; no ask fails but on a connection to a
replica that was killed; articles are found by every replica within seconds.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import sets
from byline import Desk
from byline.index.jobs import Job, jobs_of
from byline.settings import Settings
from byline.tests.servers import chroma, free_port, postgres, postgres_programs

_REPLICAS, _ASKERS, _ADDERS = 3, 2, 2
_TRIES = 20  # of one request, at the next replica each
_LEAST_UP, _MOST_UP = 4.0, 10.0  # seconds between two kills
_SETTLE_SECONDS = 60.0  # in which a job ends at the end; a dead replica's is taken over within 25
_VISIBLE_SECONDS = 5.0  # in which an article must be found everywhere, once its job has ended
_UPLOADED = 12  # articles of an upload


@dataclass
class Replica:
    """One `byline serve`, and when it was not there."""

    port: int
    home: Path
    variables: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    down: list[tuple[float, float, bool]] = field(default_factory=list)
    "from, until, whether by SIGKILL"
    unexpected: int = 0
    "times that it ended by itself"

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        """Whether it is meant to answer now."""
        return not self.down or self.down[-1][1] < time.monotonic()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.home / "log").open("ab") as log:
            given = [f"{name}={value}" for name, value in self.variables.items()]
            command = ["env", *given]
            command += [sys.executable, "-m", "byline", "serve", "--port", str(self.port)]
            self.process = subprocess.Popen(command, cwd=self.home, stderr=log)
        for _ in range(1800):
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/readyz", timeout=5).is_success:
                    return
            if self.process.poll() is not None:
                raise RuntimeError((self.home / "log").read_text("utf-8")[-2000:])
            time.sleep(0.1)
        raise RuntimeError(f"It does not answer: {(self.home / 'log').read_text('utf-8')[-2000:]}")

    def restart(self, sign: signal.Signals, pause: float) -> None:
        """End it with a signal, and start it again."""
        assert self.process is not None
        self.unexpected += self.process.poll() is not None
        self.down.append((time.monotonic(), float("inf"), sign == signal.SIGKILL))
        self.process.send_signal(sign)
        self.process.wait(60)
        time.sleep(pause)
        self.start()
        self.down[-1] = (*self.down[-1][:1], time.monotonic(), self.down[-1][2])

    def excuses(self, began: float) -> bool:
        """Whether what broke off just now did so as it was killed, or was not there.

        What is under way at a SIGTERM is to be finished.
        """
        now = time.monotonic()
        return any(
            at <= now and began <= until + 0.5 and (is_kill or began >= at - 0.05)
            for at, until, is_kill in self.down
        )


@dataclass
class Seen:
    """What clients saw."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    "ids of articles, and the job that takes them"
    given: dict[str, int] = field(default_factory=dict)
    "articles of each acknowledged job"
    sent: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    "jobs whose articles may have been taken before, by a request that broke off"
    terminated: list[float] = field(default_factory=list)
    "when replicas got SIGTERM, in seconds since 1970"
    asks: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)


class Client:
    """Goes round among the replicas; sends again what broke off."""

    def __init__(self, replicas: Sequence[Replica], seen: Seen, at: int) -> None:
        self._replicas, self._seen, self._turn = replicas, seen, count(at)
        self._http = httpx.Client(timeout=60)

    def post(self, kind: str, path: str, **body: Any) -> tuple[httpx.Response | None, bool]:
        """The answer, and whether a request broke off before; None: there was none."""
        counts, is_again = self._seen.counts, False
        for _ in range(_TRIES):
            replica, began = (
                self._replicas[next(self._turn) % len(self._replicas)],
                time.monotonic(),
            )
            try:
                got = self._http.post(replica.address + path, **body)
            except httpx.TransportError as error:
                is_again |= not isinstance(error, httpx.ConnectError)
                if not replica.excuses(began):
                    self._seen.wrong.append(f"{kind}: {error!r} of a replica that was up")
                counts[f"{kind}: connections of a killed replica"] += 1
            else:
                if got.status_code != 503:
                    return got, is_again
                counts[f"{kind}: refused by one that ends"] += 1
                if not replica.excuses(began):
                    self._seen.wrong.append(f"{kind}: {got.text[:200]}")
            time.sleep(0.2)
        self._seen.wrong.append(f"{kind}: not answered in {_TRIES} tries")
        return None, is_again


def _ask(client: Client, seen: Seen, questions: Sequence[str], ends: float) -> None:
    for number in count():
        if time.monotonic() > ends:
            return
        began = time.monotonic()
        got, _ = client.post(
            "ask", "/v1/ask", json={"question": questions[number % len(questions)]}
        )
        if got is not None:
            seen.counts["ask: answered"] += got.is_success
            seen.asks.append(time.monotonic() - began)
            if not got.is_success:
                seen.wrong.append(f"ask: {got.status_code} {got.text[:200]}")
        time.sleep(0.2)


def _article(name: str, chance: random.Random) -> dict[str, str]:
    places = ["Brenik", "Castrine", "Port Ansel", "Skellow Ford", "Tern Bay"]
    place, sum_ = chance.choice(places), chance.randint(10, 999)
    text = [f"The council of {place} voted {sum_} million crowns for project {name} on Monday."]
    text += [
        f"Item {n} of {name} names {chance.randint(1, 99)} streets of {place}." for n in range(9)
    ]
    title = f"{place} votes for {name}"
    return {"id": name, "title": title, "text": " ".join(text), "outlet": "Courier"}


def _add(client: Client, seen: Seen, who: int, seed: int, ends: float) -> None:
    chance = random.Random(f"{seed} {who}")
    for number in count():
        if time.monotonic() > ends:
            return
        is_upload = number % 3 == 2
        names = [f"w{who}n{number}a{n}" for n in range(_UPLOADED if is_upload else 2)]
        articles = [_article(name, chance) for name in names]
        if is_upload:
            raw = "".join(f"{json.dumps(one)}\n" for one in articles).encode()
            body: dict[str, Any] = {"files": [("files", ("wire.jsonl", raw))]}
        else:
            body = {"json": {"articles": articles}}
        _give(client, seen, names, body)
        time.sleep(3.0)


def _give(client: Client, seen: Seen, names: Sequence[str], body: dict[str, Any]) -> Any:
    seen.sent |= {*names}
    got, is_again = client.post("add", "/v1/articles", **body)
    if got is None or got.status_code not in (200, 202):
        seen.wrong.append(f"add: {got and got.status_code} {got and got.text[:200]}")
        return None
    job: dict[str, Any] = got.json()
    seen.acknowledged |= dict.fromkeys(names, job["id"])
    seen.given[job["id"]] = len(names)
    seen.again |= {job["id"]} if is_again else set()
    seen.counts["add: acknowledged articles"] += len(names)
    return job


def _watch(client: Client, replicas: Sequence[Replica], seen: Seen, ends: float) -> None:
    """Time from the end of a job until every replica that is up finds its article."""
    for number in count():
        if time.monotonic() > ends:
            return
        word = f"quillon{number:04}"
        text = f"A ship named {word} left the harbour of Brenik on Monday."
        job = _give(client, seen, [word], {"json": {"articles": [{"id": word, "text": text}]}})
        while job and not job["ended"] and time.monotonic() < ends:
            time.sleep(0.1)
            job = _job(replicas, job["id"]) or job
        if not (job and job["ended"]):
            continue
        ended = datetime.fromisoformat(job["ended"]).timestamp()
        for replica in [one for one in replicas if one.is_up]:
            while not _finds(replica, word) and replica.is_up:
                time.sleep(0.05)
            if replica.is_up:
                seen.visible.append(time.time() - ended)
        time.sleep(1.0)


def _finds(replica: Replica, word: str) -> bool:
    with suppress(httpx.TransportError):
        got = httpx.post(
            f"{replica.address}/v1/search", json={"query": word, "limit": 1}, timeout=30
        )
        return got.is_success and any(hit["article_id"] == word for hit in got.json()["hits"])
    return False


def _job(replicas: Sequence[Replica], job_id: str) -> dict[str, Any] | None:
    for replica in replicas:
        with suppress(httpx.TransportError):
            got = httpx.get(f"{replica.address}/v1/jobs/{job_id}", timeout=30)
            if got.is_success:
                found: dict[str, Any] = got.json()
                return found
    return None


def _kill(replicas: Sequence[Replica], seen: Seen, seed: int, ends: float) -> None:
    chance = random.Random(seed)
    for number in count():
        time.sleep(chance.uniform(_LEAST_UP, _MOST_UP))
        if time.monotonic() > ends:
            return
        sign = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)[number % 3]
        seen.counts[f"replicas ended with {sign.name}"] += 1
        seen.terminated += [time.time()] if sign == signal.SIGTERM else []
        chance.choice(replicas).restart(sign, chance.uniform(0, 2))


def _ended(settings: Settings, given: set[str]) -> dict[str, Job]:
    """The jobs, once all have ended or none has for long."""
    until, before = time.monotonic() + _SETTLE_SECONDS, -1
    with Desk(settings=settings) as desk:
        while True:
            jobs = {job.id: job for job in jobs_of(desk.archive).list(100_000) if job.id in given}
            left = sum(not job.has_ended for job in jobs.values())
            if left != before:
                until, before = time.monotonic() + _SETTLE_SECONDS, left
            if not left or time.monotonic() > until:
                return jobs
            time.sleep(1)


def _judged(
    replicas: Sequence[Replica], seen: Seen, settings: Settings, before: int
) -> Iterator[str]:
    """What is wrong at the end, a line each."""
    yield from dict.fromkeys(seen.wrong)
    jobs = _ended(settings, set(seen.given))
    seen.counts["jobs"] = len(seen.given)
    seen.counts["jobs that were in hand at a SIGKILL, and taken over"] = sum(
        job.runs > 1 for job in jobs.values()
    )
    for job_id, given in seen.given.items():
        job = jobs.get(job_id)
        if (
            not job
            or job.state != "done"
            or job.added + job.unchanged != given
            or job.unchanged
            and job.runs == 1
            and job_id not in seen.again | _handed_on(seen, job)
        ):
            yield f"job {job_id} of {given} articles: {job}"
    for replica in replicas:
        if replica.unexpected or (replica.process and replica.process.poll() is not None):
            said = (replica.home / "log").read_text("utf-8", "replace").splitlines()
            yield f"a replica ended by itself: {said[-1:]}"
    with Desk(settings=settings) as desk:
        ids = [article.id for article in desk.articles.list(100_000)]
        yield from (f"{one} is lost" for one in seen.acknowledged.keys() - {*ids})
        yield from (f"{one} is there {n} times" for one, n in Counter(ids).items() if n > 1)
        if strange := len({*ids} - seen.sent) - before:
            yield f"{strange} articles that nobody sent"
        health = desk.check()
        yield from health.problems
        if health.vectors != health.passages:
            yield f"{health.vectors} vectors of {health.passages} passages"
        seen.counts["articles at the end"] = health.articles
    if max(seen.visible, default=0) > _VISIBLE_SECONDS or not seen.visible:
        yield f"an article was found by all after {max(seen.visible, default=float('nan')):.1f} s"


def _handed_on(seen: Seen, job: Job) -> set[str]:
    """The job, if it was under way when a replica got SIGTERM."""
    assert job.started is not None
    assert job.ended is not None
    began, ended = job.started.timestamp(), job.ended.timestamp()
    return {job.id} if any(began <= at + 30 and at <= ended for at in seen.terminated) else set()


def main() -> None:
    """Print a table; 1 where something is wrong."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0], epilog=__doc__)
    parser.add_argument("--full", action="store_true", help="five minutes, not forty seconds")
    parser.add_argument("--seconds", type=float, help="in place of these")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    seconds = given.seconds or (300.0 if given.full else 40.0)
    if postgres_programs() is None:
        sys.exit("PostgreSQL is not installed (Debian: postgresql).")
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="byline-bench-")))
        database = held.enter_context(postgres())
        store = held.enter_context(chroma(folder / "chroma"))
        settings = Settings(home=folder / "own", index="bench", archive=database, store=store)
        with Desk(settings=settings) as desk:
            before = desk.add(sets.SAMPLE).added
        replicas = [
            Replica(
                free_port(),
                folder / f"replica-{n}",
                _variables(folder / f"replica-{n}", database, store),
            )
            for n in range(_REPLICAS)
        ]
        for replica in replicas:
            replica.home.mkdir()
            held.callback(_end, replica)
        _together([threading.Thread(target=replica.start) for replica in replicas])
        seen = Seen()
        _load(replicas, seen, given.seed, time.monotonic() + seconds)
        wrong = list(_judged(replicas, seen, settings, before))
    _show(seen, seconds, wrong)
    sys.exit(bool(wrong))


def _variables(home: Path, database: str, store: str) -> dict[str, str]:
    given = {"home": home, "index": "bench", "archive": database, "store": store}
    given |= {"rate_limit": "off", "log_level": "warning"}
    return {f"BYLINE_{name.upper()}": str(value) for name, value in given.items()}


def _load(replicas: Sequence[Replica], seen: Seen, seed: int, ends: float) -> None:
    questions = [case.question for case in sets.cases("sample", sets.DATA)]
    clients = (Client(replicas, seen, at) for at in count())
    given: list[tuple[Any, ...]] = [(_kill, replicas, seen, seed, ends)]
    given += [(_ask, next(clients), seen, questions, ends) for _ in range(_ASKERS)]
    given += [(_add, next(clients), seen, who, seed, ends) for who in range(_ADDERS)]
    given += [(_watch, next(clients), replicas, seen, ends)]
    _together([threading.Thread(target=work, args=rest) for work, *rest in given])


def _together(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _end(replica: Replica) -> None:
    if replica.process is not None:
        replica.process.kill()
        replica.process.wait()


def _show(seen: Seen, seconds: float, wrong: Sequence[str]) -> None:
    def p50_p95(times: Sequence[float]) -> str:
        ranked = sorted(times) or [float("nan")]
        return ", ".join(f"{ranked[int(len(ranked) * at)]:.2f}" for at in (0.5, 0.95))

    print(f"## Three replicas, killed for {seconds:.0f} seconds\n")
    rows: list[tuple[str, object]] = sorted(seen.counts.items())
    rows += [("seconds of an ask with its tries: p50, p95", p50_p95(seen.asks))]
    rows += [("seconds until a replica finds an article: p50, p95", p50_p95(seen.visible))]
    rows += [
        ("the longest", f"{max(seen.visible, default=float('nan')):.2f}"),
        ("wrong", len(wrong)),
    ]
    print(sets.markdown(("what", "number"), rows))
    for line in wrong[:20]:
        print(f"\nWrong: {line}")


if __name__ == "__main__":
    main()
