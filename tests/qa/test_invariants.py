"""The promises of an answer, held whatever a model writes (design, invariants 1, 2, 4 and 5)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from byline import Desk
from byline.index.embed import MiniLM
from byline.qa.cite import Statement
from byline.qa.events import Answer
from byline.qa.verify.facts import facts
from byline.tests.fakes import saying
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUESTION = "How many people were hurt in the ferry fire, and who spoke?"
ARTICLES = (
    {
        "id": "fire",
        "title": "Ferry fire leaves 11 injured",
        "outlet": "The Ledger",
        "published": "2026-03-07",
        "text": "Eleven people were injured when the Marigold caught fire on Friday. “The pump "
        "failed,” Captain Ines Hale said. The engine was last overhauled last August.",
    },
    {
        "id": "later",
        "title": "Injured in ferry fire now 17",
        "outlet": "Castrine Herald",
        "published": "2026-03-10",
        "text": "Seventeen people were hurt in the fire on the Marigold, the health office said on "
        "Tuesday. Hale denied that the crew was tired.",
    },
)
VERDICTS = {"supported", "partial", "unsupported", "contradicted", "unchecked"}
SENTENCES = st.sampled_from(
    [
        "Eleven people were injured",
        "About 17 people were hurt in the fire",
        "Some 30 million people were injured",
        "Captain Ines Hale said “the pump failed”",
        "Captain Hale said “the pump exploded at night”",
        "The engine was last overhauled in August 2025",
        "The engine was last overhauled in August 2019",
        "Hale said that the crew was tired",
        "“The pump failed, Hale said",
        "Mayor Tomas Rehn resigned",
        "Nobody was hurt",
        "| injured | 17 |",
        "- 11 people were injured",
        "<img src=http://evil.example/x.png> 17 hurt",
        "![x](http://evil.example/y.png) It burned",
        "NO ANSWER",
        "The articles do not say",
        "١٧ people were hurt",
    ]
)
MARKS = st.sampled_from(
    ["", " [1]", " [2]", " [1][2]", " [2, 1]", " [1] [1]", " [9]", " [0]", " [1-2]", " [１]",
     " [١]",
     " (1)", " [1](http://evil.example)", "[^2]", " [", " [1", " 【2†source】", " [1]" * 200]
)  # fmt: skip
STOPS = st.sampled_from([".", ". ", "!", "?", "\n", ".\n\n", "", " |\n"])


@st.composite
def replies(draw: st.DrawFn) -> str:
    """Sentences with marks before or behind their stops, as models write them."""
    text = draw(st.sampled_from(["", "Answer: ", "<think>17?</think>", "```\n", "# Injured\n"]))
    for _ in range(draw(st.integers(1, 4))):
        said, mark, stop = draw(SENTENCES), draw(MARKS), draw(STOPS)
        text += f"{said}{mark}{stop}" if draw(st.booleans()) else f"{said}{stop}{mark} "
    return text


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("promises")
    lines = folder / "articles.jsonl"
    lines.write_text("\n".join(map(json.dumps, ARTICLES)))
    with Desk(folder / "home") as desk:
        assert desk.add([lines]).added == 2
    return folder / "home"


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def answers(home: Path, minilm: MiniLM, reply: str) -> Iterator[tuple[Answer, list[Statement]]]:
    """The answer under each policy, asked and streamed, with the statements that were streamed."""
    with Desk(home, embedder=minilm, llm=saying(reply)) as desk:
        for policy in ("flag", "strict", "off"):
            *events, last = desk.stream(QUESTION, as_of="2026-03-12", policy=policy)
            assert isinstance(last, Answer)
            yield last, [event for event in events if isinstance(event, Statement)]


@given(reply=replies())
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_a_model_writes_the_promises_hold(home: Path, minilm: MiniLM, reply: str) -> None:
    texts = {article["id"]: article["text"] for article in ARTICLES}
    if not reply.strip():
        return
    for answer, streamed in answers(home, minilm, reply):
        for cited in (*answer.citations, *answer.nearest):  # 1
            text = texts[cited.article_id]
            assert text[cited.start : cited.end] == cited.quote
        numbers = [cited.number for cited in answer.citations]  # 2
        assert numbers == list(range(1, len(numbers) + 1))
        shown = [int(n) for n in re.findall(r"\[(\d+)\]", answer.text)]
        assert list(dict.fromkeys(shown)) == numbers
        assert len({(c.article_id, c.start) for c in answer.citations}) == len(numbers)
        for said in answer.statements:  # 4
            assert answer.text[said.start : said.end] == said.text
            assert said.verdict in VERDICTS
            assert answer.policy != "strict" or said.verdict == "supported"
            assert said.citations or said.verdict == "unsupported"
            if said.verdict == "supported":
                assert holds(said, answer), said
        assert (answer.status == "declined") == bool(answer.reason)  # 5
        assert answer.reason in (None, "no_evidence", "evidence_too_old", "unsupported")
        assert answer.status == "answered" or not answer.citations
        assert answer.text
        assert "evil.example" not in answer.text  # 7
        if answer.status == "answered":  # 3: what was streamed is what is answered
            assert tuple(streamed) == answer.statements


def holds(said: Statement, answer: Answer) -> bool:
    """Whether what it cites states each of its numbers, in any dress, and its quotations."""
    quotes = " ".join(c.quote for c in answer.citations if c.number in said.citations)
    known = {number.value for number in facts(quotes).numbers}
    bare = re.sub(r"\[\d+\]", "", said.text)
    if re.search("reports differ|report has several|figure has changed", bare):
        bare = re.sub(r"\([^)]*\)", "", bare)  # outlet and date of each figure
    numbers = {number.value for number in facts(bare).numbers}
    quoted = re.findall("“([^”]+)”", said.text)
    known |= {2025.0, 2026.0, 1.0}  # a bare 1 may be a stray mark: it is not checked
    return numbers <= known and all(q.strip(",. ") in quotes for q in quoted)
