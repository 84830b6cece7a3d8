"""How an answer's sentences, numbers and quotes hold together."""

from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import unquote

import pytest
from byline.index.article import Article, Notice
from byline.qa.cite import Citation, Sentence, Source, Statement, citations, cite, text_link
from byline.qa.retrieve import Hit
from hypothesis import given
from hypothesis import strategies as st

TEXT = (
    "The mayor resigned on Thursday. His deputy takes over. An election follows in May.\n"
    "The water contract was worth 4.2 million crowns."
)
ARTICLE = Article(id="a", text=TEXT, title="Mayor resigns", url="https://herald.example/mayor")
OTHER = Article(id="b", text="The deputy is Ilse Kamp.", outlet="The Ledger")
FIRST = Hit(ARTICLE, 0, 82, TEXT[:82], 0.1)
SECOND = Hit(ARTICLE, 83, len(TEXT), TEXT[83:], 0.1)
THIRD = Hit(OTHER, 0, len(OTHER.text), OTHER.text, 0.1)
RESIGNED, DEPUTY = Source(FIRST, 0, 31), Source(FIRST, 32, 54)
CONTRACT, KAMP = Source(SECOND, 83, len(TEXT)), Source(THIRD, 0, len(OTHER.text))
Cited = tuple[str, tuple[Statement, ...], tuple[Citation, ...]]


def hold_together(cited: Cited) -> Cited:
    text, statements, citations = cited
    assert all(text[s.start : s.end] == s.text for s in statements)
    assert [c.number for c in citations] == list(range(1, len(citations) + 1))
    in_order = [n for s in statements for n in s.citations]
    assert list(dict.fromkeys(in_order)) == [c.number for c in citations]
    assert len({(c.article_id, c.start) for c in citations}) == len(citations)
    articles = {article.id: article for article in (ARTICLE, OTHER)}
    assert all(articles[c.article_id].text[c.start : c.end] == c.quote for c in citations)
    return cited


def test_numbers_run_in_order_of_appearance_and_a_passage_has_one() -> None:
    text, statements, citations = hold_together(
        cite(
            [
                Sentence("Kamp takes over.", (KAMP, DEPUTY)),
                Sentence("The mayor is gone.", (RESIGNED,)),
                Sentence("The contract cost him his office.", (CONTRACT, KAMP)),
            ]
        )
    )
    assert text == (
        "Kamp takes over [1][2]. The mayor is gone [2]. The contract cost him his office [3][1]."
    )
    assert [c.article_id for c in citations] == ["b", "a", "a"]
    assert [s.citations for s in statements] == [(1, 2), (2,), (3, 1)]


def test_a_quote_reaches_from_the_first_to_the_last_that_is_taken_from_a_passage() -> None:
    _, _, (only,) = hold_together(
        cite([Sentence("Kamp?", (DEPUTY,)), Sentence("Gone.", (RESIGNED,))])
    )
    assert only.quote == "The mayor resigned on Thursday. His deputy takes over."


def test_two_sources_in_one_passage_give_a_sentence_one_number() -> None:
    text, (statement,), _ = hold_together(cite([Sentence("It is so.", (RESIGNED, DEPUTY))]))
    assert (text, statement.citations) == ("It is so [1].", (1,))


def test_a_sentence_without_source_has_no_number() -> None:
    text, (statement,), citations = hold_together(cite([Sentence("It rained.", ())]))
    assert (text, statement.citations, citations) == ("It rained.", (), ())


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("It rained.", "It rained [1]."),
        ("Did it rain?", "Did it rain? [1]"),
        ("“It rained.”", "“It rained.” [1]"),
        ("It rained...", "It rained... [1]"),
        ("It rained", "It rained [1]"),
        ("- It rained", "- It rained [1]"),
    ],
)
def test_a_number_stands_before_a_full_stop_and_behind_all_else(said: str, shown: str) -> None:
    assert cite([Sentence(said, (RESIGNED,))])[0] == shown


def test_a_number_in_brackets_that_is_no_citation_does_not_look_like_one() -> None:
    text, _, citations = hold_together(cite([Sentence("As shown [7], it rained.", (RESIGNED,))]))
    assert text == "As shown (7), it rained [1]."
    assert len(citations) == 1


def test_list_items_stand_on_lines_of_their_own() -> None:
    text, statements, _ = hold_together(
        cite([Sentence("One.", (RESIGNED,)), Sentence("Two.", (CONTRACT,), gap="\n")])
    )
    assert text == "One [1].\nTwo [2]."
    assert text[statements[1].start :] == "Two [2]."


sources = st.sampled_from([RESIGNED, DEPUTY, CONTRACT, KAMP])
sentences = st.builds(
    Sentence,
    st.text(min_size=1),
    st.lists(sources, max_size=3).map(tuple),
    gap=st.sampled_from([" ", "\n"]),
)


@given(st.lists(sentences, max_size=6))
def test_whatever_is_said_numbers_spans_and_quotes_hold_together(given: list[Sentence]) -> None:
    hold_together(cite(given))


class TestLink:
    URL = "https://herald.example/mayor"

    @pytest.mark.parametrize(
        "quote",
        [
            "Rates rose – by 4-5%, said A&B; “so be it”.",
            "Zürich: 日本 😀 #1 ~ 100% = ok?",
            "a+b/c\\d 'e' <f>",
            "x" * 300,
        ],
    )
    def test_a_short_quote_stands_whole_in_the_link(self, quote: str) -> None:
        link = text_link(self.URL, quote)
        assert link is not None
        head, _, fragment = link.partition("#:~:text=")
        assert head == self.URL
        assert unquote(fragment) == quote
        assert not set(fragment) & set("-,&# <>\"'")

    def test_a_long_quote_is_given_by_its_ends(self) -> None:
        words = [f"w{n}" for n in range(40)]
        link = text_link(self.URL, " ".join(words))
        assert link == f"{self.URL}#:~:text=w0%20w1%20w2%20w3%20w4,w35%20w36%20w37%20w38%20w39"

    def test_a_fragment_that_is_there_stays(self) -> None:
        assert text_link(f"{self.URL}#top", "It rained.") == f"{self.URL}#top:~:text=It%20rained."

    @pytest.mark.parametrize(
        "url", [None, "", "javascript:alert(1)", "file:///etc/passwd", "mayor"]
    )
    def test_only_a_web_address_becomes_a_link(self, url: str | None) -> None:
        assert text_link(url, "It rained.") is None


@pytest.mark.parametrize(
    ("kind", "as_of", "is_told"),
    [
        ("corrected", None, True),
        ("corrected", date(2024, 1, 10), False),
        ("corrected", date(2024, 2, 2), True),
        ("corrected", datetime(2024, 2, 2, 9, tzinfo=UTC), False),
        ("retracted", date(2024, 1, 10), True),
    ],
)
def test_a_correction_of_after_the_date_of_asking_is_not_told(
    kind: str, as_of: date | None, is_told: bool
) -> None:
    notice = Notice(kind, "It was wrong.", datetime(2024, 2, 2, 10, tzinfo=UTC))
    hit = replace(THIRD, article=replace(OTHER, notice=notice))
    (cited,) = citations([Source(hit, 0, 10)], as_of)
    assert (cited.notice == notice) is is_told
