"""What a person ruled of an article outlives its removal, until the person takes it back."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from byline import Desk
from byline.errors import InputError
from byline.index.archive import rulings
from byline.index.backup import backup, restore
from byline.tests.conftest import Run
from byline.tests.fakes import Letters

MAYOR = "https://herald.example/2026/mayor-resigns"


@pytest.fixture
def desk(home: Path, folder: Path) -> Iterator[Desk]:
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        yield desk


def found(desk: Desk) -> set[str]:
    return {hit.article_id for hit in desk.search("mayor water contract", 100)}


def test_a_kill_outlives_a_removal_until_it_is_undone(desk: Desk, folder: Path) -> None:
    desk.articles.kill(MAYOR)
    desk.articles.remove(MAYOR)
    assert desk.add(folder).added == 1
    assert MAYOR not in found(desk)
    desk.articles.remove(MAYOR)
    desk.articles.kill(MAYOR, undo=True)  # while it is not there
    assert desk.add(folder).added == 1
    assert MAYOR in found(desk)
    with pytest.raises(InputError, match="no article 'nope'.*articles list --killed` shows"):
        desk.articles.kill("nope", undo=True)


def test_a_kill_waits_for_who_writes(desk: Desk) -> None:
    with ThreadPoolExecutor(1) as other:
        with desk.archive.writing(desk.folder / "lock"):
            killing = other.submit(desk.articles.kill, MAYOR)
            with pytest.raises(TimeoutError):
                killing.result(0.5)
            assert MAYOR in found(desk)
        assert killing.result(20).ids == (MAYOR,)
    assert MAYOR not in found(desk)


def test_a_retraction_outlives_a_removal_and_so_does_its_undoing(desk: Desk, folder: Path) -> None:
    desk.articles.retract(MAYOR, "\x1bForged.")
    desk.articles.remove(MAYOR)
    desk.add(folder)
    assert MAYOR not in found(desk)
    notice = desk.articles.get(MAYOR).notice
    assert notice
    assert notice.text == "Forged."
    desk.articles.retract(MAYOR, undo=True)
    desk.articles.remove(MAYOR)
    desk.add(folder)
    assert MAYOR in found(desk)


def test_what_was_killed_is_listed_by_id_and_no_word_of_it(desk: Desk, run: Run) -> None:
    bridge = next(one.id for one in desk.articles.list() if "bridge" in one.id)
    ferry = next(one.id for one in desk.articles.list() if "ferry" in one.id)
    desk.articles.kill([MAYOR, bridge])
    desk.articles.remove(bridge)
    desk.articles.retract(ferry, "Forged.")
    assert {one.id for one in desk.articles.list(killed=True)} == {MAYOR, bridge}
    said = run("articles", "list", "--killed").out
    assert f"2026-03-12  Castrine Herald: killed by hand  {MAYOR}" in said
    assert bridge in said
    assert "resigns over" not in said
    listed = json.loads(run("articles", "list", "--killed", "--json").out)
    assert (listed["total"], len(listed["articles"])) == (2, 2)
    said = run("articles", "list").out
    assert f"retracted  {ferry}" in said
    assert MAYOR not in said
    with pytest.raises(InputError, match="leave out dates"):
        desk.articles.list(killed=True, since="2026-01-01")


def test_a_restored_backup_holds_to_rulings_on_what_it_brings_back(
    desk: Desk, home: Path, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.byline"
    backup(desk.archive, file)
    desk.articles.kill(MAYOR)
    desk.articles.remove(MAYOR)
    restore(file, home / "default", force=True)
    assert MAYOR not in found(desk)
    (folder / "late.txt").write_text("The mayor said later that the water contract was void.")
    desk.add(folder)
    late = next(one.id for one in desk.articles.list() if "late" in one.id)
    desk.articles.kill(late)
    restore(file, home / "default", force=True)  # which has never held it
    desk.add(folder)
    assert found(desk).isdisjoint({MAYOR, late})


def test_what_is_erased_has_no_ruling_left(desk: Desk) -> None:
    desk.articles.kill(MAYOR)
    desk.articles.remove(MAYOR)
    desk.articles.erase(MAYOR)
    assert desk.articles.list(killed=True) == []
    with desk.archive.engine.connect() as connection:
        assert rulings.waiting(connection) == []
