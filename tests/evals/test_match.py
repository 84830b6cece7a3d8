"""An expected answer is said when all of it is said: never by one shared word."""

import pytest
from byline.evals.case import Tolerance
from byline.evals.match import Day, dates, reads_as_declined, says, squad_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was 4.2 million tonnes.", "4.2 million"),
        ("It was 4,200,000 tonnes.", "4.2 million tons"),
        ("twenty-five million dollars", "$25m"),
        ("The $51 billion package", "51 billion dollars"),
        ("a share of 27%", "27 per cent"),
        ("a gain of 9 percentage points", "nine percentage points"),
        ("Three people died.", "3"),
        ("a 41-19 vote", "41 to 19"),
        ("on March 3, 2026", "3 March"),
        ("On 4 February 2026 they spoke.", "February 2026"),
        ("signed on December 10th, 2025", "10 December 2025"),
        ("It dates from 2026-03-10.", "March 10"),
        ("Yes, it did.", "Yes"),
        ("No. It did not.", "no"),
        ("The Prime Minister, Ilse Brandvold, left.", "Ilse Brandvold"),
        ("Donald J. Trump won.", "Former President Donald Trump"),
        ("the SIDE-letter", "side letter"),
        ("Café Noël opened", "Cafe Noel"),
        ("half a million people", "500,000 people"),
        ("two and a half million", "2.5 million"),
        ("US$1.5bn", "$1.5 billion"),
        ("EUR 500m", "€500 million"),
        ("It rose by 10pc.", "10 per cent"),
        ("It is -5 degrees.", "-5 degrees"),
        ("The U.S. said so.", "US"),
        ("Yes it did", "Yes"),
        ("The answer is no.", "No"),
        ("Maria del Carmen spoke.", "Maria Carmen"),
    ],
)
def test_an_answer_is_said_in_any_dress(text: str, expected: str) -> None:
    assert says(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was 42 million tonnes.", "4.2 million"),
        ("It was 125 million.", "25 million"),
        ("£51 billion", "$51 billion"),
        ("a gain of 9 per cent", "nine percentage points"),
        ("on 13 March", "3 March"),
        ("in February", "February 2026"),
        ("It is no longer so.", "No"),
        ("Nobody said yes.", "Yes"),
        ("The mayor spoke.", "the mayor of Brenik"),
        ("Tomas Hale resigned.", "Tomas Rehn"),
        ("Rehn resigned.", "Tomas Rehn"),  # who Rehn is the context must say
        ("", "anything"),
        ("half a million", "1 million"),
        ("thousands of people", "1,000 people"),
        ("No one was hurt.", "1"),
        ("It is -5 degrees.", "5 degrees"),
        ("20 people for $5", "$20"),
        ("He told us so.", "US"),
        ("You may 3 times", "3 May"),
        ("in the 1990s", "1990"),
        ("John met Mary Smith.", "John Smith"),
        ("John and Jane Smith", "John Smith"),
    ],
)
def test_one_shared_word_or_number_is_not_an_answer(text: str, expected: str) -> None:
    assert not says(text, expected)


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("Trump spoke.", True),
        ("When Mr Trump spoke, all left.", True),
        ("Melania Trump spoke.", False),
        ("The Trump Organization spoke.", False),
    ],
)
def test_a_surname_counts_where_the_context_has_the_full_name(text: str, is_said: bool) -> None:
    assert says(text, "Donald Trump", context="Donald Trump won.") is is_said


def test_a_determiner_makes_a_surname_something_else() -> None:
    assert not says("The House voted.", "White House", context="the White House")


@pytest.mark.parametrize(("said", "is_said"), [("104", True), ("95", True), ("106", False)])
def test_a_number_may_be_off_by_its_tolerance(said: str, is_said: bool) -> None:
    assert says(f"There were {said} people.", "100 people", Tolerance(number=0.05)) is is_said


def test_a_date_may_be_off_by_its_tolerance() -> None:
    assert says("on 12 March 2026", "10 March 2026", Tolerance(days=2))
    assert not says("on 13 March 2026", "10 March 2026", Tolerance(days=2))


def test_dates_are_read_as_far_as_they_are_stated() -> None:
    found = dates("From 3 March to Dec. 10, 2025, in July 2024 and in 2023; 2,024 came for $2025.")
    assert set(found) == {
        Day(None, 3, 3),
        Day(2025, 12, 10),
        Day(2024, 7, None),
        Day(2023, None, None),
    }


@pytest.mark.parametrize(
    "text",
    [
        "NO ANSWER",
        "I don't know.",
        "Insufficient information.",
        "The provided sources do not contain any information about X.",
        "None of the provided sources mention it.",
        "The passages do not mention the cost. They speak of the ferry.",
        "There is not enough information to answer the question.",
        "I'm sorry, but I cannot answer this.",
        "There is no mention of that in the sources.",
        "The question cannot be answered from the given articles.",
        "Not mentioned.",
    ],
)
def test_a_refusal_reads_as_one(text: str) -> None:
    assert reads_as_declined(text)


@pytest.mark.parametrize(
    "text",
    [
        "No Answer came.",
        "I do not know him, said Rehn.",
        "The articles do not say when, but it reopened in March.",
        "There is no evidence of fraud, the court ruled.",
        "Yesterday nobody answered.",
        "The articles do not say who resigned. The mayor, Tomas Rehn, resigned on Thursday.",
        "I don't know. It was Rehn.",
        "The documents do not mention it, yet rates rose to 4% [1].",
        "It is not possible to travel by ferry until May.",
        "No information about the deal was leaked.",
    ],
)
def test_an_answer_with_a_negation_is_no_refusal(text: str) -> None:
    assert not reads_as_declined(text)


def test_half_a_character_is_passed_over() -> None:
    assert says("Eleven \ud83d people", "11")


def test_words_are_compared_as_squads_own_script_does() -> None:
    assert squad_words("The U.S. grew, 3%!") == ["us", "grew", "3"]
