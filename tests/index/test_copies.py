"""One text in several outlets is one source."""

from byline.index.copies import groups, is_copy

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
