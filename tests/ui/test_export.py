"""Exported conversations say all that was shown, and hostile text stays text."""

import html
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from byline.index.archive.conversations import Conversation, Turn
from byline.index.archive.filter import Filter
from byline.qa.events import Answer
from byline.ui.export import plain, to_json, to_markdown
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

HOSTILE = """</p><script>alert(1)</script>
# Owned
[click](javascript:alert(1)) ![x](http://evil.example/x.png) `code` **bold** | a | b |
> quoted
1. listed <!-- gone --> &lt; http://evil.example www.evil.example $x$ ~~struck~~ \u202etxet"""
ASKED = datetime(2026, 4, 6, 9, 30, tzinfo=UTC)


def citation(**facts: Any) -> dict[str, Any]:
    return {
        "number": 1,
        "outlet": "The Ledger",
        "title": "Rates cut",
        "published": "2026-03-05T08:00:00+00:00",
        "url": "https://ledger.example/a",
        "link": "https://ledger.example/a#:~:text=Rates%20fell.",
        "quote": "Rates fell.",
        "speaker": None,
        "notice": None,
    } | facts


def turn(**facts: Any) -> Turn:
    answer = {
        "question": "and why?",
        "standalone_question": "Why did rates fall?",
        "text": "Rates fell [1].",
        "status": "answered",
        "reason": None,
        "statements": [{"text": "Rates fell [1].", "verdict": "supported", "why": None}],
        "citations": [citation()],
        "nearest": [],
        "as_of": "2026-04-06",
        "newest_evidence": "2026-03-05",
        "notes": ["one note"],
        "model": "medium",
        "checked_by": "rules",
        "policy": "flag",
    }
    filters = Filter(since=ASKED.date(), outlets=("The Ledger",), sections=("Business",))
    return Turn(answer | facts, filters, ASKED)


def exported(**facts: Any) -> str:
    return to_markdown(Conversation("a", "Rates", (turn(**facts),)))


def shown(markdown: str) -> str:
    """The text that a reader of the rendered Markdown sees."""
    rendered = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown)
    return html.unescape(re.sub(r"<[^>]*>", "", rendered))


def test_everything_that_was_shown_is_in_the_markdown() -> None:
    said = shown(exported())
    for part in (
        "1. and why?",
        "Looked for: Why did rates fall?",
        "Rates fell [1].",
        "[1] The Ledger, Rates cut, 5 March 2026, link",
        "Filters: only The Ledger; section Business; since 2026-04-06",
        "As of: 6 April 2026",
        "Notes: one note",
        "Written by: medium",
        "Checked by: rules",
        "Policy: flag",
    ):
        assert part in said


def test_a_question_that_was_not_rewritten_is_written_once() -> None:
    assert "Looked for" not in exported(standalone_question="and why?")


def test_a_declined_answer_shows_its_reason_and_the_nearest_passages() -> None:
    facts = {"status": "declined", "reason": "no_evidence", "citations": []}
    said = shown(exported(**facts, nearest=[citation(quote="Rates stood.")], text="No answer."))
    assert "Reason: no evidence" in said
    assert said.index("Nearest passages") < said.index("Rates stood.")
    assert "Sources" not in said


def test_weak_statements_are_marked_with_the_reason() -> None:
    weak = [{"text": "Rates fell [1].", "verdict": "contradicted", "why": "[1] says they rose"}]
    said = shown(exported(statements=weak))
    assert "Contradicted – Rates fell [1].: [1] says they rose" in said


@pytest.mark.parametrize("place", ["quote", "title", "outlet", "speaker", "question", "text"])
def test_hostile_text_stays_text(place: str) -> None:
    if place in ("question", "text"):
        markdown = exported(**{place: HOSTILE})
    else:
        markdown = exported(citations=[citation(**{place: HOSTILE})])
    rendered = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown)
    tags = set(re.findall(r"</?(\w+)", rendered))
    assert tags <= {"h1", "h2", "h3", "p", "blockquote", "ul", "li", "a"}
    addresses = re.findall(r'href="([^"]*)"', rendered)
    assert all(address.startswith("https://ledger.example/") for address in addresses)
    assert rendered.count("<h2>") == rendered.count("<h1>") == 1
    assert not re.search(r"https?://(?!ledger)|www\.", markdown)  # GitHub would link these
    assert "\u202e" not in markdown
    assert "</p><script>alert(1)</script>" in html.unescape(rendered)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://x.example/>)[a](b)\n# <b>", "//evil.example", None]
)
def test_an_address_cannot_leave_its_link(link: str | None) -> None:
    rendered = MarkdownIt("commonmark").render(exported(citations=[citation(link=link, url=link)]))
    addresses = re.findall(r'href="([^"]*)"', rendered)
    assert all(address.startswith("https://x.example/") for address in addresses)
    assert len(addresses) == bool(link and link.startswith("https"))
    assert "<b>" not in rendered


@given(st.text(alphabet=st.sampled_from("ab1 .)-+=#>*_`[]()<>!|~&$@\\\n\t:/")) | st.text())
def test_any_text_is_shown_as_it_is(text: str) -> None:
    rendered = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(f"> {plain(text)}")
    told = re.fullmatch(r"<blockquote>\n?(?:<p>(.*)</p>\n)?</blockquote>\n", rendered)
    assert told, rendered
    kept = re.sub("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", "", text)
    kept = re.sub("[\x00-\x1f\x7f-\x9f]", " ", kept)
    assert html.unescape(told[1] or "").split() == kept.split()


def test_json_holds_everything() -> None:
    whole = json.loads(to_json(Conversation("a", "Rates 😀", (turn(),))))
    assert (whole["id"], whole["title"]) == ("a", "Rates 😀")
    (only,) = whole["turns"]
    assert only["answer"] == turn().answer
    assert only["filters"] == {
        "since": "2026-04-06",
        "until": None,
        "as_of": None,
        "outlets": ["The Ledger"],
        "sections": ["Business"],
    }
    assert only["asked_at"] == "2026-04-06T09:30:00+00:00"


def test_an_answer_of_the_engine_can_be_exported(sample_desk: Any) -> None:
    answer: Answer = sample_desk.ask("How many people died in the Corran Hills flood?")
    held = Conversation("a", "Flood", (Turn(answer.to_dict(), Filter(), ASKED),))
    said = " ".join(shown(to_markdown(held)).split())
    assert answer.citations
    for cited in answer.citations:
        assert " ".join(cited.quote.split()) in said
    assert json.loads(to_json(held))["turns"][0]["answer"] == answer.to_dict()
