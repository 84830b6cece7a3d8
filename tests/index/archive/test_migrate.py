"""An index that an older release made opens, keeps what it held, and takes new articles."""

import gzip
import sqlite3
from pathlib import Path

import pytest
from byline import Desk
from byline.errors import IndexMismatch
from byline.index.archive import Archive
from byline.index.archive.migrate import SCHEMA
from byline.tests.fakes import Letters

STORED = Path(__file__).parent.parent / "stored"


@pytest.mark.parametrize("stored", sorted(STORED.glob("*.db.gz")), ids=lambda path: path.stem)
@pytest.mark.embedded("older releases had SQLite alone")
def test_an_index_of_an_older_release_goes_on(stored: Path, home: Path, folder: Path) -> None:
    (home / "old").mkdir(parents=True)
    (home / "old" / "archive.db").write_bytes(gzip.decompress(stored.read_bytes()))
    with Desk(home, "old", embedder=Letters()) as desk:
        assert desk.archive.built_with("schema") == str(SCHEMA)
        assert len(desk.articles) == 3
        assert len(desk.conversations.list()) == 1
        desk.check(rebuild=True)
        assert desk.search("Who is the mayor?")[0].title == "Mayor resigns over water contract"
        (folder / "new.txt").write_text("Harbour closed\nThe harbour closed on Friday.\n")
        assert desk.add(folder).accepted == 4
        assert desk.check().problems == ()
    columns = _columns(home / "old" / "archive.db")
    Archive(home / "new" / "archive.db").close()
    assert columns == _columns(home / "new" / "archive.db")


@pytest.mark.embedded("older releases had SQLite alone")
def test_what_was_ruled_and_sectioned_in_schema_2_is_so_still(home: Path, tmp_path: Path) -> None:
    (home / "old").mkdir(parents=True)
    stored = (STORED / "schema-2.db.gz").read_bytes()
    (home / "old" / "archive.db").write_bytes(gzip.decompress(stored))
    again = tmp_path / "again.jsonl"
    again.write_text('{"id": "gone-1", "outlet": "Port Ansel Courier", "text": "Tide gate."}\n')
    with Desk(home, "old", embedder=Letters()) as desk:
        assert [a.id for a in desk.articles.list(withheld=True)] == ["council-1"]  # killed by hand
        assert "was erased" in desk.add(again).failed[0].reason
        assert [a.outlet for a in desk.articles.list() if a.notice] == ["Port Ansel Courier"]
        desk.articles.kill("council-1", undo=True)
        assert [a.id for a in desk.articles.list(sections=["Politics"])] == ["council-1"]
        assert len(desk.articles.history("council-1")) == 2
        assert desk.check(repair=True).problems == ()


def test_an_index_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive.db")
    with archive.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE meta SET value = '{SCHEMA + 1}' WHERE key = 'schema'")
    archive.close()
    with pytest.raises(IndexMismatch, match=r"made by a newer one\. Upgrade Byline"):
        Archive(tmp_path / "archive.db")


def _columns(path: Path) -> set[tuple[str, ...]]:
    query = "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p"
    with sqlite3.connect(path) as connection:
        return set(connection.execute(query).fetchall())
