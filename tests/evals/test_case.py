"""Cases come in as they are written, and what is wrong with them is named by line and key."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from byline.errors import InputError
from byline.evals.case import (
    Case,
    Filters,
    Position,
    Tolerance,
    Turn,
    case_of,
    find_cases,
    is_named,
    load_cases,
    save_cases,
)

FULL = Case(
    id="f1",
    question="How long was the call?",
    as_of="2026-03-08",
    filters=Filters(since="2026-03-01", until="2026-03-08", outlets=("Ledger",)),
    answers=(("50 minutes", "fifty minutes"), "30 minutes"),
    need="all",
    tolerance=Tolerance(number=0.05, days=1),
    relevant=("a", "b.txt"),
    evidence=("lasted 50 minutes",),
    evidence_need="any",
    must_not_say=("an hour",),
    superseded=("20 minutes",),
    speaker="Ilse Brandvold",
    disagreement=(Position(("50 minutes",), ("a",)), Position(("30 minutes",))),
    turns=(Turn("Who rang?", "Castellan."), Turn("When?")),
    tags=("conflict",),
    note="by hand — “quoted”",
)


def written(tmp_path: Path, *lines: str | bytes) -> Path:
    file = tmp_path / "cases.jsonl"
    raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
    file.write_bytes(b"\n".join(raw))
    return file


def case(**keys: object) -> str:
    return json.dumps({"id": "c1", "question": "Who resigned?"} | keys)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"id": "c1"', "not JSON: "),
        ("[" * 100_000, "not JSON: "),
        ('["c1"]', "not a JSON object but "),
        (b'{"id": "\xff"}', "not UTF-8: save it as UTF-8"),
        ('{"question": "Who?"}', "id: is missing"),
        (case(id=" "), "id: is empty"),
        (case(id=7), "id: give a text (given: 7)"),
        (case(question=""), "question: is empty"),
        (case(anwsers=["Rehn"]), "anwsers: there is no such key; known are id, question, as_of"),
        (case(answers="Rehn"), "answers: "),
        (case(answers=[3]), "answers.0: "),
        (case(answers=["Rehn", " "]), "answers: one of them is empty"),
        (case(answers=[[]], need="all"), "answers: one of them is empty"),
        (case(need="both"), "need: give 'any' or 'all' (given: 'both')"),
        (case(as_of="last week"), "as_of: 'last week' is not a date: write it as 2026-02-04"),
        (case(filters={"until": "soon"}), "until: 'soon' is not a date"),
        (case(filters={"outlet": "Ledger"}), "filters.outlet: there is no such key"),
        (case(tolerance={"days": -1}), "tolerance: is negative"),
        (case(evidence=[""]), "evidence: one of them is empty"),
        (case(must_not_say=[" "]), "must_not_say: one of them is empty"),
        (case(superseded=[""]), "superseded: one of them is empty"),
        (case(evidence_need="most"), "evidence_need: give 'any' or 'all'"),
        (case(answerable=False, answers=["Rehn"]), "answerable: is false, and yet there are"),
        (case(reason="too_late"), "reason: "),
        (case(disagreement=[{"answers": ["50"]}]), "disagreement: has one position"),
        (case(id="c0"), "id 'c0' stands on line 1 already"),
    ],
)
def test_what_is_wrong_with_a_line_is_named_with_its_number(tmp_path, line, what):
    file = written(tmp_path, case(id="c0"), "", line)
    with pytest.raises(InputError) as caught:
        load_cases(file)
    message = str(caught.value)
    assert message.startswith(f"{file}, line 3: ")
    assert what in message
    assert "\n" not in message


def test_cases_are_the_same_after_saving_and_loading(tmp_path):
    file = tmp_path / "new" / "cases.jsonl"
    plain = Case("p1", "Who?")
    unanswerable = Case("u1", "Why?", answerable=False, reason="no_evidence")
    save_cases([FULL, plain, unanswerable], file)
    assert load_cases(file) == [FULL, plain, unanswerable]


def test_what_is_empty_is_not_written(tmp_path):
    save_cases([Case("p1", "Who?")], tmp_path / "cases.jsonl")
    assert json.loads((tmp_path / "cases.jsonl").read_text()) == {"id": "p1", "question": "Who?"}


def test_any_of_the_answers_makes_one_group():
    found = case_of({"id": "a", "question": "Who?", "answers": ["Rehn", ["Kamp", "the deputy"]]})
    assert found.wanted == (("Rehn", "Kamp", "the deputy"),)


def test_all_of_the_answers_make_a_group_each():
    assert FULL.wanted == (("50 minutes", "fifty minutes"), ("30 minutes",))


@pytest.mark.parametrize("need", ["any", "all"])
def test_without_answers_there_is_no_group(need):
    assert replace(FULL, answers=(), need=need).wanted == ()


@pytest.mark.parametrize(
    ("article_id", "name", "named"),
    [
        ("mw-1", "mw-1", True),
        ("mw-1", "1", False),
        ("/srv/news/fire.txt", "fire.txt", True),
        ("/srv/news/fire.txt", "/srv/news/fire.txt", True),
        ("/srv/news/bonfire.txt", "fire.txt", False),
        ("/srv/news/fire.txt", "news/fire.txt", False),
        ("fire.txt", "/srv/news/fire.txt", False),
    ],
)
def test_an_article_is_named_by_its_id_or_by_its_files_name(article_id, name, named):
    assert is_named(article_id, name) is named
    assert Case("c", "Who?", relevant=("other", name)).is_relevant(article_id) is named


def test_the_bundled_sample_is_found_by_its_name():
    found = load_cases("sample")
    assert len(found) == 276
    assert len({case.id for case in found}) == 276


def test_a_file_here_comes_before_a_bundled_set_of_its_name(tmp_path):
    (tmp_path / "sample").write_text(case() + "\n")
    assert find_cases("sample") == Path("sample")
    assert [found.id for found in load_cases("sample")] == ["c1"]


def test_a_set_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(InputError, match=re.escape("give a .jsonl file, or one of sample")):
        load_cases("smaple")


@pytest.mark.parametrize("raw", ["", "\n \n"])
def test_a_file_without_a_case_is_refused(tmp_path, raw):
    with pytest.raises(InputError, match="holds no case"):
        load_cases(written(tmp_path, raw))
