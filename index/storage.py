"""Files in object storage through fsspec: s3://, gs://, memory:// and what else has a package.

>>> import fsspec
>>> fsspec.filesystem("memory").pipe("/news/a.txt", b"Rates rose.")
>>> listed("memory://news")
[('memory:///news/a.txt', 11)]
>>> opened("memory:///news/a.txt").read()
b'Rates rose.'
"""

import glob
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import InputError

_AHEAD = 1 << 20  # bytes that are asked for at once


def is_stored(given: Path | str) -> bool:
    """Whether it is an address in a storage, not a path; file:// is a path."""
    return isinstance(given, str) and "://" in given and not given.startswith("file://")


def local(given: Path | str) -> Path:
    """The path that is meant, also by file://."""
    is_url = isinstance(given, str) and given.startswith("file://")
    return Path(url2pathname(urlsplit(str(given)).path) if is_url else given)


def listed(url: str) -> list[tuple[str, int]]:
    """Address and bytes of every file at, below or of the pattern, in order; no hidden ones.

    Raises InputError where it cannot be listed, for instance for want of the storage's package.
    """
    try:
        storage, root = _found(url)
        storage.invalidate_cache()  # what this process has listed before
        find = storage.glob if glob.has_magic(root) else storage.find
        found = find(root, detail=True)
        named = [
            (storage.unstrip_protocol(name), int(about.get("size") or 0))
            for name, about in sorted(found.items())
            if about["type"] == "file" and "/." not in name.removeprefix(root)
        ]
        if not (named or storage.exists(root)):
            raise FileNotFoundError
    except FileNotFoundError:
        raise InputError("it does not exist") from None
    except Exception as error:  # the packages of storages raise classes of their own
        raise InputError(f"it cannot be listed: {_told(error)}") from None
    return named


def opened(url: str) -> BufferedReader:
    """The file to read from. Raises OSError, also as it is read."""
    try:
        storage, path = _found(url)
        return BufferedReader(_Read(storage.open(path, "rb")), _AHEAD)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # as above
        raise OSError(_told(error)) from None


class _Read(RawIOBase):
    """A storage's file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any) -> Any:
        try:
            return self._file.readinto(buffer)
        except Exception as error:  # as above
            raise OSError(_told(error)) from None

    def close(self) -> None:
        self._file.close()
        super().close()


def _found(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # adding other files should not wait for it

    found: tuple[Any, str] = url_to_fs(url)
    return found


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
