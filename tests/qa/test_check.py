"""What becomes of a sentence that does not stand on what it cites."""

from datetime import date

import pytest
from byline.index.article import Article
from byline.qa.check import Checker
from byline.qa.cite import Numbering, Sentence, Source
from byline.qa.retrieve import Hit

FIRE = (
    "Eleven people were injured in the fire on the ferry Marigold on Friday. "
    "“The pump failed,” Captain Ines Hale said."
)
TOLL = "Seventeen people were hurt in the ferry fire, the health office said on Tuesday."
ARGUED = "The harbour should never have been leased to a foreign company."


def hit(name: str, text: str, **facts: object) -> Hit:
    article = Article(id=name, text=text, published=date(2026, 3, 7), **facts)  # type: ignore[arg-type]
    return Hit(article, 0, len(text), text, 0.1)


FIRST, LATER = hit("fire", FIRE, outlet="The Ledger"), hit("toll", TOLL, outlet="Herald")
COLUMN = hit("column", ARGUED, kind="opinion", outlet="Gazette", authors=("Mara Voss",))


def checked(
    said: str, *cited: Hit, among: tuple[Hit, ...] = (FIRST, LATER)
) -> tuple[Sentence, list[str]]:
    checker = Checker(among, None, None, as_of=date(2026, 3, 12))
    sources = tuple(Source(one, one.start, one.end) for one in cited)
    return checker.check(Sentence(said, sources), Numbering()), checker.notes


def test_a_sentence_that_its_passage_carries_is_supported_and_its_source_narrowed() -> None:
    found, notes = checked("Eleven people were injured in the fire on the ferry Marigold.", FIRST)
    (source,) = found.sources
    assert (found.verdict, notes) == ("supported", [])
    assert FIRE[source.start : source.end].startswith("Eleven")
    assert FIRE[source.start : source.end].endswith("on Friday.")


def test_a_wrong_number_is_told_with_the_number_that_is_right() -> None:
    found, _ = checked(
        "Thirty people were injured in the fire on the ferry.", FIRST, among=(FIRST,)
    )
    assert found.verdict == "contradicted"
    assert found.why
    assert "[1]" in found.why
    assert "⟦" not in found.why


def test_a_citation_moves_to_the_passage_that_carries_its_sentence() -> None:
    found, notes = checked("Seventeen people were hurt in the ferry fire.", FIRST)
    assert [source.hit.article_id for source in found.sources] == ["toll"]
    assert (found.verdict, notes) == (
        "supported",
        ["1 × citation moved to the passage that carries its sentence"],
    )


def test_a_quotation_that_is_not_word_for_word_loses_its_marks() -> None:
    found, notes = checked("“The pump exploded,” Captain Ines Hale said.", FIRST, among=(FIRST,))
    assert found.text == "The pump exploded, Captain Ines Hale said."
    assert found.verdict != "supported"
    assert notes == ["1 × quotation that is not word for word in the passage lost its marks"]


@pytest.mark.parametrize(
    "marks", ["“The pump failed,”", '"The pump failed,"', "«The pump failed,»"]
)
def test_a_quotation_keeps_its_marks_whatever_their_typography(marks: str) -> None:
    found, notes = checked(f"{marks} Captain Ines Hale said.", FIRST)
    assert (found.text, found.verdict, notes) == (
        f"{marks} Captain Ines Hale said.",
        "supported",
        [],
    )


def test_a_citation_that_does_not_help_is_left_out() -> None:
    found, notes = checked("Seventeen people were hurt in the ferry fire.", LATER, FIRST)
    assert [source.hit.article_id for source in found.sources] == ["toll"]
    assert notes == ["1 × citation that did not help its sentence was left out"]


def test_an_opinion_supports_only_that_somebody_argues_it() -> None:
    flat, _ = checked("The harbour should never have been leased.", COLUMN, among=(COLUMN,))
    assert (flat.verdict, flat.why) == ("partial", "an opinion piece argues it; no report says so")
    quoted, _ = checked(ARGUED, COLUMN, among=(COLUMN,))
    assert (quoted.verdict, quoted.text) == ("supported", f"Opinion, Mara Voss, Gazette: {ARGUED}")


def test_what_cites_nothing_and_stands_nowhere_stays_without_a_source() -> None:
    found, _ = checked("The mayor of Brenik resigned in April.")
    assert (found.sources, found.verdict) == ((), "unsupported")


def test_a_quotation_is_looked_for_where_its_citation_moves_to() -> None:
    found, notes = checked("“The pump failed,” Captain Ines Hale said.", LATER)
    assert [source.hit.article_id for source in found.sources] == ["fire"]
    assert found.text.startswith("“The pump failed,”")
    assert notes == ["1 × citation moved to the passage that carries its sentence"]


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("Ann Hale sued Bob Stone.", "Bob Stone sued Ann Hale."),
        ("Oslo has 20 schools and Bergen has 30.", "Oslo has 30 schools and Bergen has 20."),
        ("Nobody was hurt.", "Three people were hurt."),
        ("Stone said the dam is safe.", "Hale said the dam is safe. Stone said nothing."),
    ],
)
def test_the_same_words_in_another_order_are_not_supported(said: str, evidence: str) -> None:
    found, _ = checked(said, one := hit("a", evidence), among=(one,))
    assert found.verdict != "supported"


def test_words_given_to_somebody_else_are_contradicted() -> None:
    two = hit("a", "“The dam is safe,” Ann Hale said. Bob Stone said that repairs take a year.")
    wrong, _ = checked("“The dam is safe,” Bob Stone said.", two, among=(two,))
    assert wrong.verdict == "contradicted"
    assert "[1] has Ann Hale say it, not Bob Stone" in (wrong.why or "")
    right, _ = checked("Bob Stone said that repairs take a year.", two, among=(two,))
    assert right.verdict == "supported"
