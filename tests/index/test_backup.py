"""An index in one file and back: whole, checked, and the old one in use until then."""

import json
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest
from byline import Desk
from byline.desk import server_in
from byline.errors import IndexDamaged, IndexMismatch, InputError
from byline.index import backup
from byline.index.archive.migrate import SCHEMA
from byline.index.backup import Manifest
from byline.settings import load_settings
from byline.tests.fakes import Broken, Letters


def restore(path: Path, folder: Path, *, force: bool = False) -> Manifest:
    """As the command does."""
    return backup.restore(path, folder, force=force, server=server_in(load_settings()))


STORED = Path(__file__).parent / "stored"


@pytest.fixture
def made(home: Path, folder: Path, tmp_path: Path) -> Path:
    """A backup of the three articles, from which the index has moved on since."""
    path = tmp_path / "three.byline"
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        desk.backup(path)
        desk.articles.remove(str(folder / "ferry.txt"))
        (folder / "new.txt").write_text("Harbour closed\nThe harbour closed on Friday.\n")
        desk.add(folder / "new.txt")
    return path


def titles(desk: Desk) -> set[str | None]:
    return {article.title for article in desk.articles.list()}


def test_a_backup_becomes_another_index_without_embedding(home: Path, made: Path) -> None:
    manifest = restore(made, home / "again")
    assert (manifest.articles, manifest.schema, manifest.index) == (3, SCHEMA, "default")
    with Desk(home, "again", embedder=Broken()) as desk, Desk(home) as first:
        assert "Ferry fire closes Port Ansel terminal" in titles(desk)
        assert desk.check().problems == ()
        assert desk.check().vectors == 3
        assert desk.archive.uuid != first.archive.uuid


def test_it_takes_the_place_of_an_index_only_when_forced_and_readers_follow(
    home: Path, made: Path
) -> None:
    with Desk(home, embedder=Letters()) as reader:
        assert "Harbour closed" in {hit.title for hit in reader.search("harbour closed")}
        with pytest.raises(InputError, match="There is an index 'default' already: .*--force"):
            restore(made, home / "default")
        restore(made, home / "default", force=True)
        found = {hit.title for hit in reader.search("harbour ferry closed", 100)}
        assert "Ferry fire closes Port Ansel terminal" in found
        assert "Harbour closed" not in found
        assert reader.check().problems == ()
    assert not [p for p in home.iterdir() if p.name.startswith(".byline")]


@pytest.mark.embedded("it damages archive.db")
def test_a_damaged_index_is_put_aside(home: Path, made: Path) -> None:
    (home / "default" / "archive.db").write_bytes(b"garbage" * 1000)
    restore(made, home / "default", force=True)
    with Desk(home, embedder=Broken()) as desk:
        assert len(desk.articles) == 3
        assert desk.check().problems == ()
    assert (home / "default" / "damaged-archive.db").exists()


def test_a_backup_is_whole_while_articles_are_added(
    home: Path, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text(
        "".join(f'{{"id": "n{n}", "text": "Item {n} of the council."}}\n' for n in range(500))
    )
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        adding = threading.Thread(target=desk.add, args=(path,))
        adding.start()
        manifest = desk.backup(tmp_path / "b.byline")
        adding.join()
    restore(tmp_path / "b.byline", home / "again")
    with Desk(home, "again", embedder=Broken()) as desk:
        assert desk.check().problems == ()
        assert len(desk.articles) >= manifest.articles >= 3


def changed(made: Path, **facts: object) -> None:
    """The backup with a manifest that says something else."""
    with tarfile.open(made) as tar:
        tar.extractall(made.parent / "out", filter="data")
    manifest = made.parent / "out" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | facts))
    with tarfile.open(made, "w") as tar:
        for name in ("manifest.json", "archive.db"):
            tar.add(made.parent / "out" / name, name)


class TestRefused:
    @pytest.mark.parametrize("kept", [0, 700, 20_000])
    def test_one_that_is_cut_short(self, home: Path, made: Path, kept: int) -> None:
        made.write_bytes(made.read_bytes()[:kept])
        with pytest.raises(InputError, match="no backup of Byline, or is cut short|is damaged"):
            restore(made, home / "default", force=True)
        with Desk(home, embedder=Broken()) as desk:
            assert "Harbour closed" in titles(desk)

    def test_one_whose_bytes_have_changed(self, home: Path, made: Path) -> None:
        whole = bytearray(made.read_bytes())
        whole[40_000] ^= 1
        made.write_bytes(whole)
        with pytest.raises(InputError, match="checksum is not the one"):
            restore(made, home / "again")
        assert not (home / "again").exists()

    def test_one_of_a_newer_release(self, home: Path, made: Path) -> None:
        changed(made, schema=SCHEMA + 1)
        with pytest.raises(IndexMismatch, match="Upgrade Byline"):
            restore(made, home / "again")

    def test_one_whose_manifest_says_what_nobody_knows(self, home: Path, made: Path) -> None:
        changed(made, colour="green")
        with pytest.raises(InputError, match="no backup of Byline"):
            restore(made, home / "again")

    def test_one_that_is_not_there_or_no_backup(self, home: Path, folder: Path) -> None:
        with pytest.raises(InputError, match="There is no file"):
            restore(folder / "no.byline", home / "again")
        with pytest.raises(InputError, match="is no backup of Byline"):
            restore(folder / "ferry.txt", home / "again")

    @pytest.mark.embedded("it damages archive.db")
    def test_one_whose_rows_do_not_agree(self, home: Path, made: Path, tmp_path: Path) -> None:
        with Desk(home, embedder=Broken()) as desk:
            with sqlite3.connect(desk.archive.path) as connection:
                connection.execute("DELETE FROM vectors")
            connection.close()
            desk.backup(tmp_path / "bad.byline")
        with pytest.raises(InputError, match=r"The backup is damaged: 3 passages have no vector"):
            restore(tmp_path / "bad.byline", home / "again")


@pytest.mark.embedded("it writes into the index's folder")
def test_a_backup_inside_the_index_is_refused(home: Path, folder: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        for path in (desk.archive.path, desk.folder / "news.byline"):
            with pytest.raises(InputError, match="lies in the index itself"):
                desk.backup(path)
        assert desk.check().problems == ()


def test_what_people_decided_since_the_backup_still_holds(home: Path, made: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        ids = [article.id for article in desk.articles.list()]
        mayor = next(i for i in ids if "mayor" in i)
        bridge = next(i for i in ids if "bridge" in i)
        desk.articles.kill(mayor)
        desk.articles.retract(bridge, "it is not true")
        desk.local_only = True
        restore(made, home / "default", force=True)
        assert desk.local_only
        desk.local_only = False  # to search with an embedder that was handed in
        assert mayor not in {article.id for article in desk.articles.list()}
        assert bridge not in {hit.article_id for hit in desk.search("bridge", 100)}


@pytest.mark.embedded("it damages archive.db")
def test_what_was_erased_stays_so_though_the_archive_is_damaged(home: Path, made: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        mayor = next(
            article for article in desk.articles.list() if "Mayor" in (article.title or "")
        )
        desk.articles.erase(mayor.id)
        path = desk.archive.path
    path.write_bytes(b"garbage" * 1000)
    told = restore(made, home / "default", force=True)
    with Desk(home, embedder=Letters()) as desk:
        assert "Ferry fire closes Port Ansel terminal" in titles(desk)
        assert mayor.title not in titles(desk)
        assert (told.articles, told.passages) == (desk.check().articles, desk.check().passages)


@pytest.mark.store_here
@pytest.mark.embedded("it damages archive.db")
def test_an_archive_of_no_bytes_is_not_taken_for_a_new_index(home: Path, folder: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        path = desk.archive.path
    for file in path.parent.glob("archive.db*"):
        file.write_bytes(b"")
    with pytest.raises(IndexDamaged, match="it is empty"):
        Desk(home, embedder=Letters())
