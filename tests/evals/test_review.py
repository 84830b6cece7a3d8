"""Reviewers are asked one thing after another, and nothing they said is lost."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from byline.errors import InputError
from byline.evals.agreement import Agreement, Compared, agreement
from byline.evals.case import Case, Position, Turn, case_of, to_record
from byline.evals.corpus import Corpus
from byline.evals.record import Record, Run
from byline.evals.response import Cited, Response
from byline.evals.review import (
    Opinion,
    Verdict,
    accepted,
    answer_fingerprint,
    case_text,
    fingerprint,
    load_opinions,
    load_verdicts,
    review_answers,
    review_cases,
)
from byline.index.article import Article
from scipy import stats
from sklearn.metrics import cohen_kappa_score

CASES = [
    Case("c1", "Who resigned?", answers=("Rehn", "the mayor"), tags=("fact", "needs_review")),
    Case("c2", "Who paid?", answerable=False, reason="no_evidence"),
    Case("c3", "How long?", answers=("50 minutes",), evidence=("lasted 50",), relevant=("a",)),
]
GONE = [EOFError, KeyboardInterrupt]


class Person:
    """Types these one after another, then is gone; what they were shown and asked is kept."""

    def __init__(self, *typed: str | type[BaseException]) -> None:
        self.typed = [*typed]
        self.shown: list[str] = []
        self.asked: list[str] = []

    def ask(self, prompt: str) -> str:
        self.asked.append(prompt)
        said = self.typed.pop(0) if self.typed else EOFError
        if isinstance(said, str):
            return said
        raise said

    @property
    def seen(self) -> str:
        return "\n".join(self.shown)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reviews" / "said.jsonl"


def cases_by(person: Person, file: Path, cases: Sequence[Case] = CASES, name: str = "anna"):
    return review_cases(cases, file, name, person.ask, person.shown.append)


@pytest.mark.parametrize("name", ["", "  "])
def test_a_reviewer_without_a_name_is_refused(file, name):
    for review, what in ((review_cases, CASES), (review_answers, [ONE])):
        with pytest.raises(InputError, match="has no name"):
            review(what, file, name, Person("a").ask, print)
    assert not file.exists()


# Cases


def test_each_case_is_shown_with_what_is_expected(file):
    anna = Person("a", "s", "a")
    cases_by(anna, file)
    assert "Question: Who resigned?\nExpected: Rehn | the mayor" in anna.seen
    assert "Question: Who paid?\nExpected: cannot be answered" in anna.seen
    assert "Evidence: lasted 50" in anna.seen


def test_evidence_is_shown_with_the_title_of_the_article_that_says_it():
    corpus = Corpus([Article(id="a", text="The call lasted\n50 minutes.", title="Who rang")])
    assert "Evidence: lasted 50\n  (Who rang [a])" in case_text(CASES[2], corpus)
    missing = replace(CASES[2], evidence=("an hour",))
    assert "Evidence: an hour\n  (in none of its articles)" in case_text(missing, corpus)
    assert "Article: Who rang [a]" in case_text(replace(CASES[2], evidence=()), corpus)


def test_everything_that_a_case_says_is_shown():
    full = Case("f", "How long?", as_of="2026-03-08", must_not_say=("an hour",), speaker="Ilse",
                superseded=("20 minutes",), turns=(Turn("Who rang?"),), note="by hand",
                disagreement=(Position(("50",)), Position(("30",))))  # fmt: skip
    shown = case_text(full)
    for said in ("2026-03-08", "an hour", "Ilse", "20 minutes", "Who rang?", "by hand", "50", "30"):
        assert said in shown
    assert "Expected: not given" in shown


def test_verdicts_are_in_the_file_with_reviewer_reason_and_fingerprint(file):
    reviewed = cases_by(Person("a", "r", "It can be answered", "skip"), file)
    first, second = load_verdicts(file)
    assert (first.case, first.reviewer, first.verdict) == ("c1", "anna", "accept")
    assert first.fingerprint == fingerprint(CASES[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00", first.at)
    assert (second.verdict, second.reason) == ("reject", "It can be answered")
    assert reviewed.said == Counter(accept=1, reject=1)
    assert (reviewed.skipped, reviewed.before, reviewed.left) == (1, 0, 0)


def test_a_rejection_asks_until_it_has_a_reason(file):
    anna = Person("r", "", "  ", "too vague", "q")
    cases_by(anna, file)
    assert load_verdicts(file)[0].reason == "too vague"
    assert anna.seen.count("A rejection needs a reason") == 2


def test_an_unknown_key_is_asked_again_with_the_keys_there_are(file):
    anna = Person("x", "", "accept", "q")
    reviewed = cases_by(anna, file)
    assert (
        "There is no key 'x': press one of a accept, e edit, r reject, s skip, q quit." in anna.seen
    )
    assert reviewed.said == Counter(accept=1)


@pytest.mark.parametrize(
    "typed",
    [("q",), *product(GONE), *product("re", GONE), *product("e", ["Who left?"], GONE)],
)
def test_quitting_at_any_prompt_loses_nothing_and_keeps_nothing_half_said(file, typed):
    reviewed = cases_by(Person("a", *typed), file)
    assert [verdict.case for verdict in load_verdicts(file)] == ["c1"]
    assert (reviewed.said, reviewed.left) == (Counter(accept=1), 2)


def test_a_verdict_is_on_the_disk_before_the_next_question(file):
    found = []

    def ask(_prompt: str) -> str:
        found.append(len(load_verdicts(file)))
        return "a"

    review_cases(CASES, file, "anna", ask, lambda _: None)
    assert found == [0, 1, 2]


def test_resuming_goes_on_where_it_stopped_and_comes_back_to_what_was_skipped(file):
    cases_by(Person("a", "s", "q"), file)
    anna = Person("a", "a")
    reviewed = cases_by(anna, file)
    assert [v.case for v in load_verdicts(file)] == ["c1", "c2", "c3"]
    assert (reviewed.before, reviewed.left) == (1, 0)
    assert "Who resigned?" not in anna.seen


def test_a_case_that_has_changed_since_is_asked_again(file):
    cases_by(Person("a", "a", "a"), file)
    changed = [replace(CASES[0], answers=("Tomas Rehn",)), *CASES[1:]]
    anna = Person("r", "now too strict")
    assert cases_by(anna, file, changed).before == 2
    assert [case.id for case in accepted(changed, load_verdicts(file))] == ["c2", "c3"]
    assert [case.id for case in accepted(CASES, load_verdicts(file))] == ["c1", "c2", "c3"]


def test_another_reviewer_is_asked_everything(file):
    cases_by(Person("a", "a", "a"), file)
    assert cases_by(Person("a"), file, name="ben").before == 0


# Edits


def edited(file: Path, case: Case, question: str, *answers: str) -> Case:
    cases_by(Person("e", question, *answers), file, [case])
    return accepted([case], load_verdicts(file))[0]


def test_an_empty_edit_keeps_what_is_there(file):
    assert edited(file, CASES[2], "", "") == CASES[2]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("Rehn", (("Rehn",),)),
        ("Rehn | the mayor", (("Rehn", "the mayor"),)),
        ("Rehn; Kamp | the deputy", (("Rehn",), ("Kamp", "the deputy"))),
        ("-", ()),
    ],
)
def test_edited_answers_are_ways_to_say_the_same_and_those_that_must_all_be_said(
    file, typed, wanted
):
    found = edited(file, CASES[0], "Who left office?", typed)
    assert (found.question, found.wanted) == ("Who left office?", wanted)


def test_an_answer_typed_for_a_question_without_one_makes_it_answerable(file):
    found = edited(file, CASES[1], "", "The ministry")
    assert (found.answerable, found.reason, found.answers) == (True, None, ("The ministry",))


def test_an_edit_that_is_no_case_is_asked_again(file):
    anna = Person("e", "", "Rehn | ", "", "Rehn")
    cases_by(anna, file, CASES[:1])
    assert "That is not a case: answers: one of them is empty" in anna.seen
    assert accepted(CASES[:1], load_verdicts(file))[0].answers == ("Rehn",)


def test_what_was_accepted_needs_no_review_any_more(file):
    cases_by(Person("a"), file)
    assert accepted(CASES, load_verdicts(file)) == [replace(CASES[0], tags=("fact",))]


def verdict(word: str, reviewer: str, edited: Case | None = None) -> Verdict:
    record = to_record(edited) if edited else None
    return Verdict("c3", fingerprint(CASES[2]), reviewer, word, "2026-03-08", edited=record)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([], False),
        ([("accept", "anna")], True),
        ([("accept", "anna"), ("reject", "ben")], False),
        ([("reject", "ben"), ("accept", "anna")], False),
        ([("reject", "anna"), ("accept", "anna")], True),
        ([("accept", "anna"), ("reject", "anna")], False),
    ],
)
def test_a_case_is_kept_where_somebody_accepts_it_and_nobody_rejects_it(said, kept):
    verdicts = [verdict(word, reviewer) for word, reviewer in said]
    assert [case.id for case in accepted(CASES, verdicts)] == ["c3"] * kept


def test_of_two_edits_the_later_one_counts():
    one, two = replace(CASES[2], question="One?"), replace(CASES[2], question="Two?")
    verdicts = [verdict("edit", "anna", one), verdict("edit", "ben", two)]
    assert [case.question for case in accepted(CASES, verdicts)] == ["Two?"]
    verdicts.append(verdict("edit", "anna", one))
    assert [case.question for case in accepted(CASES, verdicts)] == ["One?"]


# The file

GOOD = '{"case": "c1", "fingerprint": "f", "reviewer": "anna", "at": "2026", "verdict": "accept"}'


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "not JSON"),
        (GOOD.replace('"accept"', '"maybe"'), "verdict: give 'accept', 'edit' or"),
        (GOOD.replace('"case": "c1", ', ""), "case: is missing"),
        (GOOD.replace('"at"', '"note": "", "at"'), "note: there is no such key; known are case"),
        (GOOD[:40], "not JSON"),
    ],
)
def test_a_broken_line_is_an_error_with_its_number_before_anything_is_asked(file, line, what):
    file.parent.mkdir()
    file.write_text(f"{GOOD}\n{line}\n")
    anna = Person("a")
    with pytest.raises(InputError, match=re.escape(f"{file}, line 2: {what}")):
        cases_by(anna, file)
    assert anna.asked == []


def test_a_file_that_cannot_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken/v.jsonl cannot be written to"):
        cases_by(Person("a"), tmp_path / "taken" / "v.jsonl")


# Answers


def run(name: str, *answers: tuple[str, str, str], cases: Sequence[Case] = CASES) -> Run:
    """A run of (case, text, grade), whose every other word gives it away."""
    records = tuple(
        Record(
            case,
            0,
            Response(
                text=text,
                status="answered",
                model=f"model-of-{name}",
                notes=(f"note of {name}",),
                policy=name,
                confidence=0.123,
                citations=(Cited(1, article_id="a", quote="lasted 50"),),
            ),
            grade,
        )
        for case, text, grade in answers
    )
    return Run(
        Path(f"runs/{name}"), {"name": name, "model": f"model-of-{name}"}, tuple(cases), records
    )


ONE = run(
    "dense", ("c1", "Rehn [1].", "right"), ("c2", "The state.", "wrong"), ("c3", "", "failed")
)
TWO = run("hybrid", ("c1", "Rehn [1].", "right"), ("c2", "Not said.", "declined"))


def judged_by(person: Person, file: Path, runs: Sequence[Run], name: str = "anna", **options):
    return review_answers(runs, file, name, person.ask, person.shown.append, **options)


def test_answers_are_shown_without_a_hint_whose_they_are(file):
    anna = Person("r", "w", "d")
    judged_by(anna, file, [ONE, TWO])
    for text in ("Question: Who resigned?", "Expected: Rehn", "Answer: Rehn [1].", "[1] lasted 50"):
        assert text in anna.seen
    for hint in ("dense", "hybrid", "model", "note of", "0.123", "right", "wrong", "needs_review"):
        assert hint not in anna.seen
    for hint in ("dense", "hybrid", "model"):
        assert hint not in file.read_text()


def test_an_answer_that_two_runs_gave_is_judged_once_and_failures_never(file):
    reviewed = judged_by(Person("r", "r", "r", "r"), file, [ONE, TWO])
    assert reviewed.said == Counter(right=3)


def test_the_order_is_mixed_and_follows_the_seed_not_the_runs(file):
    many = [Case(f"m{n}", f"Question {n}?") for n in range(20)]
    one = run("one", *((case.id, "One.", "right") for case in many), cases=many)
    two = run("two", *((case.id, "Two.", "wrong") for case in many), cases=many)

    def order(runs: Sequence[Run], seed: int) -> list[str]:
        shown = Person(*["s"] * 40)
        judged_by(shown, file, runs, seed=seed)
        return [text for text in shown.shown if "Answer:" in text]

    first = order([one, two], 0)
    assert first == order([two, one], 0)
    assert first != order([one, two], 1)
    assert sorted(first) != first
    assert {"One." in text for text in first[:10]} == {True, False}


def test_judging_resumes_within_the_same_sample(file):
    first = judged_by(Person("r", "q"), file, [ONE, TWO], limit=2)
    second = judged_by(Person("p", "p", "p"), file, [ONE, TWO], limit=2)
    assert (first.said, first.left) == (Counter(right=1), 1)
    assert (second.said, second.before, second.left) == (Counter(partly=1), 1, 0)


def test_an_answer_to_a_case_that_has_changed_is_judged_again(file):
    judged_by(Person("r", "r"), file, [TWO])
    changed = replace(TWO, cases=(replace(CASES[0], answers=("Kamp",)), *CASES[1:]))
    assert judged_by(Person("w"), file, [changed]).before == 1


def test_what_the_system_keeps_to_itself_does_not_change_an_answers_fingerprint():
    plain, other = Response(text="Rehn."), Response(text="Rehn.", model="x", confidence=0.5)
    assert answer_fingerprint(plain) == answer_fingerprint(other)
    assert answer_fingerprint(plain) != answer_fingerprint(Response(text="Kamp."))


# Agreement


def judgement(reviewer: str, answer: str, word: str, case: Case = CASES[0]) -> Opinion:
    shown = answer_fingerprint(Response(text=answer))
    return Opinion(case.id, fingerprint(case), shown, reviewer, word, "2026-03-08")  # type: ignore[arg-type]


def judgements(reviewer: str, words: str) -> list[Opinion]:
    """Judgements of answers 0, 1, ... by their first letters; a dash for none."""
    names = {"r": "right", "p": "partly", "w": "wrong", "d": "declined"}
    return [judgement(reviewer, str(n), names[w]) for n, w in enumerate(words) if w != "-"]


def pair(one: str, other: str) -> Compared:
    return agreement([*judgements("anna", one), *judgements("ben", other)]).between[0]


def test_agreement_of_two_is_as_computed_by_hand():
    # They agree on 3 of 4; by chance on (2·1 + 2·3) / 16 = 1/2: kappa = (3/4 - 1/2) / (1/2).
    found = pair("rrww", "rwww")
    assert found.names == ("anna", "ben")
    assert (found.share.value, found.share.scored) == (0.75, 4)
    assert found.kappa == pytest.approx(0.5)
    assert found.why is None
    assert found.confusion == {("right", "right"): 1, ("right", "wrong"): 1, ("wrong", "wrong"): 2}
    assert found.differ == ("c1",)


def test_the_share_has_wilsons_interval():
    found = pair("rrww", "rwww").share
    interval = stats.binomtest(3, 4).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(("one", "other"), [("rpwdr", "rpwdd"), ("rwrw", "wrwr"), ("rrp", "rrw")])
def test_kappa_is_scikit_learns(one, other):
    assert pair(one, other).kappa == pytest.approx(cohen_kappa_score([*one], [*other]), abs=1e-9)


def test_answers_that_only_one_judged_do_not_count_and_are_counted():
    found = pair("rrw-", "r--w").share
    assert (found.value, found.scored, found.unscored) == (1.0, 1, 2)


def test_of_a_reviewer_who_judged_twice_the_later_judgement_counts():
    said = [judgement("anna", "0", "wrong"), *judgements("anna", "r"), *judgements("ben", "r")]
    assert agreement(said).between[0].confusion == {("right", "right"): 1}


def test_each_pair_of_reviewers_is_compared():
    said = [one for name in ("cara", "anna", "ben") for one in judgements(name, "rw")]
    names = [found.names for found in agreement(said).between]
    assert names == [("anna", "ben"), ("anna", "cara"), ("ben", "cara")]


@pytest.mark.parametrize(
    ("one", "other", "value", "why"),
    [
        ("rr--", "--ww", None, "anna and ben judged no answer in common"),
        ("rr", "rr", 1.0, "both always say 'right': agreement by chance cannot be told apart"),
    ],
)
def test_where_there_is_nothing_to_compare_there_is_a_reason_and_no_number(one, other, value, why):
    found = pair(one, other)
    assert (found.share.value, found.kappa, found.why) == (value, None, why)


def test_nothing_judged_is_told_not_counted():
    assert agreement([]) == Agreement(
        (), (), ("nothing was judged yet", "there are no runs whose grades could be compared")
    )
    assert agreement(judgements("anna", "r")).why[0] == "anna is the only reviewer"


def graded(*grades: str, name: str = "x") -> Run:
    records = tuple(
        Record("c1", n, Response(text=str(n), model=name), grade) for n, grade in enumerate(grades)
    )
    return Run(Path(name), {}, tuple(CASES), records)


def test_reviewers_are_compared_with_the_grades_that_the_runs_have_now():
    runs = [graded("right", "wrong", "wrong")]
    found = agreement([*judgements("anna", "rrw"), *judgements("ben", "r")], runs)
    anna, ben = found.automatic
    assert anna.names == ("anna", "automatic")
    assert anna.share.value == pytest.approx(2 / 3)
    assert anna.confusion[("right", "wrong")] == 1
    assert (ben.share.value, ben.share.scored) == (1.0, 1)
    assert found.why == ()


def test_an_answer_that_was_graded_in_two_ways_is_left_out():
    runs = [graded("right", "wrong"), graded("right", "right", name="y")]
    share = agreement(judgements("anna", "rr"), runs).automatic[0].share
    assert (share.value, share.scored, share.unscored) == (1.0, 1, 1)


def test_judgements_made_in_a_sitting_agree_with_the_run_they_came_from(file):
    judged_by(Person("r", "r"), file, [run("solo", ("c1", "Rehn.", "right"))])
    found = agreement(load_opinions(file), [run("solo", ("c1", "Rehn.", "right"))])
    assert found.automatic[0].confusion == {("right", "right"): 1}


@pytest.mark.parametrize("key", ["r", "d"])
def test_to_decline_what_cannot_be_answered_is_right_by_either_key(file, key):
    refusing = run("solo", ("c2", "The articles do not say.", "declined"))
    judged_by(Person(key), file, [refusing])
    found = agreement(load_opinions(file), [refusing])
    assert found.automatic[0].confusion == {("right", "right"): 1}


def test_edited_cases_are_kept_as_json_that_is_a_case(file):
    cases_by(Person("e", "Who left?", "Rehn"), file)
    line = json.loads(file.read_text())
    assert case_of(line["edited"]).question == "Who left?"
