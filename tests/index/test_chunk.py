"""Where an article is cut: passages and sentences are exact spans that lose nothing."""

import unicodedata

import pytest
from byline.index.article import Article, Mark
from byline.index.chunk import chunk, sentence_spans
from hypothesis import example, given
from hypothesis import strategies as st

UGLY = [
    *"aZ1 .!?,;:\n\t\"'’“”(—…",
    "\u0301",
    "\u0308",
    "\u200b",
    "\u200d",
    "\u00a0",
    "\u202e",
    "\r",
]
UGLY += [
    "😀",
    "👩‍👩‍👧",
    "שלום",
    "مرحبا",
    "日本。",
    "Mr. ",
    "U.S. ",
    "\n\n",
    "x" * 250,
    "e\u0301" * 130,
    "\u2028",
]
ugly_texts = st.lists(st.sampled_from(UGLY), max_size=60).map("".join)
languages = st.sampled_from([None, "en", "de", "ja", "ar", "xx"])


@st.composite
def articles(draw: st.DrawFn) -> Article:
    text = draw(ugly_texts)
    borders = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    kinds = st.sampled_from(["byline", "dateline", "note", "correction"])
    spans = zip(borders[::2], borders[1::2], strict=False)
    marks = tuple(Mark(start, end, draw(kinds)) for start, end in spans)
    return Article(id="a", text=text, marks=marks, language=draw(languages))


def missing(text: str, spans: list[tuple[int, int]], start: int = 0) -> str:
    """What stands between the spans."""
    gaps = zip(
        [start, *(end for _, end in spans)], [*(s for s, _ in spans), len(text)], strict=True
    )
    return "".join(text[left:right] for left, right in gaps)


def splits_a_character(text: str, at: int) -> bool:
    return 0 < at < len(text) and bool(unicodedata.combining(text[at])) and text[at - 1].isalnum()


@given(articles(), st.integers(200, 400))
@example(Article(id="a", text="One.\r\nTwo.\r\n\r\nThree."), 200)
@example(Article(id="a", text=""), 200)
def test_every_character_outside_byline_and_dateline_is_in_exactly_one_passage(
    article: Article, size: int
) -> None:
    passages = chunk(article, size)
    assert all(article.text[p.start : p.end] == p.text for p in passages)
    assert all(p.text and p.text == p.text.strip() for p in passages)
    assert all(one.end <= other.start for one, other in zip(passages, passages[1:], strict=False))
    covered = {at for p in passages for at in range(p.start, p.end)}
    left_out = {
        at
        for m in article.marks
        if m.kind in ("byline", "dateline")
        for at in range(m.start, m.end)
    }
    assert covered.isdisjoint(left_out)
    lost = set(range(len(article.text))) - covered - left_out
    assert not "".join(article.text[at] for at in lost).strip()


@given(articles(), st.integers(200, 400))
def test_a_passage_is_no_longer_than_asked_but_for_accents_of_its_last_character(
    article: Article, size: int
) -> None:
    for passage in chunk(article, size):
        base = passage.text[:size]
        assert all(unicodedata.combining(char) for char in passage.text[len(base) :])


@given(ugly_texts, languages, st.integers(0, 40))
def test_sentences_are_trimmed_spans_in_order_that_lose_nothing(
    text: str, language: str | None, start: int
) -> None:
    start = min(start, len(text))
    spans = sentence_spans(text, start, len(text), language, longest=200)
    assert all(start <= left < right for left, right in spans)
    assert all(text[left:right] == text[left:right].strip() for left, right in spans)
    assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False))
    assert not missing(text, spans, start).strip()


def test_a_very_long_word_is_not_cut_between_a_letter_and_its_accent() -> None:
    text = "e\u0301" * 1000
    passages = chunk(Article(id="a", text=text), 333)
    assert len(passages) > 1
    assert not any(splits_a_character(text, p.start) for p in passages)


def test_sentences_stay_whole_and_fill_a_passage() -> None:
    sentence = "The council of Port Ansel met on Monday and voted for the bridge. "
    text = (sentence * 30).strip()
    passages = chunk(Article(id="a", text=text, language="en"), 500)
    assert all(p.text.endswith("bridge.") and p.text.startswith("The council") for p in passages)
    assert all(len(p.text) > 500 - len(sentence) for p in passages[:-1])


def test_a_line_break_ends_a_sentence() -> None:
    text = "The vote\nNine of ten were for it"
    assert [text[a:b] for a, b in sentence_spans(text, 0, len(text))] == text.split("\n")


@pytest.mark.parametrize(
    "text",
    ["Mr. Brill spoke to Dr. Hale.", "It cost $4.2 million.", "The U.S. team won 3.5 points."],
)
def test_a_full_stop_inside_a_sentence_does_not_cut_it(text: str) -> None:
    assert sentence_spans(text, 0, len(text), "en") == [(0, len(text))]


def test_corrections_and_notes_are_part_of_passages_and_bylines_are_not() -> None:
    text = "By Mara Tenholt\nThe fire was small.\nCorrection: it was large."
    marks = (Mark(0, 15, "byline"), Mark(36, len(text), "correction"))
    (passage,) = chunk(Article(id="a", text=text, marks=marks))
    assert passage.text == "The fire was small.\nCorrection: it was large."
