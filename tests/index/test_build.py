"""What adding, changing, removing, killing and rebuilding leave in an index."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.errors import IndexLocked, IndexMismatch, InputError, ModelError
from byline.index import build
from byline.index.archive import Archive
from byline.index.archive import shelf as shelf_module
from byline.index.archive.filter import Filter
from byline.index.embed import Vectors
from byline.index.lock import writing
from byline.qa import retrieve as retrieve_module
from byline.tests.fakes import Broken, Letters

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
Records = Callable[..., Path]


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """Writes records to a JSONL file, anew each time."""

    def write(*given: dict[str, object], name: str = "wire.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in given))
        return path

    return write


@pytest.fixture
def letters(home: Path) -> Iterator[Desk]:
    """An empty desk whose embedder counts letters."""
    with Desk(home, embedder=Letters()) as desk:
        yield desk


def counts(report: build.Report) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, len(report.failed)


def ids(desk: Desk, text: str) -> set[str]:
    return {hit.article_id for hit in desk.search(text, 1000)}


def says(desk: Desk, text: str) -> bool:
    """Whether any passage that is found says it."""
    return any(text in hit.text for hit in desk.search(text, 1000))


class TestAgain:
    def test_adding_twice_changes_nothing(self, own_desk: Desk, folder: Path) -> None:
        before = own_desk.archive.generation, own_desk.check()
        assert counts(own_desk.add(folder)) == (0, 0, 3, 0)
        assert (own_desk.archive.generation, own_desk.check()) == before

    def test_what_was_read_before_is_not_embedded_again(
        self, home: Path, folder: Path, letters: Desk
    ) -> None:
        letters.add(folder)
        with Desk(home, embedder=Broken()) as desk:
            assert counts(desk.add(folder)) == (0, 0, 3, 0)

    def test_a_changed_article_replaces_its_passages(self, own_desk: Desk, folder: Path) -> None:
        bridge = folder / "bridge.txt"
        bridge.write_text(bridge.read_text().replace("43 workers", "57 labourers"))
        assert counts(own_desk.add(folder)) == (0, 1, 2, 0)
        assert says(own_desk, "57 labourers")
        assert not says(own_desk, "43 workers")
        health = own_desk.check()
        assert (health.articles, health.passages, health.problems) == (3, health.vectors, ())

    def test_a_change_of_metadata_is_an_update_that_keeps_version_and_vectors(
        self, home: Path, letters: Desk, records: Records
    ) -> None:
        letters.add(records({"id": "a", "text": STORY, "outlet": "The Ledger"}))
        before = letters.articles.get("a")
        path = records({"id": "a", "text": STORY, "outlet": "The Ledger", "section": "Harbour"})
        with Desk(home, embedder=Broken()) as desk:
            assert counts(desk.add(path)) == (0, 1, 0, 0)
            after = desk.articles.get("a")
        assert (after.section, after.version) == ("Harbour", before.version)

    def test_another_headline_is_another_version(self, letters: Desk, records: Records) -> None:
        letters.add(records({"id": "a", "title": "Ferry burns", "text": STORY}))
        before = letters.articles.get("a").version
        assert letters.archive.match_passages("title:burns", Filter(), 9)
        letters.add(records({"id": "a", "title": "Blaze on ferry", "text": STORY}))
        assert letters.articles.get("a").version != before
        assert letters.archive.match_passages('"blaze"', Filter(), 9)
        assert not letters.archive.match_passages("title:burns", Filter(), 9)

    def test_of_two_articles_with_one_id_the_last_counts_and_again_changes_nothing(
        self, letters: Desk, records: Records
    ) -> None:
        path = records({"id": "a", "text": STORY}, {"id": "a", "text": f"{STORY} A dog survived."})
        assert counts(letters.add(path)) == (1, 1, 0, 0)
        for _ in range(2):
            assert counts(letters.add(path)) == (0, 0, 2, 0)
            assert letters.articles.get("a").text.endswith("A dog survived.")
        assert letters.check().passages == letters.check().vectors == 1

    def test_two_such_articles_in_different_batches_are_as_stable(
        self, letters: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_BATCH", 1)
        path = records({"id": "a", "text": STORY}, {"id": "a", "text": f"{STORY} A dog survived."})
        letters.add(path)
        assert counts(letters.add(path)) == (0, 0, 2, 0)

    def test_a_source_that_goes_back_to_what_it_was_is_read_again(
        self, letters: Desk, records: Records
    ) -> None:
        for text in (STORY, f"{STORY} A dog survived.", STORY):
            letters.add(records({"id": "a", "text": text}))
            assert letters.articles.get("a").text == text

    def test_a_record_without_id_is_not_lost_when_another_is_put_before_it(
        self, letters: Desk, records: Records
    ) -> None:
        letters.add(records({"text": STORY}))
        other = "A zebra escaped from the zoo of Velmora."
        path = records({"text": other}, {"text": STORY})
        assert counts(letters.add(path)) == (1, 0, 1, 0)
        assert sorted(a.text for a in letters.articles.list()) == [other, STORY]
        assert counts(letters.add(path)) == (0, 0, 2, 0)

    def test_records_with_ids_that_move_in_their_file_are_not_embedded_again(
        self, home: Path, letters: Desk, records: Records
    ) -> None:
        one, two = {"id": "a", "text": STORY}, {"id": "b", "text": f"{STORY} A dog survived."}
        letters.add(records(one, two))
        with Desk(home, embedder=Broken()) as desk:
            for moved in ((two, one), (one,)):
                assert counts(desk.add(records(*moved))) == (0, 0, len(moved), 0)


class TestRefused:
    def test_an_id_that_another_outlet_holds_is_refused(
        self, letters: Desk, records: Records
    ) -> None:
        letters.add(records({"id": "1", "outlet": "The Ledger", "text": STORY}))
        report = letters.add(records({"id": "1", "outlet": "Castrine Herald", "text": "No fire."}))
        assert counts(report) == (0, 0, 0, 1)
        assert "the id '1' is held by an article of The Ledger" in report.failed[0].reason
        assert letters.articles.get("1").outlet == "The Ledger"

    def test_also_within_one_run(self, letters: Desk, records: Records) -> None:
        path = records(
            {"id": "1", "outlet": "The Ledger", "text": STORY},
            {"id": "1", "outlet": "Castrine Herald", "text": "There was no fire."},
        )
        assert counts(letters.add(path)) == (1, 0, 0, 1)
        assert letters.articles.get("1").outlet == "The Ledger"

    @pytest.mark.parametrize(
        ("name", "most"), [("id", 2_500), ("outlet", 2_500), ("title", 10_000)]
    )
    def test_a_fact_that_no_database_may_hold_is_reported_and_the_rest_goes_on(
        self, letters: Desk, records: Records, name: str, most: int
    ) -> None:
        held, long = ({"text": STORY, name: "é" * (size // 2)} for size in (most, most + 2))
        report = letters.add(records(held, long, {"id": "next", "text": STORY}))
        assert counts(report) == (2, 0, 0, 1)
        assert (report.failed[0].line, report.failed[0].reason.partition(":")[0]) == (
            2,
            f"its {name} has {most + 2:,} bytes",
        )

    def test_what_cannot_be_read_is_reported_and_the_rest_goes_on(
        self, letters: Desk, folder: Path
    ) -> None:
        (folder / "broken.jsonl").write_text(
            f'{{"id": "1", "text": "{STORY}"}}\nnot json\n{{"id": "3", "text": "{STORY}"}}\n'
        )
        (folder / "empty.txt").write_text("")
        (folder / "latin.txt").write_bytes(b"\x00\x01\x02\xff" * 50)
        report = letters.add([folder, "no-such-folder"])
        assert report.added == 5
        told = {(Path(failure.path).name, failure.line) for failure in report.failed}
        assert told == {
            ("broken.jsonl", 2),
            ("empty.txt", None),
            ("latin.txt", None),
            ("no-such-folder", None),
        }
        assert letters.check().problems == ()

    def test_progress_is_told_after_each_batch(
        self, letters: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_BATCH", 2)
        seen: list[int] = []
        letters.add(folder, progress=lambda report: seen.append(report.accepted))
        assert seen == [2, 3]

    def test_an_interrupt_keeps_what_was_accepted_and_counts_only_that(
        self, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_BATCH", 1)

        def after_two(report: build.Report) -> None:
            if report.added == 2:
                raise KeyboardInterrupt

        with Desk(home, embedder=Letters()) as desk:
            report = desk.add(folder, progress=after_two)
            assert (report.interrupted, report.added) == (True, 2)
            assert len(desk.articles) == 2
            assert counts(desk.add(folder)) == (1, 0, 2, 0)

    def test_what_stops_the_embedder_stops_adding_and_keeps_the_batches_before(
        self, home: Path, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_BATCH", 1)
        wire = records(*({"id": str(n), "text": f"{STORY} {n} were hurt."} for n in range(9)))

        class Failing(Letters):
            def embed(self, texts: Sequence[str]) -> Vectors:
                if "5 were hurt" in texts[0]:
                    raise ModelError("The endpoint refused.")
                return super().embed(texts)

        with Desk(home, embedder=Failing()) as desk:
            with pytest.raises(ModelError, match="refused"):
                desk.add(wire)
            assert [article.id for article in desk.articles.list()] == ["0", "1", "2", "3", "4"]
            assert "ahead" not in {thread.name for thread in threading.enumerate()}
        with Desk(home, embedder=Letters()) as desk:
            assert counts(desk.add(wire)) == (4, 0, 5, 0)

    def test_an_article_that_comes_again_before_it_is_written_is_no_new_one(
        self, letters: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_BATCH", 1)
        first, second = ({"id": "a", "text": f"{STORY} {count} were hurt."} for count in "12")
        report = letters.add(records(first, {**first, "outlet": "Wire"}, second, second, first))
        assert counts(report) == (1, 3, 1, 0)
        assert says(letters, "1 were hurt")
        assert letters.check().passages == letters.check().vectors == 1
        assert letters.check().problems == ()


class TestRemoval:
    def test_what_is_removed_is_gone_everywhere(self, own_desk: Desk, folder: Path) -> None:
        ferry = str(folder / "ferry.txt")
        assert ids(own_desk, "ferry Marguerite") >= {ferry}
        assert own_desk.articles.remove(ferry) == 1
        assert ferry not in ids(own_desk, "ferry Marguerite")
        assert not own_desk.archive.match_articles('"marguerite"', Filter(), 9)
        assert own_desk.store.keys() == set(own_desk.archive.all_passages())
        assert own_desk.check().problems == ()
        with pytest.raises(InputError, match="There is no article"):
            own_desk.articles.get(ferry)

    def test_it_comes_back_when_it_is_added_again(self, own_desk: Desk, folder: Path) -> None:
        own_desk.articles.remove(str(folder / "ferry.txt"))
        assert counts(own_desk.add(folder)) == (1, 0, 2, 0)
        assert says(own_desk, "Marguerite")

    def test_nothing_is_removed_where_one_id_is_unknown(self, own_desk: Desk, folder: Path) -> None:
        with pytest.raises(InputError, match="no article 'nobody'"):
            own_desk.articles.remove([str(folder / "ferry.txt"), "nobody"])
        assert len(own_desk.articles) == 3

    def test_a_hidden_article_can_be_removed(self, letters: Desk, records: Records) -> None:
        letters.add(records({"id": "a", "text": STORY, "status": "withheld"}))
        assert letters.articles.remove("a") == 1
        assert letters.check() == type(letters.check())(0, 0, 0, ())


# Adds the lines of a file in batches of 16 and kills itself at the n-th call of a method.
KILLED = """
import os, signal, sys
from byline import Desk
from byline.index import build
from byline.index.archive import Archive
from byline.index.store import Store
from byline.tests.fakes import Letters

home, path, owner, method, moment, number = sys.argv[1:]
build._BATCH = 16
kind, left = {"Archive": Archive, "Store": Store}[owner], int(number)
real = getattr(kind, method)

def call(self, *args):
    global left
    left -= 1
    if left == 0 and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(self, *args)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(kind, method, call)
with Desk(home, embedder=Letters()) as desk:
    desk.add(path, progress=lambda report: print(report.accepted, flush=True))
"""
# Adds the lines of a file while another process sends SIGKILL at any moment.
SLOWLY = KILLED.split("kind, left")[0] + (
    "with Desk(home, embedder=Letters()) as desk:\n"
    "    desk.add(path, progress=lambda report: print(report.accepted, flush=True))\n"
)
TINY = 120


def command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", script, *map(str, arguments)]


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(script, *arguments), capture_output=True, text=True)


def tiny(version: int = 1) -> list[dict[str, object]]:
    return [
        {"id": f"n{n}", "text": f"Item {n} of the council of Port Ansel was read {version} times."}
        for n in range(TINY)
    ]


def everything(desk: Desk) -> list[tuple[str, str]]:
    """Article and text of every passage that the lexical index finds by "council"."""
    pks = [pk for pk, _ in desk.archive.match_passages('"council"', Filter(), 1000)]
    return [(passage.article.id, passage.text) for passage in desk.archive.passages(pks)]


def holds_all_once(desk: Desk, version: int = 1) -> None:
    """All tiny articles are in the index, once, in this version, and everything agrees."""
    assert desk.check().problems == ()
    assert desk.check().articles == desk.check().passages == desk.check().vectors == TINY
    found = everything(desk)
    assert sorted(article_id for article_id, _ in found) == sorted(f"n{n}" for n in range(TINY))
    assert all(f"read {version} times" in text for _, text in found)


class TestKilled:
    def test_a_kill_of_what_is_accepted_and_not_yet_stored_loses_and_doubles_nothing(
        self, home: Path, records: Records
    ) -> None:
        path = records(*tiny())
        child = run(KILLED, home, path, "Archive", "accept", "after", 3)
        assert child.returncode == -signal.SIGKILL, child.stderr
        accepted = int(child.stdout.split()[-1]) if child.stdout else 0
        with Desk(home, embedder=Letters()) as desk:
            assert len(desk.articles) >= accepted
            found = {article_id for article_id, _ in everything(desk)}
            assert {f"n{n}" for n in range(accepted)} <= found
            report = desk.add(path)
            assert report.accepted == TINY
            assert report.unchanged >= accepted
            holds_all_once(desk)

    @pytest.mark.parametrize(
        "point",
        [("Archive", "publish", "before", 4), ("Store", "delete", "before", 4)],
        ids=lambda point: "-".join(map(str, point)),
    )
    def test_a_kill_while_articles_are_replaced_leaves_no_old_text(
        self, home: Path, letters: Desk, records: Records, point: tuple[object, ...]
    ) -> None:
        letters.add(records(*tiny()))
        path = records(*tiny(2))
        assert run(KILLED, home, path, *point).returncode == -signal.SIGKILL
        found = everything(letters)
        assert len({article_id for article_id, _ in found}) == len(found) == TINY
        letters.add(path)
        holds_all_once(letters, version=2)

    def test_kills_at_any_moment_lose_and_double_nothing(
        self, home: Path, records: Records
    ) -> None:
        path = records(*tiny())
        for wanted in (1, 4):
            arguments = command(SLOWLY, home, path, *"abcd")
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None
                accepted = 0
                for _ in range(wanted):
                    accepted = int(child.stdout.readline() or accepted)
                child.kill()
            with Desk(home, embedder=Letters()) as desk:
                assert len(desk.articles) >= accepted
        with Desk(home, embedder=Letters()) as desk:
            desk.add(path)
            holds_all_once(desk)


HOLDING = """
import sys
from pathlib import Path
from byline.index.lock import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
ADDING = """
import sys
from byline import Desk
from byline.tests.fakes import Letters
with Desk(sys.argv[1], embedder=Letters()) as desk:
    assert desk.add(sys.argv[2]).added == 1
"""


class TestProcesses:
    @pytest.mark.embedded("it holds the lock file; test_postgres.py the lock of the server")
    def test_a_second_writer_waits_and_then_is_told_who_writes(
        self, letters: Desk, folder: Path
    ) -> None:
        lock = letters.folder / "lock"
        with subprocess.Popen(
            command(HOLDING, lock), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            named = rf"'default' is being written by process {holder.pid} \(`-c .*UTC\)\. Wait"
            with pytest.raises(IndexLocked, match=named), writing(lock, wait_seconds=0.2):
                pass
            reports: list[build.Report] = []
            waiting = threading.Thread(target=lambda: reports.append(letters.add(folder)))
            waiting.start()
            waiting.join(1)
            assert waiting.is_alive()
            assert not reports
            holder.communicate("\n")
            waiting.join()
        assert [report.added for report in reports] == [3]

    @pytest.mark.parametrize("many", [False, True], ids=["few passages", "many passages"])
    def test_a_reader_sees_what_another_process_adds_and_removes(
        self,
        home: Path,
        letters: Desk,
        records: Records,
        monkeypatch: pytest.MonkeyPatch,
        many: bool,
    ) -> None:
        if many:  # as in an index of more passages than are compared in memory
            monkeypatch.setattr(shelf_module, "HELD_IN_MEMORY", 0)
            monkeypatch.setattr(retrieve_module, "_EXACT_UP_TO", 0)
        letters.add(records({"id": "a", "text": STORY}))
        assert ids(letters, "zebra") == {"a"}
        path = records(
            {"id": "b", "text": "A zebra escaped from the zoo of Velmora."}, name="b.jsonl"
        )
        assert run(ADDING, home, path).returncode == 0
        assert ids(letters, "zebra") == {"a", "b"}
        assert letters.search("zebra")[0].article_id == "b"
        with Desk(home, embedder=Letters()) as other:
            other.articles.remove("a")
        assert ids(letters, "zebra") == {"b"}

    def test_asking_goes_on_while_articles_are_added(
        self, letters: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_BATCH", 8)
        letters.add(records({"id": "first", "text": STORY}))
        errors: list[Exception] = []
        done = threading.Event()

        def search() -> None:
            while not done.is_set():
                try:
                    assert "first" in ids(letters, "harbour ferry")
                except Exception as error:  # for the assertion below
                    errors.append(error)
                    return

        threads = [threading.Thread(target=search) for _ in range(2)]
        for thread in threads:
            thread.start()
        letters.add(records(*tiny(), name="tiny.jsonl"))
        done.set()
        for thread in threads:
            thread.join()
        assert errors == []


class TestRebuild:
    @pytest.fixture
    def damaged(self, home: Path, folder: Path) -> Path:
        with Desk(home, embedder=Letters()) as desk:
            desk.add(folder)
            return desk.folder / "chroma"

    @pytest.mark.store_here
    def test_a_damaged_store_is_told_and_made_anew_without_embedding(
        self, home: Path, damaged: Path
    ) -> None:
        (damaged / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
        with Desk(home, embedder=Broken()) as desk:
            assert "cannot be read" in desk.check().problems[0]
            health = desk.check(rebuild=True)
            assert (health.articles, health.vectors, health.problems) == (3, health.passages, ())

    @pytest.mark.store_here
    def test_a_lost_store_is_told_and_made_anew_without_embedding(
        self, home: Path, damaged: Path
    ) -> None:
        shutil.rmtree(damaged)
        with Desk(home, embedder=Broken()) as desk:
            passages = desk.check().passages
            assert desk.check().problems == (f"{passages} passages have no vector in the store",)
            assert desk.check(rebuild=True).problems == ()

    def test_vectors_of_nothing_are_told_and_gone_after_a_rebuild(
        self, home: Path, damaged: Path
    ) -> None:
        with Desk(home, embedder=Broken()) as desk:
            stray = desk.archive.vectors([1])
            desk.store.add([9999], stray)
            assert desk.check().problems == ("1 vectors in the store belong to no passage",)
            assert desk.check(rebuild=True).problems == ()

    def test_another_embedder_is_refused_before_the_first_article(
        self, home: Path, damaged: Path, folder: Path
    ) -> None:
        with Desk(home, embedder=Letters("vowels", "aeiou")) as desk:
            for call in (lambda: desk.add(folder), lambda: desk.search("fire")):
                with pytest.raises(IndexMismatch, match="built with embedder letters; .* vowels"):
                    call()

    def test_a_rebuild_embeds_again_with_another_embedder_what_is_hidden_too(
        self, home: Path, letters: Desk, records: Records
    ) -> None:
        letters.add(
            records(
                {"id": "shown", "text": STORY},
                {"id": "held", "text": STORY, "status": "withheld"},
                {
                    "id": "soon",
                    "text": STORY,
                    "embargo_until": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
                },
            )
        )
        vowels = Letters("vowels", "aeiou")
        with Desk(home, embedder=vowels) as desk:
            assert desk.check(rebuild=True).problems == ()
            assert vowels.asked == [STORY] * 3
            assert ids(desk, "ferry") == {"shown"}
        with Desk(home, embedder=Broken("letters")) as desk, pytest.raises(IndexMismatch):
            desk.search("ferry")

    def test_a_rebuild_with_another_embedder_takes_in_what_a_kill_left_waiting(
        self, home: Path, records: Records
    ) -> None:
        path = records(*tiny())
        killed = run(KILLED, home, path, "Archive", "accept", "after", 3)
        assert killed.returncode == -signal.SIGKILL
        with Desk(home, embedder=Letters("vowels", "aeiou")) as desk:
            assert desk.check(rebuild=True).problems == ()
            desk.add(path)
            holds_all_once(desk)


class TestMeanwhile:
    """Another process changes the index while a batch is embedded."""

    def test_an_article_that_was_removed_comes_back_whole(self, home: Path, tmp_path: Path) -> None:
        path, text = tmp_path / "one.jsonl", "The quay at Tern Bay was closed on Friday."
        path.write_text(json.dumps({"id": "one", "text": text}))
        with Desk(home, embedder=Letters()) as desk, Desk(home, embedder=Letters()) as other:
            desk.add(path)
            # Of the same text with other facts nothing is embedded: its passages are there.
            path.write_text(json.dumps({"id": "one", "text": text, "section": "Harbour"}))
            published = desk.archive.published

            def removed_meanwhile(ids: Any) -> Any:
                other.archive.remove("one")
                return published(ids)

            desk.archive.published = removed_meanwhile  # type: ignore[method-assign]
            desk.add(path)
            (hit,) = desk.search("quay")
            assert (hit.article_id, hit.article.section) == ("one", "Harbour")
            assert desk.check().problems == ()


def test_what_is_erased_while_it_is_embedded_is_told_and_not_counted(
    home: Path, folder: Path
) -> None:
    with Desk(home, embedder=Letters()) as desk:
        path = folder / "one.jsonl"
        path.write_text('{"id": "one", "text": "The quay at Tern Bay was closed on Friday."}')
        desk.add(path)
        path.write_text('{"id": "one", "text": "The quay at Tern Bay was opened on Monday."}')

        class Erasing(Letters):
            def embed(self, texts: Any) -> Any:
                desk.articles.erase("one")
                return super().embed(texts)

        with Desk(home, embedder=Erasing()) as other:
            report = other.add(path)
        assert (report.added, report.updated, len(desk.articles)) == (0, 0, 0)
        assert "was erased on" in report.failed[0].reason


def test_an_interrupt_while_a_batch_is_written_counts_and_publishes_it(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, has_come = Archive.accept, threading.Event()

    def interrupted(archive: Archive, *given: Any) -> Any:
        accepted = accept(archive, *given)
        os.kill(os.getpid(), signal.SIGINT)
        assert has_come.wait(30)  # to the thread that waits
        return accepted

    def interrupt(*_: object) -> None:
        has_come.set()
        raise KeyboardInterrupt

    with Desk(home, embedder=Letters()) as desk:
        monkeypatch.setattr(Archive, "accept", interrupted)
        before = signal.signal(signal.SIGINT, interrupt)
        try:
            report = desk.add(folder)
        finally:
            signal.signal(signal.SIGINT, before)
        assert (report.interrupted, report.added) == (True, 3)
        assert desk.check().problems == ()
