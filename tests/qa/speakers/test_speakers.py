"""Who is quoted: attributions before, after and in the middle, pronouns, channels, reports."""

import re
import time

import pytest
from byline.qa.speakers import Quoted, quotations, speaker_of


def found(text: str, words: str) -> Quoted | None:
    """Whose `words` are in the text."""
    start = text.index(words)
    return speaker_of(text, start, start + len(words))


@pytest.mark.parametrize(
    ("text", "words", "speaker"),
    [
        ("“It leaks,” said Lena Vass.", "It leaks", "Lena Vass"),
        ("“It leaks,” Lena Vass, a nurse, told the Herald.", "It leaks", "Lena Vass"),
        ("Lena Vass said: “It leaks.”", "It leaks.", "Lena Vass"),
        ("“If it leaks,” said Lena Vass, “we swim.”", "we swim.", "Lena Vass"),
        ("“It leaks,” said Lena Vass. “We swim.”", "We swim.", "Lena Vass"),
        ("Lena Vass said that the roof leaks.", "the roof leaks", "Lena Vass"),
        ("The roof leaks, according to Lena Vass, a builder.", "The roof leaks", "Lena Vass"),
        ("According to the weather office, it rained.", "it rained", "the weather office"),
        ("«It leaks,» said J. R. Rell.", "It leaks", "J. R. Rell"),
        ("'The club's roof leaks,' said Lena Vass.", "The club's roof leaks", "Lena Vass"),
        ("‘The members’ roof leaks,’ said Lena Vass.", "The members’ roof", "Lena Vass"),
        ("A person familiar with the talks said it was “dead”.", "dead", "A person familiar"),
        ("Vass rules out strike: “We will not walk”", "We will not walk", "Vass"),
        ("“Nobody asked you,” Lena Vass shot back.", "Nobody asked you", "Lena Vass"),
        (
            "“It leaks,” said the report's author, Professor Arn Orr of Ossen.",
            "It leaks",
            "Arn Orr",
        ),
        ("Vass: no strike\n\nLena Vass spoke on Friday.", "no strike", "Lena Vass"),
        ("No strike: Vass\n\nLena Vass spoke on Friday.", "No strike", "Lena Vass"),
        ("“A roof like no other.” — Lena Vass, The Herald", "A roof", "Lena Vass"),
        ("“A roof like no other.”\n— Lena Vass, The Herald", "A roof", "Lena Vass"),
        ("The firm had “no comment”, it said.", "no comment", "The firm"),
        (
            "The virus, the state agency said, is spreading among cows.",
            "is spread",
            "the state agency",
        ),
        (
            "The head of the union said that it would strike.",
            "it would strike",
            "The head of the un",
        ),
        ("The roof, said Lena Vass, is leaking badly.", "is leaking badly", "Lena Vass"),
        ("Dr. Lena Vass, a nurse in Ossen, Castrine, said it leaks.", "it leaks", "Lena Vass"),
        ("It leaks, said the Office of Roof Control and Repair.", "It leaks", "Office of Roof Con"),
        ("Supporters of the bill say it is needed.", "it is needed", "Supporters of the bill"),
        ("USDA officials said the herds were safe.", "the herds", "USDA officials"),
        (
            "The roof leaks, the U.S. Department of Roofs said.",
            "The roof",
            "U.S. Department of Roofs",
        ),
        ("Ursula von der Vass spoke. “It leaks,” von der Vass said.", "It leaks", "Ursula von der"),
        (
            "A spokesman for Gov. Jan Rell said it leaks.",
            "it leaks",
            "A spokesman for Gov. Jan Rell",
        ),
        ("Lena Vass, an LGBTQ nurse at the Q club, said it leaks.", "it leaks", "Lena Vass"),
        (
            "A ruling is near, a move the Herald Union said it would hail.",
            "it would",
            "Herald Union",
        ),
        ("Lena Vass said the plan came from Jan Rell, who left.", "the plan came", "Lena Vass"),
        ("The union warned that it would strike.", "it would strike", "The union"),
    ],
)
def test_the_speaker_is_found_in_every_form_of_attribution(
    text: str, words: str, speaker: str
) -> None:
    quoted = found(text, words)
    assert quoted is not None
    assert quoted.speaker.startswith(speaker)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The so-called “night tax” brings in little.", "night tax"),
        ("Her novel, ‘The Salt Stair’, sold well.", "The Salt Stair"),
        ("The workers' and the drivers' demands were read out.", "and the drivers"),
        ("Two bridges were carried away.", "Two bridges were carried away."),
        ("The bill adds a new section to the code.", "a new section"),
        ("The leak was first reported by the Herald.", "The leak was first"),
        ("The roof leaks, said Lena Vass, a nurse at the old hospital.", "a nurse at the old"),
        ("A ruling is near, a move the Herald Union said it would hail.", "A ruling is near"),
        ("With her usual calm, Lena Vass told us how we could leave.", "With her usual calm"),
        ("A clerk would not discuss his remarks, made at a dinner.", "made at a dinner"),
        ("Lena Vass declined to say who had paid.", "who had paid"),
    ],
)
def test_words_without_a_speaker_have_none(text: str, words: str) -> None:
    assert found(text, words) is None


def test_a_pronoun_a_surname_and_a_role_give_the_full_name() -> None:
    text = (
        "Finance Minister Ida Moravec spoke. “We wait,” she said.\n\n"
        "“We act,” Moravec added.\n\n“We pay,” the minister said."
    )
    assert {quoted.speaker for quoted in quotations(text)} == {"Ida Moravec"}


def test_a_quotation_over_paragraphs_has_one_speaker() -> None:
    text = "“It was safe.\n\n“It is safe,” J. R. Rell told reporters."
    assert [quoted.speaker for quoted in quotations(text)] == ["J. R. Rell", "J. R. Rell"]


@pytest.mark.parametrize(
    ("text", "words", "speaker", "teller"),
    [
        (
            "The office said that Xu Tarim told it that it rained.",
            "it rained",
            "Xu Tarim",
            "The office",
        ),
        ("Police said a witness told them it rained.", "it rained", "a witness", "Police"),
        (
            "Jan Rell was quoted by the Herald as saying that it leaks.",
            "it leaks",
            "Jan Rell",
            "Herald",
        ),
        (
            "“It leaks,” Jan Rell was quoted as saying by the Herald.",
            "It leaks",
            "Jan Rell",
            "Herald",
        ),
        (
            "The Herald quoted Jan Rell as saying that he would go.",
            "he would",
            "Jan Rell",
            "Herald",
        ),
        ("Officials said it rained, according to the Herald.", "it rained", "Officials", "Herald"),
        (
            "Police announced a case against Rell, whom the office says they sought.",
            "a case",
            "Police",
            None,
        ),
        (
            "Jan Rell said in a post shared by his party that it leaks.",
            "it leaks",
            "Jan Rell",
            None,
        ),
    ],
)
def test_a_report_within_a_report_names_both(
    text: str, words: str, speaker: str, teller: str | None
) -> None:
    quoted = found(text, words)
    assert quoted is not None
    assert (quoted.speaker, quoted.reported_by) == (speaker, teller)


@pytest.mark.parametrize(
    ("told", "channel"),
    [
        ("wrote in a post on Telegram", "a post on Telegram"),
        ("said in a statement", "a statement"),
        ("said through her spokesman Jan Rell", "her spokesman Jan Rell"),
    ],
)
def test_the_channel_is_given_as_written(told: str, channel: str) -> None:
    quoted = found(f"Lena Vass {told} that the roof leaks.", "the roof leaks")
    assert quoted is not None
    assert (quoted.speaker, quoted.channel) == ("Lena Vass", channel)


def test_the_sentence_before_gives_the_channel_within_a_paragraph() -> None:
    text = "Lena Vass posted on Telegram on Friday. “It leaks,” she wrote.%s“We swim,” she added."
    quoted = [q.channel for q in quotations(text % " ") if q.is_direct]
    assert quoted == ["Telegram", "Telegram"]
    assert [q.channel for q in quotations(text % "\n\n") if q.is_direct] == ["Telegram", None]
    text = "The ministry issued a statement on Friday. “It leaks,” it said."
    assert [(q.speaker, q.channel) for q in quotations(text)] == [("The ministry", "a statement")]


@pytest.mark.parametrize(
    ("verb", "stance"),
    [("denied", "denied"), ("alleged", "alleged"), ("confirmed", "confirmed"), ("said", "said")],
)
def test_the_verb_gives_the_stance(verb: str, stance: str) -> None:
    quoted = found(f"Lena Vass {verb} that the roof leaks.", "the roof leaks")
    assert quoted is not None
    assert quoted.stance == stance


def test_two_speakers_with_the_same_share_are_none() -> None:
    text = "“Abcd,” said Lena Vass. “Efgh,” said Jan Rell."
    assert speaker_of(text, 0, len(text)) is None


def test_only_what_touches_the_span_is_returned() -> None:
    text = "“It leaks,” said Lena Vass.\n\n“It holds,” said Jan Rell."
    assert [q.speaker for q in quotations(text, text.index("It holds"))] == ["Jan Rell"]


@pytest.mark.parametrize(
    "text", ["", "“", "“”", '"" said X', "'", "said", "“a", "said,\n“", "”“\n\n“x” said X"]
)
def test_spans_lie_in_any_text(text: str) -> None:
    assert all(0 <= q.start < q.end <= len(text) and q.speaker for q in quotations(text))


def test_the_letter_that_masks_marks_may_stand_in_a_text() -> None:
    text = "Ƣ ƣ Qqq. “Ƣ leaks,” Lena Vass said. “Qq.”"
    assert [(text[q.start : q.end], q.speaker) for q in quotations(text) if q.is_direct] == [
        ("Ƣ leaks,", "Lena Vass"), ("Qq.", "Lena Vass"),
    ]  # fmt: skip


def test_a_name_at_the_top_of_a_long_text_is_found_from_its_end() -> None:
    text = "Lena Vass spoke.\n\n" + "A bridge fell on Friday.\n\n" * 4000 + "“It leaks,” Vass said."
    start = time.process_time()
    quoted = found(text, "It leaks")
    assert time.process_time() - start < 0.05  # a quarter of that on one idle core
    assert quoted is not None
    assert quoted.speaker == "Lena Vass"


@pytest.mark.parametrize("part", ["Q said ", "“Qa,” Q said ", "a, said b, ", "'a ", "Aa ", "“a "])
def test_one_long_paragraph_is_read_in_linear_time(part: str) -> None:
    start = time.process_time()
    quotations(part * (21_000 // len(part)))
    assert time.process_time() - start < 0.2  # at most 0.09 on one core


def test_a_direct_quotation_has_no_marks_and_an_article_is_read_in_time() -> None:
    text = "Mayor Lena Vass spoke to the town on Friday. “The roof leaks,” she said.\n\n" * 150
    start = time.perf_counter()
    direct = [quoted for quoted in quotations(text) if quoted.is_direct]
    assert time.perf_counter() - start < 0.5  # a tenth of that on one idle core
    assert len(direct) == 150
    assert not any(re.search("[“”]", text[quoted.start : quoted.end]) for quoted in direct)


def test_a_title_of_courtesy_tells_whom_she_means() -> None:
    text = "Lena Vass spoke first. “It held,” said Mr Ivo Orr. “It leaked,” she replied."
    assert [q.speaker for q in quotations(text)][-1] == "Lena Vass"


def test_who_said_belongs_to_the_speaker_before_it() -> None:
    text = "“No,” said Lena Vass, head of the union, who said the mill had closed for good."
    at = text.index("the mill")
    said = speaker_of(text, at, len(text))
    assert said
    assert said.speaker == "Lena Vass"
