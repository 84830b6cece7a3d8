"""Feeds that are followed: what is new comes in once, what changed again, what fails later."""

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from byline import Desk
from byline.errors import FetchError, IndexLocked, InputError
from byline.index.archive import tables
from byline.index.embed import MiniLM
from byline.index.fetch import follow as module
from byline.index.fetch.expand import expand
from byline.index.fetch.follow import Follow, Visit
from byline.index.fetch.web import Web
from byline.tests.index.fetch.conftest import Site, page

STORIES = {
    "bridge": "The road bridge at Skellow Ford reopened on Tuesday after eleven weeks of repairs.",
    "mayor": "Mayor Tomas Rehn resigned on Thursday after the council had read the contract aloud.",
    "ferry": "A fire in the engine room of the ferry Marguerite closed the terminal on Monday.",
}


@pytest.fixture
def empty_desk(home: Path, minilm: MiniLM) -> Iterator[Desk]:
    with Desk(home, embedder=minilm) as desk:
        yield desk


@pytest.fixture
def follow(empty_desk: Desk, web: Callable[..., Web]) -> Follow:
    return following(empty_desk, web())


def following(desk: Desk, web: Web) -> Follow:
    lock_file = desk.folder / "lock.follow"
    remove = desk.articles.remove
    return Follow(
        desk.archive, web, desk.add, remove, lock_file=lock_file, max_article_bytes=100_000
    )


def serve(site: Site, path: str = "/feed", **changed: str) -> str:
    """A feed of the stories and their pages; `changed` are parts of items by name of story."""
    items = ""
    for name, text in STORIES.items():
        site.answers.setdefault(f"/{name}", page(f"About the {name}", text, text.upper()))
        extra = changed.get(name, "<pubDate>Tue, 10 Mar 2026 08:00:00 GMT</pubDate>")
        items += f"<item><title>{name}</title><link>{site.url(f'/{name}')}</link>{extra}</item>"
    body = f"<rss version='2.0'><channel><title>Herald</title>{items}</channel></rss>".encode()
    tag = f'"{hash(body)}"'

    def answer(handler: object) -> None:
        is_known = handler.headers.get("If-None-Match") == tag  # type: ignore[attr-defined]
        head = f"HTTP/1.1 {304 if is_known else 200} x\r\nETag: {tag}\r\n\r\n".encode()
        handler.wfile.write(head + (b"" if is_known else body))  # type: ignore[attr-defined]

    site.answers[path] = answer
    return site.url(path)


def once(follow: Follow, **options: bool) -> Visit:
    (visit,) = follow.run(**options)
    return visit


def counts(visit: Visit) -> tuple[int, int, int, int]:
    report = visit.report
    return report.added, report.updated, len(report.failed), visit.left


def test_a_feed_is_added_once_and_then_only_asked_whether_it_changed(
    follow: Follow, site: Site, empty_desk: Desk
) -> None:
    feed = follow.add(serve(site))
    assert (feed.kind, len(feed.items)) == ("RSS 2.0", 3)
    assert counts(once(follow)) == (3, 0, 0, 0)
    assert set(empty_desk.archive.ids()) == {site.url(f"/{name}") for name in STORIES}
    del site.asked[:]
    visit = once(follow)
    assert (visit.kind, visit.error) == (None, None)
    assert site.paths == ["/feed"]


def test_an_item_that_changed_in_the_feed_is_fetched_again_and_no_other(
    follow: Follow, site: Site, empty_desk: Desk
) -> None:
    follow.add(serve(site))
    follow.run()
    del site.asked[:]
    site.answers["/bridge"] = page("About the bridge", "The road bridge at Skellow Ford is shut.")
    serve(site, bridge="<pubDate>Tue, 10 Mar 2026 09:00:00 GMT</pubDate>")
    assert counts(once(follow)) == (0, 1, 0, 0)
    assert site.paths == ["/feed", "/bridge"]
    assert "is shut" in empty_desk.articles.get(site.url("/bridge")).text


def test_refresh_finds_pages_that_changed_where_the_feed_did_not(
    follow: Follow, site: Site
) -> None:
    follow.add(serve(site))
    follow.run()
    site.answers["/bridge"] = page("About the bridge", "The road bridge at Skellow Ford is shut.")
    assert counts(once(follow)) == (0, 0, 0, 0)
    visit = once(follow, refresh=True)
    assert (visit.report.updated, visit.report.unchanged) == (1, 2)


def test_one_bad_item_stops_nothing_and_is_given_up_where_it_stays_bad(
    follow: Follow, site: Site
) -> None:
    url = serve(site)
    site.answers["/mayor"] = (404, {}, b"")
    follow.add(url)
    visit = once(follow)
    assert counts(visit) == (2, 0, 1, 0)
    assert visit.report.failed[0].path == site.url("/mayor")
    assert "404" in visit.report.failed[0].reason
    del site.asked[:]
    follow.run()
    assert site.paths == ["/feed"]
    (feed,) = follow.list()
    assert (feed.added, feed.waiting, feed.given_up, feed.error) == (2, 0, 1, None)


def test_what_failed_for_now_is_tried_again_later_and_not_for_ever(
    follow: Follow, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(site)
    good, site.answers["/mayor"] = site.answers["/mayor"], (500, {}, b"")
    follow.add(url)
    assert counts(once(follow)) == (2, 0, 1, 1)
    del site.asked[:]
    assert counts(once(follow)) == (0, 0, 0, 1)  # it is not its time yet
    assert site.paths == ["/feed"]
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0)
    for _ in range(3):
        assert counts(once(follow)) == (0, 0, 1, 1)
    assert counts(once(follow)) == (0, 0, 1, 0)  # the fifth failure
    site.answers["/mayor"] = good
    assert counts(once(follow)) == (0, 0, 0, 0)
    assert follow.list()[0].given_up == 1


def test_a_teaser_gives_way_to_the_article(
    follow: Follow, site: Site, empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0)
    said = {"bridge": f"<description>{STORIES['bridge']}</description>"}
    url = serve(site, **said)
    site.answers["/bridge"] = (503, {}, b"")
    follow.add(url)
    assert counts(once(follow)) == (3, 0, 0, 1)
    teaser = empty_desk.articles.get(site.url("/bridge"))
    assert (teaser.completeness, teaser.text) == ("teaser", STORIES["bridge"])
    site.answers["/bridge"] = (301, {"Location": "/2026/bridge"}, b"")
    site.answers["/2026/bridge"] = page("About the bridge", *STORIES.values())
    assert counts(once(follow)) == (1, 0, 0, 0)
    ids = empty_desk.archive.ids()
    assert site.url("/2026/bridge") in ids
    assert site.url("/bridge") not in ids


@pytest.mark.parametrize("is_killed", [True, False])
def test_what_a_person_said_of_a_teaser_counts_for_the_article(
    follow: Follow, site: Site, empty_desk: Desk, is_killed: bool
) -> None:
    said = {"bridge": f"<description>{STORIES['bridge']}</description>"}
    url = serve(site, **said)
    site.answers["/bridge"] = (404, {}, b"")
    follow.add(url)
    follow.run()
    if is_killed:
        empty_desk.articles.kill(site.url("/bridge"))
    else:
        empty_desk.articles.retract(site.url("/bridge"), "It was forged.")
    site.answers["/bridge"] = (301, {"Location": "/2026/bridge"}, b"")
    site.answers["/2026/bridge"] = page("About the bridge", *STORIES.values())
    once(follow, refresh=True)
    own = site.url("/2026/bridge")
    (article,) = empty_desk.archive.articles([site.url("/bridge"), own])
    assert article.id == own
    assert (own in empty_desk.archive.ids()) is not is_killed
    assert is_killed or (article.notice and article.notice.text == "It was forged.")
    empty_desk.articles.kill(own, undo=True)
    assert own in empty_desk.archive.ids()


def test_an_article_does_not_give_way_to_a_teaser(
    follow: Follow, site: Site, empty_desk: Desk
) -> None:
    follow.add(serve(site))
    follow.run()
    site.answers["/bridge"] = (404, {}, b"")
    serve(site, bridge="<description>The road bridge at Skellow Ford reopened.</description>")
    visit = once(follow)
    assert "less of it now than the index holds" in visit.report.failed[0].reason
    article = empty_desk.articles.get(site.url("/bridge"))
    assert article.completeness is None
    assert STORIES["bridge"] in article.text


def test_a_server_that_asks_for_time_gets_it(follow: Follow, site: Site) -> None:
    url = serve(site)
    site.answers["/bridge"] = (429, {"Retry-After": "3000"}, b"")
    follow.add(url, every_seconds=60)
    assert counts(once(follow)) == (0, 0, 1, 3)
    assert site.paths == ["/feed", "/feed", "/bridge"]
    assert follow.list()[0].next_at > time.time() + 2900
    assert follow.run(only_due=True) == []


def test_a_feed_that_fails_is_left_alone_longer_each_time_and_stops_no_other(
    follow: Follow, site: Site, empty_desk: Desk
) -> None:
    follow.add(serve(site, "/bad"), every_seconds=100)
    follow.add(serve(site), outlet="The Herald")
    site.answers["/bad"] = (200, {}, b"<html>moved")
    bad, good = follow.run()
    assert "no feed" in (bad.error or "")
    assert good.report.added == 3
    assert empty_desk.articles.get(site.url("/bridge")).outlet == "The Herald"
    for failures in (1, 2, 3):
        feed = follow.list()[0]
        assert feed.failures == failures
        pause = feed.next_at - (feed.checked_at or 0)
        assert pause == pytest.approx(100 * 2 ** (failures - 1), abs=1)
        assert [visit.name for visit in follow.run()] == ["The Herald"]
        with empty_desk.archive.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE feeds SET next_at = 0")
        follow.run()


def test_a_feed_is_read_each_time_its_interval_has_passed(
    follow: Follow, site: Site, empty_desk: Desk
) -> None:
    url = serve(site)
    follow.add(url, every_seconds=60)
    assert len(follow.run(only_due=True)) == 1
    assert follow.list()[0].next_at <= time.time() + 60
    assert not follow.run(only_due=True)
    with empty_desk.archive.engine.begin() as connection:  # who looks each minute is no minute late
        connection.execute(tables.feeds.update().values(next_at=time.time() + 2))
    assert len(follow.run(only_due=True)) == 1


def test_one_process_follows_at_a_time(follow: Follow, site: Site, empty_desk: Desk) -> None:
    follow.add(serve(site))
    with (
        empty_desk.archive.writing(empty_desk.folder / "lock.follow"),
        pytest.raises(IndexLocked, match="Another process follows the feeds of index 'default'"),
    ):
        follow.run()
    assert once(follow).report.added == 3


def test_an_interrupted_run_goes_on_where_it_was(
    empty_desk: Desk, site: Site, web: Callable[..., Web], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ITEMS_AT_ONCE", 1)
    follow = following(empty_desk, web())
    follow.add(serve(site))

    def interrupt(visit: Visit) -> None:
        if visit.report.added == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow.run(progress=interrupt)
    assert len(empty_desk.articles) == 2
    del site.asked[:]
    assert counts(once(following(empty_desk, web()))) == (1, 0, 0, 0)
    assert site.paths == ["/feed", "/ferry"]


def test_a_bug_of_a_reader_stops_nothing(
    follow: Follow, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.item_article

    def broken(item: object, *options: object) -> object:
        if "mayor" in str(item):
            raise IndexError
        return real(item, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "item_article", broken)
    follow.add(serve(site))
    assert counts(once(follow)) == (2, 0, 1, 0)


def test_an_item_of_two_feeds_is_fetched_once(follow: Follow, site: Site) -> None:
    follow.add(serve(site))
    follow.run()
    follow.add(serve(site, "/local"))
    del site.asked[:]
    assert [visit.report.added for visit in follow.run()] == [0, 0]
    assert sorted(site.paths) == ["/feed", "/local"]


def test_sitemaps_of_an_index_are_read_packed_or_not(follow: Follow, site: Site) -> None:
    serve(site)
    part = f"<urlset><url><loc>{site.url('/bridge')}</loc></url></urlset>".encode()
    other = f"<urlset><url><loc>{site.url('/mayor')}</loc></url></urlset>".encode()
    gzipped = {"Content-Type": "application/gzip"}
    site.answers["/1.xml.gz"] = (200, gzipped, gzip.compress(part))
    site.answers["/2.xml"] = (200, {"Content-Type": "text/xml"}, other)
    site.answers["/bomb.xml.gz"] = (200, gzipped, gzip.compress(b" " * 30_000_000))
    names = ("1.xml.gz", "2.xml", "bomb.xml.gz")
    entries = "".join(f"<sitemap><loc>{site.url(f'/{name}')}</loc></sitemap>" for name in names)
    site.answers["/map"] = f"<sitemapindex>{entries}</sitemapindex>".encode()
    feed = follow.add(site.url("/map"))
    assert (feed.kind, len(feed.parts)) == ("sitemap index", 3)
    visit = once(follow)
    assert visit.report.added == 2
    assert "bomb.xml.gz: it is longer than 10,000,000 bytes" in (visit.error or "")


def test_a_page_added_by_hand_is_the_same_article(
    follow: Follow, site: Site, empty_desk: Desk, web: Callable[..., Web]
) -> None:
    follow.add(serve(site))
    follow.run()
    before = empty_desk.articles.get(site.url("/bridge"))
    for path in ("/bridge?utm_source=x", "/bridge#top"):
        site.answers[path] = site.answers["/bridge"]
        given = expand([site.url(path)], web, empty_desk.archive.articles, max_article_bytes=10_000)
        assert empty_desk.add(given).unchanged == 1
    assert empty_desk.articles.get(site.url("/bridge")) == before


def test_a_feed_that_is_removed_keeps_its_articles(
    follow: Follow, site: Site, empty_desk: Desk
) -> None:
    url = serve(site)
    follow.add(url)
    follow.run()
    follow.remove(url)
    assert follow.list() == []
    assert len(empty_desk.articles) == 3
    with pytest.raises(InputError, match="is not followed"):
        follow.remove(url)


def test_only_feeds_are_followed_and_not_too_often(follow: Follow, site: Site) -> None:
    url = serve(site)
    with pytest.raises(FetchError, match="no feed"):
        follow.add(site.url("/bridge"))
    with pytest.raises(InputError, match="every minute at most"):
        follow.add(url, every_seconds=59)
    assert follow.list() == []
    follow.add(url)
    follow.add(url, outlet="Herald", every_seconds=60)  # changes it
    assert [(f.outlet, f.interval_seconds) for f in follow.list()] == [("Herald", 60)]
