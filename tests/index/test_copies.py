"""One text in several outlets is one source."""

import pytest
from byline.index.copies import bands, groups, is_copy

TEXT = "The council voted on Monday to close the harbour road for a year while the quay is rebuilt."


def test_a_copy_may_be_cut_or_added_to() -> None:
    assert is_copy(TEXT, TEXT.upper())
    assert is_copy(TEXT, TEXT[:60])
    assert is_copy(TEXT, f"{TEXT} The mayor was absent.")


def test_two_reports_of_one_event_are_no_copies() -> None:
    other = "On Monday the harbour road was closed by the council for a year to rebuild the quay."
    assert not is_copy(TEXT, other)
    assert not is_copy("", TEXT)


def test_copies_of_copies_are_of_one_group() -> None:
    assert groups([TEXT, "Rates rose on Friday, the bank said.", TEXT + " More."]) == [[0, 2], [1]]
    assert groups([]) == []


LONG = " ".join(
    f"{word}{n}" for n in range(60) for word in ("the", "harbour", "road", "is", "shut")
)
OTHER = LONG.replace("0", "o").replace("1", "i").replace("2", "z").replace("the", "a")
FORM = "Highs of {} degrees in the hills, with rain at {} and winds of {} miles by {} today. "


def test_one_story_of_several_and_a_quotation_are_no_copies() -> None:
    third = OTHER.replace("a", "e")
    assert not is_copy(LONG, f"{OTHER}\n{LONG}\n{third}")
    assert not is_copy(LONG, f"{LONG}\n{OTHER}\n{third}")
    assert not is_copy(LONG, f"{OTHER} “{LONG[:700]}” {third}")
    assert is_copy(LONG, LONG[: len(LONG) * 2 // 5])


def test_a_form_with_other_figures_is_no_copy() -> None:
    same = " The forecast was made by the office, and is checked by its staff at noon every day."
    one, other = (FORM.format(*figures) + same * 2 for figures in (range(11, 15), range(41, 45)))
    assert not is_copy(one, other)
    assert is_copy(one, one.replace("the office", "an office"))


def test_house_style_of_quotes_and_accents_makes_no_difference() -> None:
    assert is_copy("“Café Zoë’s door — is shut”, he said", '"Cafe Zoe\'s door - is shut", he said')


def test_bands_are_the_same_everywhere_and_fit_a_32_bit_column() -> None:
    assert bands(LONG) == bands(LONG.upper())
    assert len(bands(LONG)) == 32
    assert all(-(2**31) <= band < 2**31 for band in bands(LONG))
    assert set(bands(LONG)) & set(bands(LONG[: len(LONG) // 2]))
    assert not set(bands(LONG)) & set(bands(OTHER))
    assert bands("Four words, no more") == bands("") == []


@pytest.mark.parametrize("text", ["", " ", "\ud800 \x00 ؀", "a " * 9, "。" * 5000, "7 " * 5000])
def test_odd_texts_are_compared_without_a_fall(text: str) -> None:
    assert is_copy(text, LONG) is False
    assert isinstance(bands(text), list)
