"""A thing that stands elsewhere in the passage, of something else, is not supported."""

import json
from datetime import date, datetime
from pathlib import Path

import byline
import pytest
from byline.index.read import Entry, read
from byline.qa.verify import Evidence, verify

PASSAGE = Evidence(
    "The company tax falls to 21.5 per cent in January next year. The sales tax on restaurant "
    "meals goes up to 12 per cent from 9 per cent in September. The first measure costs 540 "
    "million crowns. Pavel Ostrander wanted to leave the rate at 4.5 per cent, while Ines "
    "Halvorsen voted for a cut of half a point. Services inflation eased by 0.3 of a "
    "percentage point. Avel Fund owns 18.4 per cent and the Orrin family, heirs of the "
    "founder, 11.2 per cent. Farmers drove 140 tractors to the gates. Brenik Town have sold "
    "Joaquim Tesar to Ash United for 3 million crowns. The seven-member council met. The "
    "Guild is not on strike, but its chair said that drivers would not move trains. It took "
    "no more than 25 minutes. The share was 19 percent. The paper came out on 2 March and was "
    "withdrawn on 9 April. Six people died and 13 were hurt.",
    date(2026, 3, 18),
    "[1]",
)


@pytest.mark.parametrize(
    "said",
    [
        "The sales tax on restaurant meals goes up to 12 per cent in January next year.",
        "Ines Halvorsen wanted to leave the rate at 4.5 per cent.",
        "Services inflation eased by 0.3 per cent.",
        "Avel Fund owns 11.2 per cent of the works.",
        "Farmers drove 540 tractors to the gates.",
        "Ash United have sold Joaquim Tesar to Brenik Town for 3 million crowns.",
        "The Guild is on strike, but its chair said that drivers would not move trains.",
        "The share was not 19 percent.",
        "It took more than 25 minutes.",
        "Avel Fund owns 11.2 per cent and the Orrin family, heirs of the founder, 18.4 per cent.",
        "Ines Halvorsen wanted to leave the rate at 4.5 per cent, while Pavel Ostrander voted for "
        "a cut of half a point.",
        "The sales tax on restaurant meals goes up to 9 per cent from 12 per cent in September.",
        "The paper came out on 9 April and was withdrawn on 2 March.",
        "13 people died and six were hurt.",
    ],
)
def test_what_is_true_of_another_thing_is_contradicted(said: str) -> None:
    found = verify(said, [PASSAGE])
    assert found.verdict in ("contradicted", "unsupported"), found
    assert found.why


@pytest.mark.parametrize(
    "said",
    [
        "From September, restaurant meals are taxed at 12 per cent.",
        "The sales tax on restaurant meals goes up to 12 per cent.",
        "The company tax falls to 21.5 per cent in January 2027.",
        "Ines Halvorsen voted for a cut of 50 basis points.",
        "The Orrin family owns 11.2 per cent.",
        "All seven members of the council met.",
        "It took no more than 25 minutes to leave.",
        "Joaquim Tesar was sold by Brenik Town to Ash United.",
        "The Orrin family owns 11.2 per cent and Avel Fund 18.4 per cent.",
        "While Ines Halvorsen voted for a cut of half a point, Pavel Ostrander wanted to leave the "
        "rate at 4.5 per cent.",
        "The paper was withdrawn on 9 April; it had come out on 2 March.",
        "13 people were hurt and six died.",
    ],
)
def test_what_is_true_in_other_words_is_not_flagged(said: str) -> None:
    found = verify(said, [PASSAGE])
    assert found.verdict in ("supported", "unchecked"), found


def test_what_one_of_two_reports_says_is_not_contradicted_by_the_other() -> None:
    reports = [
        Evidence("At least four people were killed in the Corran flood on Sunday.", label="[1]"),
        Evidence("Eleven people were killed in the Corran flood, the service said.", label="[2]"),
        Evidence("Ash and Birk voted for the Corran treaty on Monday.", label="[3]"),
    ]
    assert verify("Eleven people were killed in the Corran flood.", reports).verdict == "supported"
    assert verify("Ash voted for the Corran treaty on Monday.", reports).verdict != "contradicted"


def test_of_forty_adversarial_statements_no_wrong_one_passes_and_no_true_one_is_flagged() -> None:
    root = Path(byline.__file__).parent
    articles = {}
    for entry in read([root / "index" / "sample"], max_article_bytes=1_000_000):
        assert isinstance(entry, Entry)
        article = entry.load()
        articles |= {article.id: article, Path(entry.path).name: article}
    for line in (root / "bench" / "labels" / "adversarial.jsonl").read_text().splitlines():
        one = json.loads(line)
        ((name, start, end),) = one["passages"]
        moment = articles[name].published
        written = moment.date() if isinstance(moment, datetime) else moment
        evidence = Evidence(
            articles[name].text[start:end], written, "[1]", articles[name].outlet or ""
        )
        said = one["statement"]
        found = verify(said, [evidence]).verdict
        allowed = {"supported": ("supported", "unchecked")}.get(
            one["label"], ("unchecked", "partial", "unsupported", "contradicted")
        )
        assert found in allowed, said
