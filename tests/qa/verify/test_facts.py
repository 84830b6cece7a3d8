"""One reading for claims and evidence: numbers, dates, names, quotations, negations."""

from datetime import date

import pytest
from byline.qa.verify.facts import facts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It cost 20 Million crowns.", "20 million"),
        ("It cost 20m crowns.", "20 million"),
        ("It cost 20,000,000 crowns.", "20 million"),
        ("It cost US$1.5bn.", "$1.5 billion"),
        ("Nearly thirty million voted.", "nearly 30 million"),
        ("A quarter of them left.", "25%"),
        ("The share rose 4 per cent.", "4%"),
        ("The share rose nine percentage points.", "9 percentage points"),
        ("The twenty-first man came.", "21st"),
        ("They drove more than 30 km.", "more than 30 km"),
        ("A dozen came.", "12"),
        ("It is twice as long.", "2"),
    ],
)
def test_a_number_is_read_in_any_dress(text: str, shown: str) -> None:
    assert [number.shown for number in facts(text).numbers] == [shown]


def test_a_number_knows_what_it_counts() -> None:
    killed, houses = facts("Six people were killed and 30 houses burned.").numbers
    assert killed.things[0] == "peopl"
    assert houses.things[0] == "hous"


def test_a_relative_date_is_resolved_against_the_day_of_writing() -> None:
    (period,) = facts("It closed last month.", date(2026, 3, 10)).periods
    assert (period.first, period.last) == (date(2026, 2, 1), date(2026, 2, 28))


@pytest.mark.parametrize(
    ("wide", "narrow", "holds"),
    [
        ("It was in February 2026.", "It was on 4 February 2026.", True),
        ("It was on 4 February 2026.", "It was in February 2026.", False),
        ("It was in February 2026.", "It was yesterday.", False),
        ("It was in March 2026.", "It was yesterday.", True),
        ("It was on 9 March 2026.", "It was yesterday.", True),
    ],
)
def test_a_period_holds_what_lies_within_it(wide: str, narrow: str, holds: bool) -> None:
    (one,), (other,) = (facts(text, date(2026, 3, 10)).periods for text in (wide, narrow))
    assert one.holds(other) is holds


def test_a_name_is_a_run_of_capitals() -> None:
    found = facts("Officers met Ilse Brandvold and Hale's lawyer in New Brenik.").names
    assert [name.shown for name in found if name.is_certain] == [
        "Ilse Brandvold",
        "Hale",
        "New Brenik",
    ]


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("He called it “a present”.", ("a present",)),
        ("He called it 'a present' and left.", ("a present",)),
        ("She said: «It is … over».", ("It is", "over")),
        ("She said ``it [the strike] goes on''.", ("it", "goes on")),
        ("The workers' union and the state's men.", ()),
    ],
)
def test_a_quotation_is_read_in_any_marks(text: str, quotes: tuple[str, ...]) -> None:
    assert facts(text).quotes == quotes


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("Hale did not resign.", ["resign"]),
        ("Hale failed to resign.", ["resign"]),
        ("Hale is no longer mayor.", ["mayor"]),
        ("Hale left without luggage.", ["luggage"]),
        ("Hale not only resigned.", []),
        ("No. Hale resigned.", []),
    ],
)
def test_a_negation_denies_the_word_behind_it(text: str, negated: list[str]) -> None:
    assert [word.text for word in facts(text).words if word.negated] == negated
