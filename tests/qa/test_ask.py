"""One ask: a reply that was cut off is told, a judge shares its deadline, who did what is true."""

import time
from typing import Any

import httpx
import pytest
from byline import Answer, Desk
from byline.qa.ask import Means, ask
from byline.qa.budget import Deadline
from byline.qa.judge import LLMJudge, NLIJudge, Sitting
from byline.qa.model import openai_llm
from byline.qa.question import question
from byline.settings import load_settings
from byline.tests.fakes import Cut, Refused, Scripted, Slow, Turn, scripted
from byline.ui.terminal import _ends

QUESTION = "How many workers replaced the cables of the bridge?"
WHOLE = "Petra Hale thanked the 43 workers who had replaced the cables [1]."
UNFINISHED = f"{WHOLE} The bridge was closed for elev"
SUPPORTED = "The 43 workers had replaced the cables of the bridge [1]."


def model_at(endpoint: Scripted) -> Any:
    limits: Any = {"context_window": 4096, "max_tokens": 64, "timeout_seconds": 60.0}
    return openai_llm("scripted", endpoint.address, "key", **limits)


def asked(desk: Desk, *turns: Turn, stream: bool = False, **means: Any) -> Answer:
    with scripted(*turns) as endpoint:
        given = Means(llm=model_at(endpoint), **means)
        *_, last = ask(question(QUESTION), desk.library(), given, stream=stream)
    assert isinstance(last, Answer)
    return last


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """No attempt waits for long."""
    monkeypatch.setattr("byline.index.endpoints._FIRST_WAIT", 0.01)


@pytest.mark.parametrize(
    ("stream", "finish"),
    [(False, "length"), (True, "length"), (True, None), (False, "content_filter")],
)
def test_a_reply_that_was_cut_off_loses_its_unfinished_sentence_and_says_so(
    desk: Desk, stream: bool, finish: str | None
) -> None:
    found = asked(desk, Cut(UNFINISHED, finish), stream=stream)
    assert "elev" not in found.text
    assert [statement.text for statement in found.statements] == [WHOLE]
    assert any("cut off" in note for note in found.notes)


@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_reply_keeps_its_last_sentence_though_it_has_no_full_stop(
    desk: Desk, stream: bool
) -> None:
    found = asked(desk, WHOLE.replace(" [1].", " [1]"), stream=stream)
    assert len(found.statements) == 1
    assert not any("cut off" in note for note in found.notes)


def test_a_reply_that_goes_on_for_ever_is_still_the_model_s(desk: Desk) -> None:
    found = asked(desk, f"{WHOLE} {'x' * 50} " * 600, stream=True, repair=True)
    assert found.model == "scripted"
    assert any("cut off" in note for note in found.notes)


# Turns


def test_while_another_ask_has_no_word_yet_tokens_go_on_and_statements_come_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byline.qa.turns._PATIENCE_SECONDS", 0.05)
    text = f"{SUPPORTED} {WHOLE} It was repaired in the spring of that year [1]."
    library = desk.library()
    with scripted(Slow(text, 0.05)) as endpoint:  # words that come together are one piece

        def kinds() -> tuple[list[str], tuple[Any, ...]]:
            means = Means(llm=model_at(endpoint))
            events = list(ask(question(QUESTION), library, means, stream=True))
            assert isinstance(events[-1], Answer)
            return [type(event).__name__ for event in events], events[-1].statements

        alone, statements = kinds()
        with library.turns.early():
            waiting, the_same = kinds()
    assert alone.index("Statement") < len(alone) - 1 - alone[::-1].index("str")
    assert waiting.index("Statement") > len(waiting) - 1 - waiting[::-1].index("str")
    assert statements == the_same
    assert alone.count("Statement") == waiting.count("Statement")


def test_a_judge_s_checks_hold_up_nobody(desk: Desk) -> None:
    library = desk.library()
    with scripted(WHOLE) as endpoint, library.turns.late():
        began = time.monotonic()
        means = Means(llm=model_at(endpoint), judge=LLMJudge(model_at(endpoint)))
        list(ask(question(QUESTION), library, means, stream=True))
        assert time.monotonic() - began < 10
        assert not library.turns.is_free


# Judges


def judged(desk: Desk, judge: Any, **means: Any) -> Answer:
    return asked(desk, SUPPORTED, judge=judge, **means)


def test_a_judge_is_asked_again_where_it_may_pass(desk: Desk) -> None:
    with scripted(Refused(503), Refused(429), "yes") as endpoint:
        found = judged(desk, LLMJudge(model_at(endpoint)))
    assert len(endpoint.requests) == 3
    assert found.checked_by == "rules+judge scripted"
    assert not any("judge" in note for note in found.notes)


@pytest.mark.parametrize("turn", [Refused(503), Refused(400), "perhaps"])
def test_a_judge_that_gives_nothing_is_not_named_as_who_checked(desk: Desk, turn: Turn) -> None:
    with scripted(turn) as endpoint:
        found = judged(desk, LLMJudge(model_at(endpoint)))
    assert found.checked_by == "rules+minilm"
    assert "1 × the judge scripted gave nothing: the rules alone checked" in found.notes
    assert found.statements[0].verdict in ("supported", "unchecked")


def test_a_judge_shares_the_deadline_of_the_ask(desk: Desk) -> None:
    with scripted(Slow("yes it does " * 10, 1.0)) as endpoint:
        began = time.monotonic()
        found = judged(desk, LLMJudge(model_at(endpoint)), seconds=2.0)
    assert time.monotonic() - began < 10
    assert found.checked_by == "rules+minilm"


def test_an_entailment_model_is_asked_again_and_within_the_deadline() -> None:
    turns = iter([503, 200])
    limits = []

    def predict(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        scores = [[{"label": "entailment", "score": 0.8}]]
        return httpx.Response(next(turns), json=scores)

    judge = NLIJudge("http://nli.example", httpx.Client(transport=httpx.MockTransport(predict)))
    assert judge.within(Deadline(5)).support("a", "b") == 0.8
    assert len(limits) == 2
    assert max(limits) <= 5


class Moody:
    """A judge that is silent at some of its turns."""

    name = "moody"

    def __init__(self, *turns: float | None) -> None:
        self.turns = list(turns)

    def support(self, premise: str, claim: str) -> float | None:
        return self.turns.pop(0)


def test_a_judge_that_was_silent_twice_is_left_alone() -> None:
    sitting = Sitting(Moody(None, 0.9, None, None, 0.9), Deadline(5))
    found = [sitting.support("a", "b") for _ in range(6)]
    assert found == [None, 0.9, None, None, None, None]
    assert (sitting.given, sitting.silent) == (1, 5)


def test_a_desk_closes_the_clients_that_it_opened() -> None:
    made = []
    with scripted("yes") as endpoint:
        for judge in ("scripted-judge", "nli:http://127.0.0.1:9"):
            given = {"llm": "scripted", "llm_base_url": endpoint.address, "judge": judge}
            given |= {"judge_base_url": endpoint.address, "llm_api_key": "k", "judge_api_key": "k"}
            with Desk(settings=load_settings(**given)) as desk:
                llm: Any = desk.llm
                llm.complete("Hello.")
                found: Any = desk._models.judge()
                found.support("a", "b") if judge != "nli:http://127.0.0.1:9" else None
                made += [llm._client, getattr(found, "_client", None) or found._llm._client]
            assert desk.llm is not llm  # a closed one is not used again
    assert all(getattr(client, "is_closed", False) is True or client.is_closed() for client in made)


def test_a_desk_leaves_a_model_open_that_it_was_given() -> None:
    with scripted("yes") as endpoint:
        llm = model_at(endpoint)
        llm.complete("Hello.")
        with Desk(llm=llm) as desk:
            assert desk.llm is llm
        assert not llm._client.is_closed()


# Who wrote it


@pytest.mark.parametrize(
    ("style", "reply", "said"),
    [("quotes", '{"sentences": [1]}', "chosen by scripted"), ("sentences", WHOLE, "written by")],
)
def test_who_only_chose_did_not_write(desk: Desk, style: str, reply: str, said: str) -> None:
    found = asked(desk, reply, style=style)
    assert found.style == style
    assert any(end.startswith(said) for end in _ends(found))


def test_without_a_model_the_style_is_quotes(desk: Desk) -> None:
    assert desk.ask(QUESTION).style == "quotes"
