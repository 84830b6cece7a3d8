"""What a version changed of the one before."""

import pytest
from byline.index.article import Article
from byline.index.clean import marks
from byline.index.history import compare, nearest


def article(text: str, title: str = "Ferry fire") -> Article:
    return Article(id="a", text=text, title=title, marks=marks(text))


OLD = article("The fire hurt 11 people, police said. It began at noon. The crew left.")


def test_the_number_that_changed_is_named_first() -> None:
    now = article("The fire hurt 17 people, police said. It began at noon. Two boats came.", "Fire")
    change = compare(OLD, now)
    assert change.numbers == (("11", "17"),)
    assert change.headline == ("Ferry fire", "Fire")
    assert change.added == ("Two boats came.",)
    assert change.removed == ("The crew left.",)
    assert change.summary == (
        "numbers: 11 → 17; new headline; 1 sentence changed; 1 sentence added; 1 sentence removed"
    )


@pytest.mark.parametrize(
    ("before", "now", "numbers"),
    [
        ("It cost 4.2 million crowns in all.", "It cost 4.5 million crowns in all.",
         (("4.2", "4.5"),)),
        ("Eleven people were hurt on the ferry.", "Seventeen people were hurt on the ferry.",
         (("Eleven", "Seventeen"),)),
        ("It has 11 cabins and a bar.", "It has eleven cabins and a bar.", ()),
        ("The ferry has a bar and a shop.", "The ferry has a shop and a café.", ()),
    ],
)  # fmt: skip
def test_numbers_count_by_value(
    before: str, now: str, numbers: tuple[tuple[str, str], ...]
) -> None:
    assert compare(article(before), article(now)).numbers == numbers


def test_a_correction_that_came_is_told() -> None:
    now = article(f"{OLD.text}\nCorrection: The fire began at one.")
    notice = compare(OLD, now).notice
    assert notice is not None
    assert notice.text == "Correction: The fire began at one."
    assert compare(now, now).notice is None


def test_a_sentence_that_was_moved_is_neither_added_nor_removed() -> None:
    now = article("It began at noon. The crew left. The fire hurt 11 people, police said.")
    change = compare(OLD, now)
    assert (change.added, change.removed, change.changed) == ((), (), ())


def test_the_sentence_that_stands_there_now_is_found_by_its_words() -> None:
    now = article("Rain fell. The fire hurt 17 people, police said on Friday.")
    said = "The fire hurt 11 people, police said."
    assert nearest(said, now) == "The fire hurt 17 people, police said on Friday."
    assert nearest("A bank was robbed in Castrine.", now) is None
    assert nearest(said, Article(id="a", text="")) is None
