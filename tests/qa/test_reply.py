"""What becomes of a model's reply, however it is written and however it is cut into pieces."""

import re
from datetime import date
from itertools import pairwise

import pytest
from byline.index.article import Article
from byline.index.chunk import sentence_spans
from byline.qa.cite import cite
from byline.qa.reply import StatementReader, cited_sentences, narrow, read_reply
from byline.qa.retrieve import Hit
from byline.tests.fakes import HITS, TEXTS
from hypothesis import example, given
from hypothesis import strategies as st

REPAIRED = "1 × without a valid citation now cites the passage that holds its words"
REMOVED = "1 × citation that pointed to no passage was removed"
BARE = "1 × sentence cites no passage"


def articles_cited(reply: str) -> list[list[int]]:
    """For each sentence of a reply the numbers of the articles that it stands on."""
    sentences, _ = read_reply(reply, HITS)
    return [list(dict.fromkeys(int(s.hit.article_id) for s in one.sources)) for one in sentences]


def shown(reply: str) -> str:
    return cite(read_reply(reply, HITS)[0])[0]


@pytest.mark.parametrize(
    ("reply", "cited"),
    [
        ("The mayor resigned [1].", [[1]]),
        ("The mayor resigned. [1]", [[1]]),
        ("The mayor resigned.[1]", [[1]]),
        ("The mayor resigned [1, 3].", [[1, 3]]),
        ("The mayor resigned [1][3].", [[1, 3]]),
        ("The mayor resigned [1] [3].", [[1, 3]]),
        ("The mayor resigned [1; 3].", [[1, 3]]),
        ("The mayor resigned [1 and 3].", [[1, 3]]),
        ("The mayor resigned [1-3].", [[1, 2, 3]]),
        ("The mayor resigned [1–2].", [[1, 2]]),
        ("The mayor resigned 【1】.", [[1]]),
        ("The mayor resigned [Passage 2].", [[2]]),
        ("The mayor resigned [passages 1, 2].", [[1, 2]]),
        ("The mayor resigned [Source 3].", [[3]]),
        ("The mayor [1] resigned [3].", [[1, 3]]),
        ("“The mayor resigned.” [1]", [[1]]),
        ("The mayor resigned. [1] The deputy is Ilse Kamp. [3]", [[1], [3]]),
        ("The mayor resigned [1]. The deputy is Ilse Kamp [3].", [[1], [3]]),
        ("Answer: The mayor resigned [1].", [[1]]),
        ("**Answer:** The mayor resigned [1].", [[1]]),
        ("- The mayor resigned [1]\n- The deputy is Ilse Kamp [3]", [[1], [3]]),
        ("1. The mayor resigned [1]\n2. The deputy is Ilse Kamp [3]", [[1], [3]]),
        ("The mayor resigned [1] [1] [1].", [[1]]),
        ("In the first passage, the mayor resigned.", [[1]]),
        ("According to passage 2, it is stated that the mayor resigned.", [[2]]),
    ],
)
def test_numbers_are_read_however_they_are_written(reply: str, cited: list[list[int]]) -> None:
    assert articles_cited(reply) == cited
    assert read_reply(reply, HITS)[1] == []


@pytest.mark.parametrize(
    "reply",
    ["NO ANSWER", "No answer.", "NO_ANSWER", "**NO ANSWER**", "Answer: NO ANSWER", "", " \n"],
)
def test_a_reply_that_says_that_there_is_no_answer_has_no_sentences(reply: str) -> None:
    assert read_reply(reply, HITS) == ([], [])


def test_a_number_that_points_nowhere_is_mended_where_a_passage_holds_the_words() -> None:
    sentences, notes = read_reply("Auditors found 17 errors in the water contract [9].", HITS)
    assert {source.hit.article_id for source in sentences[0].sources} == {"2"}
    assert notes == [REPAIRED]


def test_a_sentence_without_number_is_mended_where_a_passage_holds_the_words() -> None:
    assert articles_cited("Ilse Kamp is the deputy mayor.") == [[3]]
    assert read_reply("Ilse Kamp is the deputy mayor.", HITS)[1] == [REPAIRED]


def test_passages_are_not_named_to_readers_who_do_not_see_their_order() -> None:
    assert shown("In the third passage, the mayor resigned.") == "The mayor resigned [1]."
    of_a_text = "In the first passage of the contract the mayor resigned."
    assert shown(of_a_text).startswith(of_a_text.removesuffix("."))


def test_a_sentence_may_have_the_date_of_its_passage() -> None:
    said = "The mayor resigned over the water contract on March 12, 2026."
    text = "Mayor Tomas Rehn resigned over the water contract on Thursday."
    article = Article(id="a", text=text, published=date(2026, 3, 12))
    (sentence,), _ = read_reply(said, [Hit(article, 0, len(text), text, 1.0)])
    assert [source.hit.article_id for source in sentence.sources] == ["a"]
    (sentence,), _ = read_reply(said.replace("12", "13"), [Hit(article, 0, len(text), text, 1.0)])
    assert not sentence.sources


def test_a_passage_without_the_number_that_is_said_mends_nothing() -> None:
    assert articles_cited("Auditors found 18 errors in the water contract.") == [[]]


def test_what_stands_nowhere_is_left_without_citation_and_counted() -> None:
    sentences, notes = read_reply("Aliens landed in Velmora [9].", HITS)
    assert sentences[0].sources == ()
    assert notes == [REMOVED, BARE]
    assert shown("Aliens landed in Velmora [9].") == "Aliens landed in Velmora."


def test_of_several_numbers_the_ones_that_point_nowhere_are_removed() -> None:
    reply = "The mayor resigned [0][1][12]."
    assert articles_cited(reply) == [[1]]
    assert read_reply(reply, HITS)[1] == ["2" + REMOVED[1:]]
    assert shown(reply) == "The mayor resigned [1]."


@pytest.mark.parametrize(
    "number", ["99999999999999999999999999", "1-99999999999", "0", "٩", "3-1", "1-1", "-1", "1.5"]
)
def test_odd_numbers_are_no_error_and_are_not_shown(number: str) -> None:
    text, statements, citations = cite(read_reply(f"The mayor resigned [{number}].", HITS)[0])
    numbers = {int(n) for n in re.findall(r"\[(\d+)\]", text)}
    assert numbers == {citation.number for citation in citations}
    assert len(statements) == 1


def test_control_characters_are_left_out() -> None:
    assert shown("The mayor \x1b[31mresigned\x9b\x07 [1].\r\n") == "The mayor [31mresigned [1]."


def test_bullets_become_lines_without_their_marks() -> None:
    assert shown("- The mayor resigned [1]\n* Kamp is the deputy [3]") == (
        "The mayor resigned [1]\nKamp is the deputy [2]"
    )


def test_only_the_sentences_that_carry_a_statement_are_quoted() -> None:
    _, _, (citation,) = cite(read_reply("Auditors found 17 errors [2].", HITS)[0])
    assert citation.quote == "Auditors found 17 errors in it."


def test_two_sentences_of_a_passage_are_taken_where_both_are_needed() -> None:
    said = "Rehn resigned on Thursday and his deputy takes over until May."
    assert [(s.start, s.end) for s in narrow(said, HITS[0])] == [(0, 38), (39, len(TEXTS[0]))]


_SHARDS = """\
The mayor resigned|Rehn said: |17 errors|4.2|He |U.S. |Dr. |p.m. |and |No. |NO ANSWER|No answer.
[1]|[2, 3]|[9]|[1][2]|[[1]|[[1]2]|【1†source】|[Passage 1|]|[1-|3]|[²]|[a]|(1)|^1|[^1]|[1]:|[١]
［2］|[٩]|[1](https://a.example/b?c=d)|[words](https://a.example)|![x](http://a.example/p.png)
![x][1]|![|!!|“|”|"|'|Answer:|**Answer:** |<think>|</think>|<thi|<b>|</b>|<|>|```json|```|*|_
<img src='http://a.example'>|😀|...|…|. |.|!|?|。|- |1. |# |,|;|(|)| |"""
PIECES = re.split(r"[|\n]", _SHARDS)
PIECES += ["| a [1] | b |", "|---|", "|", "\n", "\n\n", "\r\n", "\r", "\x1b", "\u2028", "\ud83d"]
MANY = "[" + ", ".join(map(str, range(1, 201))) + "]"
replies = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PIECES), max_size=20).map("".join),
    st.lists(st.sampled_from([*PIECES, MANY]), max_size=8).map(" ".join),
)


@given(replies)
@example(f"The mayor resigned {MANY}.")
@example("NO ANSWER [1]. The mayor resigned [2].")
@example("“The mayor resigned [1].")
@example("!![x](y)[a <im<b>g src='http://a.example'>b")
def test_whatever_is_replied_every_number_shown_resolves(reply: str) -> None:
    sentences, notes = read_reply(reply, HITS)
    assert all(source.hit in HITS for one in sentences for source in one.sources)
    text, statements, citations = cite(sentences)
    numbers = [int(number) for number in re.findall(r"\[(\d+)\]", text)]
    assert set(numbers) == {citation.number for citation in citations}
    assert sorted({n for s in statements for n in s.citations}) == sorted(set(numbers))
    assert all(text[s.start : s.end] == s.text for s in statements)
    assert all(TEXTS[int(c.article_id) - 1][c.start : c.end] == c.quote for c in citations)
    assert all("\n" not in note for note in notes)
    assert not re.search(r"!\[|<[a-z/]\w*[^>]*>", text)


@given(replies, st.data())
def test_however_a_reply_is_cut_the_same_sentences_come(reply: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(reply)), max_size=30)))
    reader = StatementReader()
    found = []
    for start, end in pairwise([0, *cuts, len(reply)]):
        found += reader.feed(reply[start:end])
    assert [*found, *reader.close()] == list(cited_sentences(reply))


TOLD = (
    "Mayor Tomas Rehn resigned on Thursday. [1] He had signed a contract worth 4.2 million crowns "
    "with the U.S. firm [2]. “It is over. I am tired,” he said [1][3]. Dr. Kamp takes over.\n"
    "- She is the deputy mayor [3]\n- The vote is in May [1]"
)


def test_a_sentence_comes_before_the_next_one_has_ended() -> None:
    reader = StatementReader()
    came = []
    for at, letter in enumerate(TOLD):
        came += [(at, said) for said, _, _ in reader.feed(letter)]
    rest = [said for said, _, _ in reader.close()]
    assert [said for _, said in came] + rest == [said for said, _, _ in cited_sentences(TOLD)]
    assert len(came) == 5
    assert rest == ["The vote is in May"]
    ends = [TOLD.index(said.removesuffix(".")) + len(said) for said in [s for _, s in came][1:]]
    assert all(at < end for (at, _), end in zip(came, ends, strict=False))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            "It cost 4.2 million in the U.S. in May [1].",
            ["It cost 4.2 million in the U.S. in May."],
        ),
        (
            "He said: “It is over. I am tired.” [1] He left.",
            ["He said: “It is over. I am tired.”", "He left."],
        ),
        ("<think>Rehn? Yes.</think>Rehn resigned [1].", ["Rehn resigned."]),
        ("<think>Rehn. He resigned [1].", []),
        ("**Answer:** Rehn resigned [1].", ["Rehn resigned."]),
        ("Rehn **resigned** [1].", ["Rehn resigned."]),
        ("| Year | Errors |\n|---|---|\n| 2025 | 17 [2] |", ["2025 | 17"]),
        ("```\nRehn resigned [1].\n```", ["Rehn resigned."]),
        ("Rehn ![pixel](http://a.example/p.png) resigned [1].", ["Rehn  resigned."]),
        ("Rehn <img src='http://a.example'>resigned [1].", ["Rehn resigned."]),
        ("Rehn [resigned](http://a.example) [1].", ["Rehn resigned."]),
        ("# Result\nRehn resigned [1].", ["Result", "Rehn resigned."]),
        ("NO ANSWER. Rehn resigned [1].", []),
        ("No answer [1].", []),
        ("He left at 5 p.m. “Enough,” he said.", ["He left at 5 p.m.", "“Enough,” he said."]),
    ],
)
def test_what_is_shown_of_a_reply(reply: str, said: list[str]) -> None:
    assert [shown for shown, _, _ in cited_sentences(reply)] == said


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ("Rehn resigned [١].", [1]),
        ("Rehn resigned ［2］.", [2]),
        ("Rehn resigned [^1].", [1]),
        ("Rehn resigned ^1.", [1]),
        ("Rehn resigned (1).", [1]),
        ("Rehn (1) resigned.", []),
        ("Rehn resigned (1) [2].", [2]),
        ("Rehn resigned [1](https://a.example/x?y=[3]).", [1]),
        (f"Rehn resigned {MANY}.", list(range(1, 201))),
        ("Rehn resigned [1]\n[2]", [1, 2]),
        ("| Rehn | resigned [1] |", [1]),
    ],
)
def test_numbers_in_other_dress(reply: str, numbers: list[int]) -> None:
    ((_, found, _),) = cited_sentences(reply)
    assert found == numbers


def test_an_article_is_cut_as_whole_texts_are() -> None:
    text = TEXTS[0] + " " + TEXTS[2]
    spans = sentence_spans(text, 0, len(text))
    assert [said for said, _, _ in cited_sentences(text)] == [text[slice(*span)] for span in spans]


@pytest.mark.parametrize(
    "link",
    [
        "[this](javascript:alert(1))",
        "[th[i]s](data:text/html,x)",
        '[this](//evil.example "now")',
        "[this](tel:+1(2)3)",
        "[this]: javascript:x",
    ],
)
def test_no_form_of_a_link_is_one_afterwards(link: str) -> None:
    said = [one for one, _, _ in cited_sentences(f"{link} was said by Rehn [1].")]
    assert not re.search(r"\][(:]", said[0])
    assert said[0].endswith("was said by Rehn.")
