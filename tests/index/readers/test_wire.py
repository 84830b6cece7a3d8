"""What becomes of the formats of news agencies: NewsML-G2, NITF and ninjs."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from byline.errors import InputError
from byline.index.archive.filter import _WITHHELD
from byline.index.article import Article
from byline.index.readers.newsml import news_items, read_newsitem
from byline.index.readers.ninjs import read_ninjs
from byline.index.readers.nitf import read_nitf
from byline.index.readers.wire import wire_article
from byline.index.readers.xml import parse

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
BODY = f"<nitf><body><body.content><p>{STORY}</p></body.content></body></nitf>"


def nitf(docdata: str = "", *, status: str = "", body_head: str = "", body: str = STORY) -> Article:
    attributes = f' management-status="{status}"' if status else ""
    head = f"<head><docdata{attributes}>{docdata}</docdata></head>"
    body = f"<body.content><p>{body}</p></body.content>" if body else ""
    text = f"<nitf>{head}<body><body.head>{body_head}</body.head>{body}</body></nitf>"
    return read_nitf(parse(text.encode()), "ferry.nitf")


def item(
    item_meta: str = "", content_meta: str = "", content: str = "", around: str = ""
) -> Article:
    content = content or f"<inlineXML>{BODY}</inlineXML>"
    text = (
        '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:tern:1" xml:lang="en-GB">'
        f"{around}<itemMeta>{item_meta}</itemMeta><contentMeta>{content_meta}</contentMeta>"
        f"<contentSet>{content}</contentSet></newsItem>"
    )
    (found,) = news_items(parse(text.encode()))
    return read_newsitem(found, "ferry.xml")


def ninjs(**facts: Any) -> Article:
    return read_ninjs({"uri": "urn:tern:1", "type": "text", "body_text": STORY, **facts}, "a.json")


class TestNewsml:
    def test_every_fact_of_an_item_is_kept(self) -> None:
        found = item(
            '<itemClass qcode="ninat:text"/><provider><name>Tern Wire</name></provider>'
            "<versionCreated>2026-03-05T12:00:00Z</versionCreated>"
            "<firstCreated>2026-03-05T10:00:00Z</firstCreated>"
            "<embargoed>2026-03-06T06:00:00+01:00</embargoed>"
            '<pubStatus qcode="stat:usable"/><edNote>Photos to follow</edNote>',
            '<creator><name>Mara Tenholt</name></creator><language tag="en"/>'
            '<genre qcode="genre:x"><name>Analysis</name></genre>'
            "<headline> Ferry\n burns</headline>"
            "<subject><name>shipping</name></subject>",
            around='<rightsInfo validto="2026-04-01"><copyrightNotice>© Tern</copyrightNotice>'
            "<usageTerms>Not in Norland</usageTerms></rightsInfo>",
        )
        assert found.text == STORY
        assert (found.id, found.title, found.outlet) == ("urn:tern:1", "Ferry burns", "Tern Wire")
        assert found.authors == ("Mara Tenholt",)
        assert found.published == datetime(2026, 3, 5, 10, tzinfo=UTC)
        assert found.updated == datetime(2026, 3, 5, 12, tzinfo=UTC)
        assert found.embargo_until == datetime(2026, 3, 6, 5, tzinfo=UTC)
        assert found.expires == date(2026, 4, 1)
        assert found.rights == "© Tern; Not in Norland"
        assert (found.status, found.kind, found.language) == ("usable", "analysis", "en")
        assert found.extra["subjects"] == ["shipping"]
        assert found.extra["note"] == "Photos to follow"

    def test_an_embargo_without_an_end_withholds(self) -> None:
        assert item("<embargoed/>").status in _WITHHELD

    def test_text_as_xhtml_or_data_is_read(self) -> None:
        page = (
            f"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>{STORY}</p><p>b</p></body></html>"
        )
        assert item(content=f"<inlineXML>{page}</inlineXML>").text == f"{STORY}\n\nb"
        assert item(content=f"<inlineData>{STORY}</inlineData>").text == STORY
        markup = f'<inlineData contenttype="text/html">&lt;p&gt;{STORY}&lt;/p&gt;</inlineData>'
        assert item(content=markup).text == STORY

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ({"item_meta": '<itemClass qcode="ninat:picture"/>'}, "class 'picture'"),
            ({"content": '<remoteContent href="a.jpg"/>'}, "a file elsewhere"),
            ({"content": "<inlineXML><sports-content/></inlineXML>"}, "<sports-content>"),
            ({"content": '<inlineData encoding="base64">QQ==</inlineData>'}, "base64"),
            ({"content": "<inlineXML/>"}, "is empty"),
            ({"item_meta": "<embargoed>next week</embargoed>"}, "embargo_until 'next week'"),
        ],
    )
    def test_an_item_without_text_of_its_own_says_why(
        self, given: dict[str, str], reason: str
    ) -> None:
        with pytest.raises(InputError, match=reason):
            item(**given)

    def test_each_item_of_a_message_is_found(self) -> None:
        message = (
            "<newsMessage><itemSet><packageItem/><newsItem/><newsItem/></itemSet></newsMessage>"
        )
        assert len(news_items(parse(message.encode()))) == 2

    @pytest.mark.parametrize(
        ("root", "reason"),
        [
            ("<packageItem/>", "a NewsML-G2 package"),
            ("<planningItem/>", "a NewsML-G2 plan"),
            ("<newsMessage><itemSet><conceptItem/></itemSet></newsMessage>", "a NewsML-G2 concept"),
            ("<newsMessage/>", "a NewsML-G2 message without items"),
        ],
    )
    def test_what_holds_no_news_item_is_called_by_its_name(self, root: str, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            news_items(parse(root.encode()))


class TestNitf:
    def test_every_fact_of_a_document_is_kept(self) -> None:
        found = nitf(
            '<doc-id id-string="tern-1"/><date.issue norm="20260305T100000+0100"/>'
            '<date.release norm="20260306T060000Z"/><date.expire norm="20260401"/>'
            '<doc.copyright holder="Tern Wire" year="2026"/>'
            '<doc.rights limitations="No archives"/>',
            body_head="<hedline><hl1>Ferry burns</hl1></hedline><byline>By Mara Tenholt, "
            "<byttl>Staff</byttl></byline><dateline>TERN BAY</dateline>",
        )
        assert found.text == f"TERN BAY — {STORY}"
        assert (found.id, found.title, found.outlet) == ("tern-1", "Ferry burns", "Tern Wire")
        assert found.authors == ("Mara Tenholt",)
        assert found.published == datetime(2026, 3, 5, 9, tzinfo=UTC)
        assert found.embargo_until == datetime(2026, 3, 6, 6, tzinfo=UTC)
        assert found.expires == date(2026, 4, 1)
        assert found.rights == "holder: Tern Wire, year: 2026; limitations: No archives"

    @pytest.mark.parametrize("status", ["withheld", "canceled", "embargoed"])
    def test_a_status_that_may_not_be_shown_withholds(self, status: str) -> None:
        assert nitf(status=status).status in _WITHHELD

    def test_a_kill_of_another_document_is_read_as_that_document(self) -> None:
        text = (
            '<nitf><head><docdata management-doc-idref="tern-1" management-idref-status="canceled">'
        )
        text += '<doc-id id-string="tern-2"/><ed-msg info="Wrong ferry"/></docdata></head></nitf>'
        found = read_nitf(parse(text.encode()), "kill.nitf")
        assert (found.id, found.status, found.text) == ("tern-1", "canceled", "Wrong ferry")

    def test_a_correction_becomes_a_marked_part_of_the_text(self) -> None:
        found = nitf('<correction info="The ferry was built in 1990."/>')
        assert found.status == "corrected"
        (mark,) = found.marks
        assert found.text[mark.start : mark.end] == "Correction: The ferry was built in 1990."
        assert mark.kind == "correction"


class TestNinjs:
    def test_both_spellings_of_its_versions_are_read(self) -> None:
        facts = {
            "headline": "Ferry burns",
            "byline": "Von Mara Tenholt, Tern",
            "copyrightholder": "Tern",
            "versioncreated": "2026-03-05T12:00:00Z",
            "firstcreated": "2026-03-05T10:00:00Z",
            "embargoed": "2026-03-06T06:00:00Z",
            "pubstatus": "usable",
            "usageterms": "Not in Norland",
            "rightsinfo": {"linkedrights": "https://tern.example/rights"},
            "language": "en-GB",
        }
        plain = ninjs(**facts)
        newer = {name.replace("created", "Created"): fact for name, fact in facts.items()}
        newer |= {"by": newer.pop("byline"), "body_text": None, "pubStatus": newer.pop("pubstatus")}
        newer |= {"headlines": [{"role": "main", "value": newer.pop("headline")}]}
        newer |= {"bodies": [{"contentType": "text/html", "value": f"<p>{STORY}</p>"}]}
        assert ninjs(**newer) == plain
        assert (plain.title, plain.authors, plain.outlet) == (
            "Ferry burns",
            ("Mara Tenholt",),
            "Tern",
        )
        assert plain.published == datetime(2026, 3, 5, 10, tzinfo=UTC)
        assert plain.updated == datetime(2026, 3, 5, 12, tzinfo=UTC)
        assert plain.embargo_until == datetime(2026, 3, 6, 6, tzinfo=UTC)
        assert plain.rights == "Not in Norland; https://tern.example/rights"

    def test_the_fullest_body_of_a_type_that_is_read_is_the_text(self) -> None:
        bodies = [
            {"contenttype": "text/plain", "value": STORY},
            {"contenttype": "text/vnd.IPTC.NITF", "value": BODY.replace("</p>", "</p><p>Two.</p>")},
            {"contenttype": "application/xml", "value": f"<x>{STORY} {STORY} {STORY}</x>"},
        ]
        assert ninjs(bodies=bodies, body_text="").text == f"{STORY}\n\nTwo."

    def test_a_description_alone_is_a_teaser(self) -> None:
        found = ninjs(body_text=None, description_text=STORY)
        assert (found.text, found.completeness) == (STORY, "teaser")

    @pytest.mark.parametrize("kind", ["picture", "video", "event"])
    def test_what_is_no_text_is_refused(self, kind: str) -> None:
        with pytest.raises(InputError, match=f"of type '{kind}'"):
            ninjs(type=kind)

    @pytest.mark.parametrize("name", ["pubstatus", "embargoed", "expires"])
    def test_what_may_hide_an_article_must_be_understood(self, name: str) -> None:
        with pytest.raises(InputError, match=name):
            ninjs(**{name: 20260306})


class TestKillsAndCorrections:
    @pytest.mark.parametrize(
        "facts",
        [
            {"status": "http://cv.iptc.org/newscodes/pubstatusg2/canceled"},
            {"status": "stat:withheld"},
            {"status": "usable", "signals": ["kill"]},
            {"status": "usable", "note": "ATTENTION EDITORS: KILL. The ferry did not burn."},
        ],
    )
    def test_a_kill_needs_no_text_and_hides_the_article(self, facts: dict[str, Any]) -> None:
        assert wire_article({"id": "urn:tern:1", **facts}, "a").status in _WITHHELD

    def test_nothing_else_keeps_a_kill_from_being_read(self) -> None:
        found = ninjs(pubstatus="canceled", embargoed="soon", versioncreated="9999-01-01")
        assert (found.status, found.embargo_until) == ("canceled", None)

    def test_an_item_that_is_no_kill_needs_a_text(self) -> None:
        with pytest.raises(InputError, match="no text of its own"):
            wire_article({"id": "urn:tern:1", "text": "..."}, "a")

    def test_an_editors_word_on_killing_inside_a_note_hides_nothing(self) -> None:
        facts = {"id": "1", "text": STORY, "note": "Adds that two were killed"}
        assert wire_article(facts, "a").status is None
