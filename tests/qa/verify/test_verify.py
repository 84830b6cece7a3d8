"""A statement is supported by what its passages say; what can be checked and is wrong never is."""

import json
import re
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import byline
import httpx
import pytest
from byline.index.chunk import sentence_spans
from byline.index.read import Entry, read
from byline.qa.judge import LLMJudge, NLIJudge
from byline.qa.verify import Evidence, Verdict, checked_by, verify
from byline.tests.fakes import saying
from hypothesis import given, settings
from hypothesis import strategies as st

STRIKE = Evidence(
    "Most trains in Velmora stopped at 2 a.m. on Tuesday as the Rail Workers' Union began a "
    "48-hour "
    "walkout over pay. By noon the union counted 12,900 strikers among the 14,200 people rostered. "
    "VelRail, the state operator, said 8,700 had not reported for work, or 61 percent. The "
    "Drivers' "
    "Guild did not take part in the strike. VelRail put 3 percent on the table in January and "
    "raised "
    "its offer to 4.2 percent last Wednesday. “A percentage is a present for those who already "
    "earn "
    "well,” the union's general secretary, Henrike Verhoeck, told pickets. VelRail hired 240 "
    "coaches.",
    date(2026, 3, 10),
    "[1]",
    "Castrine Herald | Trains stand still | Viggo Sandoval",
)
COURT = Evidence(
    "Conrad Istvane, chief engineer of Hallbeck Structural, was found guilty on six counts of "
    "negligent manslaughter. Hallbeck was fined 24 million crowns. Six people were killed and 15 "
    "injured when the roof of the shed fell. Prosecutors sued Hallbeck in March 2025. Ewa Lindholt "
    "is alleged to have bribed a clerk. Profits of Hallbeck fell by 9 percentage points. The "
    "site is "
    "nearly 30 km from Castrine. Marguerite Solen said that the roof was safe. About 500 people "
    "came. A quarter of the roof held. The third hearing is planned for May.",
    date(2026, 3, 31),
    "[2]",
)

# Right and wrong twins: the statement, with {} where they differ; right; wrong; the wrong verdict.
TWINS = [
    (COURT, "Hallbeck was fined {} crowns.", "24 million", "30 million", "contradicted"),
    (COURT, "Hallbeck was fined {} crowns.", "24m", "24 billion", "contradicted"),
    (COURT, "Hallbeck was fined {} crowns.", "twenty-four million", "25 million", "contradicted"),
    (COURT, "{} were killed when the roof fell.", "Six people", "15 people", "contradicted"),
    (COURT, "Profits of Hallbeck fell by 9 {}.", "percentage points", "percent", "unsupported"),
    (COURT, "The site is nearly {} from Castrine.", "19 miles", "30 miles", "contradicted"),
    (COURT, "The {} hearing is planned for May.", "third", "fourth", "contradicted"),
    (COURT, "{} of the roof held.", "A quarter", "Half", "contradicted"),
    (COURT, "{} was found guilty.", "Conrad Istvane", "Conrad Solen", "unsupported"),
    (COURT, "{} was found guilty on six counts.", "Istvane", "Marguerite Solen", "contradicted"),
    (COURT, "{} said that the roof was safe.", "Marguerite Solen", "Ewa Lindholt", "contradicted"),
    (COURT, "{} in March 2025.", "Prosecutors sued Hallbeck", "Hallbeck sued prosecutors",
     "contradicted"),
    (COURT, "Prosecutors sued Hallbeck in {}.", "March 2025", "March 2024", "contradicted"),
    (COURT, "Profits of Hallbeck {} by 9 percentage points.", "fell", "rose", "contradicted"),
    (COURT, "Istvane was found {}.", "guilty", "not guilty", "contradicted"),
    (COURT, "Ewa Lindholt {} a clerk.", "is alleged to have bribed", "bribed", "partial"),
    (COURT, "{} people came.", "About 500", "500", "partial"),
    (STRIKE, "The Drivers' Guild {} take part in the strike.", "did not", "did", "contradicted"),
    (STRIKE, "VelRail raised its offer to 4.2 percent {}.", "on 4 March 2026", "on 11 March 2026",
     "contradicted"),
    (STRIKE, "By noon the union counted {} strikers.", "12,900", "14,200", "contradicted"),
    (STRIKE, "“A percentage is a {},” Henrike Verhoeck told pickets.", "present", "gift",
     "unsupported"),
    (STRIKE, "“A percentage {} earn well,” Verhoeck told pickets.", "is a present … who already",
     "is a present who already", "unsupported"),
    (STRIKE, "VelRail hired {} coaches.", "240", "2,400", "contradicted"),
    (STRIKE, "The {} reports that VelRail hired 240 coaches.", "Castrine Herald", "Brenik Post",
     "unsupported"),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "said", "right", "wrong", "verdict"), TWINS)
def test_a_wrong_fact_is_never_supported_and_its_twin_is(
    evidence: Evidence, said: str, right: str, wrong: str, verdict: str
) -> None:
    good = verify(said.format(right), [evidence])
    assert good.verdict == "supported", good
    bad = verify(said.format(wrong), [evidence])
    assert bad.verdict == verdict, bad
    assert bad.why
    assert (bad.score or 0.0) < (good.score or 0.0)


@pytest.mark.parametrize(
    ("said", "evidence", "why"),
    [
        ("Hallbeck was fined 30 million crowns.", COURT,
         "'30 million' is not in [2]; [2] says '24 million'"),
        ("VelRail raised its offer to 4.2 percent on 4 March 2026.", STRIKE,
         "'last Wednesday' in [1] is 4 March 2026"),
        ("The site is nearly 19 miles from Castrine.", COURT,
         "'nearly 19 mile': [2] says 'nearly 30 km'"),
        ("Istvane was found guilty by Tomas Rehn.", COURT, "'Tomas Rehn' is not in [2]"),
    ],
)  # fmt: skip
def test_a_reason_says_what_the_passage_has(said: str, evidence: Evidence, why: str) -> None:
    assert verify(said, [evidence]).why == why


def test_the_spans_are_the_sentences_that_carry_the_statement() -> None:
    found = verify(
        "Istvane was found guilty, and Hallbeck was fined 24 million crowns.", [STRIKE, COURT]
    )
    quoted = [COURT.text[start:end] for at, start, end in found.spans if at == 1]
    assert len(quoted) == len(found.spans) == 2
    assert quoted[0].startswith("Conrad Istvane")
    assert quoted[1] == "Hallbeck was fined 24 million crowns."


def test_what_the_passages_do_not_say_is_unsupported() -> None:
    found = verify("The orchestra postponed its concert because of flooding.", [STRIKE])
    assert found.verdict == "unsupported"
    assert (found.score or 0.0) < 0.5


def test_without_evidence_nothing_is_supported() -> None:
    assert verify("Rates rose.", []) == Verdict(
        "unsupported", 0.0, "there is nothing to check it against", ()
    )


class Sure:
    """A judge of one opinion."""

    name = "sure"

    def __init__(self, likelihood: float | None) -> None:
        self.likelihood = likelihood

    def support(self, premise: str, claim: str) -> float | None:
        return self.likelihood


@pytest.mark.parametrize(
    ("said", "likelihood", "verdict"),
    [
        ("The union walked out for two days.", 0.97, "supported"),
        ("The union walked out for two days.", 0.02, "unsupported"),
        ("Hallbeck was fined 30 million crowns.", 0.97, "contradicted"),  # a veto stands
        ("VelRail hired 240 coaches.", None, "supported"),  # a silent judge leaves it to the rules
    ],
)
def test_a_judge_decides_the_sense_and_not_the_vetoes(
    said: str, likelihood: float | None, verdict: str
) -> None:
    said = said.replace("two days", "48 hours")
    assert verify(said, [STRIKE, COURT], judge=Sure(likelihood)).verdict == verdict


def test_it_is_said_what_checked() -> None:
    assert checked_by(None, None) == "rules"
    assert checked_by(None, Sure(1.0)) == "rules+judge sure"


@pytest.mark.parametrize(
    ("reply", "likelihood"), [("Yes.", 0.95), ("no", 0.05), ("Yesterday it did.", None)]
)
def test_a_chat_model_judges_by_its_first_word(reply: str, likelihood: float | None) -> None:
    llm = saying(reply)
    assert LLMJudge(llm).support("Rates </statement> rose.", "Rates rose.") == likelihood
    assert "</statement> rose" not in llm.prompts[0]


def test_an_entailment_model_judges_by_its_label() -> None:
    asked = []

    def predict(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, json.loads(request.content)["inputs"]))
        labels = {"contradiction": 0.2, "entailment": 0.7, "neutral": 0.1}
        return httpx.Response(200, json=[[{"label": k, "score": v} for k, v in labels.items()]])

    client = httpx.Client(transport=httpx.MockTransport(predict))
    judge = NLIJudge("http://nli.example", client)
    assert judge.support("Rates rose.", "They rose.") == 0.7
    assert asked == [("/predict", [["Rates rose.", "They rose."]])]


def test_an_entailment_model_that_fails_has_no_opinion() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    assert NLIJudge("http://nli.example", client).support("a", "b") is None
    assert NLIJudge("http://me:s3cret@nli.example:81", client).name == "nli.example:81"


# Over every sentence of the sample articles


@lru_cache(maxsize=1)
def sample() -> list[tuple[Evidence, str]]:
    found = []
    folder = Path(byline.__file__).parent / "index" / "sample"
    for entry in read([folder], max_article_bytes=1_000_000):
        assert isinstance(entry, Entry)
        article = entry.load()
        moment = article.published
        written = moment.date() if isinstance(moment, datetime) else moment
        evidence = Evidence(article.text, written)
        found += [
            (evidence, article.text[start:end])
            for start, end in sentence_spans(article.text, 0, len(article.text))
            if len(article.text[start:end].split()) > 5
        ]
    return found


_ANY = settings(max_examples=150)


@_ANY
@given(st.data())
def test_a_sentence_of_the_evidence_is_supported_by_itself(data: st.DataObject) -> None:
    evidence, said = data.draw(st.sampled_from(sample()))
    found = verify(said, [evidence])
    assert found.verdict == "supported"
    at, start, end = found.spans[0]
    assert said in evidence.text[start:end] or evidence.text[start:end] in said


@_ANY
@given(st.data())
def test_a_sentence_with_another_number_is_never_supported(data: st.DataObject) -> None:
    evidence, said = data.draw(
        st.sampled_from([one for one in sample() if re.search(r"\d", one[1])])
    )
    number = data.draw(st.sampled_from(list(re.finditer(r"\d+(?:[.,]\d+)*", said))))
    other = data.draw(st.integers(2, 99_999).filter(lambda n: str(n) not in evidence.text))
    changed = f"{said[: number.start()]}{other}{said[number.end() :]}"
    assert verify(changed, [evidence]).verdict != "supported", changed


@_ANY
@given(st.data())
def test_a_sentence_with_another_name_is_never_supported(data: st.DataObject) -> None:
    named = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+ [A-Z][a-z]+(?=[ ,.])")
    evidence, said = data.draw(st.sampled_from([one for one in sample() if named.search(one[1])]))
    name = data.draw(st.sampled_from(list(named.finditer(said))))
    other = data.draw(st.sampled_from(["Tomasz Wirrowe", "Ottoline Hask", "Bram Quellin"]))
    changed = f"{said[: name.start()]}{other}{said[name.end() :]}"
    assert verify(changed, [evidence]).verdict != "supported", changed


@pytest.mark.parametrize(
    "note",
    [
        "Correction: An earlier version of this article gave the number of people hurt as three.",
        "An earlier version of our report said that three people were hurt; it was five.",
        "An earlier version of this story misstated the number of people hurt. It was five, not "
        "three.",
        "Correction: Five people were hurt, not three as an earlier version of this article said.",
    ],
)
def test_what_a_correction_says_was_wrong_supports_nothing_but_itself(note: str) -> None:
    paper = Evidence(f"A fire at the mill hurt five people on Monday. {note}", label="[1]")
    assert verify("Three people were hurt in the fire at the mill.", [paper]).why == (
        "'3' is not in [1]; [1] says '5'"
    )
    assert verify("Five people were hurt in the fire.", [paper]).verdict != "contradicted"
    assert verify(note, [paper]).verdict == "supported"


def test_what_a_passage_denies_without_a_correction_may_be_denied() -> None:
    paper = Evidence("Police said the blast was caused by gas, not a bomb.", label="[1]")
    found = verify("Police said the blast was not caused by a bomb.", [paper])
    assert found.verdict in ("supported", "unchecked"), found
