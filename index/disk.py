"""What a disk says when it is full, read-only or broken, in one line that says what to do.

raise refused(error, path)
"""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from ..errors import BylineError, DiskError, IndexDamaged, IndexLocked

# What SQLite, Chroma's core and the system say; only the first has codes that reach Python.
_REMEDIES = {
    ("disk is full", "no space left", "file too large", "quota"): "Free some space",
    ("readonly", "read-only", "permission denied", "not permitted"): "Make it writable",
    ("disk i/o error", "input/output error", "unable to open database"): (
        "Check the disk, its free space and the folder's permissions"
    ),
}
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STAGING = ".byline-"


def refused(error: BaseException, path: Path) -> DiskError:
    """The error of a disk that refuses what it was asked, whatever the reason is."""
    return DiskError(
        f"{path} cannot be used: {reason_of(error)}. {_remedy(error) or 'Check the disk'} and run "
        "it again: what was accepted is kept."
    )


def told(error: BaseException, archive: Path) -> BylineError | None:
    """What is to be told of a database error of an archive; None: it is another matter."""
    reason = reason_of(error)
    if _remedy(error):
        return refused(error, archive)
    if "database is locked" in reason:
        return IndexLocked(
            f"The archive {archive} is being written to for too long. Try again in a moment."
        )
    if "malformed" in reason or "not a database" in reason:
        return IndexDamaged(
            f"The archive {archive} is damaged: {reason}. Put a backup in its place with "
            "`byline restore FILE --force` (`byline backup FILE` makes one), or choose another "
            "index with --index."
        )
    return None


def is_refusal(error: BaseException) -> bool:
    """Whether an error of any library is a full, read-only or broken disk."""
    return _remedy(error) is not None


def reason_of(error: BaseException) -> str:
    """An error's own words, on one line."""
    said = getattr(error, "orig", None) or error
    strerror = getattr(said, "strerror", None)
    return " ".join(str(strerror or said).split())[:200].rstrip(".") or type(said).__name__


def _remedy(error: Any) -> str | None:
    if getattr(error, "errno", None) in _NO_SPACE:
        return "Free some space"
    said = str(error).casefold()
    for signs, remedy in _REMEDIES.items():
        if any(sign in said for sign in signs):
            return remedy
    return None


@contextmanager
def staging(beside: Path) -> Iterator[Path]:
    """A folder for what is not whole yet, on the same disk; gone afterwards, whatever happens."""
    sweep(beside)
    path = beside / f"{_STAGING}{uuid4().hex}"
    with _held(path):
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def sweep(beside: Path) -> None:
    """Delete what backups and restores of dead processes have left in a folder: whole archives.

    Whoever is at work holds a lock, which a system takes from the dead.
    """
    for path in beside.glob(f"{_STAGING}*"):
        with suppress(Timeout, OSError), _held(path.with_suffix("")):
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    lock = path.with_suffix(".lock")
    with FileLock(lock, timeout=0):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows deletes nothing that is open; the next sweep does
                lock.unlink(missing_ok=True)
