"""A disk that is full, read-only or broken: one line, and nothing that was accepted is lost."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from byline import Desk
from byline.errors import DiskError, IndexDamaged
from byline.index import erase
from byline.index.archive import Archive
from byline.index.disk import sweep
from byline.index.lock import writing
from byline.tests.conftest import Run, failed
from byline.tests.fakes import Letters

Mount = Callable[[str], None]


@pytest.fixture
def remount(home: Path) -> Iterator[Mount]:
    """The home is a disk of its own, of 1 MB; it can be mounted again with other options."""
    home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted here: that takes root's rights")

    def again(options: str) -> None:
        command = ["mount", "-o", f"remount,{options}", str(home)]
        for _ in range(100):  # Chroma lets go of its files a moment after it is closed
            if subprocess.run(command, capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"{home} cannot be mounted {options}")

    yield again
    subprocess.run(["umount", "-l", str(home)], check=True)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A thousand articles of words that do not repeat: two megabytes."""
    dice, path = random.Random(1), tmp_path / "many.jsonl"
    words = [f"{dice.randrange(16**8):08x}" for _ in range(100_000)]
    path.write_text(
        "".join(
            json.dumps({"id": f"n{n}", "text": f"Item {n}. {' '.join(dice.choices(words, k=200))}"})
            + "\n"
            for n in range(1000)
        )
    )
    return path


@pytest.mark.embedded("it fills the disk of archive.db")
def test_a_full_disk_is_told_keeps_what_was_accepted_and_goes_on_when_there_is_space(
    home: Path, remount: Mount, many: Path
) -> None:
    accepted: list[int] = []
    with Desk(home, embedder=Letters()) as desk:
        for _ in range(2):
            with pytest.raises(DiskError, match=r"cannot be used: .*space.* is kept") as error:
                desk.add(many, progress=lambda report: accepted.append(report.accepted))
            assert "\n" not in str(error.value)
    remount("size=60m")
    with Desk(home, embedder=Letters()) as desk:
        assert len(desk.articles) >= max(accepted, default=0)
        assert desk.add(many).accepted == 1000
        assert desk.check().problems == ()
        assert desk.check().articles == 1000


@pytest.mark.embedded("it fills or damages the disk of archive.db")
def test_an_erase_on_a_full_disk_says_what_is_so_and_what_finishes_it(
    home: Path, remount: Mount, folder: Path
) -> None:
    remount("size=60m")
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        mayor = next(one.id for one in desk.articles.list() if "mayor" in one.id)
        room = home / "room"
        with suppress(OSError):
            room.write_bytes(bytes(60 << 20))  # until the disk is full
        with room.open("r+b") as file:
            file.truncate(room.stat().st_size - (300 << 10))
        said = r"noted and not finished: .* files\. .* then run `byline check --repair`"
        with pytest.raises(DiskError, match=said) as error:
            desk.articles.erase(mayor)
        assert "run it again" not in str(error.value)
        room.unlink()
        assert desk.check(repair=True).problems == ()
        assert not erase.is_unfinished(desk.archive)
        assert mayor not in {one.id for one in desk.articles.list()}


def test_what_a_dead_process_was_copying_is_swept_and_what_a_living_one_is_stays(
    tmp_path: Path,
) -> None:
    code = (
        "import pathlib, sys; from byline.index.disk import staging\n"
        "with staging(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'archive.db').write_text('x'); print(folder, flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    dead, alive = (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        assert dead.stdout
        assert alive.stdout
        left, used = (Path(child.stdout.readline().strip()) for child in (dead, alive))
        dead.kill()
        dead.wait()
        (tmp_path / ".byline-4711-older").mkdir()  # as an older release named them
        sweep(tmp_path)
        assert not left.exists()
        assert (used / "archive.db").exists()
        assert {p.name for p in tmp_path.iterdir()} == {used.name, f"{used.name}.lock"}
        alive.communicate("\n")
        assert list(tmp_path.iterdir()) == []
    finally:
        for child in (dead, alive):
            child.kill()
            child.communicate()


@pytest.mark.embedded("it fills or damages the disk of archive.db")
def test_a_read_only_disk_is_read_and_what_would_write_is_one_line(
    run: Run, home: Path, remount: Mount, folder: Path
) -> None:
    remount("size=60m")
    assert run("add", folder).code == 0
    mayor = "https://herald.example/2026/mayor-resigns"
    with Desk(home) as desk:  # a writer that is at work: its log holds what is new
        desk.articles.retract(mayor, "Forged.")
        for name in ("archive.db", "archive.db-wal", "archive.db-shm"):
            (home / "log").mkdir(exist_ok=True)
            shutil.copy(home / "default" / name, home / "log" / name)
    remount("ro")
    for arguments in (("add", folder), ("check",), ("articles", "kill", mayor), ("follow", "run")):
        failed(run(*arguments), 1, "cannot be used: .*Make it writable")
    for index in ("default", "log"):
        assert "Port Ansel Courier" in run("search", "ferry", "--index", index).out
        assert "retracted" in run("articles", "list", "--index", index).out
        assert "4.2 million" in run("ask", "What will the repair cost?", "--index", index).out
        assert "3 articles" in run("backup", home.parent / "b.byline", "--index", index).out
    remount("rw")
    assert run("check").code == 0
    assert run("restore", home.parent / "b.byline", "--index", "again").code == 0
    assert "retracted" in run("articles", "list", "--index", "again").out


def test_a_folder_that_may_not_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", deny)  # root may do everything
    with (
        pytest.raises(DiskError, match=r"Permission denied\. Make it writable"),
        writing(tmp_path / "lock"),
    ):
        pass


class TestDamagedArchive:
    @pytest.mark.embedded("it fills or damages the disk of archive.db")
    def test_one_that_is_cut_short_is_told_with_the_way_back(
        self, home: Path, folder: Path
    ) -> None:
        with Desk(home, embedder=Letters()) as desk:
            desk.add(folder)
            path = desk.archive.path
        path.write_bytes(path.read_bytes()[:60_000])
        with pytest.raises(IndexDamaged, match=r"is damaged: .*byline restore FILE --force"):
            _everything(path)

    @pytest.mark.embedded("it fills or damages the disk of archive.db")
    def test_garbage_is_told_with_the_way_back(self, tmp_path: Path) -> None:
        (tmp_path / "archive.db").write_bytes(b"garbage" * 1000)
        with pytest.raises(IndexDamaged, match=r"not a database.*byline restore FILE --force"):
            Archive(tmp_path / "archive.db")


def _everything(path: Path) -> None:
    archive = Archive(path)
    try:
        archive.list_articles()
        problems = archive.problems()
        assert not problems, problems
    finally:
        archive.close()
