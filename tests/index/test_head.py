"""Headline, byline and dateline at the head of a pasted text."""

import subprocess
import sys
from datetime import date

import pytest
from byline.index.head import Head, head
from hypothesis import given
from hypothesis import strategies as st

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."


def marked(text: str) -> dict[str, str]:
    return {text[mark.start : mark.end]: mark.kind for mark in head(text).marks}


@pytest.mark.parametrize(
    ("line", "authors", "outlet"),
    [
        ("By Mara Tenholt", ("Mara Tenholt",), None),
        ("By Mara Tenholt and Jo Vask", ("Mara Tenholt", "Jo Vask"), None),
        ("By Mara Tenholt, Tern Bay Post", ("Mara Tenholt",), "Tern Bay Post"),
        ("By Mara Tenholt, Post sport", ("Mara Tenholt",), "Post"),
        ("By Mara Tenholt, science correspondent", ("Mara Tenholt",), None),
        ("By Mara Tenholt at the Quay Stadium", ("Mara Tenholt",), None),
        ("By Mara Tenholt for the Tern Bay Post", ("Mara Tenholt",), "the Tern Bay Post"),
        ("Post Staff Mara Tenholt and Jo Vask", ("Mara Tenholt", "Jo Vask"), "Post"),
        ("By Post staff", (), "Post"),
        ("By Post reporters and Tern Wire", ("Tern Wire",), "Post"),
        ("By Reuters", (), "Reuters"),
        ("*By Mara Tenholt*", ("Mara Tenholt",), None),
    ],
)
def test_a_byline_names_authors_and_outlet(
    line: str, authors: tuple[str, ...], outlet: str | None
) -> None:
    found = head(f"{line}\n{STORY}")
    assert (found.authors, found.outlet, found.title) == (authors, outlet, None)
    assert marked(f"{line}\n{STORY}") == {line: "byline"}


@pytest.mark.parametrize(
    "line", ["By the time help came, it was over.", "By 5 p.m. on Monday it was out"]
)
def test_a_sentence_that_begins_with_by_is_no_byline(line: str) -> None:
    assert head(f"{line}\n{STORY}").authors == ()
    assert marked(f"{line}\n{STORY}") == {}


@pytest.mark.parametrize(
    "line",
    [
        "By Mara Tenholt, March 5, 2026",
        "By Mara Tenholt March 5, 2026 4:00 PM",
        "By Mara Tenholt | Thursday 5 March 2026, 17:20",
    ],
)
def test_a_byline_may_end_in_its_date(line: str) -> None:
    found = head(f"{line}\n{STORY}")
    assert (found.authors, found.published) == (("Mara Tenholt",), date(2026, 3, 5))
    assert marked(f"{line}\n{STORY}") == {line: "byline"}


def test_a_dateline_says_when_it_was_published_and_updated() -> None:
    text = f"Published: March 5, 2026\nLast updated: 6 March 2026\n{STORY}"
    found = head(text)
    assert (found.published, found.updated) == (date(2026, 3, 5), date(2026, 3, 6))
    assert [*marked(text).values()] == ["dateline", "dateline"]


@pytest.mark.parametrize(
    ("opening", "outlet", "published"),
    [
        ("CASTLE ROCK, March 5 (Tern Wire) —", "Tern Wire", None),
        ("CASTLE ROCK, March 5, 2026 (Tern Wire) —", "Tern Wire", date(2026, 3, 5)),
        ("CASTLE ROCK —", None, None),
    ],
)
def test_of_a_wire_story_only_the_opening_is_dateline(
    opening: str, outlet: str | None, published: date | None
) -> None:
    text = f"{opening} {STORY}\n\nMore was to follow."
    assert marked(text) == {opening: "dateline"}
    assert (head(text).outlet, head(text).published) == (outlet, published)


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        f"{STORY}\nMore was to follow.",
        "The harbour ferry burned\nfor two hours on Monday.",
        "Only a line",
    ],
)
def test_a_text_that_opens_with_its_story_has_no_title(text: str) -> None:
    assert head(text) == Head()


@pytest.mark.parametrize("title", ["Ferry burns off Tern Bay", "WHO LIT IT?", "“Out of luck”"])
def test_a_short_first_line_without_a_full_stop_is_the_title(title: str) -> None:
    assert head(f"{title}\n\n{STORY}").title == title


@given(
    st.text() | st.lists(st.sampled_from([STORY, "By A B", "—", "2026", "\n", ", "])).map("".join)
)
def test_marks_lie_within_any_text(text: str) -> None:
    ends = [0]
    for mark in head(text).marks:
        assert ends[-1] <= mark.start < mark.end <= len(text)
        ends.append(mark.end)


# Where reading takes time with the square of a line's length, each of these takes minutes.
LONG_LINES = """
from byline.index.clean import clean, marks
from byline.index.dates import find_dateline
from byline.index.head import head

for piece in ("-", "–", ", ", "- ", "x -", ".", "“", '"', "(", "] ", "By A "):
    line = "By " + piece * (200_000 // len(piece)) + "x"
    head(f"Ferry burns\\n{line}\\nNobody was hurt.")
    find_dateline(line)
    marks(clean(line))
"""


def test_a_line_of_200_000_characters_is_read_as_any_other() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONG_LINES], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
