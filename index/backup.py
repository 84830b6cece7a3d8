"""An index in one file, and an index from it.

backup(archive, Path("news.byline")); restore(Path("news.byline"), home / "news")

The file is a tar of archive.db and manifest.json, wherever the archive is: so an index moves from
SQLite to PostgreSQL and back. Vectors are in the archive, so the vector store is left out, and made
anew from them.
"""

import hashlib
import io
import json
import logging
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from ..errors import BylineError, IndexDamaged, IndexMismatch, InputError
from . import erase
from .archive import Archive, has_index, rulings
from .archive.migrate import SCHEMA
from .archive.transfer import pour
from .disk import is_refusal, reason_of, refused, staging
from .lock import writing
from .server import Server, store_at
from .settle import refill, settle
from .store import Store

_DATABASE, _MANIFEST = "archive.db", "manifest.json"
_MEBIBYTE = 1 << 20

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    index: str
    made: str
    "ISO 8601, UTC"
    byline: str
    "the release that made it"
    schema: int
    articles: int
    passages: int
    sha256: str
    "of archive.db"

    def __str__(self) -> str:
        return (
            f"{self.articles} articles, {self.passages} passages of index '{self.index}' as of "
            f"{self.made}"
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def backup(archive: Archive, path: Path) -> Manifest:
    """Copy an archive as it is at one moment; writers and readers go on meanwhile.

    A file that is there is replaced when the copy is whole. Raises InputError, DiskError.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"A backup is one file in a folder that is there; {path} is not.")
    if archive.path.parent.resolve() in path.resolve().parents:
        raise InputError(f"{path} lies in the index itself: put the backup elsewhere.")
    with _staging(path.parent) as beside:
        copy = beside / _DATABASE
        with closing(sqlite3.connect(copy)) as target:
            if archive.url is None:
                _copy(archive, target)
            else:
                _pour(archive, copy)
            target.execute("PRAGMA journal_mode=DELETE")
            schema = int(target.execute(_META, ["schema"]).fetchone()[0])
            articles, passages = target.execute(_TOTALS).fetchone()
        manifest = Manifest(
            index=archive.path.parent.name,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            byline=version("byline"),
            schema=schema,
            articles=articles,
            passages=passages,
            sha256=_sha256(copy),
        )
        said = json.dumps(manifest.to_dict()).encode()
        whole = beside / "backup.tar"
        with tarfile.open(whole, "w") as tar:
            about = tarfile.TarInfo(_MANIFEST)
            about.size = len(said)
            tar.addfile(about, io.BytesIO(said))
            tar.add(copy, _DATABASE)
        with whole.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(whole, path)
    return manifest


def _copy(archive: Archive, target: sqlite3.Connection) -> None:
    with closing(archive.engine.raw_connection()) as pooled:  # also of a read-only disk
        source: Any = pooled.driver_connection
        source.backup(target)  # in one step: a writer cannot make it begin again


def _pour(archive: Archive, copy: Path) -> None:
    with (
        closing(Archive(copy)) as file,
        archive.engine.connect() as source,
        file.engine.begin() as target,
    ):
        pour(source, target)


def restore(
    path: Path,
    folder: Path,
    *,
    force: bool = False,
    server: Server | None = None,
    archive_url: str | None = None,
) -> Manifest:
    """Make the index of a folder from a backup; readers that have it open follow.

    The old index is in use until the new one is whole and checked; what was erased, killed or
    retracted by hand in it stays so, and an index that is local-only stays that. What the backup
    says of itself is returned with the numbers of what stands now. Raises InputError
    where the file is no sound backup, or there is an index and not `force`; IndexMismatch where a
    newer release made it; IndexLocked; DiskError.
    """
    target = folder / _DATABASE
    if has_index(folder.parent, folder.name, archive_url) and not force:
        is_named = archive_url is not None and "search_path" in archive_url
        other = "schema in BYLINE_ARCHIVE" if is_named else "name with --index"
        raise InputError(
            f"There is an index '{folder.name}' already: give another {other}, or put the backup "
            "in its place with --force."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _staging(folder.parent) as beside:
        staged_folder = beside / folder.name
        staged_folder.mkdir()
        manifest = _unpacked(path, staged_folder / _DATABASE)
        with closing(_opened(Archive, staged_folder / _DATABASE)) as staged:
            folder.mkdir(exist_ok=True)
            with writing(folder / "lock"), _taken(target, archive_url) as current:
                with Store(staged_folder / "chroma", "") as store:
                    _protect(current, staged)
                    stones = [*erase.tombstones(current), *erase.noted_apart(target)]
                    erase.add_tombstones(staged, stones, current)
                    erase.apply_tombstones(staged, store, lock_file=staged_folder / "lock")
                articles, passages = staged.totals()
                _replace(current, staged, folder, server)
    return replace(manifest, articles=articles, passages=passages)


@contextmanager
def _taken(path: Path, url: str | None) -> Iterator[Archive]:
    """The archive that is replaced; nobody else writes to it."""
    with ExitStack() as held:
        current = held.enter_context(closing(_current(path, url)))
        if current.url is not None:
            held.enter_context(current.writing(path.with_name("lock")))
        yield current


def _protect(current: Archive, staged: Archive) -> None:
    """Give what is restored the decisions that people took in the index that it replaces."""
    with current.engine.connect() as connection:
        ruled = [*rulings.waiting(connection), *rulings.in_force(connection)]
    there = staged.published([one["id"] for one in ruled])
    if killed := [one["id"] for one in ruled if one["killed"]]:
        staged.kill(killed)
    for one in ruled:
        if one["hand"] and one["hand"]["kind"] == "retracted":
            staged.retract(one["id"], one["hand"]["text"])
    with staged.engine.begin() as connection:
        rulings.keep(connection, [one for one in ruled if one["id"] not in there])
    if current.local_only:
        staged.keep_local(True)


def _replace(current: Archive, staged: Archive, folder: Path, server: Server | None) -> None:
    """Put the staged archive in place in one transaction, then make the vector store from it."""
    name, generation = current.uuid, max(current.generation, staged.generation) + 1
    with closing(sqlite3.connect(staged.path)) as source:
        with source:
            meta = {"uuid": name, "generation": str(generation), "restored": uuid4().hex}
            source.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
        collection = f"byline-{name}"
        at = store_at(server, folder / "chroma", collection, archive_url=current.url)
        with at as store:
            store.doubt()  # a kill between the two is seen by who comes next
            if current.url is None:
                with closing(sqlite3.connect(current.path, timeout=30)) as target:
                    source.backup(target)
            else:
                with staged.engine.connect() as given, current.engine.begin() as connection:
                    pour(given, connection)
            refill(current, store)
            settle(current, store)


def _current(path: Path, url: str | None) -> Archive:
    """The archive that is replaced; where it cannot be read it is put aside."""
    try:
        return Archive(path, url)
    except IndexDamaged:
        _LOG.warning(
            "The archive %s cannot be read: what was killed or retracted by hand since the "
            "backup is not known, and comes back with it.",
            path,
        )
        for suffix in ("", "-wal", "-shm"):
            damaged = path.with_name(path.name + suffix)
            if damaged.exists():
                os.replace(damaged, path.with_name(f"damaged-{path.name}{suffix}"))
        return Archive(path)


def _opened(kind: type[Archive], path: Path) -> Archive:
    archive = kind(path)
    try:
        problems = archive.problems()
        if problems:
            raise InputError(f"The backup is damaged: {'; '.join(problems)}. Use another one.")
    except BaseException:
        archive.close()
        raise
    return archive


def _unpacked(path: Path, database: Path) -> Manifest:
    """Write the archive of a backup to a file; what the backup says of it, once that is checked."""
    try:
        with tarfile.open(path, "r:") as tar:
            manifest = Manifest(**json.loads(_member(tar, _MANIFEST).read()))
            if manifest.schema > SCHEMA:
                raise IndexMismatch(
                    f"{path} has schema {manifest.schema}, this release of Byline knows {SCHEMA}: "
                    f"Byline {manifest.byline} made it. Upgrade Byline, or use another backup."
                )
            with database.open("wb") as file:
                shutil.copyfileobj(_member(tar, _DATABASE), file, _MEBIBYTE)
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"There is no file {path}.") from None
    except (tarfile.TarError, ValueError, TypeError, KeyError, EOFError) as error:
        raise InputError(
            f"{path} is no backup of Byline, or is cut short: {reason_of(error)}. Use another one."
        ) from None
    if _sha256(database) != manifest.sha256:
        raise InputError(
            f"The backup {path} is damaged: its checksum is not the one that it was made with. "
            "Use another one."
        )
    return manifest


def _member(tar: tarfile.TarFile, name: str) -> BinaryIO:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(f"{name} is no file")
    return found  # type: ignore[return-value]


@contextmanager
def _staging(beside: Path) -> Iterator[Path]:
    """A folder for what is not whole yet, on the same disk; gone afterwards."""
    try:
        with staging(beside) as folder:
            yield folder
    except BylineError:
        raise
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, OSError) or is_refusal(error):
            raise refused(error, beside) from None
        raise IndexDamaged(
            f"The archive cannot be copied: {reason_of(error)}. Run `byline check`."
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_META = "SELECT value FROM meta WHERE key = ?"
_TOTALS = "SELECT count(*), ifnull(sum(passages), 0) FROM articles WHERE version IS NOT NULL"
