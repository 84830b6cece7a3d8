"""Listings in all shapes become one kind of item; what is none is refused with a reason."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from byline.errors import FetchError
from byline.index.fetch.client import Reply
from byline.index.fetch.feed import read_feed
from byline.tests.conftest import ROOT

URL = "https://herald.example/feed"
EIGHT = datetime(2026, 3, 10, 8, tzinfo=UTC)
SAMPLES = ROOT.parent / "shared" / "data" / "formats" / "feeds"

RSS = """<?xml version="1.0" encoding="iso-8859-1"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/">
<channel><title>Castrine Herald</title><copyright>© Herald</copyright><item>
<title>Bridge &lt;b&gt;reopens&lt;/b&gt; – at last</title><link>/2026/bridge</link>
<guid isPermaLink="false">urn:b-1</guid><pubDate>Tue, 10 Mar 2026 09:00:00 +0100</pubDate>
<dc:creator>Jonas Brill</dc:creator><description>&lt;p&gt;It opened.&lt;/p&gt;</description>
<content:encoded>&lt;p&gt;One.&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;&lt;p&gt;Two.</content:encoded>
<prism:embargoDate>2026-03-11T06:00:00Z</prism:embargoDate>
<prism:expirationDate>2027-01-01</prism:expirationDate>
</item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Castrine Herald</title><entry>
<title type="html">Bridge &lt;b&gt;reopens&lt;/b&gt; – at last</title>
<link rel="alternate" href="https://herald.example/2026/bridge"/><id>urn:b-1</id>
<published>2026-03-10T08:00:00Z</published><updated>2026-03-10T10:00:00Z</updated>
<author><name>Jonas Brill</name></author><summary>It opened.</summary><rights>© Herald</rights>
<content type="html">&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.</content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="x"><title>Castrine Herald</title></channel>
<item rdf:about="https://herald.example/2026/bridge"><title>Bridge reopens – at last</title>
<link>https://herald.example/2026/bridge</link><dc:creator>Jonas Brill</dc:creator>
<dc:date>2026-03-10T08:00:00Z</dc:date></item></rdf:RDF>"""
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Castrine Herald",
        "authors": [{"name": "Jonas Brill"}],
        "items": [
            {
                "id": "urn:b-1",
                "url": "/2026/bridge",
                "title": "Bridge reopens – at last",
                "content_html": "<p>One.</p><p>Two.",
                "date_published": "2026-03-10T08:00:00Z",
                "_embargo": "soon",
            },
            "no item",
        ],
    }
)
NEWS = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url>
<loc>https://herald.example/2026/bridge</loc><lastmod>2026-03-10T10:00:00Z</lastmod>
<image:image><image:loc>https://x.example/i.jpg</image:loc><image:title>No</image:title></image:image>
<news:news><news:publication><news:name>Castrine Herald</news:name></news:publication>
<news:publication_date>2026-03-10T08:00:00Z</news:publication_date>
<news:title>Bridge reopens – at last</news:title></news:news></url>
<url><loc>javascript:alert(1)</loc></url></urlset>"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (RSS, "RSS 2.0"),
        (ATOM, "Atom 1.0"),
        (RDF, "RSS 1.0"),
        (JSON, "JSON Feed"),
        (NEWS, "sitemap"),
    ],
)
def test_every_kind_gives_the_same_item(text: str, kind: str) -> None:
    feed = read_feed(text, URL)
    (item,) = feed.items
    assert (feed.kind, feed.title) == (kind, "Castrine Herald")
    assert item.url == "https://herald.example/2026/bridge"
    assert item.title == "Bridge reopens – at last"
    assert item.published == EIGHT
    assert item.outlet == "Castrine Herald"
    assert item.authors == (() if kind == "sitemap" else ("Jonas Brill",))
    if kind in ("RSS 2.0", "Atom 1.0", "JSON Feed"):
        assert item.content == "One.\n\nTwo."
    if kind in ("RSS 2.0", "Atom 1.0"):
        assert (item.summary, item.id, item.rights) == ("It opened.", "urn:b-1", "© Herald")


def test_embargo_and_expiry_are_read_and_an_unreadable_embargo_holds() -> None:
    (item,) = read_feed(RSS, URL).items
    assert item.embargo_until == datetime(2026, 3, 11, 6, tzinfo=UTC)
    assert item.expires == date(2027, 1, 1)
    assert read_feed(JSON, URL).items[0].embargo_until == date.max
    assert read_feed(ATOM, URL).items[0].embargo_until is None


def test_an_index_of_sitemaps_names_the_newest_first() -> None:
    text = "<sitemapindex><sitemap><loc>/old.xml</loc><lastmod>2025-01-01</lastmod></sitemap>"
    text += "<sitemap><loc>/new.xml.gz</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"
    feed = read_feed(text, URL)
    assert feed.parts == ("https://herald.example/new.xml.gz", "https://herald.example/old.xml")
    assert feed.items == ()


def test_the_key_of_an_item_changes_with_what_is_listed_and_not_with_the_feed() -> None:
    (item,) = read_feed(ATOM, URL).items
    other = ATOM.replace("<title>Castrine Herald</title>", "<title>Herald, local</title>")
    assert read_feed(other, URL).items[0].key == item.key
    for old, new in (("It opened", "It shut"), ("T10:00", "T10:01"), ("2026/bridge", "2026/b")):
        assert read_feed(ATOM.replace(old, new), URL).items[0].key != item.key
    (listed,) = read_feed(NEWS, URL).items
    assert read_feed(NEWS.replace("T10:00", "T11:00"), URL).items[0].key != listed.key


def test_a_date_of_the_future_or_without_order_is_none() -> None:
    for moment in ("2099-01-01T00:00:00Z", "03/04/2026", "soon"):
        text = ATOM.replace("2026-03-10T08:00:00Z", moment)
        assert read_feed(text, URL).items[0].published is None


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "http://a:b@c/"])
def test_a_link_that_is_no_web_address_is_none(link: str) -> None:
    text = ATOM.replace("https://herald.example/2026/bridge", link)
    assert read_feed(text, URL).items[0].url is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no feed: neither RSS"),
        ("<html><body>Hello", "no feed: neither RSS"),
        ("{", "JSON cannot be read"),
        ('{"items": []}', "not that of jsonfeed.org"),
        ('{"a":' * 5000, "JSON cannot be read"),
        ('<link rel="alternate" type="application/rss+xml" href="/rss">', "herald.example/rss"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(FetchError, match=said) as error:
        read_feed(text, URL)
    assert "\n" not in str(error.value)


def test_a_listing_that_is_a_path_or_an_address_opens_nothing(
    tmp_path: Path, unused_address: str
) -> None:
    """feedparser opens a text that names a file, and fetches one that is an address."""
    file = tmp_path / "secret.xml"
    file.write_text(ATOM)
    for text in (str(file), file.as_uri(), unused_address):
        with pytest.raises(FetchError, match="no feed"):
            read_feed(text, URL)


@pytest.mark.parametrize("root", ["rss", "urlset"])
def test_entities_are_not_read(root: str) -> None:
    for entity in ('e SYSTEM "file:///etc/passwd"', 'e "bomb"', '% e "x"'):
        text = f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY {entity}>]><{root}>&e;</{root}>"
        with pytest.raises(FetchError, match="declares entities"):
            read_feed(text, URL)


@pytest.mark.skipif(not SAMPLES.exists(), reason=f"{SAMPLES} is absent")
def test_every_sample_is_read_or_refused_with_a_reason() -> None:
    refused = []
    for file in sorted((*SAMPLES.glob("input/*"), *SAMPLES.glob("feedparser/*"))):
        try:
            feed = read_feed(Reply(URL, 200, {}, file.read_bytes()).text, URL)
        except FetchError as error:
            refused.append(f"{file.name}: {error}")
            continue
        expected = SAMPLES / "output" / f"{file.stem}.json"
        if file.parent.name == "input" and expected.exists():
            items = json.loads(Reply(URL, 200, {}, expected.read_bytes()).text)["feed"]["items"]
            assert len(feed.items) == len(items), file.name
            dated = [item for item in items if item.get("isoDate")]
            assert len([i for i in feed.items if i.published or i.updated]) >= len(dated), file.name
    assert [line.partition(":")[0] for line in refused] == ["unrecognized.rss"]
