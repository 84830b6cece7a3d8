"""`byline follow` and what else `byline add` takes, as a person meets them."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
from byline.tests.conftest import Run, failed
from byline.tests.index.fetch.conftest import Site, internet, page, site

__all__ = ["internet", "site"]
TEXT = "The road bridge at Skellow Ford reopened on Tuesday after eleven weeks of repairs."


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYLINE_FETCH_PRIVATE", "true")
    monkeypatch.setenv("BYLINE_FETCH_DELAY_SECONDS", "0")


def serve(site: Site) -> str:
    address = site.url("/bridge", "127.0.0.1")
    feed = f"<item><title>Bridge</title><link>{address}</link></item>"
    gone = f"<item><title>Gone</title><link>{site.url('/gone', '127.0.0.1')}</link></item>"
    head = "<rss version='2.0'><channel><title>Herald</title>"
    site.answers["/feed"] = f"{head}{feed}{gone}</channel></rss>".encode()
    site.answers["/bridge"] = page("Bridge reopens", TEXT)
    return site.url("/feed", "127.0.0.1")


def test_a_feed_is_followed_read_listed_and_removed(run: Run, site: Site) -> None:
    url = serve(site)
    done = run("follow", "add", url, "--every", "90m")
    assert "Following Herald (RSS 2.0, 2 items), every 90m." in done.out
    done = run("follow", "run")
    assert "Herald: 2 listed, 1 added, 1 failed" in done.out
    assert "/gone: the server answers 404" in done.out
    assert "Herald" in run("articles", "list").out
    done = run("follow", "list")
    assert f"Herald  {url}\n  every 90m, read 20" in done.out
    assert "items: 1 added, 1 given up" in done.out
    assert "nothing new" in run("follow", "run").out
    assert run("follow", "remove", url).out == "1 removed; its articles stay\n"
    assert "No feed is followed yet" in run("follow", "list").out
    assert "no feed to read" in run("follow", "run").out


def test_json_is_one_document(run: Run, site: Site) -> None:
    url = serve(site)
    added = json.loads(run("follow", "add", url, "--outlet", "The Herald", "--json").out)
    assert (added["kind"], added["listed"]) == ("RSS 2.0", 2)
    (visit,) = json.loads(run("follow", "run", "--once", "--json").out)["feeds"]
    assert (visit["added"], visit["failed"][0]["path"][-5:]) == (1, "/gone")
    (feed,) = json.loads(run("follow", "list", "--json").out)["feeds"]
    assert feed["outlet"] == "The Herald"
    assert feed["items"] == {"added": 1, "waiting": 0, "given_up": 1}
    assert json.loads(run("follow", "remove", url, "--json").out) == {"removed": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "http://127.0.0.1:1/feed"), "is not followed: 127.0.0.1 does not answer"),
        (("add", "feed.xml"), "only addresses that begin with http"),
        (("add", "http://a.example/", "--every", "soon"), "'soon' is no time of a minute or more"),
        (("run", "--every", "5s"), "'5s' is no time of a minute or more"),
        (("run", "--every", "5m", "--json"), "leave out --once and --json"),
        (("remove", "http://a.example/"), "is not followed: `byline follow list`"),
    ],
)
def test_bad_input_is_one_line(run: Run, folder: Path, arguments: list[str], said: str) -> None:
    run("add", folder)
    failed(run("follow", *arguments), 2, said)


def test_an_index_that_is_not_there_is_told(run: Run) -> None:
    failed(run("follow", "run"), 1, "There is no index 'default'")


def test_when_no_feed_can_be_read_the_run_has_failed(run: Run, site: Site) -> None:
    run("follow", "add", serve(site))
    site.answers["/feed"] = (500, {}, b"")
    done = run("follow", "run")
    assert "Herald: not read: the server answers 500" in done.out
    assert (done.code, done.err) == (1, "1 of 1 feeds could not be read: Herald.\n")


def test_a_feed_that_failed_fails_the_run_and_is_named_while_it_rests(run: Run, site: Site) -> None:
    run("follow", "add", serve(site))
    other = site.url("/other", "127.0.0.1")
    site.answers["/other"] = site.answers["/feed"]
    run("follow", "add", other, "--outlet", "Post")
    site.answers["/other"] = (500, {}, b"")
    done = run("follow", "run")
    assert "Herald: 2 listed, 1 added" in done.out
    assert (done.code, done.err) == (1, "1 of 2 feeds could not be read: Post.\n")
    done = run("follow", "run")
    assert re.search(r"Post: passed over until \d.* UTC, as it failed 1 time: the serv", done.out)
    assert done.code == 0
    (resting,) = json.loads(run("follow", "run", "--json").out)["passed_over"]
    assert resting["url"] == other


def test_a_private_address_is_refused_by_default(run: Run, site: Site) -> None:
    done = run("add", site.url("/bridge", "127.0.0.1"), BYLINE_FETCH_PRIVATE="false")
    failed(done, 1, "private address 127.0.0.1, .*BYLINE_FETCH_PRIVATE=true")
    assert site.asked == []


def test_add_takes_addresses_and_patterns(run: Run, site: Site, folder: Path) -> None:
    serve(site)
    added = json.loads(run("add", site.url("/bridge", "127.0.0.1"), "--json").out)
    assert (added["added"], added["failed"]) == (1, [])
    assert "2 added" in run("add", f"{folder}/*.txt").out
    failed(run("add", f"{folder}/*.nothing"), 1, "no file has a name like that")
    failed(run("add", site.url("/feed", "127.0.0.1")), 1, "no article text was found")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"Bridge reopens\nBy Jonas Brill\n{TEXT}\n", "1 added"),
        (page("Bridge reopens", TEXT).decode(), "1 added"),
        (f'{{"id": "a", "text": "{TEXT}"}}\n{{"id": "b", "text": "{TEXT}"}}\n', "2 added"),
    ],
)
def test_add_reads_standard_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    for expected in (said, said.replace("added", "unchanged")):
        raw = io.BufferedReader(io.BytesIO(given.encode()))  # type: ignore[arg-type]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        assert expected in run("add", "-").out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "standard input: it is empty"),
        ('{"id": "a"', "standard input, line 1: not valid JSON"),
        ("x" * 2000, "standard input: the text is longer than 1,000 bytes"),
    ],
)
def test_standard_input_that_is_no_article_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    raw = io.BufferedReader(io.BytesIO(given.encode()))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
    failed(run("add", "-", BYLINE_MAX_ARTICLE_BYTES="1000"), 1, said)
