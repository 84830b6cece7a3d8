"""Bytes decoded, text tidied, boilerplate left out, notices marked."""

import time

import pytest
from byline.errors import InputError
from byline.index.clean import clean, decode, language, marks, tidy
from hypothesis import given
from hypothesis import strategies as st

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
SECOND = "The fire brigade of Tern Bay said that the engine room would be examined on Tuesday."
BOILERPLATE = [
    "Subscribe to our newsletter!",
    "Stay informed! Get the news straight to your inbox. Subscribe here. https://post.example/in",
    "What do YOU think? Should the ferry sail again? Join the discussion below!",
    "Click here to jump to the comments!",
    "Sponsored Content Below",
    "Advertisement",
    "Share this article",
    "Read more: Ten ferries that never came back",
    "Follow us @ternbaypost",
    "Your letters: letters@post.example",
    "© 2026 Tern Bay Post. All rights reserved.",
    "Comments are closed on this article.",
]
NOTICES = [
    ("Writer’s Note: Ages are counted from the launch.", "note"),
    ("Editor's note: Ages are counted from the launch.", "note"),
    ("CORRECTION: An earlier version gave another age.", "correction"),
    ("An earlier version of this article gave another age.", "correction"),
    ("This article was amended on Monday.", "correction"),
    ("Retraction: The report on the ferry was wrong.", "retraction"),
    ("The Post withdraws the article “Ferry burns”, published on Monday.", "retraction"),
]


@pytest.mark.parametrize("line", BOILERPLATE)
def test_boilerplate_after_the_story_is_left_out(line: str) -> None:
    assert clean(f"{STORY}\n{SECOND}\n{line}\n\n\n") == f"{STORY}\n{SECOND}"


def test_all_boilerplate_together_leaves_the_story() -> None:
    assert clean("\n".join([STORY, "Advertisement", SECOND, *BOILERPLATE])) == f"{STORY}\n{SECOND}"


@pytest.mark.parametrize(
    "line",
    [
        "“Subscribe to nothing,” the captain told his readers, “and follow nobody.”",
        "The newsletter of the port asked readers to sign up for the inquiry, the mayor said.",
        "Readers of the Post were told to click on a link that led to a forged page.",
        "Share prices fell.",
        "Ferry burns off Tern Bay",
        *(line for line, _ in NOTICES),
    ],
)
def test_reporting_that_sounds_like_boilerplate_stays(line: str) -> None:
    assert clean(f"{STORY}\n{line}\n{SECOND}") == f"{STORY}\n{line}\n{SECOND}"
    assert clean(f"{STORY}\n{SECOND}\n{line}").endswith(line)


# As newsrooms word them.
WORDINGS = [
    ("Because of an editing error, an earlier version of this article gave another age.", "c"),
    ("Correction (Mar. 23): The age was 17.", "c"),
    ("Correction, March 3, 2026, 4:15 p.m. ET: The age was 17.", "c"),
    ("CORRECTION — The age was 17, not 71.", "c"),
    ("Corrections/clarifications: The age was 17.", "c"),
    ("(This March 3 story has been corrected to say 17, not 71, in paragraph 3)", "c"),
    ("(Corrects paragraph 3 to say 17)", "c"),
    ("This story has been updated to correct the spelling of a name.", "c"),
    ("This version corrects the spelling of a name.", "c"),
    ("• This article was amended on 5 March 2026. An earlier version said 71.", "c"),
    ("Editor’s note: An earlier version of this article gave another age.", "c"),
    ("In a March 3 report we gave another age. We regret the error.", "c"),
    ("Correction appended", "c"),
    ("Editor's note: This story has been retracted.", "r"),
    ("This story has been retracted because its source was forged.", "r"),
    ("This article has been removed because it did not meet our standards.", "r"),
    ("We have retracted this article.", "r"),
    ("This article was withdrawn by its authors.", "r"),
    ("Retraction notice: the report was wrong.", "r"),
    ("This story has been updated with comments from the mayor.", "n"),
    ("Update (March 3): This story now has a comment.", "n"),
]
# Sentences of reports on other matters.
ORDINARY = [
    "Officials corrected the figure on Monday.",
    "Corrections officers at the jail: three of them were hurt.",
    "Correction facilities are full — and costly.",
    "Clarification of the rules came late: nobody knew them.",
    "Retraction of the landing gear failed, officials said.",
    "The ministry withdraws the report on vaccines after criticism.",
    "The Lancet has retracted the article on vaccines.",
    "This report was withdrawn by the ministry on Monday.",
    "This article of the constitution was withdrawn by parliament.",
    "The government was forced to retract this report.",
    "An earlier version of this article was published on Monday.",
    "An earlier version of the bill gave the state more power.",
    "“We regret the error,” the company said.",
    "The company said it regrets the error.",
    "Update: police said a man was held.",
]


@pytest.mark.parametrize(("line", "kind"), WORDINGS)
def test_the_wordings_of_newsrooms_are_known(line: str, kind: str) -> None:
    (mark,) = marks(f"{STORY}\n{line}\n{SECOND}")
    assert mark.kind[0] == kind


@pytest.mark.parametrize("line", ORDINARY)
def test_a_sentence_of_a_report_is_no_notice(line: str) -> None:
    assert marks(f"{STORY}\n{line}\n{SECOND}") == ()


@pytest.mark.parametrize(("line", "kind"), NOTICES)
def test_a_notice_is_marked_where_it_stands(line: str, kind: str) -> None:
    text = f"{STORY}\n\n{line}\n\n{SECOND}"
    (mark,) = marks(text)
    assert (text[mark.start : mark.end], mark.kind) == (line, kind)


def test_a_label_alone_on_its_line_is_marked_with_the_line_after_it() -> None:
    text = f"{STORY}\n\nCorrection\n\nAn age was wrong.\n\n{SECOND}"
    (mark,) = marks(text)
    assert text[mark.start : mark.end] == "Correction\n\nAn age was wrong."


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
        ("café".encode("utf-16"), "café"),
        (b"", ""),
    ],
)
def test_utf_8_and_marked_utf_16_are_decoded(raw: bytes, text: str) -> None:
    assert decode(raw) == text


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"caf\xe9 au lait", "not valid UTF-8 at byte 3"),
        (b"\xef\xbb\xbfcaf\xe9", "not valid UTF-8 at byte 6"),
        (b"PK\0\1", "binary data"),
        (b"\xff\xfea", "not valid UTF-16"),
    ],
)
def test_other_bytes_are_refused_with_their_place(raw: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode(raw)


def test_tidy_leaves_line_feeds_and_no_control_characters() -> None:
    assert tidy("\n a \t\r\nb\x00\x1b\r\r\r\rc\u2028d\ud800 ") == " a\nb\n\nc\nd?"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{STORY} {SECOND}", "en"),
        ("Die Hafenfähre brannte am Montagabend zwei Stunden lang, verletzt wurde niemand; die "
         "Feuerwehr will den Maschinenraum am Dienstag untersuchen.", "de"),
        ("It rained.", None),
    ],
)  # fmt: skip
def test_the_language_is_told_where_the_text_is_long_enough(text: str, code: str | None) -> None:
    assert language(text) == code


@pytest.mark.parametrize("line", ["*_" * 8000, "(" + "a " * 8000, "we " * 8000, "note " * 8000])
def test_a_long_line_of_nothing_is_marked_at_once(line: str) -> None:
    began = time.process_time()
    assert marks(line) == ()
    assert time.process_time() - began < 0.5  # it took 20 seconds


LINES = st.sampled_from(
    [STORY, SECOND, "", "Read more", "Related stories", "A short line", *BOILERPLATE]
)


@given(st.text() | st.lists(LINES | st.text(), max_size=12).map("\n".join))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()
