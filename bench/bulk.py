"""Adding on a Ray cluster beside adding in one process: the same index, and what it costs.

    python bench/bulk.py [--data FOLDER] [--full]

In turns, each in a process of its own: one process with one thread; a local cluster of one worker,
and one of two, with one thread each. Of each the seconds by the clock and of the processor, of all
its processes, from when the cluster stands until the last article is in; the cluster's start is
told apart. Then two workers one of which is killed half-way, and a driver that is killed half-way
and run again. Fails where an index is not the same as the first, table by table (contents.py).
Required: one worker takes at most 1.25 times the processor time of the one process.

`--full` does this with 400 articles in three turns (ten minutes on two quiet cores), otherwise it
is 192 in one.
"""

import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import ingest
import sets
from byline import Desk
from byline.index.archive import Archive
from byline.index.embed import MiniLM
from byline.settings import Settings, keep_ray_still
from contents import contents

_WAYS = {"one process": 0, "Ray, one worker": 1, "Ray, two workers": 2}
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Print the table of the ways, and what became of the kills; 1 where an index differs."""
    parser = sets.parser(__doc__)
    parser.add_argument("--full", action="store_true", help="400 articles in three turns")
    parser.add_argument("--turns", type=int, help="instead of three, or one")
    given = parser.parse_args()
    turns, number = (3, 400) if given.full else (1, 192)
    turns = given.turns or turns
    with tempfile.TemporaryDirectory(prefix="byline-bulk-") as folder:
        home = Path(folder)
        source = sets.written(ingest.articles(given.data, number), home / "articles.jsonl")
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in _WAYS}
        for turn in range(turns):
            for way, workers in _WAYS.items():
                runs[way].append(finished(begun(source, home / f"{workers}-{turn}", workers)))
        truth = held(home / "0-0")
        homes = [home / f"{w}-{t}" for w in _WAYS.values() for t in range(turns)]
        worker, driver = home / "worker", home / "driver"
        killed = finished(begun(source, worker, 2, "--kill"))["killed"]
        kept = killed_half_way(begun(source, driver, 2), driver, number)
        resumed = finished(begun(source, driver, 2))
        differ = [
            f"{one.name}: {table}"
            for one in (*homes, worker, driver)
            for table, found in held(one).items()
            if found != truth[table]
        ]
    print(table(runs, number, turns))
    print(
        f"\nWorkers killed at work: {killed}. The driver was killed at {kept}: "
        f"{resumed['added']} were added by the next, {resumed['unchanged']} found there.\n\n"
        f"Tables that differ: {', '.join(differ) or 'none'} of {len(truth)} in "
        f"{len(homes) + 2} indexes."
    )
    return int(bool(differ) or killed != 1 or kept + resumed["added"] != number)


def table(runs: dict[str, list[dict[str, Any]]], number: int, turns: int) -> str:
    """Medians, and the ratios of each turn to the one process's of the same turn."""
    rows = []
    for way, found in runs.items():
        medians = {key: statistics.median(run[key] for run in found) for key in found[0]}
        ratios = [
            statistics.median(
                run[key] / one[key] for run, one in zip(found, runs["one process"], strict=True)
            )
            for key in ("seconds", "processor")
        ]
        rows.append(
            [
                way,
                f"{medians['start']:.1f}",
                f"{medians['seconds']:.1f}",
                f"{medians['processor']:.1f}",
                f"{number / medians['seconds']:.1f}",
                *(f"{ratio:.2f}" for ratio in ratios),
            ]
        )
    head = ["", "start, s", "add, s", "processor, s", "articles/s", "clock", "processor time"]
    return (
        f"## {number} articles, {turns} turns, medians (the last two: times one process)\n\n"
        f"{sets.markdown(head, rows)}"
    )


def begun(source: Path, home: Path, workers: int, *options: str) -> subprocess.Popen[str]:
    """A process that adds."""
    plain = ["env", "RAY_worker_niceness=0"]  # Ray's workers else give way to everything else
    command = [*plain, sys.executable, __file__, "--run", str(source), str(home), str(workers)]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What it tells at its end."""
    said = process.communicate()[0]
    assert process.returncode == 0, f"adding failed with {process.returncode}"
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def killed_half_way(process: subprocess.Popen[str], home: Path, number: int) -> int:
    """Kill it once a third is in; how many articles are."""
    while published(home) < number // 3:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return published(home)


def run(source: Path, home: Path, workers: int, *options: str) -> None:
    """In a process of its own: add, and tell how long it took."""
    keep_ray_still()
    began = time.monotonic()
    settings = Settings(home=home, index="bench", ray_workers=workers, ray_threads=1)
    if workers:
        from byline.index.bulk import cluster

    with (
        cluster("local", workers, 1) if workers else nullcontext(),
        Desk(settings=settings, embedder=None if workers else MiniLM(threads=1)) as desk,
    ):
        start, used, killed = time.monotonic() - began, dict[int, int](), list[int]()
        threading.Thread(target=watch, args=[used, family_ticks()], daemon=True).start()
        if "--kill" in options:
            threading.Thread(target=kill_a_worker, args=[killed], daemon=True).start()
        report = desk.add(source, ray="local" if workers else None)
        found = {
            "start": start,
            "seconds": report.seconds,
            "processor": sum(used.values()) / _TICKS,
            "added": report.added,
            "unchanged": report.unchanged,
            "killed": len(killed),
        }
    print(json.dumps(found))


def kill_a_worker(killed: list[int]) -> None:
    """Kill one that embeds, once two have used some seconds of the processor."""
    while not killed:
        time.sleep(0.05)
        ticks = family_ticks()
        found = [pid for pid in ticks if is_worker(pid) and ticks[pid] > 4 * _TICKS]
        if len(found) == 2:
            os.kill(found[0], signal.SIGKILL)
            killed.append(found[0])


def is_worker(pid: int) -> bool:
    """Whether it is one of Ray's that embeds."""
    try:
        return b"MapWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def archive(home: Path) -> Path:
    """The database of a run's index."""
    return home / "bench" / "archive.db"


def held(home: Path) -> dict[str, str]:
    """What a run's index holds, as `contents`."""
    with closing(Archive(archive(home))) as opened:
        return contents(opened)


def published(home: Path) -> int:
    """How many articles are in."""
    query = "SELECT count(*) FROM articles WHERE version IS NOT NULL"
    try:
        with closing(sqlite3.connect(f"file:{archive(home)}?mode=ro", uri=True)) as database:
            return int(database.execute(query).fetchone()[0])
    except sqlite3.Error:  # there is none yet
        return 0


def watch(used: dict[int, int], before: dict[int, int]) -> None:
    """Keep what each process has used of the processor since, also of those that end."""
    while True:
        used |= {pid: ticks - before.get(pid, 0) for pid, ticks in family_ticks().items() if ticks}
        time.sleep(0.2)


def family_ticks() -> dict[int, int]:
    """What this process and all below it have used of the processor."""
    return {pid: sum(map(int, stat(pid)[11:13])) for pid in family()}


def family() -> list[int]:
    """Of this process and all below it."""
    parents = {int(p.name): int(stat(int(p.name))[1]) for p in Path("/proc").glob("[0-9]*")}
    found = [os.getpid()]
    for one in found:
        found += [pid for pid, parent in parents.items() if parent == one]
    return found


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; zeros for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 50


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
        sys.exit()
    sys.exit(main())
