"""What is refused about a question before anything is looked for."""

from datetime import UTC, date, datetime, timedelta

import pytest
from byline.errors import InputError
from byline.index.archive.filter import Filter
from byline.qa.question import LONGEST_QUESTION, matching, question

OUTLETS = {"Castrine Herald": 9, "The Ledger": 4, "Port Ansel Courier": 2}
TODAY = datetime.now(UTC).date()


def test_white_space_is_folded() -> None:
    assert question("  Who \n resigned?\t").text == "Who resigned?"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u00a0"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="question is empty"):
        question(text)


def test_a_question_may_have_2000_characters_and_no_more() -> None:
    assert len(question("a" * LONGEST_QUESTION).text) == LONGEST_QUESTION == 2000
    with pytest.raises(InputError, match="has 2001 characters; 2000 is the most"):
        question("a" * 2001)


def test_without_a_date_it_is_asked_now_and_nothing_is_filtered() -> None:
    asked = question("Who?")
    assert isinstance(asked.as_of, datetime)
    assert abs(asked.as_of - datetime.now(UTC)) < timedelta(minutes=1)
    assert asked.filter == Filter()


def test_dates_may_be_text_days_or_moments() -> None:
    moment = datetime(2026, 2, 4, 12, tzinfo=UTC)
    wanted = matching("2026-02-05", since=date(2026, 2, 1), until=moment)
    assert wanted == Filter(date(2026, 2, 1), moment, (), date(2026, 2, 5))
    asked = question("Who?", wanted)
    assert asked.filter == wanted
    assert asked.as_of == date(2026, 2, 5)


@pytest.mark.parametrize("name", ["as_of", "since", "until"])
@pytest.mark.parametrize(
    "value", ["yesterdayish", "2026-13-01", "2026-02-30", "03/04/2026", "x" * 99]
)
def test_what_is_no_date_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InputError, match=f"^{name} '.*is not a date: write it as 2026-02-04"):
        matching(**{name: value})


@pytest.mark.parametrize("name", ["as_of", "since"])
def test_a_date_in_the_future_is_refused(name: str) -> None:
    assert matching(**{name: TODAY})
    with pytest.raises(InputError, match=f"{name} .* lies in the future"):
        matching(**{name: TODAY + timedelta(days=3)})


def test_until_may_lie_in_the_future() -> None:
    assert matching(until=TODAY + timedelta(days=3)).until


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(InputError, match="has no time zone"):
        matching(as_of=datetime(2026, 2, 4, 12))  # noqa: DTZ001


def test_since_after_until_is_refused_and_the_same_day_is_not() -> None:
    assert matching(since="2026-02-04", until="2026-02-04")
    with pytest.raises(InputError, match="since 2026-02-05 is after until 2026-02-04: swap them"):
        matching(since="2026-02-05", until="2026-02-04")


def test_an_outlet_is_known_whatever_its_case() -> None:
    wanted = matching(outlets=["castrine herald"], known_outlets=OUTLETS)
    assert wanted.outlets == ("Castrine Herald",)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("Castrin Herold", "known are Castrine Herald"),
        ("ledger", "known are The Ledger"),
        ("xyzzy", "known are Castrine Herald, The Ledger, Port Ansel Courier"),
    ],
)
def test_an_unknown_outlet_is_refused_with_the_nearest_names(name: str, offered: str) -> None:
    with pytest.raises(InputError, match=f"There is no outlet '{name}' in this index: {offered}"):
        matching(outlets=[name], known_outlets=OUTLETS)


def test_an_outlet_is_refused_where_no_article_names_one() -> None:
    with pytest.raises(InputError, match="no article names its outlet"):
        matching(outlets=["The Ledger"], known_outlets={})
