"""What a sentence has to do with a question, in numbers."""

from collections.abc import Sequence
from datetime import date
from typing import cast

import numpy as np
import pytest
from byline.index.archive import Archive
from byline.index.article import Article
from byline.qa.describe import FEATURES, Candidate, align, describe, read, stem_set, weigh
from byline.qa.retrieve import Hit

from tests.fakes import Letters

ASKED_ON = date(2026, 4, 6)


class EvenlyRare:
    """An archive in which every word is as rare as any other."""

    def frequencies(self, forms: Sequence[str]) -> tuple[dict[str, int], int]:
        return dict.fromkeys(forms, 1), 100


def features(question: str, said: str, published: date | None = None) -> dict[str, float]:
    article = Article(id="a", text=said, published=published)
    stems = stem_set(said)
    found = Candidate(Hit(article, 0, len(said), said, 1.0), 0, len(said), said, stems, stems, 1)
    wanted = weigh(question, cast(Archive, EvenlyRare()), ASKED_ON)
    asked, heard = read([question, said], Letters())
    describe(found, wanted, float(asked[0] @ heard[0]), align(wanted, asked, heard), 1.0)
    return found.features


def test_every_feature_is_a_finite_number_whatever_is_asked() -> None:
    for question in ("Who resigned?", "😀", "In 2019?", "How many boats sank on 3 March 2026?"):
        found = features(question, "The mayor resigned.", date(2026, 3, 10))
        assert tuple(found) == FEATURES
        assert np.isfinite(list(found.values())).all()


def test_a_word_that_is_said_is_alike() -> None:
    assert features("Which ferry sank?", "The ferry sank.")["alike"] >= 0.9


@pytest.mark.parametrize(
    ("question", "said", "feature"),
    [
        ("When did the ferry sink?", "The ferry sank quickly.", "kind_missing"),
        ("How many boats did it sink?", "Storms took 12 houses.", "unit_missing"),
        ("How many boats sank in 2019?", "In 2021, 12 boats sank.", "year_missing"),
        ("What did Mara Tenholt say?", "“It is done,” he said.", "speaker_missing"),
    ],
)
def test_what_the_question_wants_and_the_sentence_lacks_is_told(
    question: str, said: str, feature: str
) -> None:
    assert features(question, said)[feature] == 1.0


def test_an_article_that_appeared_before_what_is_asked_about_is_too_early() -> None:
    question, said = "How many boats sank on 12 March 2026?", "12 boats sank."
    assert features(question, said, date(2026, 3, 10))["too_early"] == 1.0
    assert features(question, said, date(2026, 3, 13))["too_early"] == 0.0


def test_a_relative_day_is_read_as_the_day_that_it_means() -> None:
    question = "How many boats sank on 10 March 2026?"
    there = features(question, "On Tuesday 12 boats sank.", date(2026, 3, 12))
    assert there["time_missing"] == 0.0
    later = features(question, "Last week 12 boats sank.", date(2027, 3, 30))
    assert later["time_missing"] == 1.0


def test_the_name_that_is_said_least_counts() -> None:
    question = "What links Mara Tenholt with Port Ansel?"
    assert features(question, "Mara Tenholt lives there.")["name_said"] == 0.0
    assert features(question, "Mara Tenholt lives in Port Ansel.")["name_said"] == 1.0
