"""What a model chooses, however it replies: always sentences of the articles."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from byline.index.article import Article
from byline.qa.budget import Deadline, Usage
from byline.qa.choose import choose, read_numbers
from byline.qa.extract import Candidate
from byline.qa.model import openai_llm
from byline.qa.question import question
from byline.qa.retrieve import Hit
from byline.tests.fakes import Refused, saying, scripted
from hypothesis import given
from hypothesis import strategies as st

WORDS = ("one", "two", "three", "four", "five", "six")
TEXT = " ".join(f"Sentence {word} is said\nhere." for word in WORDS)
HIT = Hit(Article(id="a", text=TEXT, outlet="Castrine Herald"), 0, len(TEXT), TEXT, 1.0)
ASKED = question("Who said what?", as_of="2026-03-05")


def ranked() -> list[Candidate]:
    found, start = [], 0
    while start < len(TEXT):
        end = TEXT.index(".", start) + 1
        found.append(Candidate(HIT, start, end, TEXT[start:end], frozenset(), frozenset(), 1))
        start = end + 1
    return found


def chosen(llm: Any) -> list[str]:
    return [sentence.text for sentence in choose(ASKED, ranked(), llm, Deadline(20))[0]]


def said(*words: str) -> list[str]:
    return [f"Sentence {word} is said here." for word in words]


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ('{"sentences": [3, 1]}', [3, 1]),
        ('{"sentences": [\n    3,\n 1\n]}', [3, 1]),
        ('{"sentences": []}', []),
        ('{"sentences": [1, 2, 3, 4]}', [1, 2, 3]),
        ('{"sentences": [3, 3, 9, 0, -1]}', [3]),
        ('{"sentences": [3, 1', [3, 1]),
        ("3, 1", [3, 1]),
        ("Sentence 3 and sentence 1.", [3, 1]),
        ("Of 6 sentences: [3]", [3]),
        ("[3][1]", [3, 1]),
        ("<think>1?</think>3", [3]),
        ("About 2.5 million, 4 % of 1,200, 3rd", []),
        ("NO ANSWER", []),
        ("", []),
    ],
)
def test_numbers_are_read_however_they_are_written(reply: str, numbers: list[int]) -> None:
    assert read_numbers(reply, 6) == numbers


@given(st.one_of(st.text(), st.lists(st.integers()).map(str)))
def test_whatever_is_replied_only_real_sentences_are_chosen(reply: str) -> None:
    numbers = read_numbers(reply, 6)
    assert len(numbers) <= 3
    assert all(1 <= number <= 6 for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_a_chosen_sentence_is_the_articles_own() -> None:
    sentences, reply = choose(ASKED, ranked(), saying("2, 5"), Deadline(20))
    assert [sentence.text for sentence in sentences] == said("two", "five")
    for sentence in sentences:
        (source,) = sentence.sources
        assert " ".join(TEXT[source.start : source.end].split()) == sentence.text
    assert (reply.text, reply.model) == ("2, 5", "parrot")


def test_the_model_sees_numbered_sentences_and_the_question() -> None:
    llm = saying("2")
    chosen(llm)
    assert "2. Sentence two is said here. (Castrine Herald, undated)" in llm.prompts[0]
    assert "Today is 2026-03-05. Question: Who said what?" in llm.prompts[0]


def with_schemas(asked: dict[str, Any]) -> str:
    form = json.dumps(asked.get("response_format", ""))
    return json.dumps({"n": 7} if "seven" in form else {"sentences": [2, 6]})


def without_schemas(asked: dict[str, Any]) -> str | Refused:
    return Refused(400) if "response_format" in asked else "The answer is in 2 and 6."


@pytest.mark.parametrize("endpoint", [with_schemas, without_schemas])
def test_a_schema_is_used_where_the_endpoint_knows_it(
    endpoint: Callable[[dict[str, Any]], str | Refused],
) -> None:
    with scripted(endpoint) as script:
        llm = openai_llm(
            "m", script.address, "k", context_window=4096, max_tokens=64, timeout_seconds=9
        )
        sentences, reply = choose(ASKED, ranked(), llm, Deadline(20))
    assert [sentence.text for sentence in sentences] == said("two", "six")
    assert reply.usage == Usage(7, 3)
    form = script.requests[-1].get("response_format")
    assert (form is not None) == (endpoint is with_schemas)
    if form:
        numbers = form["json_schema"]["schema"]["properties"]["sentences"]
        assert numbers["items"]["enum"] == [1, 2, 3, 4, 5, 6]


def test_no_candidates_are_no_choice() -> None:
    llm = saying("1")
    assert choose(ASKED, [], llm, Deadline(20)) == ([], None)
    assert llm.prompts == []
