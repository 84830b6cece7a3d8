"""Whether the words of some sentences carry a statement."""

import time

import numpy as np
import pytest
from byline.index.embed import MiniLM
from byline.qa.verify.align import features, support
from byline.qa.verify.wording import tidy

PAPER = [
    "The council of Port Amsel rejected the harbour plan on Monday.",
    "Mayor Ines Hale, who took office in March, had backed it.",
    "The plan would have cost 25 million crowns and created 400 jobs.",
    "Fishermen did not oppose the new quay, their union said.",
]


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


PAIRS = [
    ("The council rejected the harbour plan.", "The council approved the harbour plan."),
    ("The council rejected the harbour plan.", "The council rejected the fishermen."),
    ("The plan would have cost 25 million crowns.", "The plan would have cost 90 million crowns."),
    ("Mayor Ines Hale took office in March.", "Mayor Ines Hale rejected the plan in March."),
    ("The plan would have created 400 jobs.", "The plan would have created a new museum."),
    ("Ines Hale had backed the plan.", "Otto Brandt had backed the plan."),
    ("Fishermen did not oppose the new quay.", "Fishermen blocked the new quay for weeks."),
]


@pytest.mark.parametrize(("carried", "other"), PAIRS)
def test_a_carried_statement_scores_above_an_altered_one(carried: str, other: str) -> None:
    assert support(carried, PAPER, None) > support(other, PAPER, None)


@pytest.mark.parametrize(("carried", "other"), PAIRS)
def test_a_carried_statement_scores_above_an_altered_one_with_minilm(
    carried: str, other: str, minilm: MiniLM
) -> None:
    assert support(carried, PAPER, minilm) > support(other, PAPER, minilm)


def test_a_sentence_of_the_evidence_is_supported(minilm: MiniLM) -> None:
    for sentence in PAPER:
        assert support(sentence, PAPER, None) >= 0.5
        assert support(sentence, PAPER, minilm) >= 0.5


def test_a_statement_about_something_else_is_not_supported(minilm: MiniLM) -> None:
    other = "Scientists found a comet beyond the orbit of Neptune."
    assert support(other, PAPER, None) < 0.1
    assert support(other, PAPER, minilm) < 0.1


def test_several_sentences_are_carried_when_each_is() -> None:
    false = "Scientists found a comet beyond Neptune."
    alone, both = support(false, PAPER, None), support(f"{PAPER[0]} {false}", PAPER, None)
    assert both == pytest.approx(alone * support(PAPER[0], PAPER, None))


@pytest.mark.parametrize("said", ["", "...", "—"])
def test_nothing_said_is_not_supported(said: str) -> None:
    assert support(said, PAPER, None) == 0.0


def test_no_evidence_supports_nothing() -> None:
    assert support("Rates rose.", [], None) == 0.0
    assert support("Rates rose.", ["***"], None) == 0.0


@pytest.mark.parametrize("said", ["It was.", "Rates", "42", "ß", "no", "مرحبا", "I'm O'Hare's."])
def test_short_statements_have_finite_measures(said: str, minilm: MiniLM) -> None:
    for embedder in (None, minilm):
        for evidence in (PAPER, ["Yes."]):
            (measures,) = features(said, evidence, embedder)
            assert np.isfinite(list(measures.values())).all()
            assert 0.0 <= support(said, evidence, embedder) <= 1.0


def test_every_row_has_the_same_measures_in_the_same_order() -> None:
    orders = [list(row) for said in (*PAPER, "It was.") for row in features(said, PAPER, None)]
    assert all(order == orders[0] for order in orders)


def test_numbers_that_a_tokeniser_took_apart_are_whole_again() -> None:
    apart = ["The plan cost $ 1, 056 in a well - run town, or 98.", "7 per cent of it."]
    assert tidy(apart) == ("The plan cost $1,056 in a well-run town, or 98.7 per cent of it.",)
    assert tidy(["It was 1998.", "7 people came."]) == ("It was 1998.", "7 people came.")


def test_many_repeated_words_are_measured_in_reasonable_time() -> None:
    start = time.perf_counter()
    features("the " * 400 + ".", ["the " * 2000 + "."], None)
    assert time.perf_counter() - start < 5


def test_another_embedder_counts_as_none() -> None:
    class Other:
        name = "other"

        def embed(self, texts: object) -> np.ndarray:
            raise AssertionError

        embed_question = embed

    assert support(PAPER[0], PAPER, Other()) == support(PAPER[0], PAPER, None)  # type: ignore[arg-type]
