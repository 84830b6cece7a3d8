"""Reports of two made-up runs over the same thirty cases, in files and in a real browser."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from byline.evals import report
from byline.evals.case import Case, Filters, Position, Tolerance, Turn
from byline.evals.metrics import METRICS, Metric, Seen
from byline.evals.record import Record, Run
from byline.evals.response import Cited, Noticed, Passage, Response, Said, Spent
from playwright.sync_api import Browser, Page, expect

PAYLOAD = (
    '<img src=x onerror="window.pwned=1"> ${window.pwned=1} {{window.pwned=1}} $\\frac{1}$ '
    "</script><script>window.pwned=1</script></style> ![x](http://tracker.invalid/x.png) "
    "[x](javascript:window.pwned=1) |"
)
HOSTILE_ID = 'it\'s "quoted" <b>/é #1'
LICENCE = "The licensing office gave Skerrow Wind a licence for 48 turbines on Gannet Bank."
SUIT = "Fishermen asked a court to annul the licence that Skerrow Wind got for 48 turbines."
WEATHER = "The weather over the islands was calm, and the harbour was full of flags. " * 9
KINDS = ("right", "right", "wrong", "partly", "declined", "failed", "rightly declined", "answered")


def case(number: int, kind: str) -> Case:
    """One of the cases; every eighth is hostile in whatever it says."""
    if kind in ("rightly declined", "answered"):
        return Case(
            id=f"b{number:02}",
            question=f"What did the opera house in Castrine cost in {1990 + number}?",
            answerable=False,
            reason="no_evidence",
            tags=("unsupported premise",),
        )
    hostile = number % 8 == 1
    return Case(
        id=HOSTILE_ID if number == 1 else f"a{number:02}",
        question=f"How many turbines may Skerrow Wind build?{f' {PAYLOAD}' if hostile else ''}",
        as_of="2026-03-08",
        filters=Filters(since="2026-03-01", outlets=("The Ledger",)) if number % 3 else Filters(),
        answers=(("48", "forty-eight"), "Gannet Bank"),
        need="all" if number % 2 else "any",
        tolerance=Tolerance(number=0.05) if number % 5 == 0 else Tolerance(),
        relevant=("licence",),
        evidence=("a licence for 48 turbines on Gannet Bank",),
        must_not_say=("84",),
        disagreement=(Position(("48",), ("licence",)), Position(("36",), ("suit",)))
        if number % 7 == 0
        else (),
        turns=(Turn("Who builds wind farms?", "Skerrow Wind."),) if number % 6 == 0 else (),
        tags=(PAYLOAD if hostile else "number", *(["follow-up"] if number % 6 == 0 else [])),
        note=PAYLOAD if hostile else None,
    )


def hits(hostile: bool) -> tuple[Passage, ...]:
    """Twelve passages, of which the second has the evidence."""
    said = (WEATHER, f"{WEATHER}\n\n{LICENCE} Work begins in May.", f"{SUIT} {PAYLOAD}")
    names = ("weather", "licence", "suit")
    return tuple(
        Passage(
            text=said[at % 3],
            article_id=names[at % 3] if at < 3 else f"other-{at}",
            outlet=f"Bay News {PAYLOAD}" if hostile else "The Ledger",
            title="Smaller wind farm licensed",
            published="2026-03-05T18:52:00Z",
            url="javascript:window.pwned=1" if hostile else "https://ledger.example/wind",
            score=1 / (at + 1),
        )
        for at in range(12)
    )


def answered(number: int, text: str, verdict: str) -> Response:
    """An answer of two sentences, the second of which cites what is not there."""
    hostile = number % 8 == 1
    first, second = f"{text} [1].", "Work begins in May [3]."
    if hostile:
        second = f"{PAYLOAD} [3]."
    cited = Cited(
        number=1,
        article_id="licence",
        outlet=PAYLOAD if hostile else "The Ledger",
        title="Smaller wind farm licensed",
        published="2026-03-05T18:52:00Z",
        url="javascript:window.pwned=1" if hostile else "https://ledger.example/wind",
        link=None if hostile else "https://ledger.example/wind#:~:text=a%20licence",
        start=690,
        end=690 + len(LICENCE),
        quote=f"{LICENCE}{PAYLOAD if hostile else ''}",
        notice=Noticed("correction", "An earlier version gave the wrong month.", "2026-03-06"),
    )
    return Response(
        text=f"{first} {second}",
        status="answered",
        statements=(
            Said(first, 0, len(first), (1,), verdict, 0.9, "it says so word for word"),
            Said(second, len(first) + 1, len(first) + 1 + len(second), (3,), "unchecked"),
        ),
        citations=(cited, replace(cited, number=2, quote=SUIT, article_id="suit", notice=None)),
        model="gpt-news-1",
        usage=Spent(1840 + number, 64, 0.00042, 2),
        timings={"total": 0.6 + (number * 37 % 23) / 7, "first_token": 0.2 + number / 90},
        confidence=round(0.35 + (number * 53 % 61) / 100, 2),
        hits=hits(hostile),
        handed=5,
    )


def response(number: int, kind: str) -> Response:
    """What a system gives that does with the case what its kind says."""
    if kind == "failed":
        return Response(error=f"The endpoint gave no reply within 30 seconds. {PAYLOAD}")
    if kind in ("declined", "rightly declined"):
        return Response(
            text="The articles do not answer this.",
            status="declined",
            reason="no_evidence",
            citations=(),
            nearest=(Cited(1, "weather", outlet="The Ledger", quote=WEATHER[:73]),),
            timings={"total": 0.4},
            hits=hits(False),
            handed=5,
        )
    said = {
        "right": ("Skerrow Wind may build 48 turbines on Gannet Bank", "supported"),
        "partly": ("Skerrow Wind may build forty-eight turbines", "partial"),
        "wrong": ("Skerrow Wind may build 84 turbines", "contradicted"),
        "answered": ("The opera house cost 84 million crowns", "unsupported"),
    }[kind]
    return answered(number, *said)


GRADE = {"rightly declined": "declined", "answered": "wrong"}


def record(number: int, kind: str, tested: Case, **changed: Any) -> Record:
    grade = GRADE.get(kind, kind)
    given = response(number, kind)
    is_answered = grade in ("right", "partly", "wrong")
    found = {"accuracy": float(grade == "right"), "failed": float(grade == "failed")}
    if is_answered:
        found |= {"precision": float(grade == "right"), "total_seconds": given.timings["total"]}
    if given.hits is not None and tested.answerable:
        found |= {"hit@1": 0.0, "hit@3": 1.0, "recall@1": 0.0, "recall@3": 1.0}
    judged = {"faithful": {"verdict": "yes", "reasoning": PAYLOAD}} if grade == "right" else {}
    return replace(Record(tested.id, 0, given, grade, found, judged), **changed)


def made(label: str, shift: int, cases: int = 30) -> Run:
    """A run of a system; another shift, and other cases come out wrong."""
    asked = [case(number, KINDS[number % len(KINDS)]) for number in range(cases)]
    records = []
    for number, tested in enumerate(asked):
        kind = KINDS[number % len(KINDS)]
        if tested.answerable and number % 3 == 0:
            kind = KINDS[(number + shift) % 5]
        records.append(record(number, kind, tested, cached=number % 10 == 4))
    manifest = {
        "name": label.lower(),
        "system": label,
        "about": {
            "settings": {"top_k": 10, "hybrid": True, "outlets": ["The Ledger", PAYLOAD]},
            "model": "gpt-news-1",
            "prompt_versions": ["answer 4f2a", "question 09bc"],
            "index": {"name": "news", "generation": 3, "embedder": "minilm-int8"},
        },
        "spec": "byline",
        "command": "byline eval run 'news cases.jsonl' --system byline",
        "cases_sha256": "9f" * 32,
        "cases": cases,
        "repeats": 1,
        "started": "2026-11-24T14:02:11+00:00",
        "seconds": 71.4,
        "version": "0.1.0",
        "commit": "f142496",
        "python": "3.11.2",
        "workers": 2,
    }
    return Run(Path("eval-runs") / label.lower(), manifest, tuple(asked), tuple(records))


def a_metric(name: str, unit: Any = "share", better: Any = "higher", **said: Any) -> Metric:
    def score(seen: Seen) -> float | None:
        """Says something about an answer."""
        raise AssertionError("a report scores nothing")

    about = {"family": "answers", "source": "Doe 2020", "statistic": "mean"} | said
    return Metric(name, score=score, unit=unit, better=better, **about)


@pytest.fixture(autouse=True, scope="module")
def metrics() -> Iterator[None]:
    """A few metrics in the place of the real ones; `quote_fidelity` can never be told."""
    real = dict(METRICS)
    METRICS.clear()
    for name in ("precision", "accuracy", "quote_fidelity"):
        METRICS[name] = a_metric(name)
    METRICS["failed"] = a_metric("failed", better="lower")
    METRICS["total_seconds"] = a_metric("total_seconds", "seconds", "lower", family="cost")
    for name in ("hit@1", "hit@3", "recall@1", "recall@3"):
        METRICS[name] = a_metric(name, family="retrieval")
    yield
    METRICS.clear()
    METRICS.update(real)


@pytest.fixture(scope="module")
def alone(hybrid: Run) -> str:
    """The page of one run."""
    return report.html([hybrid])


@pytest.fixture(scope="module")
def pair(hybrid: Run, dense: Run) -> str:
    """The page of two runs."""
    return report.html([hybrid, dense])


@pytest.fixture(scope="module")
def hybrid() -> Run:
    return made("Hybrid", 0)


@pytest.fixture(scope="module")
def dense() -> Run:
    return made("Dense", 3)


def of(*records: Record, cases: tuple[Case, ...] = (), **manifest: Any) -> Run:
    """A run of just these records, each of a case of its own."""
    asked = cases or tuple(Case(r.case, f"What about {r.case}?", answers=("48",)) for r in records)
    return Run(Path("eval-runs/small"), manifest, asked, records)


def gave(grade: str, case: str = "one", **given: Any) -> Record:
    changed = {name: given.pop(name) for name in ("repeat", "judged", "cached") if name in given}
    text = {"text": "There are 48."} if grade not in ("failed", "declined") else {}
    error = {"error": "It broke."} if grade == "failed" else {}
    return replace(Record(case, 0, Response(**(text | error | given)), grade), **changed)


class Elements(HTMLParser):
    """The elements of a page, and the text of each by its class."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, name: str, tag: str | None = None) -> list[str]:
        return [a[name] for found, a in self.tags if name in a and tag in (None, found)]


def plain(page: str) -> str:
    """A page without its tags, in one line."""
    body = re.sub(r"<(style|script|svg).*?</\1>", " ", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


# The page


def test_a_page_needs_nothing_from_outside(pair: str) -> None:
    elements = Elements(pair)
    assert {"link", "img", "iframe", "object", "base"}.isdisjoint(tag for tag, _ in elements.tags)
    assert elements.values("src") == []
    assert not re.search(r"@import|url\((?!#)", pair)
    policy = next(a for tag, a in elements.tags if a.get("http-equiv"))["content"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_hostile_text_makes_no_element_and_no_handler(hybrid: Run, dense: Run) -> None:
    hostile = replace(hybrid, manifest=hybrid.manifest | {"system": PAYLOAD, "name": PAYLOAD})
    page = report.html([hostile, dense])
    elements = Elements(page)
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert not [name for _, attributes in elements.tags for name in attributes if name[:2] == "on"]
    assert "&lt;img src=x onerror=" in page
    links = elements.values("href", "a")
    assert all(link.startswith(("#", "https://ledger.example/")) for link in links)


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://a.example/x", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example/x", False),
        ("https://a.example/ x", False),
    ],
)
def test_only_http_addresses_become_links(url: str, is_link: bool) -> None:
    page = report.html([of(gave("right", citations=(Cited(1, url=url),)))])
    assert ("Read the original" in page) is is_link


def test_the_result_is_said_in_a_sentence(alone: str) -> None:
    said = (
        "Of 24 answerable questions 16 were answered: 7 rightly, 4 in part, 5 wrongly; "
        "5 declined, 3 failed without any answer. "
        "Of 6 questions that the articles do not answer 3 were rightly declined."
    )
    assert said in plain(alone)


def fine(count: int = 30) -> tuple[Record, ...]:
    return tuple(gave("right", f"c{number}") for number in range(count))


@pytest.mark.parametrize(
    ("record", "warning"),
    [
        (gave("failed", "c30"), "1 question failed: there is no answer at all."),
        (gave("right", "c30", judged={"faithful": {"verdict": None}}), "1 judge call gave no"),
        (gave("right", "c30", cached=True), "1 answer came from an earlier run: their times"),
        (gave("unjudged", "c30"), "1 answer could not be judged: no answer is known."),
    ],
)
def test_what_a_reader_must_know_stands_first(record: Record, warning: str) -> None:
    page = plain(report.html([of(*fine(), record)]))
    assert warning in page
    assert page.index(warning) < page.index("answerable questions")


def test_runs_that_are_not_complete_or_small_say_so() -> None:
    page = report.html([of(*fine(29), repeats=2)])
    assert "The run is not complete: 29 of 58 answers." in page
    assert "With 29 cases the intervals are wide" in page


def test_a_run_without_trouble_has_no_warning() -> None:
    assert 'class="warning' not in report.html([of(*fine())])


def test_other_cases_for_another_system_are_warned_of() -> None:
    page = report.html([of(*fine(30)), of(*fine(31))])
    assert "The systems were not asked the same cases" in page
    assert "This system was not asked." in page


def test_outcomes_of_each_system_are_counted(pair: str) -> None:
    page = plain(pair)
    assert "A Hybrid 30 19 7 4 8 8 3 B Dense 30 20 9 3 8 7 3" in page


def test_a_metric_that_could_not_be_scored_is_no_zero(alone: str) -> None:
    rows = re.findall(r"<tr><th scope=.row.>Quote fidelity.*?</tr>", alone, re.S)
    assert [plain(row) for row in rows] == [
        "Quote fidelity not scored Says something about an answer.",
        "Quote fidelity not scored 0 30 Says something about an answer. Higher is better. Doe 2020",
    ]


def test_names_of_metrics_and_tags_read_as_words() -> None:
    page = plain(report.html([of(*fine(), cases=tuple(tagged_case(n) for n in range(30)))]))
    assert "Hit at 1" in page
    assert "Relative date 30" in page
    assert not re.search("hit@1|relative_date", page)


def tagged_case(number: int) -> Case:
    return Case(f"c{number}", "How many?", answers=("48",), tags=("relative_date",))


def test_a_value_stands_with_its_interval(alone: str) -> None:
    assert "23 % 12 to 41 % 30 0" in plain(alone)  # accuracy: 7 of 30, Wilson


def test_each_tag_has_its_outcomes(alone: str) -> None:
    page = plain(alone)
    assert "Unsupported premise 6 0 0 3 3 0 0 % 0 to 56 % 0 % 0 to 39 %" in page


def test_a_repeated_case_shows_every_time() -> None:
    run = of(gave("right"), gave("wrong", repeat=1), cases=(Case("one", "How many?"),), repeats=2)
    page = report.html([run])
    assert "time 1" in page
    assert "time 2" in page
    assert "(each asked 2 times)" in page


def test_systems_of_one_name_are_told_apart_by_their_runs() -> None:
    runs = [of(*fine(), system="Byline", name=name) for name in ("first", "second")]
    page = plain(report.html(runs))
    assert "A Byline (first)" in page
    assert "B Byline (second)" in page


# Charts


def test_charts_are_pictures_that_are_told_in_words(alone: str) -> None:
    told = [a["aria-label"] for _, a in Elements(alone).tags if a.get("role") == "img"]
    assert [label.partition(".")[0] for label in told] == [
        "What became of the questions",
        "What the citations carry",
        "Hit rate of retrieval by depth",
        "Recall of retrieval by depth",
        "Risk over coverage",
        "Time to answer",
    ]
    assert told[0].endswith(". 7 right, 4 partly, 8 wrong, 8 declined, 3 failed.")


def test_no_two_things_of_a_page_have_the_same_id(pair: str) -> None:
    ids = Elements(pair).values("id")
    assert len(ids) == len(set(ids))


def test_a_page_is_the_same_every_time(hybrid: Run, alone: str) -> None:
    assert report.html([hybrid]) == alone


def sure(*, right: int, wrong: int) -> tuple[Record, ...]:
    """Records of which the right ones are the surest."""
    return tuple(
        gave("right" if at < right else "wrong", f"c{at}", confidence=1 - at / 100)
        for at in range(right + wrong)
    )


def test_a_system_keeps_its_colour_where_another_has_nothing_to_draw() -> None:
    page = report.html([of(*fine()), of(*sure(right=30, wrong=0))])
    curve = re.search(r'<svg[^>]*aria-label="Risk.*?</svg>', page, re.S)
    assert curve
    assert '<g class="s2">' in curve[0]
    assert '<g class="s1">' not in curve[0]


def test_confidence_is_told_by_its_area_and_by_what_it_answers_at_little_risk() -> None:
    page = report.html([of(*sure(right=24, wrong=6), system="Sure")])
    assert "Sure: the area under the curve is 0.025, where 0 is the best." in page
    assert "With a risk of at most 5 %, 83 % of the questions can be answered." in page  # 1 of 25


def test_why_questions_were_declined_is_counted(alone: str) -> None:
    assert "Reason The articles answer it They do not No evidence 5 3" in plain(alone)


def test_answers_without_confidence_have_no_curve_and_it_is_said() -> None:
    page = report.html([of(*fine(), system="Plain")])
    assert "Plain: no curve, as not all its answers have a confidence." in page


def test_times_of_an_earlier_run_are_not_drawn() -> None:
    fresh = gave("right", "a", timings={"total": 1.0})
    old = [gave("right", f"b{at}", timings={"total": 90.0}, cached=True) for at in range(5)]
    assert "Time to answer. half are there after 1 seconds." in report.html([of(fresh, *old)])


@pytest.mark.parametrize("seconds", [(0.0,), (1.5,), (10.5, 10.9), (0.02, 4.0), (0.0, 90.0)])
def test_times_are_drawn_whatever_they_are(seconds: tuple[float, ...]) -> None:
    given = [gave("right", f"c{at}", timings={"total": s}) for at, s in enumerate(seconds)]
    page = report.html([of(*given)])
    drawn = re.search(r'<svg[^>]*aria-label="Time.*?</svg>', page, re.S)
    assert drawn
    places = re.findall(r'<polyline[^>]*points="([^"]+)"', drawn[0])[0].replace(",", " ").split()
    assert all(0 <= float(place) <= 400 for place in places)
    assert len(re.findall('class="middle"', drawn[0])) >= 3  # the marks, and what they are


# Cases


def marked(page: str, kind: str) -> list[str]:
    shown = page.partition('id="list"')[2]
    return re.findall(rf'<mark class="[^"]*\b{kind}\b[^"]*">(.*?)</mark>', shown, re.S)


def shown(tested: Case, **given: Any) -> str:
    return report.html([of(gave("right", **given), cases=(replace(tested, id="one"),))])


@pytest.mark.parametrize(
    ("kind", "wanted", "text", "found"),
    [
        ("expected", "48", "There are 48, not 1948 or 480.", "48"),
        ("expected", "forty-eight", "There are Forty-Eight.", "Forty-Eight"),
        ("meant", "$25m", "Twenty-five million dollars.", "Twenty-five million dollars."),
        ("forbidden", "48", "There are 84.", "84"),
    ],
)
def test_what_an_answer_should_and_should_not_say_is_marked(
    kind: str, wanted: str, text: str, found: str
) -> None:
    tested = Case("one", "How many?", answers=(wanted,), must_not_say=("84",))
    assert marked(shown(tested, text=text), kind) == [found]


def test_evidence_is_marked_in_passages_whatever_the_white_space() -> None:
    tested = Case("one", "How many?", evidence=("a licence for 48 turbines",))
    passage = Passage("He gave\na licence  for 48\nturbines & left.")
    assert marked(shown(tested, hits=(passage,)), "evidence") == ["a licence  for 48\nturbines"]


def test_marks_do_not_open_a_way_into_the_page() -> None:
    tested = Case("one", "What?", answers=("<b>48</b>",), evidence=("<i>so</i>",))
    page = shown(tested, text="It is <b>48</b>.", hits=(Passage("Just <i>so</i>."),))
    assert marked(page, "expected") == ["&lt;b&gt;48&lt;/b&gt;"]
    assert marked(page, "evidence") == ["&lt;i&gt;so&lt;/i&gt;"]


def test_passages_tell_which_were_handed_on_and_which_are_relevant(hybrid: Run) -> None:
    page = plain(shown(hybrid.cases[0], hits=hits(False), handed=2))
    assert "12 passages found, 2 handed on for the answer, evidence at rank 2, 5, 8, 11" in page
    assert page.count("handed on ") == 1 + 2
    assert page.count("relevant article ") == 1
    assert "1 further passage not shown." in page


def test_a_number_without_a_citation_is_told_from_one_with_it() -> None:
    page = shown(Case("one", "What?"), text="So [1]. And [7].", citations=(Cited(1),))
    assert 'aria-label="source 1">1</a>' in page
    assert '<span class="chip dangling" title="there is no such citation">7</span>' in page


def test_a_failure_shows_its_error_and_no_answer() -> None:
    page = report.html([of(gave("failed"))])
    assert '<span dir="auto">It broke.</span>' in page
    assert 'class="answer"' not in page


def test_a_verdict_that_a_judge_did_not_give_is_not_scored() -> None:
    page = plain(shown(Case("one", "What?")).replace("\n", " "))
    assert "Judge on" not in page
    run = of(gave("right", judged={"faithful": {"verdict": None, "reason_unscored": "timeout"}}))
    assert "Judge on faithful: no verdict: not scored timeout" in plain(report.html([run]))


def test_a_case_that_was_rightly_declined_is_told_from_one_that_was_not() -> None:
    asked = tuple(Case(name, "What?", answerable=name == "one") for name in ("one", "two"))
    page = report.html([of(gave("declined", "one"), gave("declined", "two"), cases=asked)])
    assert page.count('<span class="grade declined">declined</span>') == 2  # in list and heading
    assert page.count('<span class="grade right">rightly declined</span>') == 2


def test_how_to_repeat_a_run_is_said(alone: str) -> None:
    page = plain(alone)
    command = "byline eval run &#39;news cases.jsonl&#39; --system byline"
    for said in (command, "answer 4f2a, question 09bc", "settings: top k 10", "f142496", "9f" * 32):
        assert said in page


def test_a_manifest_with_nothing_in_it_is_no_obstacle() -> None:
    page = report.html([of(gave("right"))])
    assert "The run does not say how it was made." in page


# Files


def test_every_format_is_written(hybrid: Run, tmp_path: Path) -> None:
    written = report.write([hybrid], tmp_path / "new", report.FORMATS)
    assert [path.name for path in written] == [
        "report.html",
        "report.md",
        "report.json",
        "junit.xml",
    ]
    assert all(path.stat().st_size for path in written)


def test_each_run_has_its_own_junit_file(hybrid: Run, dense: Run, tmp_path: Path) -> None:
    written = report.write([hybrid, dense], tmp_path, ["junit"])
    assert [path.name for path in written] == ["junit-a.xml", "junit-b.xml"]


def test_an_unknown_format_is_refused_before_anything_is_written(
    hybrid: Run, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no format 'pdf': choose of html, markdown, json, junit"):
        report.write([hybrid], tmp_path / "new", ["html", "pdf"])
    assert not (tmp_path / "new").exists()


def test_half_a_character_does_not_stop_a_report(tmp_path: Path) -> None:
    run = of(gave("wrong", text="half \ud83d of it \x00"))
    written = report.write([run], tmp_path, report.FORMATS)
    assert all("half" in path.read_text("utf-8") for path in written)


# Markdown


def test_markdown_keeps_hostile_text_in_its_cell(hybrid: Run, dense: Run) -> None:
    text = report.markdown([hybrid, dense])
    assert "<img" not in text
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\[x(?<!\\)\]", text)
    tables = re.findall(r"(?:^\|.*\|$\n?)+", text, re.M)
    assert len(tables) == 5
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_markdown_has_the_headline_with_intervals(hybrid: Run) -> None:
    text = report.markdown([hybrid])
    assert "| Hybrid | 30 | 19 | 7 | 4 | 8 | 8 | 3 |" in text
    assert "| Accuracy | 23 % (12 to 41 %), n = 30 |" in text
    assert "| Quote fidelity | not scored |" in text


def test_markdown_of_many_failures_shows_the_first_and_counts_the_rest() -> None:
    records = [gave("wrong", f"c{number}", text="No. " * 900) for number in range(500)]
    text = report.markdown([of(*records)])
    assert "not right (the first 20 of 500)" in text
    assert len(text) < 20_000


# JSON


def test_json_has_estimates_and_every_case(hybrid: Run) -> None:
    (run,) = json.loads(json.dumps(report.to_json([hybrid])))["runs"]
    assert run["label"] == "Hybrid"
    assert run["complete"] is True
    assert run["grades"] == {"right": 7, "partly": 4, "wrong": 8, "declined": 8, "failed": 3}
    assert run["metrics"]["precision"]["scored"] == 19
    assert run["metrics"]["precision"]["unscored"] == 11
    assert run["tags"]["unanswerable"]["grades"] == {"declined": 3, "wrong": 3}
    assert len(run["cases"]) == 30
    assert run["cases"][2]["records"][0]["grade"] == "wrong"
    assert run["cases"][2]["records"][0]["scores"]["precision"] == 0.0


def test_json_says_null_of_what_could_not_be_scored(hybrid: Run) -> None:
    (run,) = report.to_json([hybrid])["runs"]
    found = run["metrics"]["quote_fidelity"]
    assert (found["value"], found["low"], found["scored"], found["unscored"]) == (None, None, 0, 30)


# JUnit


@pytest.mark.parametrize(
    ("grade", "answerable", "found"),
    [
        ("right", True, []),
        ("partly", True, [("failure", "partly")]),
        ("wrong", True, [("failure", "wrong")]),
        ("declined", True, [("failure", "declined")]),
        ("declined", False, []),
        ("wrong", False, [("failure", "wrong")]),
        ("failed", True, [("error", "failed")]),
        ("failed", False, [("error", "failed")]),
        ("unjudged", True, [("skipped", "unjudged")]),
    ],
)
def test_junit_passes_what_came_out_as_it_should(
    grade: str, answerable: bool, found: list[tuple[str, str]]
) -> None:
    tested = Case("one", "How many?", answerable=answerable)
    suite = ET.fromstring(report.junit(of(gave(grade), cases=(tested,))))
    (test,) = suite.findall("testcase")
    assert [(element.tag, element.get("type")) for element in test] == found
    counted = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    assert {name: suite.get(name) for name in counted.values()} == {
        attribute: str(sum(element == one for one, _ in found))
        for element, attribute in counted.items()
    }


def test_junit_says_what_was_expected_and_what_was_answered() -> None:
    tested = Case("one", "How many?", answers=(("48", "forty-eight"), "steel"), need="all")
    text = report.junit(of(gave("wrong", text="Nine <of> them."), cases=(tested,)))
    failure = ET.fromstring(text).find("testcase/failure")
    assert failure is not None
    assert failure.text == "Expected: 48 or forty-eight; and steel. Answered: Nine <of> them."


def test_junit_of_a_case_that_was_not_run_is_an_error() -> None:
    run = of(gave("right"), cases=(Case("one", "How many?"), Case("two", "Who?")))
    suite = ET.fromstring(report.junit(run))
    assert [error.get("type") for error in suite.findall("testcase/error")] == ["not run"]


def test_junit_of_a_repeated_case_fails_when_one_time_fails() -> None:
    run = of(gave("right"), gave("wrong", repeat=1), cases=(Case("one", "How many?"),), repeats=2)
    suite = ET.fromstring(report.junit(run))
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_junit_leaves_out_what_xml_cannot_hold() -> None:
    text = report.junit(of(gave("wrong", text="a\x00b\x1b[31m\ufffe\ud800c")))
    failure = ET.fromstring(text).find("testcase/failure")
    assert failure is not None
    assert "a\ufffdb\ufffd[31m\ufffd\ufffdc" in (failure.text or "")


# In a browser


@pytest.fixture(scope="module")
def address(hybrid: Run, dense: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    (written,) = report.write([hybrid, dense], tmp_path_factory.mktemp("report"), ["html"])
    return written.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The report in a browser; fails where article text ran or anything was asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text))
    page.goto(address)
    yield page
    assert page.evaluate("window.pwned") is None
    page.close()
    assert {url.partition("#")[0] for url in asked} == {address}
    assert errors == []


def visible(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".case:visible .id").all_inner_texts()]


def test_filters_show_the_cases_that_they_name(page: Page, hybrid: Run, dense: Run) -> None:
    expect(page.locator("#shown")).to_have_text("30 of 30 cases")
    page.get_by_role("button", name="Failed").press("Enter")
    expect(page.get_by_role("button", name="Failed")).to_have_attribute("aria-pressed", "true")
    assert visible(page) == ["a05", "a13", "a29"]
    expect(page.locator("#shown")).to_have_text("3 of 30 cases")
    page.get_by_role("button", name="Systems differ").press("Space")
    pairs = zip(hybrid.records, dense.records, strict=True)
    assert visible(page) == [one.case for one, other in pairs if one.grade != other.grade]
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("combobox", name="Tag").select_option("unsupported premise")
    expect(page.locator("#shown")).to_have_text("6 of 30 cases")
    page.get_by_role("searchbox", name="Search").fill("castrine 2012")
    expect(page.locator("#shown")).to_have_text("1 of 30 cases")
    page.get_by_role("searchbox", name="Search").fill("nobody says this")
    expect(page.locator("#nothing")).to_be_visible()


def test_a_link_to_a_case_opens_it_whatever_its_id_and_the_filter(page: Page) -> None:
    page.get_by_role("button", name="Failed").click()
    page.evaluate("id => { location.hash = 'case-' + encodeURIComponent(id) }", HOSTILE_ID)
    opened = page.locator(".case[open]")
    expect(opened).to_have_count(1)
    expect(opened.locator(".id")).to_have_text(HOSTILE_ID)
    expect(opened.locator("summary").first).to_be_in_viewport()


def test_a_citations_number_leads_to_its_source(page: Page) -> None:
    page.locator(".case").nth(2).locator("summary").first.click()
    page.locator(".case").nth(2).locator("a.chip").first.click()
    expect(page.locator(".sources > li:target")).to_contain_text(LICENCE)


@pytest.mark.parametrize("width", [360, 380, 1280])
def test_a_page_does_not_scroll_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_every_case_is_listed(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".case:visible")).to_have_count(30)
    expect(page.locator("#filters")).to_be_hidden()
    context.close()
