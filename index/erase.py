"""Erases articles from every byte below an index's folder, and keeps them from coming back.

found = erase(["ledger-17"], archive, store, lock_file=folder / "lock")
apply_tombstones(restored_archive, store, lock_file=folder / "lock")   # after an old backup

What is noted first are the tombstones: an erase that was interrupted is finished by the next one,
or by `check --repair`.
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..errors import DiskError, IndexLocked, NotFound
from . import tables, withheld, writes
from .archive import Archive
from .chunk import sentence_spans
from .conversations import shortened
from .disk import sweep
from .jobs import Jobs
from .lock import writing
from .settle import refill_apart, settle
from .store import Store
from .tombstones import keep, keys_of, own_keys, stored

_UNFINISHED = "erasing"  # a key of meta
_LEAST_SENTENCE, _LEAST_NAME = 40, 20  # characters from which words tell an article
_CHUNK_BYTES = 16 * 2**20  # of another file that are in memory
_OWN = re.compile(r"archive\.db(-wal|-shm)?|chroma(-\d+|\.\w+)?|lock(\.\w+)?|erased")
APART = "erased"  # a file beside the archive


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is erased, or would be."""

    ids: tuple[str, ...]
    "as given, and others of the same address"
    copies: tuple[str, ...]
    "articles with the same text under another id: they stay"
    answers: int = 0
    "stored answers of which only the question is left"
    files: tuple[str, ...] = ()
    "other files below the index's folder that hold its text: they are deleted"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        plain = asdict(self)
        return plain | {name: list(plain[name]) for name in ("ids", "copies", "files")}


def plan(ids: Sequence[str], archive: Archive) -> Erasure:
    """What erasing these would erase, and what it would leave. Raises InputError for an unknown id.

    What is hidden, or accepted and not yet published, or removed and only cited by stored answers,
    can be erased too.
    """
    with archive.engine.connect() as connection:
        rows = _versions(connection)
        held = {row.id for row in rows}
        if unknown := [
            name for name in ids if name not in held and not _is_cited(connection, name)
        ]:
            raise NotFound(
                f"There is no article '{unknown[0]}' in index '{archive.path.parent.name}': "
                "nothing was erased. `byline articles list` shows the ids."
            )
        meant = _named(rows, {key for row in rows if row.id in ids for key in _own(row)})
        others = sa.select(tables.articles.c.id).where(tables.articles.c.pk.not_in(meant))
        texts = sa.select(tables.versions.c.text).where(tables.versions.c.article_pk.in_(meant))
        of_text = sa.select(tables.versions.c.article_pk).where(tables.versions.c.text.in_(texts))
        origins = sa.select(tables.articles.c.origin_pk).where(tables.articles.c.pk.in_(meant))
        is_copy = tables.articles.c.pk.in_(of_text) | tables.articles.c.pk.in_(origins)
        is_copy |= tables.articles.c.origin_pk.in_([*meant])
        is_copy |= tables.articles.c.origin_pk.in_(origins)
        copies = connection.scalars(others.where(is_copy)).all()
    telling = {text for row in rows if row.pk in meant for text in _telling(archive, row)}
    folder = archive.path.parent
    files = tuple(str(file.relative_to(folder)) for file in _others(folder, telling, []))
    found = tuple(dict.fromkeys(row.id for row in rows if row.pk in meant))
    return Erasure(found, tuple(copies), files=files)


def erase(ids: Sequence[str], archive: Archive, store: Store, *, lock_file: Path) -> Erasure:
    """Erase articles. Raises InputError for an unknown id, IndexLocked, IndexDamaged.

    DiskError, at the end, where another file below the folder cannot be searched or deleted.
    """
    planned = plan(ids, archive)
    with writing(lock_file):
        with archive.engine.begin() as connection:
            keys = {key for row in _versions(connection) if row.id in ids for key in _own(row)}
            keys |= {key for article_id in ids for key in own_keys(article_id, None)}
            stones = [(key, time.time()) for key in sorted(keys)]
            keep(connection, stones)
            writes.note(connection, _UNFINISHED, "1")
        _note_apart(archive.path, stones)
        answers, files, _ = _bury(archive, store)
    return Erasure(planned.ids, planned.copies, answers, files)


def _note_apart(path: Path, stones: Iterable[tuple[bytes, float]]) -> None:
    """Note tombstones beside the archive too, for when it is damaged and a backup is restored."""
    with path.with_name(APART).open("a") as file:
        file.writelines(f"{key.hex()} {at}\n" for key, at in stones)


def noted_apart(path: Path) -> list[tuple[bytes, float]]:
    """The tombstones that stand beside an archive; lines that are no tombstones do not count."""
    try:
        lines = path.with_name(APART).read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = (re.fullmatch(r"([0-9a-f]{32}) ([\d.]+)", line) for line in lines)
    return [(bytes.fromhex(one[1]), float(one[2])) for one in found if one]


def apply_tombstones(archive: Archive, store: Store, *, lock_file: Path) -> int:
    """Erase all that an archive's tombstones name, as an older one may hold it; how many articles.

    Stored answers that cite what was erased are redacted also where the article is not there.
    """
    with writing(lock_file):
        return _bury(archive, store)[2]


def tombstones(archive: Archive) -> list[tuple[bytes, float]]:
    """What was erased from an archive: a hash, and when in seconds since 1970."""
    with archive.engine.connect() as connection:
        return stored(connection)


def add_tombstones(archive: Archive, rows: Iterable[tuple[bytes, float]]) -> None:
    """Give an archive the tombstones of another; `apply_tombstones` then erases what they name."""
    with archive.engine.begin() as connection:
        keep(connection, list(rows))
        writes.note(connection, _UNFINISHED, "1")


def is_unfinished(archive: Archive) -> bool:
    """Whether an erase was interrupted: what it named may still be in the files."""
    return archive.built_with(_UNFINISHED) is not None


def _bury(archive: Archive, store: Store) -> tuple[int, tuple[str, ...], int]:
    """Answers redacted, files deleted, articles erased; then nothing of them is left in a file."""
    settle(archive, store)
    sweep(archive.path.parent.parent)
    with archive.engine.connect() as connection:
        rows = _versions(connection)
        stones = dict(stored(connection))
    meant = _named(rows, set(stones))
    telling = {text for row in rows if row.pk in meant for text in _telling(archive, row)}
    Jobs(archive.engine, archive.path.parent / "jobs").forget(
        telling | {row.id for row in rows if row.pk in meant}
    )
    files, unread = _delete_others(archive.path.parent, telling)
    with archive.engine.begin() as connection:
        answers = _redact(connection, stones, telling)
        _forget_feeds(connection, telling)
        if meant or answers:
            writes.note(connection, _UNFINISHED, "1")
    for article_id in {row.id for row in rows if row.pk in meant}:
        archive.remove(article_id)
    if is_unfinished(archive):
        _scrub(archive, store)
    if unread:
        raise DiskError(
            f"The articles are erased from the index, but {', '.join(unread)} below its folder "
            "cannot be read or deleted, and may hold their text: delete what you do not need."
        )
    return answers, files, len(meant)


def _scrub(archive: Archive, store: Store) -> None:
    """Write archive and vector store anew, so that no page or log holds what was erased."""
    refill_apart(archive, store)  # what is deleted stays in its files
    archive.forget_doomed(archive.doomed())
    # Each look waits for readers as long as SQLite's busy timeout.
    if not archive.forget_traces() and not archive.empty_log():
        raise IndexLocked(
            "The articles are erased, but a process that reads the index keeps their bytes "
            "in archive.db-wal. Stop it, and run `byline check --repair`."
        )
    with archive.engine.begin() as connection:
        connection.execute(tables.meta.delete().where(tables.meta.c.key == _UNFINISHED))


def _versions(connection: sa.Connection) -> list[Any]:
    """Every stored version: pk and id of its article, version, facts."""
    query = sa.select(
        tables.articles.c.pk,
        tables.articles.c.id,
        tables.versions.c.version,
        tables.versions.c.facts,
    )
    return list(connection.execute(query.join(tables.versions)).all())


def _is_cited(connection: sa.Connection, article_id: str) -> bool:
    answers = connection.scalars(sa.select(tables.turns.c.answer))
    return any(article_id in withheld.quoted(json.loads(answer)) for answer in answers)


def _keys(row: Any) -> list[bytes]:
    return keys_of(row.id, json.loads(row.facts).get("url"))


def _own(row: Any) -> list[bytes]:
    return own_keys(row.id, json.loads(row.facts).get("url"))


def _named(rows: Iterable[Any], keys: set[bytes]) -> list[int]:
    """The numbers of the articles that one of the keys names."""
    return sorted({row.pk for row in rows if not keys.isdisjoint(_keys(row))})


def _telling(archive: Archive, row: Any) -> list[str]:
    """Words by which a version's text is known wherever it stands: sentences, headline, address."""
    query = sa.select(tables.versions.c.text).where(*writes.is_version(row.pk, row.version))
    with archive.engine.connect() as connection:
        text = connection.scalar(query) or ""
    facts = json.loads(row.facts)
    names = [str(facts[name]) for name in ("title", "url") if facts.get(name)]
    said = [text[start:end] for start, end in sentence_spans(text, 0, len(text))]
    return [name for name in names if len(name) >= _LEAST_NAME] + [
        sentence for sentence in said if len(sentence) >= _LEAST_SENTENCE
    ]


def _delete_others(folder: Path, telling: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Delete what `_others` finds: what was deleted, and what cannot be read or deleted."""
    found, unread = [], list[str]()
    for file in _others(folder, telling, unread):
        try:
            file.unlink()
            found.append(str(file.relative_to(folder)))
        except OSError:
            unread.append(str(file.relative_to(folder)))
    return tuple(found), tuple(unread)


def _others(folder: Path, telling: Iterable[str], unread: list[str]) -> Iterator[Path]:
    """Reports, backups and other files below the folder that hold one of these texts."""
    said = list(telling)
    forms = [form.encode() for text in said for form in (text, json.dumps(text)[1:-1])]
    forms += [text.encode("utf-16-le") for text in said]
    for file in sorted(folder.rglob("*")) if forms else ():
        if _OWN.fullmatch(file.relative_to(folder).parts[0]) or not file.is_file():
            continue
        try:
            if _holds(file, forms):
                yield file
        except OSError:
            unread.append(str(file.relative_to(folder)))


def _holds(file: Path, forms: Sequence[bytes]) -> bool:
    longest, held = max(map(len, forms)), b""
    with file.open("rb") as opened:
        while read := opened.read(_CHUNK_BYTES):
            held = held[-longest:] + read
            if any(form in held for form in forms):
                return True
    return False


def _redact(connection: sa.Connection, stones: dict[bytes, float], telling: Iterable[str]) -> int:
    """Leave of stored answers that cite what was erased the question alone; how many there were."""
    said, count = [" ".join(text.split()) for text in telling], 0
    titles: dict[str, str] = {}
    query = sa.select(tables.turns, tables.conversations.c.title).join(tables.conversations)
    for row in connection.execute(query).all():
        answer = json.loads(row.answer)
        keys = {key for name in withheld.quoted(answer) for key in keys_of(name, None)}
        dates = [stones[key] for key in keys if key in stones]
        if not dates:
            continue
        typed = str(answer["question"])
        asked = _without(said, typed)
        redacted = withheld.redacted(answer, withheld.erased(max(dates)), asked)
        if redacted == answer:
            continue
        count += 1
        of_turn = (tables.turns.c.conversation_id == row.conversation_id) & (
            tables.turns.c.number == row.number
        )
        connection.execute(tables.turns.update().where(of_turn).values(answer=json.dumps(redacted)))
        of_turn = (tables.feedback.c.conversation_id == row.conversation_id) & (
            tables.feedback.c.number == row.number
        )
        connection.execute(tables.feedback.delete().where(of_turn))  # it may quote the answer
        title = titles.get(row.conversation_id, row.title)
        title = shortened(asked) if title == shortened(typed) else _without_cut(said, title)
        titles[row.conversation_id] = title
        named = tables.conversations.c.id == row.conversation_id
        connection.execute(tables.conversations.update().where(named).values(title=title))
    return count


def _without(said: Iterable[str], text: str) -> str:
    """A text of the user's own, without what it quotes."""
    text = " ".join(text.split())
    for one in said:
        text = text.replace(one, "…")
    return text


def _without_cut(said: Iterable[str], title: str) -> str:
    """As `_without`, of a title that may end within what it quotes."""
    title = _without(said, title)
    for one in said if title.endswith("…") else ():
        at = title.find(one[:_LEAST_NAME])
        if at >= 0 and one.startswith(title[at:-1]):
            title = f"{title[:at]}…"
    return title


def _forget_feeds(connection: sa.Connection, telling: Iterable[str]) -> None:
    """Empty the errors of feed items that speak of it: what else is kept of an item is a hash."""
    items = tables.feed_items.c
    for text in telling:
        speaks = items.error.contains(text, autoescape=True)
        connection.execute(tables.feed_items.update().where(speaks).values(error="erased"))
