"""Adding on a Ray cluster leaves the index that adding in one process leaves."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from byline import Desk
from byline.bench.contents import contents
from byline.errors import BylineError, InputError, ModelError, SettingsError
from byline.index import build
from byline.index.archive import reading
from byline.index.archive.inventory import Inventory
from byline.index.embed import Vectors
from byline.index.read import Entry, Failure, File, Found, files
from byline.tests.conftest import SAMPLE, archive_of
from byline.tests.fakes import Letters

pytest.importorskip("ray", reason="adding on Ray is tested with the extra `ray`")
from byline.index import bulk

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt. "


@pytest.fixture
def awkward(tmp_path: Path) -> list[Path]:
    """Articles of many kinds, some again and changed, some that cannot be read or are refused."""
    lines: list[dict[str, Any]] = [
        {"id": str(n), "text": f"{STORY * (n % 9)}Day {n}."} for n in range(150)
    ]
    lines[3] = lines[149] = {"text": STORY}
    lines[20] = {"id": "19", "text": STORY, "title": "Again, in its batch"}
    lines[140] = {"id": "2", "text": STORY, "title": "Again, in another batch"}
    lines[70] = {"id": "7", "outlet": "The Ledger", "text": STORY}
    lines[75] = {"id": "7", "outlet": "Castrine Herald", "text": STORY}
    lines[80], lines[90] = {"id": "no text"}, {"id": "x", "text": STORY, "published": "never"}
    told = [json.dumps(line) for line in lines]
    told[30] = "{"
    wire = tmp_path / "wire.jsonl"
    wire.write_text("\n".join(told))
    array = tmp_path / "array.json"
    array.write_text(json.dumps([{"text": STORY}, {"id": "140", "text": STORY * 40}]))
    return [SAMPLE, wire, tmp_path / "none", array]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Iterator[Found]]:
    """The workers' stages in this process: what they say is sent as bytes, as on a cluster."""
    monkeypatch.setattr(bulk.ray, "get", lambda told: told)

    def results(groups: Iterable[Any], work: bulk.Work, *_: int) -> Iterator[Any]:
        embedding = bulk._Embedding(work)
        for group in groups:
            for row in bulk._read({"files": pickle.dumps(group)}, work):
                (found,) = embedding({"found": [row["found"]]})["found"]
                yield pickle.loads(found)

    monkeypatch.setattr(bulk, "_results", results)

    def read(desk: Desk, paths: Iterable[Path], **changed: Any) -> Iterator[Found]:
        work = bulk.Work(Letters, "letters", desk.archive.inventory(), 1000, 5_000_000)
        return bulk.read(paths, replace(work, **changed), 2, 1)

    return read


def told(report: build.Report) -> dict[str, Any]:
    return {**asdict(report), "seconds": 0}


def opened(home: Path, name: str) -> Desk:
    return Desk(home, name, embedder=Letters())


class Unused(Letters):
    def embed(self, texts: Any) -> Vectors:
        raise AssertionError(f"{len(texts)} texts were embedded again")


class Down(Letters):
    def embed(self, texts: Any) -> Vectors:
        raise ModelError("The endpoint refused.")


class TestStages:
    def test_index_and_report_are_those_of_one_process(
        self, home: Path, awkward: list[Path], workers: Callable[..., Iterator[Found]]
    ) -> None:
        with opened(home, "one") as one, opened(home, "ray") as ray:
            for _ in range(2):
                alone, together = one.add(awkward), ray.add(workers(ray, awkward))
                assert told(together) == told(alone)
                assert together.accepted > 190
                assert len(together.failed) == 5
            assert contents(ray.archive) == contents(one.archive)

    def test_this_process_embeds_nothing(
        self, home: Path, awkward: list[Path], workers: Callable[..., Iterator[Found]]
    ) -> None:
        unused = Unused()
        with Desk(home, embedder=unused) as desk:
            assert desk.add(workers(desk, awkward[:1])).added == 57

    def test_what_is_known_is_neither_parsed_nor_embedded_again(
        self,
        home: Path,
        awkward: list[Path],
        workers: Callable[..., Iterator[Found]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with opened(home, "ray") as desk:
            desk.add(awkward[0])
            monkeypatch.setattr(build, "load", lambda entry: pytest.fail("it was parsed"))
            report = desk.add(workers(desk, awkward[:1], make_embedder=Unused))
        assert (report.unchanged, report.failed) == (57, [])

    def test_new_facts_of_a_known_text_embed_nothing(
        self, home: Path, tmp_path: Path, workers: Callable[..., Iterator[Found]]
    ) -> None:
        wire = tmp_path / "wire.jsonl"
        wire.write_text(json.dumps({"id": "a", "text": STORY}))
        with opened(home, "ray") as desk:
            desk.add(wire)
            wire.write_text(json.dumps({"id": "a", "text": STORY, "section": "Harbour"}))
            assert desk.add(workers(desk, [wire], make_embedder=Unused)).updated == 1

    def test_what_was_erased_is_sent_to_no_model_and_refused(
        self, home: Path, tmp_path: Path, workers: Callable[..., Iterator[Found]]
    ) -> None:
        wire = tmp_path / "wire.jsonl"
        wire.write_text(json.dumps({"id": "a", "text": STORY * 9, "outlet": "The Ledger"}))
        with opened(home, "ray") as desk:
            desk.add(wire)
            desk.articles.erase("a")
            wire.write_text(wire.read_text().replace('"a"', '"b"'))  # known by its text
            (failure,) = desk.add(workers(desk, [wire], make_embedder=Unused)).failed
        assert "it was erased" in failure.reason

    def test_what_was_removed_since_the_run_began_is_read_after_all(
        self, home: Path, awkward: list[Path], workers: Callable[..., Iterator[Found]]
    ) -> None:
        with opened(home, "ray") as desk:
            desk.add(awkward[0])
            found = workers(desk, awkward[:1])
            first = next(found)
            assert isinstance(first, Entry)
            desk.articles.remove(desk.archive.ids())
            assert desk.add(chain([first], found)).added == 57

    def test_a_wrong_yes_of_the_inventory_changes_nothing(
        self,
        home: Path,
        awkward: list[Path],
        workers: Callable[..., Iterator[Found]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Inventory, "_has", lambda self, keys: True)
        with opened(home, "one") as one, opened(home, "ray") as ray:
            assert told(ray.add(workers(ray, awkward))) == told(one.add(awkward))
            assert contents(ray.archive) == contents(one.archive)

    def test_what_stops_the_embedder_stops_the_run(
        self, home: Path, awkward: list[Path], workers: Callable[..., Iterator[Found]]
    ) -> None:
        with opened(home, "ray") as desk, pytest.raises(ModelError, match="refused"):
            desk.add(workers(desk, awkward, make_embedder=Down))

    def test_a_worker_with_another_model_is_told_of(
        self, home: Path, awkward: list[Path], workers: Callable[..., Iterator[Found]]
    ) -> None:
        with opened(home, "ray") as desk, pytest.raises(SettingsError, match="not minilm"):
            desk.add(workers(desk, awkward, embedder="minilm"))

    def test_a_file_that_only_this_process_sees_is_a_failure(
        self, home: Path, folder: Path, workers: Callable[..., Iterator[Found]]
    ) -> None:
        with opened(home, "ray") as desk:
            found = list(files([folder]))
            for file in found:
                assert isinstance(file, File)
                Path(file.at).unlink()
            work = bulk.Work(Letters, "letters", desk.archive.inventory(), 1000, 5_000)
            said = [bulk._found(file, work) for file in found]
            for (failure,) in said:
                assert isinstance(failure, Failure)
                assert "does not see it" in failure.reason

    def test_pages_and_memory_are_for_one_process(
        self, home: Path, workers: Callable[..., Iterator[Found]]
    ) -> None:
        page = Entry("https://a.example/", None, b"1" * 16, lambda: pytest.fail("it was read"))
        with opened(home, "ray") as desk, pytest.raises(InputError, match="alone"):
            desk.add(workers(desk, [page]))

    def test_one_task_reads_some_small_files_or_a_large_one(self) -> None:
        sizes = [1] * 100 + [9_000_000, 5, 7_999_990, 8]
        found = [File(Path(str(n)), "", "", size) for n, size in enumerate(sizes)]
        groups = list(bulk._groups(found))
        assert [len(group) for group in groups] == [64, 36, 1, 2, 1]
        assert list(chain.from_iterable(groups)) == found


class TestAddress:
    @pytest.mark.parametrize("address", ["nonsense", "ftp://a:1", "a:b", "ray://", ":1", "a:99999"])
    def test_one_that_is_none_is_refused(self, home: Path, address: str) -> None:
        with opened(home, "ray") as desk, pytest.raises(InputError, match="no address of a Ray"):
            desk.add([], ray=address)

    @pytest.mark.parametrize("scheme", ["", "ray://"])
    def test_one_where_nothing_listens_is_told(
        self, home: Path, unused_address: str, scheme: str
    ) -> None:
        address = scheme + unused_address.removeprefix("http://").removesuffix("/v1")
        with opened(home, "ray") as desk, pytest.raises(SettingsError, match="No Ray cluster"):
            desk.add([], ray=address)

    def test_an_index_that_is_local_only_sends_nothing_to_a_cluster(self, home: Path) -> None:
        with opened(home, "ray") as desk:
            desk.local_only = True
            for address in ("auto", "127.0.0.1:6379", "ray://127.0.0.1:10001"):
                with pytest.raises(SettingsError, match="local_only.*nothing was sent"):
                    desk.add([], ray=address)

    def test_nor_to_one_to_which_the_program_is_connected(
        self, home: Path, awkward: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = list[object]()
        monkeypatch.setattr(bulk.ray, "is_initialized", lambda: True)
        monkeypatch.setattr(bulk, "cluster", lambda *_: nullcontext(1))
        monkeypatch.setattr(bulk, "read", lambda given, *_: sent.append(given) or iter(()))
        with Desk(home, embedder=Letters(), models_stay_here=True) as desk:
            desk.local_only = True
            with pytest.raises(SettingsError, match="local_only.*is connected.*nothing was sent"):
                desk.add(awkward, ray="local")
        assert sent == []

    def test_the_missing_extra_is_named(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "byline.index.bulk")
        monkeypatch.delattr("byline.index.bulk")
        monkeypatch.setitem(sys.modules, "ray", None)
        with opened(home, "ray") as desk, pytest.raises(SettingsError, match=r"byline\[ray\]"):
            desk.add([], ray="local")

    def test_an_embedder_that_cannot_travel_is_refused(self, home: Path) -> None:
        embedder = Letters()
        embedder.lock = threading.Lock()  # type: ignore[attr-defined]
        with (
            Desk(home, embedder=embedder) as desk,
            pytest.raises(InputError, match="cannot be sent"),
        ):
            desk._models.embedder_maker(1)


# Adds in a process of its own; its embedder is slow, so that there is a half-way.
DRIVER = """
import json, os, sys, time
from byline import Desk
from byline.errors import BylineError
from byline.tests.fakes import Letters

class Slow(Letters):
    def embed(self, texts):
        time.sleep(0.02 * len(texts))
        return super().embed(texts)

home, index, address, *paths = sys.argv[1:]
with Desk(home, index, embedder=Slow()) as desk:
    try:
        report = desk.add(paths, ray=address or None)
    except BylineError as error:
        sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps([report.added, report.updated, report.unchanged, len(report.failed)]))
"""


class Cluster:
    """A real cluster of two workers on this machine, and programs that add on it."""

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        with socket.socket() as one, socket.socket() as other:
            ports = []
            for held in (one, other):
                held.bind(("", 0))
                ports.append(held.getsockname()[1])
        self.address, self.client = f"127.0.0.1:{ports[0]}", f"ray://127.0.0.1:{ports[1]}"
        self.environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "t" * 32,
            "RAY_USAGE_STATS_ENABLED": "0",
            "BYLINE_RAY_WORKERS": "2",
        }
        command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block"]
        command += [f"--port={ports[0]}", f"--ray-client-server-port={ports[1]}", "--num-cpus=2"]
        command += ["--include-dashboard=false", f"--temp-dir={folder}"]
        pythonpath = {"PYTHONPATH": str(path)} if path else {}
        self._head = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment | pythonpath,
        )
        assert self._head.stdout is not None
        said = []
        for line in self._head.stdout:
            said.append(line)
            if "Ray runtime started" in line:
                break
        else:
            pytest.fail("".join(said))

    def close(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._head.communicate()

    def adding(self, home: Path, index: str, *paths: Path, address: str = "") -> Any:
        command = [sys.executable, "-c", DRIVER, str(home), index, address or self.address]
        return subprocess.Popen(
            [*command, *map(str, paths)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment | archive_of(home, index),
        )

    def processes(self) -> list[int]:
        """Of this cluster, the head first."""
        found = [self._head.pid]
        parents: dict[int, list[int]] = defaultdict(list)
        for file in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parent = int(file.read_text().rpartition(")")[2].split()[1])
                parents[parent].append(int(file.parent.name))
        for one in found:
            found += parents[one]
        return found

    def worker(self) -> int:
        """A process that embeds."""
        named = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.processes()}
        return next(pid for pid, name in named.items() if b"MapWorker" in name)


def ended(process: Any) -> tuple[list[int], str]:
    out, err = process.communicate(timeout=120)
    counts = json.loads(out.splitlines()[-1]) if process.returncode == 0 else []
    return counts, err.splitlines()[-1] if err else ""


def published(home: Path, index: str) -> int:
    count = sa.text("SELECT count(*) FROM articles WHERE version IS NOT NULL")
    url = archive_of(home, index).get("BYLINE_ARCHIVE")
    try:
        with reading(home / index / "archive.db", url) as connection:
            return connection.scalar(count) or 0
    except (BylineError, sa.exc.SQLAlchemyError):  # it is not made yet
        return 0


def held(home: Path, index: str) -> dict[str, str]:
    with opened(home, index) as desk:
        return contents(desk.archive)


def wait_for_a_batch(home: Path, index: str, process: Any) -> None:
    while not published(home, index):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        found = Cluster(Path(folder))
        yield found
        found.close()


@pytest.fixture
def truth(home: Path, awkward: list[Path]) -> dict[str, str]:
    with opened(home, "one") as desk:
        desk.add(awkward)
        return contents(desk.archive)


@pytest.mark.alone
class TestCluster:
    def test_a_dead_worker_is_taken_over(
        self, cluster: Cluster, home: Path, awkward: list[Path], truth: dict[str, str]
    ) -> None:
        process = cluster.adding(home, "ray", *awkward)
        wait_for_a_batch(home, "ray", process)
        os.kill(cluster.worker(), signal.SIGKILL)
        assert ended(process)[0] == [201, 3, 1, 5]
        assert held(home, "ray") == truth

    def test_a_dead_driver_is_resumed(
        self, cluster: Cluster, home: Path, awkward: list[Path], truth: dict[str, str]
    ) -> None:
        process = cluster.adding(home, "ray", *awkward)
        wait_for_a_batch(home, "ray", process)
        process.kill()
        process.communicate()
        kept = published(home, "ray")
        added, _, unchanged, _ = ended(cluster.adding(home, "ray", *awkward))[0]
        assert 0 < kept <= unchanged
        assert added < 201
        assert held(home, "ray") == truth

    def test_from_outside_the_cluster_it_is_the_same(
        self, cluster: Cluster, home: Path, awkward: list[Path], truth: dict[str, str]
    ) -> None:
        process = cluster.adding(home, "ray", *awkward, address=cluster.client)
        assert ended(process)[0] == [201, 3, 1, 5]
        assert held(home, "ray") == truth

    def test_another_release_of_ray_is_told(
        self, cluster: Cluster, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = DRIVER.replace(
            "import json", "import ray; ray.__version__ = '2.1.0'\nimport json", 1
        )
        monkeypatch.setitem(globals(), "DRIVER", other)
        said = ended(cluster.adding(home, "ray", folder))[1]
        assert "SettingsError" in said
        assert "Version mismatch" in said

    def test_workers_without_byline_are_told_of(
        self, home: Path, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "empty" / "byline").mkdir(parents=True)
        (tmp_path / "empty" / "byline" / "__init__.py").touch()
        with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as scratch:
            bare = Cluster(Path(scratch), tmp_path / "empty")
            try:
                said = ended(bare.adding(home, "ray", folder))[1]
            finally:
                bare.close()
        assert "SettingsError: Byline cannot be used on the workers" in said
        assert "runtime_env" in said

    def test_the_command_says_only_its_own(self, home: Path, folder: Path) -> None:
        command = [sys.executable, "-m", "byline", "add", "--ray", "local", "--json", str(folder)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, "BYLINE_HOME": str(home), "BYLINE_RAY_WORKERS": "1"},
        )
        assert done.stderr == ""
        assert json.loads(done.stdout)["added"] == 3
