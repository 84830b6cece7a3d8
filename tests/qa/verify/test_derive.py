"""What a passage yields without saying it is no error; what it does not yield stays one."""

from datetime import date

import pytest
from byline.qa.verify import Evidence, Verdict, verify

# What the passage says; what follows; what does not; the words of the passage that yield it.
YIELDED = [
    ("The film lasts an hour and 25 minutes.", "The film lasts {}.",
     "85 minutes", "75 minutes", "an hour and 25 minutes"),
    ("The film lasts 85 minutes.", "The film lasts {}.",
     "an hour and 25 minutes", "an hour and 20 minutes", "85 minutes"),
    ("The film lasts an hour and 25 minutes.", "The film lasts {} minutes.",
     "85", "25", "an hour and 25 minutes"),
    ("The index rose from 40 to 55 on Monday.", "The index rose by {}.", "15", "16",
     "from 40 to 55"),
    ("The index rose from 40 to 55 on Monday.", "The index {} 15.", "rose by", "fell by",
     "from 40 to 55"),
    ("The index rose from 40 to 55 on Monday.", "The index rose by {} percent.", "37.5", "15",
     "from 40 to 55"),
    ("The share rose from 4 percent to 5.5 percent.", "The share rose by 1.5 {}.",
     "percentage points", "percent", "from 4% to 5.5%"),
    ("Shares in Hallbeck fell to 53.75 crowns from 62.50.", "Shares in Hallbeck fell by {} crowns.",
     "8.75", "9.75", "53.75 from 62.5"),
    ("The fair runs from 3 to 10 March in Brenik.", "The fair runs for {} days in Brenik.",
     "seven", "nine", "3 to 10 March"),
    ("The fair runs from 3 to 10 March in Brenik.", "The fair runs for {} days in Brenik.",
     "seven", "3", "3 to 10 March"),
    ("The fair ran from 3 March until 17 March.", "The fair ran for {} weeks.", "two", "three",
     "3 March until 17 March"),
    ("Ada Hale led the council from 2019 to 2025.", "Ada Hale led the council for {} years.",
     "six", "five", "2019 to 2025"),
    ("The works in Ash lost 12,900 of the 14,200 workers.",
     "The works in Ash lost {} percent of the workers.", "91", "80", "12,900 of the 14,200"),
    ("The board sacked 20 percent of the 60 drivers.", "The board sacked {} drivers.", "12", "14",
     "20% of the 60"),
    ("The flood hit the towns of Ash, Birk and Crewe.", "The flood hit {} towns.", "three", "four",
     "Ash, Birk and Crewe"),
    ("The side letter was initialled two days before the treaty was signed on 12 March.",
     "The side letter was initialled on {} March 2026.", "10", "11",
     "2 days before the treaty was signed on 12 March"),
    ("The side letter was initialled two days before the treaty was signed on 12 March.",
     "{} on 10 March 2026.", "The side letter was initialled", "The treaty was signed",
     "2 days before the treaty was signed on 12 March"),
]  # fmt: skip


def checked(passage: str, said: str) -> Verdict:
    return verify(said, [Evidence(passage, date(2026, 3, 20), "[1]", "The Ledger | Two numbers")])


@pytest.mark.parametrize(("passage", "said", "right", "wrong", "yields"), YIELDED)
def test_what_follows_is_supported_with_its_derivation_and_its_twin_is_not(
    passage: str, said: str, right: str, wrong: str, yields: str
) -> None:
    good = checked(passage, said.format(right))
    assert good.verdict == "supported", good
    assert good.why
    assert yields in good.why
    bad = checked(passage, said.format(wrong))
    assert bad.verdict in ("unsupported", "contradicted"), bad


@pytest.mark.parametrize(
    ("passage", "said"),
    [
        ("Two of the five sirens in the valley failed.", "Three of the five sirens failed."),
        ("Two of the five sirens in the valley failed.", "Four sirens worked."),
        ("Two of the five sirens in the valley failed.", "Seven sirens failed in all."),
        ("The index rose from 40 to 55 on Monday.", "The index stood at 15."),
        ("The index rose from 40 to 55 on Monday.", "The index rose from 15 to 55."),
        ("The index rose from 40 to 55 on Monday.", "Some 95 companies are in the index."),
        ("Six people were killed and 15 injured in Ash.", "A total of 21 people were killed."),
        ("Four towns lost 40 jobs and 55 shops.", "In all 95 jobs were lost."),
        ("The film is 3 hours long and 20 minutes were cut.", "The film is 200 minutes long."),
        ("Ada Hale, whose son was born in 1990, met Bo Rehn.", "Bo Rehn, aged 35, met Ada Hale."),
        ("The flood hit the towns of Ash, Birk and Crewe.", "The flood killed three people."),
        ("Trains stopped in Ash and Birk when 40 drivers walked out.", "Two drivers walked out."),
    ],
)  # fmt: skip
def test_no_number_is_made_of_numbers_that_have_nothing_to_do_with_each_other(
    passage: str, said: str
) -> None:
    assert checked(passage, said).verdict in ("unsupported", "contradicted")


@pytest.mark.parametrize(
    ("passage", "said", "why"),
    [
        ("Two of the five sirens in the valley failed.", "Three of the five sirens worked.",
         "'3': [1] says '2 of the 5'"),
        ("Two of the five sirens did not sound.", "The other three sirens did sound.",
         "'3': [1] says '2 of the 5'"),
        ("The flood hit Ash, Birk and Crewe.", "The flood hit three towns.",
         "'3': [1] names Ash, Birk and Crewe"),
    ],
)  # fmt: skip
def test_what_is_left_or_listed_is_no_error_though_the_sense_is_for_another_to_say(
    passage: str, said: str, why: str
) -> None:
    found = checked(passage, said)
    assert (found.verdict, found.why) == ("unchecked", why)


@pytest.mark.parametrize(
    ("passage", "said"),
    [
        ("The book came out in 2012.", "The book first came out in 2012."),
        ("The Herald put the units at 38 tonnes.", "The Herald first put the units at 38 tonnes."),
        ("All seven Greens voted for the treaty.", "All seven Green deputies voted for it."),
        ("Growth was 0.1 percent in the fourth quarter of 2025.",
         "Growth in the last quarter of 2025 was 0.1 percent."),
        ("The dealers took a commission of 5 percent of the price.",
         "The dealers took one twentieth of the price."),
        ("Some 640 jobs would go over three years.", "Some 640 jobs would go within three years."),
        ("Annex C and a side letter differ.", "The Ledger reported on Annex C on 20 March 2026."),
    ],
)  # fmt: skip
def test_a_true_rewording_is_not_flagged(passage: str, said: str) -> None:
    assert checked(passage, said).verdict in ("supported", "unchecked")


def test_an_ordinal_that_ranks_is_checked() -> None:
    passage = "It was the second book of Hale, who came third in the race."
    assert checked(passage, "It was the first book of Hale.").verdict == "contradicted"
    assert checked(passage, "Hale came first in the race.").verdict != "supported"


PASSENGERS = "It carried 4.1 million passengers in 2024 and 5.2 million in 2025."
APART = "In 2024 it carried 4.1 million passengers. In 2025 the line carried 5.2 million."


@pytest.mark.parametrize(
    ("passage", "said", "right", "wrong"),
    [
        (PASSENGERS, "It carried {} passengers in 2024.", "4.1 million", "5.2 million"),
        (PASSENGERS, "It carried {} passengers in 2025.", "5.2 million", "4.1 million"),
        (APART, "It carried {} passengers in 2024.", "4.1 million", "5.2 million"),
        ("The festival sold 27,300 tickets, up from 24,100 last year.",
         "The festival sold {} tickets in 2025.", "24,100", "27,300"),
        ("The Ash plant lost 40 jobs and the Birk plant lost 55.", "The {} plant lost 40 jobs.",
         "Ash", "Birk"),
        ("In 2025 it sold 5 million cars, and in 2024 it sold 3 million.",
         "It sold 5 million cars in {}.", "2025", "2024"),
    ],
)  # fmt: skip
def test_a_right_number_of_another_year_or_name_is_contradicted(
    passage: str, said: str, right: str, wrong: str
) -> None:
    assert checked(passage, said.format(right)).verdict in ("supported", "unchecked")
    bad = checked(passage, said.format(wrong))
    assert bad.verdict == "contradicted", bad
    assert bad.why
    assert "is not of" in bad.why


@pytest.mark.parametrize(
    ("passage", "said", "turned"),
    [
        ("Tomas Rehn sued Petra Hale on Monday.", "Tomas Rehn sued Petra Hale.",
         "Petra Hale sued Tomas Rehn."),
        ("Tomas Rehn, a baker, sued Petra Hale.", "Rehn sued Hale.", "Hale sued Rehn."),
        ("Tomas Rehn sued Petra Hale on Monday.", "Petra Hale was sued by Tomas Rehn.",
         "Tomas Rehn was sued by Petra Hale."),
    ],
)  # fmt: skip
def test_full_names_the_other_way_round_are_contradicted(
    passage: str, said: str, turned: str
) -> None:
    assert checked(passage, said).verdict in ("supported", "unchecked")
    assert checked(passage, turned).verdict == "contradicted"
