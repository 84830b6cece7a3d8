"""Files in object storage, read as those of a folder are; in memory, as fsspec has it."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import fsspec
import pytest
from byline import Desk
from byline.index.read import Entry, Failure, Found, read
from byline.index.storage import listed
from byline.tests.fakes import Letters
from byline.tests.index.readers.test_warc import record

STORY = b"The harbour ferry burned for two hours on Monday evening, and nobody was hurt."


@pytest.fixture
def bucket() -> Iterator[str]:
    """Two articles, a hidden one, and a picture."""
    memory = fsspec.filesystem("memory")
    for name in ("b.txt", "2026/a.md", ".hidden/c.txt", "picture.png"):
        memory.pipe(f"/bucket/news/{name}", STORY)
    yield "memory://bucket/news"
    memory.rm("/bucket", recursive=True)


def found(url: str) -> list[Found]:
    return list(read([url], max_article_bytes=1000))


def test_the_files_below_an_address_are_read_in_order_without_hidden_and_unknown_ones(
    bucket: str,
) -> None:
    entries = found(bucket)
    assert [e.path for e in entries] == [
        f"memory:///bucket/news/{n}" for n in ("2026/a.md", "b.txt")
    ]
    assert [e.load().id for e in entries if isinstance(e, Entry)] == [e.path for e in entries]


@pytest.mark.parametrize("ending", ["/b.txt", "/*.txt"])
def test_one_file_and_a_pattern_are_read(bucket: str, ending: str) -> None:
    assert [entry.path for entry in found(bucket + ending)] == ["memory:///bucket/news/b.txt"]


def test_an_article_added_twice_is_known(home: Path, bucket: str) -> None:
    with Desk(home, embedder=Letters()) as desk:
        assert desk.add(bucket).added == 2
        assert desk.add([bucket]).unchanged == 2


def test_a_path_by_file_address_is_the_same_article(home: Path, folder: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        assert desk.add(folder.as_uri()).added == 3
        assert desk.add(folder).unchanged == 3


def test_files_that_are_put_there_meanwhile_are_listed(bucket: str) -> None:
    before = listed(bucket)
    fsspec.filesystem("memory").pipe("/bucket/news/z.txt", STORY)
    assert len(listed(bucket)) == len(before) + 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("memory://bucket/none", "it does not exist"),
        ("memory://bucket/news/picture.png", "there is no file that ends in .txt"),
        ("s3://bucket/news", "it cannot be listed: .*s3fs"),
        ("zzz://bucket/news", "it cannot be listed: .*zzz"),
    ],
)
def test_what_cannot_be_listed_is_a_failure_that_says_why(bucket: str, url: str, why: str) -> None:
    if "s3fs" in why and find_spec("s3fs"):
        pytest.skip("s3fs is installed")
    (failure,) = found(url)
    assert isinstance(failure, Failure)
    assert failure.path == url
    assert re.match(why, failure.reason), failure.reason


def test_a_crawl_is_read_where_it_lies(bucket: str) -> None:
    fsspec.filesystem("memory").pipe("/bucket/news/crawl.warc", record() * 2)
    assert [entry.path for entry in found(f"{bucket}/*.warc")] == [
        "memory:///bucket/news/crawl.warc"
    ] * 2


@pytest.mark.parametrize("kind", [TimeoutError, ValueError])
def test_what_breaks_off_as_it_is_read_is_one_failure(
    home: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    """Packages of storages raise classes of their own, not all of them an OSError."""
    held = fsspec.filesystem("memory").store["/bucket/news/b.txt"]

    def broken(_: object) -> int:
        raise kind("Connection broken:\nIncompleteRead(9 bytes read)")

    monkeypatch.setattr(held, "readinto", broken, raising=False)
    with Desk(home, embedder=Letters()) as desk:
        report = desk.add(bucket)
    assert (report.added, [failure.path for failure in report.failed]) == (
        1,
        ["memory:///bucket/news/b.txt"],
    )
    assert report.failed[0].reason.startswith("it cannot be read: Connection broken: Incomplete")
