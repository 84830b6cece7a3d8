"""What is erased is in no byte of the index's folder, and nothing brings it back."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from byline import Desk
from byline.errors import DiskError, IndexLocked, InputError
from byline.index import erase
from byline.index.archive import Archive
from byline.index.archive.tombstones import keys_of
from byline.index.backup import restore
from byline.index.store import Store
from byline.qa.chat import Chat
from byline.tests.conftest import SAMPLE
from byline.tests.fakes import Letters

SENTENCES = tuple(
    f"{who} told the {what} inquiry that {thing} had been {done} before the storm."
    for who, what, thing, done in (
        ("Quillon Abernathy", "Vexholm", "the sluice gate", "welded shut"),
        ("Zephyrine Odlum", "Vexholm", "the tide register", "rewritten twice"),
        ("Barnaby Thrupp", "harbour", "the pilot's logbook", "soaked in paraffin"),
        ("Ottoline Wraxby", "harbour", "the spare windlass", "sold to a cousin"),
        ("Peregrine Slough", "parish", "the alarm bell", "muffled with felt"),
        ("Ismene Garrowby", "parish", "the lamp oil", "watered down"),
        ("Tancred Mobbs", "county", "the breakwater survey", "kept in a drawer"),
        ("Drusilla Penhallow", "county", "the insurance seal", "copied in wax"),
        ("Lysander Quoyle", "lifeboat", "the oar locks", "lent to a circus"),
        ("Euphemia Strake", "lifeboat", "the signal flares", "used at a wedding"),
    )
)
TITLE, SLUG = "Vexholm inquiry hears of the muffled bell", "vexholm-inquiry-muffled-bell"
BODY = " ".join(SENTENCES)
RECORD = {
    "id": "vex-1",
    "title": TITLE,
    "outlet": "The Ledger",
    "published": "2026-03-05",
    "url": f"https://ledger.example/2026/{SLUG}?utm_source=feed",
    "text": BODY,
}
# Twenty phrases of four words and more, from all over the text; beside them headline and address.
WORDS = BODY.split()
PHRASES = [" ".join(WORDS[at : at + 5]) for at in range(0, len(WORDS) - 5, len(WORDS) // 20)][:20]
OTHER = {"id": "tide", "title": "Tide tables", "outlet": "Bulletin", "text": "The tide rose late."}
QUESTION = "What did Zephyrine Odlum tell the Vexholm inquiry?"


def read(file: Path) -> bytes:
    """Its bytes. Who closes a file of SQLite's lets go of the locks that its process has on it."""
    return subprocess.run(["cat", file], capture_output=True, check=True).stdout


def held(folder: Path, said: list[str]) -> set[str]:
    """Which of the phrases stand in any byte below a folder, in any form that text is kept in."""
    every = {file: read(file) for file in folder.rglob("*") if file.is_file()}
    assert every
    found = set()
    for phrase in said:
        forms = [phrase.encode(e) for e in ("utf-8", "utf-16-le", "utf-16-be")]
        forms.append(json.dumps(phrase)[1:-1].encode())
        forms += [form.lower() for form in forms]
        if any(form in raw for raw in every.values() for form in forms):
            found.add(phrase)
    return found


def write(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def wire(tmp_path: Path) -> Path:
    return write(tmp_path / "wire.jsonl", RECORD, OTHER)


@pytest.fixture
def asked(home: Path, wire: Path, minilm: Letters) -> Iterator[Desk]:
    """An index with the article in two versions, a conversation that quotes it, and a report."""
    with Desk(home, embedder=minilm) as desk:
        desk.add(write(wire.with_name("first.jsonl"), RECORD | {"text": f"It was cold. {BODY}"}))
        desk.add(wire)
        chat = desk.chat()
        assert chat.ask(QUESTION).citations
        desk.conversations.rate(chat.id, 1, "down", f"It says: {SENTENCES[2]}"[:900])
        chat.ask("When did the tide rise?")
        chat.ask(f"Is it so that {SENTENCES[4]}")
        (desk.folder / "runs").mkdir(parents=True)
        (desk.folder / "runs" / "report.json").write_text(json.dumps({"quote": SENTENCES[2]}))
        (desk.folder / "runs" / "notes.txt").write_text("The tide rose late.")
        yield desk


# Endings of stems, as the full-text tables hold words without what they share with the one before.
STEMS = ["araffin", "indlass", "uoyl"]
SAID = [*PHRASES, TITLE, SLUG, *SENTENCES, *STEMS]


@pytest.mark.embedded("it reads the bytes of archive.db; test_postgres.py those of the server")
def test_after_an_erase_no_byte_of_the_folder_holds_it(asked: Desk, wire: Path) -> None:
    before = held(asked.folder, SAID)
    assert before == set(SAID)
    erased = asked.articles.erase("vex-1")
    assert (erased.ids, erased.copies, erased.files) == (("vex-1",), (), ("runs/report.json",))
    assert erased.answers >= 1
    assert held(asked.folder, SAID) == set()
    assert (asked.folder / "runs" / "notes.txt").exists()
    assert asked.check().problems == ()
    report = asked.add(wire)
    assert (report.added, report.unchanged, len(report.failed)) == (0, 1, 1)
    assert re.search(r"was erased on \d+ \w+ \d{4}.*--erased-too", report.failed[0].reason)
    assert held(asked.folder, SAID) == set()
    asked.close()
    assert held(asked.folder, SAID) == set()


@pytest.mark.store_here
@pytest.mark.embedded("it reads the bytes of archive.db; test_postgres.py those of the server")
def test_vectors_of_what_was_erased_are_in_no_file(asked: Desk) -> None:
    keys = asked.archive.all_passages()
    of_article = [p.pk for p in asked.archive.passages(keys) if p.article.id == "vex-1"]
    vectors = [asked.archive.vectors([key]) for key in of_article]
    raw = [v.astype(kind).tobytes()[:48] for v in vectors for kind in (np.float16, np.float32)]
    stays = asked.archive.vectors([key for key in keys if key not in of_article]).tobytes()[:64]

    def files() -> bytes:
        return b"".join(read(f) for f in asked.folder.rglob("*") if f.is_file())

    assert raw
    assert all(vector in files() for vector in raw)
    asked.articles.erase("vex-1")
    assert not any(vector in files() for vector in raw)
    assert stays in files()


def test_what_is_left_of_an_answer_is_the_question_and_why(asked: Desk) -> None:
    (listed,) = asked.conversations.list()
    asked.articles.erase("vex-1")
    held_now = asked.conversations.load(listed.id)
    first = held_now.turns[0]
    assert first.question == first.standalone_question == QUESTION
    assert re.search(r"cited was erased on \d", first.answer["text"])
    assert (first.answer["status"], first.answer["reason"]) == ("declined", "source_withheld")
    assert first.answer["citations"] == first.answer["statements"] == []
    assert held_now.turns[2].question == "Is it so that …"
    assert held_now.title == QUESTION


@pytest.mark.embedded("it reads the bytes of archive.db; test_postgres.py those of the server")
def test_an_older_copy_of_the_archive_is_erased_by_its_tombstones(
    asked: Desk, tmp_path: Path
) -> None:
    old = tmp_path / "old" / "default"
    old.mkdir(parents=True)
    asked.archive.forget_traces()
    shutil.copy(asked.archive.path, old / "archive.db")
    asked.articles.erase("vex-1")
    stones = erase.tombstones(asked.archive)
    restored, store = Archive(old / "archive.db"), Store(old / "chroma", "x")
    assert held(old, SAID) >= set(PHRASES)
    erase.add_tombstones(restored, stones)
    assert erase.is_unfinished(restored)
    assert erase.apply_tombstones(restored, store, lock_file=old / "lock") == 1
    assert held(old, SAID) == set()
    assert erase.apply_tombstones(restored, store, lock_file=old / "lock") == 0
    assert not erase.is_unfinished(restored)
    assert set(erase.tombstones(restored)) == set(stones)
    assert [article.id for article in restored.list_articles()] == ["tide"]
    assert store.keys() == set(restored.all_passages())
    store.close()
    restored.close()


def test_an_erased_article_comes_back_only_when_asked_for(asked: Desk, tmp_path: Path) -> None:
    asked.articles.erase("vex-1")
    again = write(
        tmp_path / "again.jsonl",
        RECORD | {"id": "another", "url": f"http://www.ledger.example/2026/{SLUG}/#top"},
    )
    assert "was erased" in asked.add(again).failed[0].reason
    assert asked.add(again, erased_too=True).added == 1
    assert (
        asked.add(write(tmp_path / "new.jsonl", RECORD | {"id": "another", "text": "New."})).updated
        == 1
    )
    # Its id is still one that was erased; only what was asked for may come back.
    assert (
        "was erased"
        in asked.add(write(tmp_path / "id.jsonl", {"id": "vex-1", "text": "x y z"}))
        .failed[0]
        .reason
    )


def test_an_add_that_was_under_way_does_not_bring_it_back(asked: Desk, wire: Path) -> None:
    embedder, archive = asked.library().embedder, asked.archive
    real, erased = embedder.embed, []

    class Slow(Letters):
        name = embedder.name

        def embed(self, texts):  # type: ignore[no-untyped-def]
            if not erased:
                erased.append(
                    erase.erase(["vex-1"], archive, asked.store, lock_file=asked.folder / "lock")
                )
            return real(texts)

    from byline.index import build

    changed = write(wire.with_name("changed.jsonl"), RECORD | {"text": BODY + " It rained."})
    slow = Slow(embedder.name)
    build.add([changed], archive, asked.store, slow, lock_file=asked.folder / "lock")
    assert erased
    assert held(asked.folder, SAID) == set()


def test_copies_are_named_and_stay(asked: Desk, tmp_path: Path) -> None:
    copy = RECORD | {"id": "bulletin", "outlet": "Bulletin", "title": "Bell muffled", "url": None}
    asked.add(write(tmp_path / "copy.jsonl", copy))
    erased = asked.articles.erase("vex-1")
    assert (erased.ids, erased.copies) == (("vex-1",), ("bulletin",))
    assert asked.articles.get("bulletin").text == BODY
    assert asked.articles.erase("bulletin").copies == ()
    assert held(asked.folder, SAID) == set()


def test_a_file_that_is_moved_does_not_come_back(
    asked: Desk, tmp_path: Path, home: Path, minilm: Letters
) -> None:
    asked.backup(tmp_path / "old.byline")
    moved = RECORD | {"id": "elsewhere", "url": None, "text": BODY.replace(" ", "  ").upper()}
    asked.articles.erase("vex-1")
    report = asked.add(write(tmp_path / "moved.jsonl", moved))
    assert "was erased" in report.failed[0].reason
    of_another = RECORD | {"id": "bulletin", "url": None, "outlet": "Bulletin"}
    assert asked.add(write(tmp_path / "copy.jsonl", of_another)).added == 1  # nobody erased that
    asked.articles.erase("bulletin")
    asked.close()
    (asked.folder / "archive.db").write_bytes(b"x" * 5000)  # what is left stands beside it
    restore(tmp_path / "old.byline", home / "default", force=True)
    with Desk(home, embedder=minilm) as desk:
        assert [one.id for one in desk.articles.list()] == ["tide"]
        assert len(desk.add(write(tmp_path / "moved.jsonl", moved)).failed) == 1
        assert desk.add(tmp_path / "moved.jsonl", erased_too=True).added == 1


def test_one_that_is_held_under_two_ids_is_erased_under_both(asked: Desk, tmp_path: Path) -> None:
    twin = RECORD | {"id": "elsewhere", "url": None}
    asked.add(write(tmp_path / "twin.jsonl", twin))
    assert asked.articles.erase("vex-1").ids == ("vex-1", "elsewhere")
    assert held(asked.folder, SAID) == set()


def test_what_was_removed_and_is_cited_comes_back_by_no_link(asked: Desk, tmp_path: Path) -> None:
    asked.articles.remove("vex-1")
    asked.articles.erase("vex-1")
    link = RECORD | {"id": "link", "text": "Another text.", "url": RECORD["url"] + "&at_medium=x"}
    assert "was erased" in asked.add(write(tmp_path / "link.jsonl", link)).failed[0].reason


def test_another_article_of_the_same_address_is_the_same_article(
    asked: Desk, tmp_path: Path
) -> None:
    twin = RECORD | {"id": "twin", "url": f"https://ledger.example/2026/{SLUG}", "text": "Short."}
    asked.add(write(tmp_path / "twin.jsonl", twin))
    assert asked.articles.erasure("vex-1").ids == ("vex-1", "twin")
    asked.articles.erase(["vex-1"])
    assert [article.id for article in asked.articles.list()] == ["tide"]


@pytest.mark.parametrize("facts", [{"status": "killed"}, {"embargo_until": "2099-01-01"}])
def test_what_is_hidden_can_be_erased(asked: Desk, tmp_path: Path, facts: dict[str, str]) -> None:
    asked.add(write(tmp_path / "hidden.jsonl", RECORD | facts))
    asked.articles.erase("vex-1")
    assert held(asked.folder, SAID) == set()


def test_what_was_removed_is_still_erased_from_answers(asked: Desk) -> None:
    asked.articles.remove("vex-1")
    assert held(asked.folder, PHRASES)
    assert asked.articles.erase("vex-1").answers >= 1
    assert asked.articles.get("tide")
    (listed,) = asked.conversations.list()
    assert not asked.conversations.load(listed.id).turns[0].answer["citations"]


def test_an_unknown_id_erases_nothing(asked: Desk) -> None:
    with pytest.raises(InputError, match="no article 'nope'.*nothing was erased"):
        asked.articles.erase(["vex-1", "nope"])
    assert asked.articles.get("vex-1")
    assert erase.tombstones(asked.archive) == []


def test_an_erase_that_was_interrupted_is_told_and_finished(
    asked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "remove", torn)
        with pytest.raises(KeyboardInterrupt):
            asked.articles.erase("vex-1")
    assert any("erase was interrupted" in problem for problem in asked.check().problems)
    assert asked.check(rebuild=True).problems == ()
    assert held(asked.folder, SAID) == set()


@pytest.mark.embedded("it reads the bytes of archive.db; test_postgres.py those of the server")
def test_a_reader_that_holds_old_pages_is_told_of(
    asked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archive, "empty_log", lambda self: False)
    with pytest.raises(IndexLocked, match="keeps their bytes on the disk"):
        asked.articles.erase("vex-1")
    monkeypatch.undo()
    assert erase.is_unfinished(asked.archive)
    asked.check(rebuild=True)
    assert held(asked.folder, SAID) == set()


def test_an_answer_that_was_under_way_is_stored_without_what_was_erased(asked: Desk) -> None:
    stored = asked.ask(QUESTION)

    def stream(*_: object, **__: object) -> Iterator[object]:
        asked.articles.erase("vex-1")
        yield stored

    Chat(stream, asked.conversations).ask(QUESTION)
    assert held(asked.folder, SAID) == set()


def test_among_many_articles_none_of_its_bytes_is_left(home: Path, wire: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        desk.add([SAMPLE, wire])
        desk.add(write(wire, RECORD | {"text": BODY + " Later."}))
        ids = [article.id for article in desk.articles.list()]
        texts = [desk.articles.get(one).text for one in ids]
        given = [number for number in range(0, len(ids), 5) if texts.count(texts[number]) == 1]
        desk.articles.erase(["vex-1", *(ids[number] for number in given if ids[number] != "vex-1")])
        gone = [line for number in given for line in texts[number].splitlines() if len(line) > 60]
        stay = " ".join(text for number, text in enumerate(texts) if number not in given)
        assert held(desk.folder, [*SAID, *(line for line in gone if line not in stay)]) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x", "http://www.a.example/x/"),
        ("https://a.example/x?b=1&a=2", "https://a.example/x?a=2&b=1&utm_medium=rss#:~:text=c"),
        ("https://a.example/x", "https://m.a.example/x?ocid=rss#xtor=RSS-1"),
        ("https://a.example/x#p1", "https://amp.a.example/x?at_medium=RSS&cmpid=7#p1"),
    ],
)
def test_links_of_one_page_have_one_tombstone(one: str, other: str) -> None:
    assert set(keys_of("i", one)) == set(keys_of("i", other))
    assert keys_of("i", one) != keys_of("i", one.replace("x", "y"))


@pytest.mark.parametrize("mark", ["ocid=rss", "at_medium=RSS", "CMP=share", "msclkid=1"])
def test_another_link_to_its_page_does_not_bring_it_back(
    asked: Desk, tmp_path: Path, mark: str
) -> None:
    asked.articles.erase("vex-1")
    again = RECORD | {"id": None, "url": f"https://m.ledger.example/2026/{SLUG}?{mark}"}
    (failure,) = asked.add(write(tmp_path / "again.jsonl", again)).failed
    assert "was erased" in failure.reason


def test_entries_of_a_live_page_are_erased_one_by_one(asked: Desk, tmp_path: Path) -> None:
    first, second = (f"https://ledger.example/live#p{number}" for number in (1, 2))
    entries = [
        OTHER | {"id": url, "url": url, "text": f"It rained at {url}."} for url in (first, second)
    ]
    asked.add(write(tmp_path / "live.jsonl", *entries))
    assert asked.articles.erase(first).ids == (first,)
    assert asked.articles.get(second)
    assert len(asked.add(write(tmp_path / "again.jsonl", *entries)).failed) == 1


def test_a_title_loses_what_it_quotes_for_good(asked: Desk) -> None:
    chat = asked.chat()
    first = f"What did Zephyrine Odlum tell the inquiry? And {SENTENCES[4]}"
    for question in (first, QUESTION):
        assert chat.ask(question).citations
    asked.articles.erase("vex-1")
    title = asked.conversations.load(chat.id).title
    assert title == "What did Zephyrine Odlum tell the inquiry? And …"


def test_a_title_that_ends_within_a_quote_loses_it(asked: Desk) -> None:
    chat = asked.chat()
    assert chat.ask(QUESTION).citations
    asked.conversations.rename(chat.id, f"My notes of Monday on what was said: {SENTENCES[4]} Yes")
    asked.articles.erase("vex-1")
    assert asked.conversations.load(chat.id).title == "My notes of Monday on what was said: …"


def test_part_of_a_sentence_goes_too_and_what_no_answer_cites(asked: Desk) -> None:
    chat = asked.chat()
    asked_so = "When did the tide rise? Not at: sold to a cousin before the storm, I think"
    answer = chat.ask(asked_so, outlets=["Bulletin"])
    assert {one.article_id for one in (*answer.citations, *answer.nearest)} <= {"tide"}
    asked.conversations.rate(chat.id, 1, "down", "It was sold to a cousin before the storm.")
    asked.conversations.rename(chat.id, "The spare windlass had been sold to a co…")
    asked.articles.erase("vex-1")
    (turn,) = asked.conversations.load(chat.id).turns
    assert turn.question == "When did the tide rise? Not at: …, I think"
    assert turn.answer["reason"] != "source_withheld"
    assert asked.conversations.load(chat.id).title == "…"
    assert held(asked.folder, ["sold to a cousin", "spare windlass had"]) == set()


def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(
    asked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = asked.folder / "runs" / "locked.txt"
    unreadable.write_text("The tide rose late.")
    real = Path.open

    def guarded(path: Path, *args: Any, **options: Any) -> Any:
        if path == unreadable:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", guarded)
        with pytest.raises(DiskError, match="erased from the index, but runs/locked.txt below"):
            asked.articles.erase("vex-1")
    assert not erase.is_unfinished(asked.archive)
    assert held(asked.folder, SAID) == set()


def test_what_lies_across_two_reads_of_a_file_is_found(
    asked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "_CHUNK_BYTES", 50)
    asked.articles.erase("vex-1")
    assert held(asked.folder, SAID) == set()
