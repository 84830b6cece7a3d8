"""One writer at a time: the lock of an index, held per batch, and who holds it.

with writing(folder / "lock"): ...
"""

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import IndexLocked
from .disk import refused


@contextmanager
def writing(lock_file: Path, wait_seconds: float = 30.0) -> Iterator[None]:
    """Hold the writer's lock of an index; raise IndexLocked, naming the holder, if it is held.

    Raises DiskError where the folder cannot be written to.
    """
    holder = lock_file.with_name("lock.holder")
    lock = FileLock(lock_file, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise locked(lock_file.parent.name, _named(holder)) from None
    except OSError as error:
        raise refused(error, lock_file.parent) from None
    try:
        with suppress(OSError):  # who cannot be named still holds the lock
            holder.write_text(json.dumps(_this_process()))
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def locked(index: str, holder: str) -> IndexLocked:
    """What who waits in vain is told."""
    return IndexLocked(
        f"Index '{index}' is being written by {holder}. Wait until it is done, or stop it, and try "
        "again."
    )


def _this_process() -> dict[str, object]:
    command = [Path(sys.argv[0]).name, *sys.argv[1:2]]  # no more: a question is nobody's business
    return {
        "pid": os.getpid(),
        "command": " ".join(command)[:80],
        "host": platform.node(),
        "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def _named(holder: Path) -> str:
    """The holder as it noted itself, if that can still be true."""
    try:
        noted = json.loads(holder.read_text())
        pid, is_here = int(noted["pid"]), noted["host"] == platform.node()
        if is_here and not _is_running(pid):
            return "another process"
        where = "" if is_here else f" on {noted['host']}"
        return f"process {pid}{where} (`{noted['command']}`, since {noted['since']} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _is_running(pid: int) -> bool:
    if os.name != "posix":  # there, signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
