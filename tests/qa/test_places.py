"""A thing that stands elsewhere in the passage, of something else, is not supported."""

from datetime import date

import pytest
from byline.qa.verify import Evidence, verify

PASSAGE = Evidence(
    "The company tax falls to 21.5 per cent in January next year. The sales tax on restaurant "
    "meals goes up to 12 per cent from 9 per cent in September. The first measure costs 540 "
    "million crowns. Pavel Ostrander wanted to leave the rate at 4.5 per cent, while Ines "
    "Halvorsen voted for a cut of half a point. Services inflation eased by 0.3 of a "
    "percentage point. Avel Fund owns 18.4 per cent and the Orrin family, heirs of the "
    "founder, 11.2 per cent. Farmers drove 140 tractors to the gates. Brenik Town have sold "
    "Joaquim Tesar to Ash United for 3 million crowns. The seven-member council met. The "
    "Guild is not on strike, but its chair said that drivers would not move trains. It took "
    "no more than 25 minutes. The share was 19 percent.",
    date(2026, 3, 18),
    "[1]",
)


@pytest.mark.parametrize(
    "said",
    [
        "The sales tax on restaurant meals goes up to 12 per cent in January next year.",
        "Ines Halvorsen wanted to leave the rate at 4.5 per cent.",
        "Services inflation eased by 0.3 per cent.",
        "Avel Fund owns 11.2 per cent of the works.",
        "Farmers drove 540 tractors to the gates.",
        "Ash United have sold Joaquim Tesar to Brenik Town for 3 million crowns.",
        "The Guild is on strike, but its chair said that drivers would not move trains.",
        "The share was not 19 percent.",
        "It took more than 25 minutes.",
    ],
)
def test_what_is_true_of_another_thing_is_contradicted(said: str) -> None:
    found = verify(said, [PASSAGE])
    assert found.verdict in ("contradicted", "unsupported"), found
    assert found.why


@pytest.mark.parametrize(
    "said",
    [
        "From September, restaurant meals are taxed at 12 per cent.",
        "The sales tax on restaurant meals goes up to 12 per cent.",
        "The company tax falls to 21.5 per cent in January 2027.",
        "Ines Halvorsen voted for a cut of 50 basis points.",
        "The Orrin family owns 11.2 per cent.",
        "All seven members of the council met.",
        "It took no more than 25 minutes to leave.",
        "Joaquim Tesar was sold by Brenik Town to Ash United.",
    ],
)
def test_what_is_true_in_other_words_is_not_flagged(said: str) -> None:
    found = verify(said, [PASSAGE])
    assert found.verdict in ("supported", "unchecked"), found
