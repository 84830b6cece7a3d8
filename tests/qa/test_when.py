"""What questions say of time, and what a model is shown of an article's dates."""

import time
from datetime import UTC, date, datetime

import pytest
from byline.qa.when import EVENT_DAYS, Asked, asked, stamped, too_old, unstamped
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 3, 6)  # a Friday

PERIODS = [
    ("What did the council decide last month?", "last month", "2026-02-01", "2026-02-28"),
    ("Who resigned on Monday?", "Monday", "2026-03-02", "2026-03-02"),
    ("What happened on 5 March?", "5 March", "2026-03-05", "2026-03-05"),
    ("Who spoke on 5 March 2025?", "5 March 2025", "2025-03-05", "2025-03-05"),
    ("Who spoke on March 5th, 2025?", "March 5th, 2025", "2025-03-05", "2025-03-05"),
    ("Who spoke on the 5th of March 2025?", "5th of March 2025", "2025-03-05", "2025-03-05"),
    ("What did the bank do in February 2026?", "February 2026", "2026-02-01", "2026-02-28"),
    ("What did it earn in 2024?", "2024", "2024-01-01", "2024-12-31"),
    ("How did it grow from 2023 to 2025?", "2023", "2023-01-01", "2025-12-31"),
    ("What has she said since Tuesday?", "Tuesday", "2026-03-03", "2026-03-06"),
    ("What did it cost before the March 2026 cut?", "March 2026", None, "2026-02-28"),
    ("Who was hurt over the weekend?", "weekend", "2026-02-28", "2026-03-01"),
    ("Who resigned?", None, None, None),
    ("How far did the animal frozen 46,000 years ago walk?", None, None, None),
    ("What did Theo May tell the Sunday Herald?", None, None, None),
]


@pytest.mark.parametrize(("text", "words", "first", "last"), PERIODS)
def test_a_period_is_read_against_the_day_of_asking(
    text: str, words: str | None, first: str | None, last: str | None
) -> None:
    found = asked(text, TODAY)
    days = [day.isoformat() if day else None for day in (found.first, found.last)]
    assert [found.words, *days] == [words, first, last]


@pytest.mark.parametrize(
    ("flag", "asks", "does_not"),
    [
        ("is_now", "Who is the mayor of Easterby?", "Who was the mayor of Easterby?"),
        ("is_now", "Is the bridge still closed?", "Why did the bridge close?"),
        ("is_now", "What is the latest toll?", "Who is said to have called?"),
        ("is_now", "What is on today?", "What became of today's children?"),
        ("wants_latest", "How many people were hurt?", "How many were hurt at first?"),
        ("wants_latest", "How many were hurt?", "What was the original estimate?"),
        ("wants_latest", "How many are known to have died in February?", "Who died in February?"),
        ("is_publication", "What did papers write last week?", "What did rivers do last week?"),
        (
            "is_publication",
            "Which pieces were published in March?",
            "Which pieces did she publish?",
        ),
        ("is_overview", "What happened this week?", "What happened to the bridge this week?"),
        ("is_overview", "What is the news on the strike?", "What is the toll of the strike?"),
        ("is_overview", "Summarise the treaty story.", "Who wrote the summary of the treaty?"),
        ("is_listing", "How often was Brandvold mentioned?", "How many people resigned?"),
        ("is_listing", "Which articles mention Karvanik?", "Which article was withdrawn?"),
        ("is_listing", "List all offers for the works.", "What was the offer for the works?"),
    ],
)
def test_a_question_asks_for_one_thing_and_its_like_does_not(
    flag: str, asks: str, does_not: str
) -> None:
    assert getattr(asked(asks, TODAY), flag)
    assert not getattr(asked(does_not, TODAY), flag)


@pytest.mark.parametrize(
    ("text", "days", "is_too_old"),
    [
        ("Who is the mayor now?", EVENT_DAYS, False),
        ("Who is the mayor now?", EVENT_DAYS + 1, True),
        ("Who is the mayor?", EVENT_DAYS + 1, False),
        ("Who was the mayor?", 4000, False),
        ("What happened this week?", 5, False),
        ("What happened this week?", 12, True),
        ("What is open today?", 3, True),
    ],
)
def test_evidence_is_too_old_for_a_question_about_now(
    text: str, days: int, is_too_old: bool
) -> None:
    newest = date.fromordinal(TODAY.toordinal() - days)
    assert too_old(asked(text, TODAY), newest, TODAY) is is_too_old


def test_undated_evidence_is_not_too_old() -> None:
    assert not too_old(Asked(is_now=True), None, TODAY)


def test_a_resolved_date_stands_beside_its_words_and_goes_again() -> None:
    text = "The council voted last month; on Tuesday it will meet."
    shown = stamped(text, date(2026, 3, 5))
    assert shown == (
        "The council voted last month ‹February 2026›; on Tuesday ‹10 March 2026› it will meet."
    )
    assert unstamped(shown) == text


def test_a_text_without_a_date_of_writing_stays() -> None:
    assert stamped("It closed yesterday.", None) == "It closed yesterday."


@given(st.text(), st.datetimes(timezones=st.just(UTC)) | st.dates())
def test_no_text_makes_a_reader_fail(text: str, day: date | datetime) -> None:
    found = asked(text, day)
    assert found.first is None or (found.last is not None and found.first <= found.last)
    assert unstamped(stamped(text, day)) == unstamped(text)
    assert too_old(found, day, day) is False


def test_a_question_is_read_in_a_moment() -> None:
    text = "What is the latest offer that Karvanik made for the works after 5 March 2026?"
    began = time.process_time()
    for _ in range(200):
        asked(text, TODAY)
    assert (time.process_time() - began) / 200 < 0.005
