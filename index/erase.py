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
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..errors import DiskError, IndexDamaged, IndexLocked, NotFound
from .archive import Archive, rulings, tables, withheld, writes
from .archive.conversations import shortened
from .archive.origins import same_text
from .archive.tombstones import keep, keys_of, own_keys, secrets, stored, text_keys
from .chunk import sentence_spans
from .disk import sweep
from .jobs import jobs_of
from .settle import refill_apart, settle
from .store import Store

_UNFINISHED = "erasing"  # a key of meta
_LEAST_SENTENCE, _LEAST_NAME = 40, 20  # characters from which words tell an article
_RUN = 5  # words in a row that a question has from an article
_WORD = re.compile(r"\w+")
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
        held = {row.id for row in rows} | {one["id"] for one in rulings.waiting(connection)}
        held |= {name for name, _ in _cited(connection, [one for one in ids if one not in held])}
        if unknown := [name for name in ids if name not in held]:
            raise NotFound(
                f"There is no article '{unknown[0]}' in index '{archive.path.parent.name}': "
                "nothing was erased. `byline articles list` shows the ids."
            )
        meant = _named(rows, {key for row in rows if row.id in ids for key in row.own})
        copies = same_text(connection, meant)
    meant_rows = [row for row in rows if row.pk in meant]
    telling = {text for row in meant_rows for text in _telling(row, _text(archive, row))}
    folder = archive.path.parent
    files = tuple(str(file.relative_to(folder)) for file in _others(folder, telling, []))
    found = tuple(dict.fromkeys(row.id for row in rows if row.pk in meant))
    return Erasure(found, tuple(copies), files=files)


def erase(ids: Sequence[str], archive: Archive, store: Store, *, lock_file: Path) -> Erasure:
    """Erase articles. Raises InputError for an unknown id, IndexLocked, IndexDamaged.

    DiskError, at the end, where another file below the folder cannot be searched or deleted.
    """
    planned = plan(ids, archive)
    with archive.writing(lock_file):
        with archive.engine.begin() as connection:
            keys = {key for row in _versions(connection) if row.id in ids for key in row.own}
            named = {(name, None) for name in ids} | _cited(connection, ids)
            keys |= {key for name, url in named for key in own_keys(name, url)}
            stones = [(key, time.time()) for key in sorted(keys)]
            keep(connection, stones)
            writes.note(connection, _UNFINISHED, "1")
        _note_apart(archive.path, stones)
        with _told(archive):
            answers, files, _ = _bury(archive, store)
    return Erasure(planned.ids, planned.copies, answers, files)


def _note_apart(path: Path, stones: Iterable[tuple[bytes, float]]) -> None:
    """Note tombstones beside the archive too, for when it is damaged and a backup is restored."""
    path.parent.mkdir(parents=True, exist_ok=True)  # nothing else may lie there, with servers
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
    with archive.writing(lock_file), _told(archive):
        return _bury(archive, store)[2]


def tombstones(archive: Archive) -> list[tuple[bytes, float]]:
    """What was erased from an archive: a hash, and when in seconds since 1970."""
    with archive.engine.connect() as connection:
        return stored(connection)


def add_tombstones(
    archive: Archive, rows: Iterable[tuple[bytes, float]], of: Archive | None = None
) -> None:
    """Give an archive the tombstones of another; `apply_tombstones` then erases what they name."""
    with archive.engine.begin() as connection, (of or archive).engine.connect() as other:
        both = {*secrets(connection), *secrets(other)}
        writes.note(connection, "erased_with", " ".join(sorted(both)))
        keep(connection, list(rows))
        writes.note(connection, _UNFINISHED, "1")


def is_unfinished(archive: Archive) -> bool:
    """Whether an erase was interrupted: what it named may still be in the files."""
    return archive.built_with(_UNFINISHED) is not None


@contextmanager
def _told(archive: Archive) -> Iterator[None]:
    """Say of an erase that the disk stops what is so, and what finishes it."""
    try:
        yield
    except (DiskError, IndexDamaged) as error:
        if not is_unfinished(archive):
            raise
        why = str(error).partition(" and run it again")[0].rstrip(".")
        raise DiskError(
            "The erase is noted and not finished: what it names may still be shown, and is in the "
            f"files. {why}. Make room for a second copy of the index, then run "
            "`byline check --repair`, which finishes it."
        ) from None


def _bury(archive: Archive, store: Store) -> tuple[int, tuple[str, ...], int]:
    """Answers redacted, files deleted, articles erased; then nothing of them is left in a file."""
    settle(archive, store)
    sweep(archive.path.parent.parent)
    with archive.engine.connect() as connection:
        rows = _versions(connection)
        stones = dict(stored(connection))
    meant = _named(rows, set(stones))
    erased = [(row, _text(archive, row)) for row in rows if row.pk in meant]
    telling = {text for row, whole in erased for text in _telling(row, whole)}
    texts = {text for row, whole in erased for text in (whole, *_names(row))}
    jobs_of(archive).forget(telling | {row.id for row, _ in erased})
    files, unread = _delete_others(archive.path.parent, telling)
    with archive.engine.begin() as connection:
        answers = _redact(connection, stones, texts)
        _forget_feeds(connection, telling)
        if meant or answers:
            writes.note(connection, _UNFINISHED, "1")
    for article_id in {row.id for row in rows if row.pk in meant}:
        archive.remove(article_id)
    with archive.engine.begin() as connection:
        rulings.forget(connection, stones)
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
            "The articles are erased, but a process that reads the index, or a transaction that "
            "is open elsewhere in its database, keeps their bytes on the disk. Stop it, and run "
            "`byline check --repair`."
        )
    with archive.engine.begin() as connection:
        connection.execute(tables.meta.delete().where(tables.meta.c.key == _UNFINISHED))


@dataclass(frozen=True, slots=True)
class _Held:
    """A stored version, without its text."""

    pk: int
    id: str
    version: str
    facts: dict[str, Any]
    own: list[bytes]
    "hashes that are kept of it when it is erased"
    keys: set[bytes]
    "hashes by any of which it is known as erased"


def _versions(connection: sa.Connection) -> list[_Held]:
    """Every stored version; 0.1 ms each, for the hashes of the texts."""
    query = sa.select(
        tables.articles.c.pk,
        tables.articles.c.id,
        tables.versions.c.version,
        tables.versions.c.facts,
        tables.versions.c.text,
    )
    found, known = list[_Held](), secrets(connection)
    for row in connection.execute(query.join(tables.versions)):
        facts = json.loads(row.facts)
        of_text = text_keys(known, facts.get("outlet"), facts.get("title"), row.text)
        own, keys = ([*of(row.id, facts.get("url")), *of_text] for of in (own_keys, keys_of))
        found.append(_Held(row.pk, row.id, row.version, facts, own, set(keys)))
    return found


def _cited(connection: sa.Connection, ids: Sequence[str]) -> set[tuple[str, str | None]]:
    """Those of the articles that stored answers stand on, each with the addresses they give."""
    answers = connection.scalars(sa.select(tables.turns.c.answer)) if ids else ()
    found = set[tuple[str, str | None]]()
    for answer in map(json.loads, answers):
        found |= {(name, None) for name in withheld.quoted(answer)}
        cited = (*answer.get("citations", ()), *answer.get("nearest", ()))
        found |= {(one["article_id"], one.get("url")) for one in cited if "article_id" in one}
    return {(name, url) for name, url in found if name in ids}


def _named(rows: Iterable[_Held], keys: set[bytes]) -> list[int]:
    """The numbers of the articles that one of the keys names."""
    return sorted({row.pk for row in rows if not keys.isdisjoint(row.keys)})


def _text(archive: Archive, row: _Held) -> str:
    query = sa.select(tables.versions.c.text).where(*writes.is_version(row.pk, row.version))
    with archive.engine.connect() as connection:
        return connection.scalar(query) or ""


def _names(row: _Held) -> list[str]:
    return [str(row.facts[name]) for name in ("title", "url") if row.facts.get(name)]


def _telling(row: _Held, text: str) -> list[str]:
    """Words by which a version's text is known wherever it stands: sentences, headline, address."""
    said = [text[start:end] for start, end in sentence_spans(text, 0, len(text))]
    return [name for name in _names(row) if len(name) >= _LEAST_NAME] + [
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


def _redact(connection: sa.Connection, stones: dict[bytes, float], texts: Iterable[str]) -> int:
    """Leave of stored answers that cite what was erased the question alone; how many there were.

    Questions, titles and verdicts lose what they quote, whether it was cited or not.
    """
    runs, count = _runs(texts), 0
    titles: dict[str, str] = {}
    ids = [getattr(tables.turns.c, name) for name in ("conversation_id", "number")]
    of_turn = [mine == getattr(tables.feedback.c, mine.name) for mine in ids]
    query = sa.select(tables.turns, tables.conversations.c.title, tables.feedback.c.reason)
    joined = tables.turns.join(tables.conversations).outerjoin(tables.feedback, sa.and_(*of_turn))
    for row in connection.execute(query.select_from(joined)).all():
        answer = json.loads(row.answer)
        keys = {key for name in withheld.quoted(answer) for key in keys_of(name, None)}
        dates = [stones[key] for key in keys if key in stones]
        quotes = [one["quote"] for one in answer["citations"]] if dates else []
        said = runs | _runs(quotes)
        asked, typed = _without(said, answer["question"]), answer["question"]
        redacted = answer | {"question": asked}
        if asked != typed:
            redacted["standalone_question"] = asked
        if dates:
            redacted = withheld.redacted(answer, withheld.erased(max(dates)), asked)
        this = [mine == getattr(row, mine.name) for mine in ids]
        if redacted != answer:
            count += bool(dates)
            held = tables.turns.update().where(*this)
            connection.execute(held.values(answer=json.dumps(redacted)))
        if dates or _without(said, row.reason or "") != (row.reason or ""):
            named = [getattr(tables.feedback.c, m.name) == getattr(row, m.name) for m in ids]
            connection.execute(tables.feedback.delete().where(*named))  # it may quote the answer
        title = titles.get(row.conversation_id, row.title)
        title = shortened(asked) if title == shortened(typed) else _without(said, title)
        if title != titles.setdefault(row.conversation_id, row.title):
            titles[row.conversation_id] = title
            renamed = tables.conversations.update()
            renamed = renamed.where(tables.conversations.c.id == row.conversation_id)
            connection.execute(renamed.values(title=title))
    return count


def _runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """All runs of so many words of texts."""
    spoken = ([m[0].casefold() for m in _WORD.finditer(text)] for text in texts)
    return {tuple(words[at : at + _RUN]) for words in spoken for at in range(len(words) - _RUN + 1)}


def _without(runs: set[tuple[str, ...]], text: str) -> str:
    """A text of the user's own, without runs of words that stand in what was erased.

    A title that was cut may end within a word of one.
    """
    words = list(_WORD.finditer(text))
    said = [word[0].casefold() for word in words]
    if text.endswith("…") and words:
        begun = (run for run in runs if list(run[:-1]) == said[-_RUN:-1])
        said[-1] = next((run[-1] for run in begun if run[-1].startswith(said[-1])), said[-1])
    starts = [at for at in range(len(said)) if tuple(said[at : at + _RUN]) in runs]
    told = {at + more for at in starts for more in range(_RUN)}
    firsts, lasts = (sorted(at for at in told if at + way not in told) for way in (-1, 1))
    for first, last in zip(reversed(firsts), reversed(lasts), strict=True):
        rest = text[words[last].end() :].lstrip('.!?”"…')
        text = f"{text[: words[first].start()]}…{rest}"
    return text


def _forget_feeds(connection: sa.Connection, telling: Iterable[str]) -> None:
    """Empty the errors of feed items that speak of it: what else is kept of an item is a hash."""
    items = tables.feed_items.c
    for text in telling:
        speaks = items.error.contains(text, autoescape=True)
        connection.execute(tables.feed_items.update().where(speaks).values(error="erased"))
