"""What every test may use: no network, no settings of this machine, a small desk, the sample."""

import ipaddress
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
from byline import Desk
from byline.bench.vectors import Remembering
from byline.cli import main, measure
from byline.index import archive as archives
from byline.index import backup as backups
from byline.index.embed import Embedder, MiniLM
from byline.tests.servers import Silent, answering, chroma, postgres, postgres_programs

hypothesis.settings.register_profile("byline", deadline=None)  # machines are busy
hypothesis.settings.load_profile("byline")
ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "index" / "sample"
ARTICLES = {
    "ferry.txt": """Ferry fire closes Port Ansel terminal
By Mara Tenholt, Port Ansel Courier
March 3, 2026

PORT ANSEL — A fire in the engine room of the ferry Marguerite closed the terminal on Monday.
Nobody was hurt. The repair will cost 4.2 million crowns, said Odile Farrant of the port authority.
""",
    "bridge.txt": """Skellow Ford bridge reopens
By Jonas Brill, Northern Standard
March 10, 2026

SKELLOW FORD — The road bridge reopened on Tuesday after eleven weeks of repairs.
Councillor Petra Hale thanked the 43 workers who had replaced the cables.
""",
    "mayor.md": """---
title: Mayor resigns over water contract
outlet: Castrine Herald
author: Lena Voss
published: 2026-03-12
url: https://herald.example/2026/mayor-resigns
---
Mayor Tomas Rehn resigned on Thursday. He had signed a water contract with his brother's company.
Deputy mayor Ilse Kamp takes over until the next election.
""",
}


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name == "localhost"


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Nothing but this machine can be reached."""

    def guarded(real: Callable[..., Any], host_of: Callable[..., object]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            host = host_of(*args)
            if not _is_local(host):
                raise RuntimeError(f"A test may not leave this machine: it asked for {host!r}.")
            return real(*args, **options)

        return call

    def peer(self: socket.socket, address: Any) -> object:
        inet = self.family in (socket.AF_INET, socket.AF_INET6)
        return address[0] if inet else "localhost"

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name), peer))
        real = socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", guarded(real, lambda host, *_: host))
        yield


# A URL, or `private` for a PostgreSQL of the run's own: the whole suite runs on it.
TEST_ARCHIVE = os.environ.get("TEST_BYLINE_ARCHIVE")
# The same of a Chroma server.
TEST_STORE = os.environ.get("TEST_BYLINE_STORE")


def pytest_configure(config: pytest.Config) -> None:
    """One private PostgreSQL, and one private Chroma, for all workers of a run."""
    global TEST_ARCHIVE
    if hasattr(config, "workerinput"):
        return
    opened = ExitStack()
    config.add_cleanup(opened.close)
    if TEST_ARCHIVE == "private":
        os.environ["TEST_BYLINE_ARCHIVE"] = TEST_ARCHIVE = opened.enter_context(postgres())
    if TEST_STORE == "private":
        folder = opened.enter_context(TemporaryDirectory(prefix="byline-chroma-"))
        os.environ["TEST_BYLINE_STORE"] = opened.enter_context(chroma(Path(folder)))


def in_schema(url: str, home: Path, index: str) -> str:
    """The address of a schema of its own for an index: of its name, and a hash of the home."""
    apart = f"{index}-{blake2b(str(home).encode(), digest_size=6).hexdigest()}"
    return f"{url}?options=-csearch_path={apart}"


def archive_of(home: Path, index: str) -> dict[str, str]:
    """What another process is told, so that the archive of an index is where this run's are."""
    url = os.environ.get("TEST_BYLINE_ARCHIVE")  # which pytest_configure may have changed
    return {"BYLINE_ARCHIVE": in_schema(url, home, index)} if url else {}


@contextmanager
def archives_in(url: str) -> Iterator[None]:
    """Every archive of this process is a schema there, but for those that a restore unpacks."""
    opened, named = archives.database, archives.indexes

    def database(path: Path, given: str | None, connections: int) -> Any:
        is_unpacked = any(parent.name.startswith(".byline-") for parent in path.parents)
        if not is_unpacked and (given is None or given.startswith(url)):
            given = in_schema(url, path.parent.parent, path.parent.name)
        return opened(path, given, connections)

    def indexes(home: Path, given: str | None) -> list[str]:
        apart = in_schema("", home, "").partition("=-csearch_path=")[2]
        found = named(home, given or url)
        return [name.removesuffix(apart) for name in found if name.endswith(apart)]

    def has_index(home: Path, name: str, given: str | None) -> bool:
        return name in indexes(home, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "database", database)
        patch.setattr(archives, "indexes", indexes)
        for module in (archives, backups, measure):
            patch.setattr(module, "has_index", has_index)
        yield


@pytest.fixture(autouse=True, scope="session")
def archives_are_there() -> Iterator[None]:
    """On which database the archives of this run are, where TEST_BYLINE_ARCHIVE says so."""
    with ExitStack() as where:
        if url := os.environ.get("TEST_BYLINE_ARCHIVE"):
            where.enter_context(archives_in(url))
        yield


@pytest.fixture(autouse=True)
def archives_are_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """On which of two databases a test of both runs."""
    with ExitStack() as where:
        if getattr(request, "param", "sqlite") == "postgresql":
            where.enter_context(archives_in(request.getfixturevalue("database")))
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of the archive run on both databases."""
    is_both = "archive" in metafunc.definition.path.parts
    if is_both and not TEST_ARCHIVE and not list(metafunc.definition.iter_markers("embedded")):
        metafunc.parametrize("archives_are_here", ("sqlite", "postgresql"), indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about files where everything runs on servers."""
    for item in items:
        if TEST_ARCHIVE and (found := item.get_closest_marker("embedded")):
            item.add_marker(
                pytest.mark.skip(reason=f"not where all runs on PostgreSQL: {found.args[0]}")
            )
        if TEST_STORE and item.get_closest_marker("store_here"):
            item.add_marker(pytest.mark.skip(reason="about files of the embedded vector store"))


@pytest.fixture(scope="session")
def suite_store() -> str | None:
    """The Chroma server of tests that do not say otherwise; None: embedded."""
    return os.environ.get("TEST_BYLINE_STORE")


@pytest.fixture(autouse=True)
def plain_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite_store: str | None
) -> None:
    """No variable, .env or byline.toml of this machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("BYLINE_", "OPENAI_", "CHROMA_")):
            monkeypatch.delenv(name)
    if suite_store:
        monkeypatch.setenv("BYLINE_STORE", suite_store)
    for name, value in archive_of(tmp_path / "home", "default").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))  # no index of this machine either
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for indexes, not there yet; also for commands that are run without naming it."""
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three short articles of three outlets."""
    return _written(tmp_path / "articles")


def _written(folder: Path) -> Path:
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    """The bundled embedder, loaded once."""
    return MiniLM()


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `Remembering` has embedded in this run: the sample is embedded once for all tests."""
    return tmp_path_factory.mktemp("vectors") / "vectors.db"


@pytest.fixture
def own_desk(home: Path, folder: Path, minilm: MiniLM) -> Iterator[Desk]:
    """A desk over the three articles that may be written to."""
    with Desk(home, embedder=minilm) as desk:
        desk.add(folder)
        yield desk


@pytest.fixture(scope="session")
def desk(
    tmp_path_factory: pytest.TempPathFactory, minilm: MiniLM, suite_store: str | None
) -> Iterator[Desk]:
    """A desk over the three articles; not to be written to."""
    home = tmp_path_factory.mktemp("three")
    with _opened(home, "default", minilm, _written(home / "articles"), suite_store) as desk:
        yield desk


@pytest.fixture(scope="session")
def sample_desk(
    tmp_path_factory: pytest.TempPathFactory,
    vectors: Path,
    suite_store: str | None,
) -> Iterator[Desk]:
    """A desk over the bundled sample; not to be written to."""
    embedder = Remembering(vectors)
    home = tmp_path_factory.mktemp("sample")
    with _opened(home, "demo", embedder, SAMPLE, suite_store) as desk:
        yield desk


@contextmanager
def _opened(
    home: Path, index: str, embedder: Embedder, folder: Path, store: str | None = None
) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("BYLINE_")]:
            patch.delenv(name)
        patch.chdir(home)
        if store:
            patch.setenv("BYLINE_STORE", store)
        desk = Desk(home, index, embedder=embedder)
    with desk:
        report = desk.add(folder)
        assert not report.failed, report.failed
        yield desk


@pytest.fixture
def unused_address() -> str:
    """An endpoint on this machine where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def endpoint() -> Iterator[Callable[..., str]]:
    """Starts an endpoint that gives one reply to everything; returns its address.

    `missing` bytes are promised and not sent: the connection breaks off.
    """

    def start(status: int, kind: str, body: bytes, missing: int = 0) -> str:
        class Handler(Silent):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body) + missing))
                self.end_headers()
                self.wfile.write(body)
                if missing:
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)

        return f"{servers.enter_context(answering(Handler))}/v1"

    with ExitStack() as servers:
        yield start


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(
    home: Path,
    minilm: MiniLM,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Runs the command in this process, as `byline` does; standard streams are files."""
    monkeypatch.setenv("BYLINE_HOME", str(home))

    def loaded(folder: Path | None) -> MiniLM:
        return minilm if folder is None else MiniLM(folder)

    # Loading the embedder anew for each command would take half the time of these tests.
    monkeypatch.setattr("byline.desk.models.MiniLM", loaded)

    def call(*arguments: object, **variables: str) -> Done:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["byline", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


def failed(done: Done, code: int, said: str) -> None:
    """One line on standard error, nothing on standard output."""
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert re.search(said, done.err), done.err
    assert "Unexpected" not in done.err
    assert done.code == code


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A PostgreSQL of this run; where it is not installed the test is skipped, in CI it fails."""
    if postgres_programs() is None:
        why = "this is tested on PostgreSQL, which is not installed (Debian: postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Chroma server of this run; collections on it have names of their own."""
    with chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> str:
    """Where a browser is; without one the test is skipped, in CI it fails."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        why = f"this is tested in a browser, and none of {', '.join(names)} is installed"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A browser of playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
