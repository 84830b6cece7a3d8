"""What is found at paths, and what becomes an article."""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from byline.errors import InputError
from byline.index.article import Article
from byline.index.read import Entry, Failure, read, read_upload
from byline.index.readers.html import read_html
from byline.index.readers.markdown import plain, read_markdown
from byline.index.readers.records import to_article
from byline.index.readers.text import read_text
from hypothesis import given, settings
from hypothesis import strategies as st

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
SECOND = "The fire brigade of Tern Bay said that the engine room would be examined on Tuesday."


def found(*paths: Path | str, limit: int = 5000) -> list[Entry | Failure]:
    return list(read(paths, max_article_bytes=limit))


def reasons(entries: Iterable[Entry | Failure]) -> list[tuple[int | None, str]]:
    return [(entry.line, entry.reason) for entry in entries if isinstance(entry, Failure)]


def load(path: Path) -> Article:
    (entry,) = found(path)
    assert isinstance(entry, Entry)
    return entry.load()


def write_lines(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


class TestFiles:
    def test_a_folder_is_read_in_order_of_name_without_hidden_and_unknown_files(
        self, tmp_path: Path
    ) -> None:
        for name in ("b.txt", "a/z.TXT", ".hidden.txt", ".git/x.txt", "photo.jpg", "a/b/c.md"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(STORY)
        names = [Path(entry.path).relative_to(tmp_path) for entry in found(tmp_path)]
        assert names == [Path("a/b/c.md"), Path("a/z.TXT"), Path("b.txt")]

    def test_a_file_reached_twice_is_read_once(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text(STORY)
        (tmp_path / "link.txt").symlink_to(path)
        assert len(found(path, tmp_path, str(path))) == 1

    def test_folders_that_link_to_each_other_are_read_once(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text(STORY)
        (tmp_path / "again").symlink_to(tmp_path)
        assert len(found(tmp_path)) == 1

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda path: None, "it does not exist"),
            (lambda path: path.write_bytes(b""), "the file is empty"),
            (lambda path: path.write_text("x" * 5001), "longer than 5,000 bytes"),
            (lambda path: path.mkdir(), "has the name of a file and is none"),
            (lambda path: os.mkfifo(path), "has the name of a file and is none"),
            (lambda path: path.symlink_to(path), "lead in a circle"),
            (lambda path: path.symlink_to("gone.txt"), "it does not exist"),
        ],
    )
    def test_what_is_no_readable_file_is_a_failure(
        self, make: Callable[[Path], None], reason: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.txt"
        make(path)
        (failure,) = found(path)
        assert isinstance(failure, Failure)
        assert failure.path == str(path)
        assert reason in failure.reason

    def test_a_file_without_permission_is_a_failure(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: object) -> None:
            raise PermissionError(13, "Permission denied")

        path = tmp_path / "a.txt"
        path.write_text(STORY)
        monkeypatch.setattr(Path, "open", refuse)
        assert reasons(found(path)) == [(None, "there is no permission to read it")]

    def test_a_named_file_of_unknown_kind_is_a_failure_that_lists_the_known(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "photo.jpg"
        path.write_bytes(b"x")
        ((_, reason),) = reasons(found(path))
        assert ".txt" in reason
        assert ".csv" in reason

    def test_a_folder_without_articles_is_a_failure(self, tmp_path: Path) -> None:
        ((_, reason),) = reasons(found(tmp_path))
        assert "holds no file" in reason

    def test_one_bad_path_does_not_stop_the_others(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text(STORY)
        kinds = [type(entry) for entry in found(tmp_path / "gone", "no\0path", path)]
        assert kinds == [Failure, Failure, Entry]

    def test_a_name_that_is_not_utf_8_can_be_stored(self, tmp_path: Path) -> None:
        path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
        with open(path, "w") as file:
            file.write(STORY)
        (entry,) = found(tmp_path)
        assert isinstance(entry, Entry)
        assert entry.load().id.encode().endswith(b"caf\\xe9.txt")

    def test_a_fingerprint_changes_with_the_bytes_and_the_place(self, tmp_path: Path) -> None:
        for name, text in (("a.txt", STORY), ("b.txt", STORY), ("c.txt", SECOND)):
            (tmp_path / name).write_text(text)
        before = [entry.fingerprint for entry in found(tmp_path) if isinstance(entry, Entry)]
        assert len({*before}) == 3
        assert {len(fingerprint) for fingerprint in before} == {16}
        (tmp_path / "c.txt").write_text(STORY)
        after = [entry.fingerprint for entry in found(tmp_path) if isinstance(entry, Entry)]
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False]

    def test_nothing_is_parsed_before_it_is_loaded(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text("no json\n")
        (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
        entries = found(tmp_path)
        assert [type(entry) for entry in entries] == [Entry, Entry]

    @settings(max_examples=60)
    @given(st.binary(max_size=300), st.sampled_from([".txt", ".md", ".html", ".jsonl", ".csv"]))
    def test_any_bytes_are_an_article_or_a_reason(
        self, tmp_path_factory: pytest.TempPathFactory, raw: bytes, suffix: str
    ) -> None:
        path = tmp_path_factory.mktemp("any") / f"a{suffix}"
        path.write_bytes(raw)
        for entry in found(path):
            if isinstance(entry, Entry):
                with suppress(InputError):
                    article = entry.load()
                    assert article.text.strip()
                    assert article.text.encode()


class TestJsonLines:
    def test_a_broken_line_is_named_and_the_others_are_read(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "a.jsonl", {"text": STORY}, "x", {"text": SECOND})
        path.write_text(path.read_text().replace('"x"', '{"text": '))
        first, second, third = found(path)
        assert isinstance(first, Entry)
        assert isinstance(second, Entry)
        assert isinstance(third, Entry)
        assert [first.load().text, second.line, third.load().text] == [STORY, 2, SECOND]
        with pytest.raises(InputError, match="not valid JSON"):
            second.load()

    def test_a_line_that_is_too_long_is_passed_over(self, tmp_path: Path) -> None:
        records = [{"text": STORY}, {"text": "x" * 60_000}, {"text": SECOND}]
        entries = found(write_lines(tmp_path / "a.jsonl", *records))
        assert [entry.line for entry in entries] == [1, 2, 3]
        ((line, reason),) = reasons(entries)
        assert line == 2
        assert "longer than 5,000 bytes" in reason

    def test_a_line_of_exactly_the_limit_is_read(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "a.jsonl", {"text": STORY}, {"text": SECOND})
        limit = max(map(len, path.read_bytes().splitlines(keepends=True)))
        assert reasons(found(path, limit=limit)) == []
        assert len(reasons(found(path, limit=limit - 1))) == 1

    def test_blank_lines_and_a_byte_order_mark_do_no_harm(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text(f"\ufeff{json.dumps({'text': STORY})}\n\n  \n")
        assert load(path).text == STORY

    def test_a_record_without_id_keeps_its_id_when_a_line_is_put_before_it(
        self, tmp_path: Path
    ) -> None:
        path = write_lines(tmp_path / "a.jsonl", {"text": STORY}, {"text": "Rates rose."})
        before = [entry.load().id for entry in found(path) if isinstance(entry, Entry)]
        write_lines(
            path, {"text": "The bridge reopened."}, {"text": STORY}, {"text": "Rates rose."}
        )
        after = [entry.load().id for entry in found(path) if isinstance(entry, Entry)]
        assert len(set(after)) == 3
        assert after[1:] == before

    @pytest.mark.parametrize(
        ("name", "text"),
        [("a.jsonl", "\n  \n\n"), ("a.csv", "title,text\n"), ("a.csv", "\n"), ("a.csv", "text")],
    )
    def test_a_file_without_records_is_a_failure(
        self, name: str, text: str, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_text(text)
        assert reasons(found(tmp_path / name)) == [(None, "the file holds no records")]

    @pytest.mark.parametrize("raw", ["[" * 100_000, '{"text": NaN}', "[1]", "null", "9" * 5000])
    def test_what_is_no_json_object_is_refused(self, raw: str, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text(raw)
        (entry,) = found(path, limit=200_000)
        assert isinstance(entry, Entry)
        with pytest.raises(InputError, match="JSON"):
            entry.load()


class TestCsv:
    def write(self, tmp_path: Path, text: str) -> list[Entry | Failure]:
        (tmp_path / "a.csv").write_text(text)
        return found(tmp_path / "a.csv")

    def test_a_value_may_hold_commas_quotes_and_line_breaks(self, tmp_path: Path) -> None:
        text = 'Title,Body\nOne,"He said ""no"", twice.\nThen he left."\nTwo,Second\n'
        entries = self.write(tmp_path, text)
        assert [entry.line for entry in entries] == [2, 4]
        first, second = (entry.load() for entry in entries if isinstance(entry, Entry))
        assert first.text == 'He said "no", twice.\nThen he left.'
        assert (second.title, second.text) == ("Two", "Second")

    @pytest.mark.parametrize("mark", [";", "\t"])
    def test_the_separator_is_that_of_the_header(self, mark: str, tmp_path: Path) -> None:
        (entry,) = self.write(tmp_path, f"title{mark}text\nFire{mark}It burned, they said.\n")
        assert isinstance(entry, Entry)
        assert entry.load().text == "It burned, they said."

    @pytest.mark.parametrize(
        "row", ["One", "One,Two,Three", 'One,"Two" more', 'One,5" pipe\nTwo,b']
    )
    def test_a_row_that_does_not_fit_is_refused(self, row: str, tmp_path: Path) -> None:
        (entry,) = self.write(tmp_path, f"title,text\n{row}\n")
        assert isinstance(entry, Entry)
        with pytest.raises(InputError):
            entry.load()

    def test_a_header_without_a_column_for_the_text_is_a_failure(self, tmp_path: Path) -> None:
        ((line, reason),) = reasons(self.write(tmp_path, "Fire,It burned\nFlood,It rained\n"))
        assert line == 1
        assert "text, body, content" in reason

    def test_a_long_value_is_read_and_a_row_beyond_the_limit_is_not(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        long = "word " * 40_000
        path.write_text(f'title,text\nOne,"{long}"\nTwo,"{long}\n{long}"\nThree,{STORY}\n')
        entries = found(path, limit=250_000)
        assert [(entry.line, type(entry)) for entry in entries] == [
            (2, Entry),
            (3, Failure),
            (5, Entry),
        ]
        assert isinstance(entries[0], Entry)
        assert len(entries[0].load().text) == len(long) - 1


class TestRecords:
    def test_every_field_is_found_under_its_other_names(self) -> None:
        article = to_article(
            {
                "ID": 7,
                "Headline": " Ferry\nburns ",
                "body": STORY,
                "date_published": "2026-03-05T18:42:00+01:00",
                "lastmod": "2026-03-06",
                "publisher": {"name": "Tern Bay Post"},
                "byline": "By Mara Tenholt and Jo Vask",
                "link": "https://post.example/ferry",
                "lang": "en-GB",
                "category": "Harbour",
                "type": "news",
                "embargo": "2031-01-01",
                "excerpt_limit": "300",
                "completeness": "teaser",
                "wire_id": "T1",
            },
            "fallback",
        )
        assert article == Article(
            id="7",
            text=STORY,
            title="Ferry burns",
            outlet="Tern Bay Post",
            authors=("Mara Tenholt", "Jo Vask"),
            published=datetime(2026, 3, 5, 17, 42, tzinfo=UTC),
            updated=date(2026, 3, 6),
            url="https://post.example/ferry",
            language="en",
            section="Harbour",
            kind="news",
            embargo_until=date(2031, 1, 1),
            excerpt_limit=300,
            completeness="teaser",
            extra={"wire_id": "T1"},
        )

    def test_what_is_not_given_is_none(self) -> None:
        article = to_article({"text": "It rained.", "title": " ", "source": None}, "a.txt")
        assert article == Article(id="a.txt", text="It rained.")

    def test_the_id_is_the_given_one_else_the_address_else_the_path(self) -> None:
        record = {"text": STORY, "url": "https://post.example/ferry"}
        assert to_article({**record, "id": "x"}, "a.txt").id == "x"
        assert to_article(record, "a.txt").id == "https://post.example/ferry"
        assert to_article({"text": STORY}, "a.txt").id == "a.txt"

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("kind", "listicle"),
            ("url", "javascript:alert(1)"),
            ("url", "/news/ferry"),
            ("completeness", "half"),
        ],
    )
    def test_a_value_that_its_field_has_no_place_for_is_kept_in_extra(
        self, key: str, value: str
    ) -> None:
        article = to_article({"text": STORY, key: value}, "a.txt")
        assert getattr(article, key) is None
        assert article.extra == {key: value}
        assert article.id == "a.txt"

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("text", 5, "'text' must be a text, not a number"),
            ("Title", ["a"], "'Title' must be a text, not a list"),
            ("title", True, "'title' must be a text, not true or false"),
            ("date", ["2026"], "'date' must be a date, not a list"),
            ("date", "03/04/2026", "'03/04/2026' is ambiguous or no date: write it as 2026-04-03"),
            ("date", "soon", "'soon' is ambiguous or no date"),
            ("date", "2031-01-01", "published 2031-01-01 lies in the future: correct the date"),
            ("updated", "2031-01-01", "updated 2031-01-01 lies in the future"),
            ("expires", 1.5, "'expires' must be a date"),
            ("authors", [["a"]], "'authors' must be a text, not a list"),
            ("excerpt_limit", "many", "'excerpt_limit' must be a whole number"),
            ("excerpt_limit", -1, "'excerpt_limit' must be a whole number"),
            ("text", None, "it has no text"),
            ("text", "  \n ", "it has no text"),
            ("text", "Subscribe to our newsletter!", "nothing is left"),
        ],
    )
    def test_a_value_that_cannot_be_used_is_named(
        self, key: str, value: object, message: str
    ) -> None:
        with pytest.raises(InputError) as error:
            to_article({"text": STORY, key: value}, "a.txt")
        assert message in str(error.value)

    def test_a_date_of_tomorrow_is_taken(self) -> None:
        soon = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
        assert to_article({"text": STORY, "date": soon}, "a").published is not None

    @pytest.mark.parametrize(
        ("value", "names"),
        [
            (
                "Mara Tenholt, Jo Vask and Ana de Ruyter",
                ("Mara Tenholt", "Jo Vask", "Ana de Ruyter"),
            ),
            (["Mara Tenholt", " ", "Mara Tenholt"], ("Mara Tenholt",)),
            ([{"name": "Mara Tenholt"}], ("Mara Tenholt",)),
            ("Tenholt, Mara", ("Tenholt, Mara",)),
            ("Food and Drink desk", ("Food and Drink desk",)),
            ("Newsroom; Tern Wire", ("Newsroom", "Tern Wire")),
        ],
    )
    def test_authors_are_split_where_whole_names_are_listed(
        self, value: object, names: tuple[str, ...]
    ) -> None:
        assert to_article({"text": STORY, "authors": value}, "a").authors == names

    def test_nul_and_lone_surrogates_are_not_stored(self) -> None:
        record = {"text": f"{STORY}\0 \ud83d", "title": "A\0 \ud83dB", "note": {"x": ["\ud83d"]}}
        article = to_article(record, "a")
        assert "\0" not in article.text
        assert f"{article.text}{article.title}{article.extra}".encode()

    def test_what_the_record_says_wins_over_the_head_of_its_text(self) -> None:
        text = f"CASTLE ROCK, March 5, 2026 (Tern Wire) — {STORY}"
        article = to_article({"text": text, "source": "Post", "date": "2026-03-06"}, "a")
        assert (article.outlet, article.published) == ("Post", date(2026, 3, 6))
        (mark,) = article.marks
        assert article.text[mark.start : mark.end] == "CASTLE ROCK, March 5, 2026 (Tern Wire) —"
        found_in_text = to_article({"text": text}, "a")
        assert (found_in_text.outlet, found_in_text.published) == ("Tern Wire", date(2026, 3, 5))

    def test_the_first_paragraph_of_a_record_with_a_title_is_no_headline(self) -> None:
        article = to_article({"text": f"Nobody hurt in fire\n\n{STORY}", "title": "Ferry"}, "a")
        assert article.title == "Ferry"
        assert article.text.startswith("Nobody hurt in fire")

    def test_a_title_that_opens_the_text_is_not_stored_twice(self) -> None:
        text = f"Ferry burns\n\nBy Mara Tenholt\n\n{STORY}\n\nCorrection: it was Monday."
        article = to_article({"text": text, "title": "Ferry Burns"}, "a")
        assert article.text.startswith("By Mara Tenholt")
        marked = {mark.kind: article.text[mark.start : mark.end] for mark in article.marks}
        assert marked == {"byline": "By Mara Tenholt", "correction": "Correction: it was Monday."}


class TestText:
    def test_a_pasted_article_is_read_as_its_reader_does(self, tmp_path: Path) -> None:
        path = tmp_path / "pasted.txt"
        path.write_text(
            "\n".join(
                [
                    "Ferry burns off Tern Bay",
                    "By Mara Tenholt",
                    "4:58 PM – Thursday, March 12, 2026",
                    STORY,
                    SECOND,
                    "Writer’s Note: The ferry’s age is counted from its launch.",
                    "Stay informed! Get news straight to your inbox. Subscribe here.",
                    "© 2026 Tern Bay Post. All rights reserved.",
                ]
            )
        )
        article = load(path)
        assert article.title == "Ferry burns off Tern Bay"
        assert (article.authors, article.outlet) == (("Mara Tenholt",), "Tern Bay Post")
        assert article.published == date(2026, 3, 12)
        assert article.language == "en"
        marked = {mark.kind: article.text[mark.start : mark.end] for mark in article.marks}
        assert marked == {
            "byline": "By Mara Tenholt",
            "dateline": "4:58 PM – Thursday, March 12, 2026",
            "note": "Writer’s Note: The ferry’s age is counted from its launch.",
        }
        assert article.text.endswith("launch.")

    def test_a_longer_name_in_the_copyright_line_completes_the_outlet(self) -> None:
        raw = f"Ferry burns\nBy Post staff\n{STORY}\n© 2026 Tern Bay Post\n".encode()
        assert read_text(raw, "a").outlet == "Tern Bay Post"
        other = raw.replace(b"Tern Bay Post", b"Sealand Group")
        assert read_text(other, "a").outlet == "Post"

    def test_text_that_is_not_utf_8_is_refused(self) -> None:
        with pytest.raises(InputError, match="UTF-8"):
            read_text("café".encode("latin-1"), "a")


class TestMarkdown:
    def test_front_matter_and_body_become_an_article(self) -> None:
        raw = f"""---
title: "Ferry: burnt"
date: 2026-03-31T14:10:00+01:00
updated: 2026-03-31
authors: [Mara Tenholt]
source: Tern Bay Post
tags: [ferry, {{since: 2024-01-01}}]
---
# Ferry: burnt

<!-- desk: check -->
The **harbour** ferry [burned](https://post.example/x)
on Monday. ![Smoke](smoke.jpg)

## What is next

{SECOND}

*CORRECTION: An earlier version said Tuesday.*
"""
        article = read_markdown(raw.encode(), "a.md")
        assert article.text.split("\n\n") == [
            "The harbour ferry burned on Monday.",
            "What is next",
            SECOND,
            "CORRECTION: An earlier version said Tuesday.",
        ]
        assert article.published == datetime(2026, 3, 31, 13, 10, tzinfo=UTC)
        assert article.updated == date(2026, 3, 31)
        assert article.extra == {"tags": ["ferry", {"since": "2024-01-01"}]}
        assert [mark.kind for mark in article.marks] == ["correction"]

    @pytest.mark.parametrize(
        ("markdown", "text"),
        [
            ("1. one\n2. two", "1. one\n2. two"),
            ("- a\n  - b\n- c", "- a\n- b\n\n- c"),
            ("|a|b|\n|-|-|\n|1|2|", "a | b\n1 | 2"),
            ("> quoted\n\nafter", "quoted\n\nafter"),
            ("```\ncode\n```\nafter", "code\n\nafter"),
            ("<div>in a <b>box</b> &amp; out</div>", "in a box & out"),
            ("<script>alert(1)</script>\n\nafter", "after"),
            ("one  \ntwo<br>too\n***\nthree", "one\ntwo\ntoo\n\nthree"),
            ("a_b_c costs 5 \\* 3 &lt; 20", "a_b_c costs 5 * 3 < 20"),
        ],
    )
    def test_markdown_reads_as_its_reader_sees_it(self, markdown: str, text: str) -> None:
        assert plain(markdown) == text

    @pytest.mark.parametrize(
        "front_matter",
        ["title: a: b", "- a", "a: *x", "date: 2026-13-45", "? [a]\n: b\n*y", "t: [" * 5000],
    )
    def test_broken_front_matter_is_refused_in_one_line(self, front_matter: str) -> None:
        with pytest.raises(InputError, match="front matter") as error:
            read_markdown(f"---\n{front_matter}\n---\n{STORY}".encode(), "a.md")
        assert "\n" not in str(error.value)

    def test_without_front_matter_the_heading_is_the_title(self) -> None:
        article = read_markdown(f"# Ferry burns\n\n{STORY}\n\n---\n\n{SECOND}".encode(), "a.md")
        assert (article.title, article.text) == ("Ferry burns", f"{STORY}\n\n{SECOND}")


class TestHtml:
    def page(self, head: str = "", body: str = "") -> bytes:
        story = f"<p>{STORY}</p><p>{SECOND}</p>{body}"
        return (
            "<!doctype html><html lang='en-GB'><head><title>Ferry burns | Post</title>"
            f"{head}</head><body><nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav>"
            f"<article><h1>Ferry burns</h1>{story}</article><footer>Subscribe now</footer></body>"
        ).encode()

    def test_a_page_gives_its_story_without_navigation_and_headline(self) -> None:
        article = read_html(self.page(), "a.html")
        assert article.text == f"{STORY}\n\n{SECOND}"
        assert (article.title, article.language, article.id) == ("Ferry burns", "en", "a.html")
        assert article.published is None

    def test_linked_data_gives_times_names_and_kind(self) -> None:
        data = {
            "@graph": [
                {"@type": "WebSite", "name": "Site"},
                {
                    "@type": ["OpinionNewsArticle"],
                    "datePublished": "2026-03-18T23:31:00+01:00",
                    "dateModified": "2026-03-19T00:12:00+01:00",
                    "author": [{"@type": "Person", "name": "Mara Tenholt"}, "Jo Vask"],
                    "publisher": {"name": "Tern Bay Post"},
                    "articleSection": ["Harbour", "News"],
                },
            ]
        }
        head = (
            f'<script type="application/ld+json">{json.dumps(data)}</script>'
            '<script type="application/ld+json">{broken</script>'
            '<link rel="canonical" href="https://post.example/2026/ferry">'
        )
        article = read_html(self.page(head), "a.html")
        assert article.published == datetime(2026, 3, 18, 22, 31, tzinfo=UTC)
        assert article.updated == datetime(2026, 3, 18, 23, 12, tzinfo=UTC)
        assert article.authors == ("Mara Tenholt", "Jo Vask")
        assert (article.outlet, article.section) == ("Tern Bay Post", "Harbour")
        assert article.kind == "opinion"
        assert article.id == article.url == "https://post.example/2026/ferry"

    def test_meta_elements_give_the_time_with_its_zone(self) -> None:
        head = (
            '<meta property="article:published_time" content="2026-03-18T18:05:00+01:00">'
            '<meta property="article:modified_time" content="2026-03-18T18:05:00+01:00">'
            '<meta property="og:site_name" content="Tern Bay Post">'
        )
        article = read_html(self.page(head), "a.html")
        assert article.published == datetime(2026, 3, 18, 17, 5, tzinfo=UTC)
        assert (article.updated, article.outlet) == (None, "Tern Bay Post")

    def test_a_canonical_address_without_a_path_is_no_id(self) -> None:
        head = '<link rel="canonical" href="https://post.example/">'
        assert read_html(self.page(head), "a.html").id == "a.html"

    def test_a_correction_and_a_table_are_kept(self) -> None:
        body = (
            "<table><tr><th>Ship</th><th>Built</th></tr><tr><td>Tern</td><td>1998</td></tr></table>"
            "<p><em>Correction: An earlier version of this article gave another year.</em></p>"
        )
        article = read_html(self.page(body=body), "a.html")
        assert "Tern | 1998" in article.text
        assert [mark.kind for mark in article.marks] == ["correction"]

    @pytest.mark.parametrize(
        "raw",
        [
            b"<html><body><nav><a href='/'>Home</a></nav></body></html>",
            b"\x89PNG\0\0",
            b"<p>Hi</p>",
        ],
    )
    def test_a_page_without_a_story_is_refused_in_silence(
        self, raw: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(InputError, match="no article text was found"):
            read_html(raw, "a.html")
        assert capfd.readouterr() == ("", "")


def test_an_upload_is_called_by_its_name_wherever_it_lies(tmp_path: Path) -> None:
    found = []
    for folder in ("one", "two"):
        path = tmp_path / folder / "quay.txt"
        path.parent.mkdir()
        path.write_text("Quay reopens\nThe quay reopened on Friday.\n")
        found += read_upload(path, max_article_bytes=1000)
    first, second = found
    assert isinstance(first, Entry)
    assert (first.path, first.load().id) == ("quay.txt", "upload:quay.txt")
    assert second.fingerprint == first.fingerprint
    (refused,) = read_upload(tmp_path / "cat.png", max_article_bytes=1000)
    assert isinstance(refused, Failure)
    assert refused.reason.startswith("unknown kind of file")
