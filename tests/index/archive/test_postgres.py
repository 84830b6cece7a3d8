"""What is of PostgreSQL alone: SQLite's ranking, locks, faults, rights, and moving there."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
from byline import Desk
from byline.errors import ArchiveUnavailable, BylineError, IndexLocked, SettingsError
from byline.index import build
from byline.index.archive import Archive, postgres, tables
from byline.index.archive.address import told
from byline.index.archive.conversations import Turn
from byline.index.archive.filter import Filter
from byline.index.article import Article
from byline.index.backup import restore
from byline.qa.retrieve import full_text_query
from byline.settings import Settings, load_settings
from byline.tests.conftest import SAMPLE, Run, in_schema
from byline.tests.fakes import Broken, Letters
from psycopg import Connection, OperationalError, _conninfo_attempts

pytestmark = pytest.mark.embedded("it makes archives of both kinds")
_INCOMPRESSIBLE = "".join(map(str, random.Random(1).sample(range(9999), 2000)))
QUERIES = (
    "Who resigned over the water contract in Castrine?",
    "How many passengers were on the ferry Marguerite when it burned?",
    "What did the U.S. and Mr. O'Neill's council say of 4.2 million crowns?",
    "the of and",
)


@pytest.fixture
def address(database: str, tmp_path: Path) -> str:
    """A schema of this test's own."""
    return in_schema(database, tmp_path, "news")


@pytest.fixture
def held(address: str, tmp_path: Path, folder: Path) -> Iterator[Desk]:
    """A desk over three articles in PostgreSQL."""
    with opened(tmp_path / "home", address) as desk:
        assert desk.add(folder).added == 3
        yield desk


def opened(home: Path, address: str | None) -> Desk:
    settings = Settings(home=home, archive=address)  # type: ignore[arg-type]
    return Desk(settings=settings, embedder=Letters())


@pytest.fixture(scope="module")
def both(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Desk]]:
    """The sample, on SQLite and on PostgreSQL."""
    home = tmp_path_factory.mktemp("both")
    with ExitStack() as desks:
        found = [
            desks.enter_context(opened(home / str(url is None), url))
            for url in (None, in_schema(database, home, "news"))
        ]
        for desk in found:
            assert not desk.add(SAMPLE).failed
        yield found


class TestRanking:
    @pytest.mark.parametrize("limit", [5, 200])
    def test_both_rank_and_score_the_same(self, both: list[Desk], limit: int) -> None:
        for text in QUERIES:
            query = full_text_query(text)
            for name in ("match_passages", "match_articles"):
                one, other = (getattr(desk.archive, name)(query, None, limit) for desk in both)
                assert [pk for pk, _ in one] == [pk for pk, _ in other], text
                assert [s for _, s in one] == pytest.approx([s for _, s in other], rel=1e-5)

    @pytest.mark.parametrize(
        "query",
        [
            '"port ansel"',
            '"ansel port"',
            '"ferry" AND "fire"',
            '"ferry" NOT "fire"',
            'title : ("ferry" OR "port ansel")',
            '"!!" OR "ferry"',
            '"!!"',
            "FERRIES fire",
            '"corran hills" OR ("mayor" AND "water contract")',
        ],
    )
    def test_both_read_an_expression_the_same(self, both: list[Desk], query: str) -> None:
        found = [desk.archive.match_articles(query, Filter(), 100) for desk in both]
        assert [pk for pk, _ in found[0]] == [pk for pk, _ in found[1]]

    def test_both_count_words_the_same(self, both: list[Desk]) -> None:
        terms = ["ferry", "councils", "naïve", "o'neill", "zzz", "__"]
        one, other = (desk.archive.frequencies(terms) for desk in both)
        assert one == other
        assert one[0]["ferry"] > 0

    def test_both_cite_the_same(self, both: list[Desk]) -> None:
        for text in QUERIES[:3]:
            one, other = (desk.ask(text).to_dict() for desk in both)
            assert (one["text"], one["citations"]) == (other["text"], other["citations"])

    def test_a_text_beyond_every_bound_of_a_vector_is_held(
        self, held: Desk, tmp_path: Path
    ) -> None:
        words = " ".join(f"word{number}x{number * 7919}" for number in range(90_000))
        (tmp_path / "long.txt").write_text(f"Long\n{'y' * 3000} {words} ferry\n")
        assert held.add(tmp_path / "long.txt").added == 1
        assert held.check().problems == ()
        assert held.archive.match_passages(f'"word89999x{89_999 * 7919}"', None, 9)
        signs = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(480_000))
        wide = " ".join(signs[at : at + 3] for at in range(0, len(signs), 3))
        (tmp_path / "wide.txt").write_text(f"Wide\n{wide}\n")
        assert held.add(tmp_path / "wide.txt").added == 1
        assert held.check().problems == ()


class TestTooLong:
    def test_the_longest_id_and_outlet_that_are_let_in_are_held(
        self, held: Desk, tmp_path: Path
    ) -> None:
        longest = _INCOMPRESSIBLE[:2_500]
        facts = {"id": longest, "outlet": longest, "text": "The ferry sank."}
        (tmp_path / "long.jsonl").write_text(json.dumps(facts))
        assert held.add(tmp_path / "long.jsonl").added == 1
        held.articles.kill(longest)
        held.articles.remove(longest)  # that it was killed is kept under its id
        assert held.add(tmp_path / "long.jsonl").added == 1

    @pytest.mark.parametrize("is_known", [False, True])
    def test_what_was_accepted_and_cannot_be_published_is_put_aside(
        self, held: Desk, folder: Path, tmp_path: Path, is_known: bool
    ) -> None:
        known = str(folder / "ferry.txt")
        before = held.articles.get(known)
        # An older release accepted it.
        long = Article(known if is_known else "new", "The ferry sank.", outlet=_INCOMPRESSIBLE)
        made = build.cut(long, None, [b"source"], 1000)
        held.archive.accept(build.embed([made], Letters()))
        (tmp_path / "late.txt").write_text("Harbour closed\nThe harbour closed on Friday.\n")
        report = held.add(tmp_path / "late.txt")
        assert (report.added, [one.path for one in report.failed]) == (1, [long.id])
        assert re.fullmatch(
            r"The database \S+ does not take what it is given: index row size \d+ exceeds .*\.",
            report.failed[0].reason,
        )
        assert (held.articles.get(known), len(held.articles)) == (before, 4)
        assert held.check().problems == ()
        assert held.archive.known([b"source"]) == {}


class TestLocks:
    def test_a_second_writer_is_told_who_holds_it(self, held: Desk) -> None:
        lock = held.folder / "lock"
        again = held.archive.writing(lock, wait_seconds=0.05)
        with held.archive.writing(lock), pytest.raises(IndexLocked) as error, again:
            pass
        assert f"Index 'default' is being written by process {os.getpid()} (`" in str(error.value)
        assert " UTC). Wait" in str(error.value)
        with held.archive.writing(lock, wait_seconds=0.05):
            pass

    def test_is_free_before_the_server_has_noticed_that_its_connection_closed(
        self, held: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed, lock = list[Connection[Any]](), held.folder / "lock"
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "close", lambda self: closed.append(self))
            with held.archive.writing(lock):
                pass
            with held.archive.writing(lock, wait_seconds=0.05):
                pass
        assert len(closed) == 2
        for connection in closed:
            connection.close()

    def test_a_second_writer_waits_its_turn(self, held: Desk) -> None:
        began, turns = threading.Event(), list[str]()

        def first() -> None:
            with held.archive.writing(held.folder / "lock"):
                began.set()
                threading.Event().wait(0.3)
                turns.append("first")

        thread = threading.Thread(target=first)
        thread.start()
        began.wait()
        with held.archive.writing(held.folder / "lock"):
            turns.append("second")
        thread.join()
        assert turns == ["first", "second"]

    def test_a_lock_that_was_lost_is_not_written_upon(self, held: Desk, database: str) -> None:
        asked = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        before = held.archive.generation
        with held.archive.writing(held.folder / "lock"):
            held.archive.grow()
            _run(database, asked)
            with held.archive.writing(held.folder / "lock", wait_seconds=5):  # another took it
                pass
            with pytest.raises(ArchiveUnavailable, match="lock of index 'default' was lost: noth"):
                held.archive.grow()
            assert held.ask("Who resigned?").status == "answered"  # who only reads goes on
        held.archive.grow()
        assert held.archive.generation == before + 2

    def test_a_killed_writer_loses_nothing_that_it_was_told(
        self, address: str, tmp_path: Path
    ) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", _ADDING, str(tmp_path), address],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(2)][-1]
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with opened(tmp_path, address) as desk:
            desk.check(repair=True)  # which takes the lock of the dead
            assert len(desk.articles) >= int(told) > 0
            assert desk.check().problems == ()
            assert len(desk.articles) == len(set(desk.archive.ids()))


_ADDING = """
import json, sys
from pathlib import Path
from byline.index import build
from byline.tests.index.archive.test_postgres import opened
build._BATCH = 8
home, address = Path(sys.argv[1]), sys.argv[2]
said = ({"id": f"a{n}", "text": f"Article {n} says {n} ferries left."} for n in range(9999))
(home / "many.jsonl").write_text("\\n".join(map(json.dumps, said)))
with opened(home, address) as desk:
    desk.add(home / "many.jsonl", progress=lambda report: print(report.accepted, flush=True))
"""


class TestFaults:
    def test_a_connection_that_is_lost_is_one_line_and_the_next_ask_works(
        self, held: Desk, database: str
    ) -> None:
        with held.archive.engine.connect() as connection:
            pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
            _run(database, f"SELECT pg_terminate_backend({pid})")
            with pytest.raises(ArchiveUnavailable, match="does not answer: .*Try again") as error:
                connection.execute(sa.text("SELECT 1"))
        assert "\n" not in str(error.value)
        assert held.ask("Who resigned?").status == "answered"

    def test_a_turn_waits_for_a_table_no_longer_than_sqlite_would(
        self, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "_LOCKED_SECONDS", 1)
        with opened(tmp_path / "home", address) as desk, opened(tmp_path, address) as other:
            turn = Turn(desk.ask("Who resigned?").to_dict(), Filter(), datetime.now(UTC))
            with other.archive.engine.begin() as connection:
                connection.execute(tables.tombstones.delete())  # as `restore --force` begins
                with pytest.raises(IndexLocked, match="this turn of the conversation was not"):
                    desk.conversations.append("talk", turn)

    def test_a_server_that_is_gone_is_given_up(self, held: Desk, address: str) -> None:
        def options(archive: Archive) -> list[int]:
            with archive.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                with socket.socket(fileno=os.dup(driver.fileno())) as own:
                    names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
                    return [own.getsockopt(socket.IPPROTO_TCP, name) for name in names]

        assert options(held.archive) == [15, 3, 30_000]
        longer = Archive(held.folder / "archive.db", f"{address}&tcp_user_timeout=90000")
        with closing(longer) as archive:
            assert options(archive) == [15, 3, 90_000]

    @pytest.mark.parametrize(
        ("changed", "kind", "said"),
        [
            ({"password": "wrong"}, SettingsError, "password authentication failed.*Correct"),
            ({"username": "nobody"}, SettingsError, "password authentication failed.*Correct"),
            ({"database": "none"}, SettingsError, 'database "none" does not exist.*Correct'),
            ({"host": "no-such-host.invalid"}, SettingsError, "not known.*Correct"),
            ({"port": 1}, ArchiveUnavailable, "does not answer.*see that it runs"),
            ({"query": {"foo": "1"}}, SettingsError, 'connection option "foo".*Correct'),
            ({"query": {"sslmode": "require"}}, SettingsError, "does not support SSL.*Correct"),
        ],
    )
    def test_what_cannot_be_opened_says_what_to_do(
        self,
        database: str,
        tmp_path: Path,
        changed: dict[str, object],
        kind: type[BylineError],
        said: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        unknown = OSError(-2, "Name or service not known")
        monkeypatch.setattr(_conninfo_attempts.socket, "getaddrinfo", Mock(side_effect=unknown))
        url = sa.make_url(database).set(**changed)  # type: ignore[arg-type]
        text = url.render_as_string(hide_password=False)
        with pytest.raises(kind, match=said) as error:
            Archive(tmp_path / "news" / "archive.db", text)
        assert "\n" not in str(error.value)
        assert "open-sesame" not in str(error.value)

    @pytest.mark.parametrize(
        ("host", "said"),
        [("127.0.0.1", "too many connections for role"), ("db.example", "Temporary failure")],
    )
    def test_what_passes_may_be_tried_again(
        self,
        database: str,
        tmp_path: Path,
        host: str,
        said: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        busy = OSError(-3, "Temporary failure in name resolution")
        monkeypatch.setattr(_conninfo_attempts.socket, "getaddrinfo", Mock(side_effect=busy))
        _run(database, "DROP ROLE IF EXISTS many")
        _run(database, "CREATE ROLE many LOGIN PASSWORD 'many' CONNECTION LIMIT 0")
        url = sa.make_url(database).set(username="many", password="many", host=host)
        with pytest.raises(ArchiveUnavailable, match=f"{said}.*Try again"):
            Archive(tmp_path / "news" / "archive.db", url.render_as_string(hide_password=False))

    def test_a_server_that_has_no_time_to_let_one_in_may_be_tried_again(self) -> None:
        said = "connection failed: FATAL:  canceling authentication due to timeout"
        error = told(OperationalError(said), sa.make_url("postgresql://db/news"))
        assert isinstance(error, ArchiveUnavailable)

    def test_a_release_that_is_too_old_is_named(
        self, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "_OLDEST", 99)
        with pytest.raises(SettingsError, match=r"is PostgreSQL \d+.*Byline needs release 99"):
            Archive(tmp_path / "news" / "archive.db", address)

    @pytest.mark.parametrize("given", ["mysql://a:secret@b/c", "archive.db", "://secret"])
    def test_another_address_is_refused_without_the_password(
        self, tmp_path: Path, given: str
    ) -> None:
        with pytest.raises(SettingsError, match="is not the address of a database: ") as error:
            Archive(tmp_path / "news" / "archive.db", given)
        assert "secret" not in str(error.value)

    @pytest.mark.parametrize("given", ["s3@cret@db/news", "s3@cr/et@db/news", "s3@cr?et@db/news"])
    def test_a_password_with_a_sign_that_ends_it_is_refused_and_not_shown(
        self, tmp_path: Path, given: str
    ) -> None:
        with pytest.raises(SettingsError, match="has an @, or one .*: write it as %40") as error:
            Archive(tmp_path / "news" / "archive.db", f"postgresql://byline:{given}")
        assert not re.search("s3|cret|cr/et", str(error.value))

    @pytest.mark.parametrize("name", ["a" * 64, "pg_mine", "information_schema"])
    def test_a_name_that_postgresql_does_not_take_is_refused(
        self, database: str, tmp_path: Path, name: str
    ) -> None:
        with pytest.raises(SettingsError, match="PostgreSQL takes no index of the name"):
            Archive(tmp_path / name / "archive.db", database)

    def test_settings_do_not_show_the_password(self, address: str) -> None:
        assert "open-sesame" not in repr(load_settings(archive=address))
        assert "open-sesame" not in str(load_settings(archive=address).model_dump_json())

    def test_without_psycopg_it_says_what_to_install(
        self, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(SettingsError, match=re.escape("pip install 'byline[postgres]'")):
            Archive(tmp_path / "news" / "archive.db", address)

    def test_no_more_connections_are_taken_than_are_allowed(
        self, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "_WAIT_SECONDS", 0.1)
        path = tmp_path / "news" / "archive.db"
        with closing(Archive(path, address, connections=5)) as archive, ExitStack() as taken:
            for _ in range(5):
                taken.enter_context(archive.engine.connect())
            with pytest.raises(ArchiveUnavailable, match="BYLINE_ARCHIVE_CONNECTIONS"):
                archive.built_with("schema")


class TestRights:
    @pytest.fixture
    def reader(self, database: str) -> Iterator[str]:
        """The address of a role that has no right but to connect."""
        _run(database, "CREATE ROLE reader LOGIN PASSWORD 'open-sesame'")
        yield sa.make_url(database).set(username="reader").render_as_string(hide_password=False)
        _run(database, "DROP OWNED BY reader", "DROP ROLE reader")

    def test_a_role_that_may_not_create_says_what_to_grant(
        self, reader: str, tmp_path: Path
    ) -> None:
        with pytest.raises(SettingsError, match="'reader' lacks a right .*CREATE on the database"):
            Archive(tmp_path / "news" / "archive.db", reader)

    def test_a_role_that_may_not_use_the_schema_says_what_to_grant(
        self, held: Desk, address: str, reader: str
    ) -> None:
        url = f"{reader}?{address.partition('?')[2]}"
        with pytest.raises(SettingsError, match="may not use schema .*grant it USAGE"):
            opened(held.settings.home, url)

    def test_a_schema_of_another_program_is_left_alone(self, database: str, tmp_path: Path) -> None:
        _run(database, "CREATE SCHEMA crm", "CREATE TABLE crm.articles (id int, x text)")
        with pytest.raises(SettingsError, match="'crm' of .* holds tables that are not Byline's"):
            Archive(tmp_path / "crm" / "archive.db", database)
        found = "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        assert _run(database, f"{found} WHERE nspname = 'crm'") == "1"

    def test_a_role_that_may_only_read_can_ask(
        self, held: Desk, address: str, reader: str, database: str
    ) -> None:
        schema = address.rpartition("=")[2]
        _run(database, f'GRANT USAGE ON SCHEMA "{schema}" TO reader')
        _run(database, f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO reader')
        with opened(held.settings.home, f"{reader}?{address.partition('?')[2]}") as desk:
            assert desk.ask("Who resigned?").status == "answered"
            with pytest.raises(SettingsError, match="The role 'reader' lacks a right"):
                desk.articles.kill([desk.archive.ids()[0]])

    def test_a_role_that_does_not_own_the_tables_is_told_that_it_cannot_erase(
        self, held: Desk, address: str, reader: str, database: str, folder: Path
    ) -> None:
        schema = address.rpartition("=")[2]
        _run(database, f'GRANT ALL ON SCHEMA "{schema}" TO reader')
        for kind in ("TABLES", "SEQUENCES"):
            _run(database, f'GRANT ALL ON ALL {kind} IN SCHEMA "{schema}" TO reader')
        told = pytest.raises(SettingsError, match="'reader' does not own table .*the owner of")
        url = f"{reader}?{address.partition('?')[2]}"
        with opened(held.settings.home, url) as desk, told:
            desk.articles.erase(str(folder / "ferry.txt"))
        assert held.check(repair=True).problems == ()


class TestMoving:
    def test_an_index_moves_there_and_back_by_backup(
        self, both: list[Desk], database: str, tmp_path: Path
    ) -> None:
        here, there, back = tmp_path / "a.byline", tmp_path / "b.byline", tmp_path / "back"
        both[0].articles.kill(both[0].archive.ids()[:1])
        both[0].backup(here)
        address = in_schema(database, tmp_path, "moved")
        restore(here, tmp_path / "moved", archive_url=address)
        with Desk(
            settings=Settings(home=tmp_path, index="moved", archive=address), embedder=Broken()
        ) as moved:
            assert moved.check().problems == ()
            moved.backup(there)
            restore(there, back / "default")
            with Desk(back, embedder=Broken()) as again:
                assert again.check().problems == ()
                assert _rows(both[0].archive) == _rows(moved.archive) == _rows(again.archive)
            last = max(moved.archive.all_passages())
        archive = Archive(tmp_path / "moved" / "archive.db", address)
        with closing(archive), archive.engine.begin() as connection:
            new = {"article_pk": 1, "version": "-", "start": 0, "end": 1}
            pk = connection.scalar(tables.passages.insert().returning(tables.passages.c.pk), new)
            assert pk > last

    def test_an_index_in_a_named_schema_is_replaced_only_when_forced(
        self, held: Desk, address: str, tmp_path: Path, run: Run
    ) -> None:
        there, before = tmp_path / "there.byline", held.archive.ids()
        held.backup(there)
        told = {"BYLINE_ARCHIVE": address}
        for index in ("default", "other"):  # the schema is the same one
            refused = run("restore", there, "--index", index, **told)
            assert refused.code == 2
            assert f"There is an index '{index}' already: give another schema" in refused.err
        assert held.archive.ids() == before
        assert before[0] in run("articles", "list", **told).out

    def test_an_index_that_is_not_there_is_missed_in_the_database(
        self, database: str, run: Run
    ) -> None:
        missed = run("ask", "Who?", "--index", "none", BYLINE_ARCHIVE=database)
        assert missed.code == 1
        url = sa.make_url(database)
        assert f"There is no index 'none' in database {url.host}:{url.port}/{url.database}." in (
            missed.err
        )

    def test_an_address_may_be_as_hosting_services_give_it(
        self, held: Desk, address: str, tmp_path: Path
    ) -> None:
        given = address.replace("postgresql+psycopg://", "postgres://")
        with opened(tmp_path / "elsewhere", given) as desk:
            assert len(desk.articles) == 3

    @pytest.mark.parametrize("options", ["-csearch_path=a,b", "-csearch_path=a -cwork_mem=8MB"])
    def test_a_schema_that_is_not_understood_is_refused(
        self, database: str, tmp_path: Path, options: str
    ) -> None:
        with pytest.raises(SettingsError, match="give one schema, as .*-csearch_path=NAME"):
            Archive(tmp_path / "news" / "archive.db", f"{database}?options={options}")


def test_numbers_beyond_32_bits_go_every_way(held: Desk, tmp_path: Path) -> None:
    with held.archive.engine.begin() as connection:
        for table in ("articles", "passages"):
            connection.exec_driver_sql(f"SELECT setval('{table}_pk_seq', {2**33})")
    (tmp_path / "late.txt").write_text("Harbour closed\nThe harbour closed on Friday.\n")
    held.add(tmp_path / "late.txt")
    assert held.search("harbour")[0].title == "Harbour closed"
    assert held.check().problems == ()
    assert held.articles.remove(held.search("harbour")[0].article_id) == 1


def test_a_nul_is_held_as_what_stands_for_one(held: Desk, tmp_path: Path) -> None:
    facts = {"id": "a\0b", "title": "T\0", "text": "Nul \0 here.", "outlet": "O\0"}
    (tmp_path / "nul.jsonl").write_text(json.dumps(facts))
    assert held.add(tmp_path / "nul.jsonl").failed == []
    assert held.search("nul\0 here")
    with pytest.raises(BylineError, match="There is no article"):
        held.articles.get("\0")
    chat = held.chat()
    chat.ask("Who resigned?")
    held.conversations.rate(chat.id, 1, "down", "no\0pe")
    assert held.check().problems == ()


def test_what_is_erased_is_in_no_file_but_the_servers_log(
    held: Desk, database: str, tmp_path: Path
) -> None:
    words = (b"Tancred Mobbs", b"tancred", b"breakwat", b"Breakwater")
    data = Path(_run(database, "SHOW data_directory"))
    text = "Councillor Tancred Mobbs kept the Breakwater survey in a drawer, he said on Monday."
    facts = {"id": "mobbs", "title": "Breakwater survey", "text": text, "outlet": "Tancred Post"}
    (tmp_path / "mobbs.jsonl").write_text(json.dumps(facts))
    held.add(tmp_path / "mobbs.jsonl")
    held.chat().ask("Who kept the Breakwater survey in a drawer?")
    _run(database, "ANALYZE", "CHECKPOINT")
    assert len(_holding(data, words)) > 3
    held.articles.erase("mobbs")
    _run(database, "CHECKPOINT")
    assert _holding(data, words) == []


def test_an_erase_that_a_reader_holds_up_is_told_and_finished(
    held: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LOCKED_SECONDS", 1)
    with held.archive.engine.connect() as reader:
        reader.execute(sa.select(tables.versions)).all()
        with pytest.raises(IndexLocked, match="keeps their bytes on the disk. Stop it"):
            held.articles.erase(str(folder / "ferry.txt"))
    assert "an erase was interrupted" in held.check().problems[-1]
    assert held.check(repair=True).problems == ()


def test_an_erase_that_an_open_transaction_elsewhere_holds_up_is_told_and_finished(
    held: Desk, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LOCKED_SECONDS", 1)
    said = "Ottoline Varga kept the lighthouse ledger under the floor."
    (tmp_path / "varga.txt").write_text(f"Lighthouse ledger\n{said}\n")
    held.add(tmp_path / "varga.txt")
    data = Path(_run(database, "SHOW data_directory"))
    elsewhere = sa.create_engine(database, isolation_level="REPEATABLE READ")
    with elsewhere.connect() as other:
        other.exec_driver_sql("SELECT relname FROM pg_class").all()
        with pytest.raises(IndexLocked, match="open elsewhere in its database, keeps their bytes"):
            held.articles.erase(str(tmp_path / "varga.txt"))
        _run(database, "CHECKPOINT")
        # In one run of CI the first look found none: what was going on is told if it is so again.
        looks = [_holding(data, (said.encode(),)) for _ in range(3)]
        seen = _run(
            database,
            "SELECT string_agg(concat_ws(' ', state, backend_xmin, query), '; ') "
            "FROM pg_stat_activity",
        )
        assert any(looks), (other.exec_driver_sql("SELECT 1").scalar(), seen)
    elsewhere.dispose()
    assert held.check(repair=True).problems == ()
    _run(database, "CHECKPOINT")
    assert not _holding(data, (said.encode(),))


def _holding(data: Path, words: tuple[bytes, ...]) -> list[Path]:
    files = [f for f in data.rglob("*") if f.is_file() and "pg_wal" not in f.parts]
    return [file for file in files if any(word in file.read_bytes() for word in words)]


def _run(address: str, *statements: str) -> str:
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return str(result.scalar()) if result.returns_rows else ""


def _rows(archive: Archive) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but what names the index and its generation."""
    with archive.engine.connect() as connection:
        return {
            name: sorted(
                (tuple(map(str, row)) for row in connection.execute(sa.select(table))),
            )
            for name, table in tables.METADATA.tables.items()
            if name != "meta"
        }
