"""What XML and JSON files are, whatever they are called; and what XML may not do."""

import json
from pathlib import Path

import pytest
from byline.errors import InputError
from byline.index.article import Article
from byline.index.read import Entry, Failure, read
from byline.index.readers.parts import json_parts, xml_parts
from byline.index.readers.xml import parse, text_of_markup

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
NITF = f"<nitf><body><body.content><p>{STORY}</p></body.content></body></nitf>"


def articles(path: Path) -> list[Article]:
    found = list(read([path], max_article_bytes=50_000))
    assert all(isinstance(entry, Entry) for entry in found), found
    return [entry.load() for entry in found if isinstance(entry, Entry)]


def refusal(path: Path) -> str:
    (failure,) = read([path], max_article_bytes=50_000)
    assert isinstance(failure, Failure)
    return failure.reason


class TestXml:
    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            ("<rss><channel/></rss>", "a feed"),
            ("<urlset/>", "a sitemap"),
            ("<xs:schema xmlns:xs='x'/>", "an XML schema"),
            ("<invoice/>", "unknown kind .<invoice>"),
            ("<nitf><body>", "not well-formed XML"),
            ("no xml", "not well-formed XML"),
        ],
    )
    def test_what_holds_no_article_is_named(self, raw: str, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            xml_parts(raw.encode())

    def test_each_item_of_a_message_is_an_article_of_its_own(self, tmp_path: Path) -> None:
        item = (
            "<newsItem guid='u:{0}'><contentSet><inlineXML>{1}</inlineXML></contentSet></newsItem>"
        )
        items = "".join(item.format(n, NITF.replace("two", n)) for n in ("three", "four"))
        path = tmp_path / "wire.xml"
        path.write_text(f"<newsMessage><itemSet>{items}</itemSet></newsMessage>")
        assert [article.id for article in articles(path)] == ["u:three", "u:four"]

    def test_xhtml_is_read_as_a_page(self, tmp_path: Path) -> None:
        path = tmp_path / "page.xml"
        path.write_text(
            f"<html><head><title>Ferry</title></head><body><p>{STORY}</p></body></html>"
        )
        assert articles(path)[0].text == STORY

    def test_names_that_html_gives_to_characters_are_read(self) -> None:
        (_, load), *_ = xml_parts(NITF.replace("two hours", "two&nbsp;hours&mdash;").encode())
        assert "two hours—" in load("a").text

    @pytest.mark.parametrize(
        "declared",
        [
            '<!ENTITY x "ha">',
            '<!ENTITY x SYSTEM "file://{secret}">',
            '<!ENTITY % x SYSTEM "file://{secret}">%x;',
            '<!ENTITY a "ha"><!ENTITY x "&a;&a;&a;&a;">',
        ],
    )
    def test_entities_are_neither_expanded_nor_fetched(self, declared: str, tmp_path: Path) -> None:
        secret = tmp_path / "secret.txt"
        secret.write_text("the combination of the safe")
        prolog = f"<!DOCTYPE nitf [{declared.format(secret=secret)}]>"
        with pytest.raises(InputError) as refused:
            xml_parts(f"{prolog}{NITF.replace('two', '&x;')}".encode())
        assert "combination" not in str(refused.value)

    def test_a_document_type_alone_is_passed_over(self) -> None:
        assert parse(f'<!DOCTYPE nitf SYSTEM "nitf-3-6.dtd">{NITF}'.encode()).tag == "nitf"

    def test_deep_nesting_is_refused(self) -> None:
        with pytest.raises(InputError):
            parse(b"<a>" * 100_000)

    def test_broken_markup_gives_its_text(self) -> None:
        markup = f"<p>{STORY}<p>Two <b>of</i> them<script>x()</script><table><tr><td>1<td>2</table>"
        assert text_of_markup(markup) == f"{STORY}\n\nTwo of them\n\n1 | 2"


class TestJson:
    @pytest.mark.parametrize(
        ("held", "reason"),
        [
            ({"$schema": "https://json-schema.org/", "type": "object"}, "a JSON schema"),
            ({"version": "https://jsonfeed.org/version/1.1", "items": []}, "a feed"),
            ({"name": "Tern"}, "unknown kind"),
            (3, "an article as a JSON object"),
            ([], "its array is empty"),
        ],
    )
    def test_what_holds_no_article_is_named(self, held: object, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            [load("a") for _, load in json_parts(json.dumps(held).encode())]

    @pytest.mark.parametrize("levels", [200, 900, 100_000])
    def test_deep_nesting_is_refused(self, levels: int) -> None:
        deep = f'{{"text": "{STORY}", "x": {"[" * levels}{"]" * levels}}}'
        for raw in (deep, f"[{deep}]"):
            with pytest.raises(InputError, match="nested too deeply"):
                [load("a") for _, load in json_parts(raw.encode())]

    def test_an_array_may_mix_ninjs_and_records(self, tmp_path: Path) -> None:
        path = tmp_path / "held.json"
        path.write_text(json.dumps([{"uri": "u:1", "body_text": STORY}, {"text": f"Two. {STORY}"}]))
        first, second = articles(path)
        assert first.id == "u:1"
        assert second.id.startswith(f"{path}#")

    def test_one_bad_member_does_not_stop_the_others(self, tmp_path: Path) -> None:
        path = tmp_path / "held.json"
        path.write_text(json.dumps([{"text": 3}, {"text": STORY}]))
        bad, good = (e for e in read([path], max_article_bytes=50_000) if isinstance(e, Entry))
        assert (bad.line, good.line) == (1, 2)
        with pytest.raises(InputError, match="'text' must be a text"):
            bad.load()
        assert good.load().text == STORY

    def test_an_object_is_called_by_its_path(self, tmp_path: Path) -> None:
        path = tmp_path / "one.json"
        path.write_text(json.dumps({"text": STORY}))
        assert articles(path)[0].id == str(path)

    def test_what_is_no_json_is_refused_before_it_is_loaded(self, tmp_path: Path) -> None:
        path = tmp_path / "one.json"
        path.write_text('{"text": ')
        assert "not valid JSON" in refusal(path)
