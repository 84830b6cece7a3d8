"""The writer's lock: who holds it is named, and who held it once is not."""

import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from byline.errors import IndexLocked
from byline.index.lock import writing


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Another thread holds the lock."""
    is_held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(lock):
            is_held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    yield
    done.set()
    holder.join()


def told(lock: Path, **noted: object) -> str:
    """What who waits is told where the holder's file says this."""
    if noted:
        lock.with_name("lock.holder").write_text(json.dumps(noted))
    with pytest.raises(IndexLocked) as error, writing(lock, wait_seconds=0.05):
        pass
    return str(error.value)


def test_the_holder_is_named_with_its_command_and_since_when(tmp_path: Path) -> None:
    with held(tmp_path / "lock"):
        said = told(tmp_path / "lock")
    assert f"is being written by process {os.getpid()} (`" in said
    assert " UTC). Wait" in said
    assert not (tmp_path / "lock.holder").exists()


def test_a_process_that_is_gone_is_not_named(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with held(tmp_path / "lock"):
        noted = {"pid": gone.pid, "command": "byline add", "since": "then"}
        assert "by another process." in told(tmp_path / "lock", **noted, host=platform.node())
        elsewhere = told(tmp_path / "lock", **noted, host="newsroom")
    assert f"process {gone.pid} on newsroom (`byline add`, since then UTC)" in elsewhere


@pytest.mark.parametrize("noted", [{"pid": "x"}, {"colour": "green"}])
def test_a_file_that_makes_no_sense_does_not_matter(
    tmp_path: Path, noted: dict[str, object]
) -> None:
    with held(tmp_path / "lock"):
        assert "by another process." in told(tmp_path / "lock", **noted)


def test_what_a_dead_process_left_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / "lock.holder").write_text(json.dumps({"pid": 1, "host": platform.node()}))
    with writing(tmp_path / "lock", wait_seconds=0):
        assert json.loads((tmp_path / "lock.holder").read_text())["pid"] == os.getpid()
