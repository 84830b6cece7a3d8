"""Files of each shape become cases and articles; what does not is listed with its place.

`python -m byline.tests.evals.test_importers` prints the tables of docs/eval-cases.md.
"""

import gzip
import importlib
import json
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from byline.errors import InputError
from byline.evals.case import (
    Case,
    Filters,
    Position,
    Tolerance,
    Turn,
    case_of,
    load_cases,
    to_record,
)
from byline.evals.importers import IMPORTERS, import_cases, write
from byline.evals.importers.shapes import Importer
from byline.index.read import Entry, read
from byline.tests.conftest import ROOT

DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "eval-cases.md"

CORPUS = [
    {"id": "n1", "title": "Ferry", "text": "A fire closed the terminal.\nNobody was  hurt.",
     "date": "2026-03-03", "source": "Courier", "url": "https://c.example/1",
     "author": "M. Tenholt"},
    {"id": "n2", "title": None, "text": "The bridge reopened on Tuesday.", "date": None},
]  # fmt: skip


def lines(*records: Any) -> str:
    return "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in records)


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """A folder with two articles."""
    (tmp_path / "corpus.jsonl").write_text(lines(*CORPUS))
    return tmp_path


def imported(shape: str, folder: Path, name: str, *records: Any) -> tuple[list[Case], list, list]:
    """Cases, articles and what was left out of a file with these records."""
    (folder / name).write_text(lines(*records))
    found = import_cases(shape, folder / name)
    return found.cases, list(found.articles), found.left_out


# Each shape


def test_realtimeqa_paraphrases_are_no_evidence_and_its_date_is_that_of_asking(news):
    quiz = {"id": "q1", "question": "Was anybody hurt?", "answers": ["No"], "relevant": ["n1"],
            "date": "2026-03-04", "evidence": "There were no injuries."}  # fmt: skip
    cases, articles, left_out = imported("realtimeqa", news, "queries.jsonl", quiz)
    assert cases == [
        Case("q1", "Was anybody hurt?", as_of="2026-03-04", answers=("No",), relevant=("n1",),
             note="The quiz says: There were no injuries.")
    ]  # fmt: skip
    assert articles[0] == {
        "id": "n1", "title": "Ferry", "text": CORPUS[0]["text"], "date": "2026-03-03",
        "source": "Courier", "url": "https://c.example/1", "author": "M. Tenholt",
    }  # fmt: skip
    assert articles[1] == {"id": "n2", "text": "The bridge reopened on Tuesday."}
    assert left_out == []


def test_multihop_facts_are_evidence_and_refusals_are_no_answers(news):
    cases, _, left_out = imported(
        "multihop", news, "queries.jsonl",
        {"id": "1", "question": "Both?", "answers": ["Yes"], "relevant": ["n1", "n2"],
         "type": "comparison_query", "facts": ["Nobody was hurt.", "reopened on Tuesday"]},
        {"id": "2", "question": "Why?", "answers": ["Insufficient information."], "facts": []},
    )  # fmt: skip
    assert cases[0].evidence == ("Nobody was hurt.", "reopened on Tuesday")
    assert cases[0].tags == ("comparison_query",)
    assert (cases[0].answerable, cases[1].answerable) == (True, False)
    assert cases[1].answers == ()
    assert left_out == []


def test_evidence_that_its_articles_do_not_say_word_for_word_is_left_out_and_listed(news):
    cases, _, left_out = imported(
        "multihop", news, "queries.jsonl",
        {"id": "1", "question": "Both?", "answers": ["Yes"], "relevant": ["n1"],
         "facts": ["terminal. Nobody was hurt.", "Nobody was injured.", "reopened on Tuesday"]},
    )  # fmt: skip
    assert cases[0].evidence == ("terminal. Nobody was hurt.",)
    assert left_out == [
        ("queries.jsonl, line 1", f"evidence: not word for word in its articles: {said}")
        for said in ("Nobody was injured.", "reopened on Tuesday")
    ]


def test_squad2_records_keep_their_relevant_paragraphs(news):
    cases, _, left_out = imported(
        "squad2", news, "queries.jsonl",
        {"id": "a", "question": "When?", "answers": ["Tuesday"], "relevant": ["n2"],
         "answerable": True, "paired_context": "n2"},
        {"id": "b", "question": "Why?", "answers": [], "relevant": [], "answerable": False,
         "paired_context": "n2"},
    )  # fmt: skip
    assert [(c.relevant, c.answerable) for c in cases] == [(("n2",), True), ((), False)]
    assert left_out == [("queries.jsonl", "key 'paired_context' is not taken (2 times)")]


def test_squad2s_own_nested_file_gives_paragraphs_and_questions(tmp_path):
    answers = [{"text": "Tuesday", "answer_start": 24}, {"text": "Tuesday", "answer_start": 24}]
    whole = {
        "version": "v2.0",
        "data": [{"title": "Skellow_Ford", "paragraphs": [
            {"context": CORPUS[1]["text"], "qas": [
                {"id": "x1", "question": "When?", "answers": answers, "is_impossible": False},
                {"id": "x2", "question": "Why?", "answers": [], "is_impossible": True,
                 "plausible_answers": [{"text": "Tuesday", "answer_start": 24}]},
            ]}]}],
    }  # fmt: skip
    (tmp_path / "dev-v2.0.json").write_text(json.dumps(whole, indent=1))
    found = import_cases("squad2", tmp_path)
    assert found.cases == [
        Case("x1", "When?", answers=("Tuesday",), relevant=("Skellow_Ford#1",)),
        Case("x2", "Why?", answerable=False),
    ]
    assert list(found.articles) == [
        {"id": "Skellow_Ford#1", "title": "Skellow Ford", "text": CORPUS[1]["text"]}
    ]
    assert found.left_out == [("dev-v2.0.json", "key 'plausible_answers' is not taken")]


@pytest.mark.parametrize("data", ["x", [3], [{"paragraphs": 3}], [{"paragraphs": [{"qas": [1]}]}]])
def test_a_nested_file_that_is_not_squads_is_refused_in_one_line(tmp_path, data):
    (tmp_path / "dev-v2.0.json").write_text(json.dumps({"data": data}))
    with pytest.raises(InputError, match="dev-v2.0.json is not nested as SQuAD is"):
        import_cases("squad2", tmp_path)


def test_seed_reads_text_files_and_its_tag_all_asks_for_every_answer(tmp_path):
    (tmp_path / "ferry.txt").write_text("Ferry burns\n\nNobody was hurt. It cost 4 million.")
    cases, articles, left_out = imported(
        "seed", tmp_path, "questions.jsonl",
        {"id": "s1", "question": "What?", "answers": ["nobody", "4 million"], "tags": ["all"],
         "evidence": ["Nobody was hurt", "It burned"], "answerable": True},
        {"id": "s2", "question": "Who?", "answers": [], "answerable": False, "tags": []},
    )  # fmt: skip
    assert [case.need for case in cases] == ["all", "any"]
    assert cases[0].evidence == ("Nobody was hurt",)
    assert [article["id"] for article in articles] == ["ferry.txt"]
    assert left_out == [
        ("questions.jsonl, line 1", "evidence: not word for word in its articles: It burned")
    ]


def test_rgb_needs_every_group_of_its_answer_and_makes_articles_of_passages(tmp_path):
    cases, articles, left_out = imported(
        "rgb", tmp_path, "en_int.json",
        {"id": 0, "query": "When and who?", "answer": [["2 Jan", "January 2"], ["Ada"]],
         "answer1": ["2 Jan"], "asnwer1": ["2 Jan"], "answer2": ["Ada"],
         "positive": [["It was 2 Jan.", "On January 2."], ["Ada spoke."]],
         "negative": ["It rained.", "It rained."]},
    )  # fmt: skip
    assert cases[0].wanted == (("2 Jan", "January 2"), ("Ada",))
    texts = {article["id"]: article["text"] for article in articles}
    assert list(texts.values()) == ["It was 2 Jan.", "On January 2.", "Ada spoke.", "It rained."]
    assert [texts[name] for name in cases[0].relevant] == list(texts.values())[:3]
    assert {why for _, why in left_out} == {
        f"key '{key}' is not taken" for key in ("answer1", "asnwer1", "answer2")
    }


def test_rgb_must_not_say_what_was_falsified(tmp_path):
    cases, articles, left_out = imported(
        "rgb", tmp_path, "en_fact.json",
        {"id": 0, "query": "Where?", "answer": "Tampa", "fakeanswer": "Glendale",
         "positive": ["In Tampa."], "positive_wrong": ["In Glendale."], "negative": []},
        {"id": 1, "query": "Who?", "answer": ["Ada", "Ben"], "positive": ["Ada, Ben"],
         "negative": ["Eve"]},
    )  # fmt: skip
    assert cases[0].must_not_say == ("Glendale",)
    assert cases[0].tags == ("counterfactual",)
    assert cases[1].wanted == (("Ada",), ("Ben",))
    assert [a["text"] for a in articles] == ["In Tampa.", "In Glendale.", "Ada, Ben", "Eve"]
    assert len(cases[0].relevant) == 1
    assert left_out == []


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """Queries, judgements of two splits and a corpus as BEIR lays them out."""
    queries = [{"_id": f"q{n}", "text": f"Question {n}?", "metadata": {}} for n in range(1, 5)]
    (tmp_path / "queries.jsonl").write_text(lines(*queries))
    (tmp_path / "corpus.jsonl").write_text(
        lines(*({"_id": f"d{n}", "title": "", "text": f"Text {n}."} for n in range(1, 4)))
    )
    (tmp_path / "qrels").mkdir()
    head = "query-id\tcorpus-id\tscore\n"
    (tmp_path / "qrels" / "dev.tsv").write_text(head + "q2\td1\t2\nq3\td1\t0\n")
    (tmp_path / "qrels" / "test.tsv").write_text(
        head + "q1\td1\t1\nq1\td3\t2\nq1\td2\t0\nq1\tno\t1\n"
    )
    return tmp_path


def test_beir_counts_judgements_above_0_and_tags_the_split(beir):
    found = import_cases("beir", beir)
    assert [(c.id, c.question, c.relevant, c.tags) for c in found.cases] == [
        ("q1", "Question 1?", ("d1", "d3"), ("test",)),
        ("q2", "Question 2?", ("d1",), ("dev",)),
    ]
    assert next(found.articles) == {"id": "d1", "title": "", "text": "Text 1."}


def test_beir_counts_unjudged_queries_and_lists_missing_articles(beir):
    assert import_cases("beir", beir).left_out == [
        ("queries.jsonl", "a query without a judgement in qrels above 0 (2 times)"),
        ("queries.jsonl, line 1", "relevant: article 'no' is not there"),
    ]


@pytest.mark.parametrize("line", ["q1 d1 1", "q1\td1\thigh", "q1\td1"])
def test_a_broken_judgement_is_refused_with_its_line(beir, line):
    (beir / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{line}\n")
    with pytest.raises(InputError, match=r"qrels/test.tsv, line 2: no query-id, corpus-id"):
        import_cases("beir", beir)


def test_ragas_reference_contexts_are_evidence_and_retrieved_ones_are_articles(tmp_path):
    cases, articles, left_out = imported(
        "ragas", tmp_path, "samples.jsonl",
        {"user_input": "Hurt?", "reference": "Nobody.", "reference_contexts": ["Nobody was hurt."],
         "retrieved_contexts": ["It rained.", "Nobody was hurt."], "response": "None."},
    )  # fmt: skip
    assert cases[0].answers == ("Nobody.",)
    assert cases[0].evidence == ("Nobody was hurt.",)
    assert [article["text"] for article in articles] == ["Nobody was hurt.", "It rained."]
    assert cases[0].relevant == (articles[0]["id"],)
    assert left_out == [("samples.jsonl", "key 'response' is not taken")]


def test_ragas_contexts_beside_an_answer_were_retrieved_and_prove_nothing(tmp_path):
    row = {"question": "Hurt?", "ground_truths": ["Nobody", "None"], "contexts": ["It rained."]}
    cases, articles, _ = imported("ragas", tmp_path, "old.json", [row | {"answer": "Six."}, row])
    assert (cases[0].relevant, cases[0].evidence) == ((), ())
    assert (cases[1].relevant, cases[1].evidence) == ((articles[0]["id"],), ("It rained.",))
    assert cases[0].wanted == (("Nobody", "None"),)


@pytest.mark.parametrize("cell", ["['It rained.', \"It's wet\"]", '["It rained.", "It\'s wet"]'])
def test_ragas_csv_cells_hold_lists_as_python_or_json_writes_them(tmp_path, cell):
    quoted = cell.replace('"', '""')
    (tmp_path / "t.csv").write_text(
        f'user_input,reference_contexts,reference\n"Wet,\nor dry?","{quoted}",Wet\n'
    )
    found = import_cases("ragas", tmp_path)
    assert found.cases[0].question == "Wet,\nor dry?"
    assert found.cases[0].evidence == ("It rained.", "It's wet")
    assert found.left_out == []


@pytest.mark.parametrize("cell", ["['a' 'b']", "['a'\n 'b']", "[a, b]", "['a', 3]"])
def test_a_list_that_cannot_be_told_apart_is_not_guessed_at(tmp_path, cell):
    (tmp_path / "t.csv").write_text(f'question,contexts\n"Wet?","{cell}"\nDry?,It rained.\n')
    found = import_cases("ragas", tmp_path)
    assert [case.question for case in found.cases] == ["Dry?"]
    assert found.left_out[0][0].startswith("t.csv, line ")


def test_ragas_samples_of_several_turns_are_listed(tmp_path):
    several = {"user_input": [{"content": "Hi", "type": "human"}], "reference": "Hello"}
    one = {"user_input": "Who?", "reference": "Rehn"}
    cases, _, left_out = imported("ragas", tmp_path, "s.jsonl", several, one)
    assert [case.question for case in cases] == ["Who?"]
    assert left_out[0][1].startswith("question: give a text")


# Feedback


def feedback(tmp_path: Path, **keys: Any) -> Case:
    """The case of one piece of feedback."""
    record = {"question": "Where was it?", "answer": "It was in Glendale."} | keys
    return imported("feedback", tmp_path, "feedback.jsonl", record)[0][0]


ANSWER = {
    "text": "It was in Tampa [1].",
    "status": "answered",
    "as_of": "2026-03-09",
    "citations": [{"number": 1, "article_id": "n1", "quote": "played in Tampa"}],
}


def test_thumb_up_makes_the_quotes_evidence_and_the_cited_articles_relevant(tmp_path):
    case = feedback(tmp_path, answer=ANSWER, thumb="up")
    assert (case.evidence, case.relevant) == (("played in Tampa",), ("n1",))
    assert case.as_of == "2026-03-09"
    assert case.tags == ("feedback", "needs_review", "thumb_up")
    assert case.answers == ()
    assert "It was in Tampa [1]." in (case.note or "")


def test_thumb_up_on_a_declined_answer_says_that_it_cannot_be_answered(tmp_path):
    declined = {"text": "The articles do not say.", "status": "declined"}
    assert not feedback(tmp_path, answer=declined, thumb=1).answerable
    assert not feedback(tmp_path, answer="The articles do not say.", thumb=True).answerable
    assert feedback(tmp_path, answer=declined, thumb="down").answerable


def test_thumb_down_alone_tells_no_answer(tmp_path):
    case = feedback(tmp_path, answer=ANSWER, thumb="down", reason="Wrong place", statement="It was")
    assert (case.answers, case.must_not_say) == ((), ())
    assert (case.evidence, case.relevant) == ((), ())
    assert case.tags == ("feedback", "needs_review", "thumb_down", "wrong_place")
    assert case.note == (
        "Answered: It was in Tampa [1].\nThumb down.\nReason: Wrong place\nStatement meant: It was"
    )


@pytest.mark.parametrize(
    ("reason", "right", "wrong"),
    [
        ("The right answer is Tampa.", ("Tampa",), ()),
        ("correct answer: Tampa, not Glendale", ("Tampa",), ("Glendale",)),
        ("should be Tampa, not Glendale.", ("Tampa",), ("Glendale",)),
        ("It should say 4.2 million and not Glendale", ("4.2 million",), ("Glendale",)),
        ("The right answer is Tampa, not Miami", ("Tampa",), ()),
        ("should be Tampa, not Miami", (), ()),
        ("should be shorter", (), ()),
        ("should be more careful, not so sure", (), ()),
        ("The right answer is Tampa. I was there.", (), ()),
        ("Tampa", (), ()),
        ("", (), ()),
    ],
)
def test_a_reason_gives_an_answer_only_where_it_says_so(tmp_path, reason, right, wrong):
    case = feedback(tmp_path, thumb="👎", reason=reason)
    assert (case.answers, case.must_not_say) == (right, wrong)
    assert feedback(tmp_path, thumb="up", reason=reason).answers == ()


def test_a_follow_up_is_kept_in_the_words_it_was_answered_in_also_where_the_answer_is_text(
    tmp_path,
):
    answer = json.dumps(ANSWER | {"standalone_question": "Where was Super Bowl LV?"})
    case = feedback(tmp_path, answer=answer, thumb="up")
    assert (case.question, case.relevant) == ("Where was Super Bowl LV?", ("n1",))


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"thumb": "sideways"}, "thumb: neither up nor down (given: 'sideways')"),
        ({}, "thumb: neither up nor down (given: None)"),
        ({"thumb": "up", "answer": {"citations": 3}}, "citations: a list of objects is needed"),
        ({"thumb": "up", "question": ""}, "question: is empty"),
    ],
)
def test_feedback_that_is_none_is_listed(tmp_path, keys, what):
    good = {"question": "Who?", "answer": "Rehn", "thumb": "up"}
    _, _, left_out = imported("feedback", tmp_path, "f.jsonl", {"question": "Where?"} | keys, good)
    assert left_out[0][0] == "f.jsonl, line 1"
    assert left_out[0][1].startswith(what)


def test_feedback_has_no_articles_to_check_against_and_says_so(tmp_path):
    _, articles, left_out = imported(
        "feedback", tmp_path, "f.jsonl", {"question": "Who?", "answer": ANSWER, "thumb": "up"}
    )
    assert articles == []
    assert left_out == [("articles", "none to check relevant and evidence of a case against")]


# Bad input


def test_an_unknown_shape_is_answered_with_those_there_are():
    with pytest.raises(InputError, match="no shape 'squad': known are realtimeqa, multihop"):
        import_cases("squad", "x")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: None, "give the one file with the questions of time (there: no such path)"),
        (lambda path: path.mkdir(), "give the one file with the questions of time (there: none)"),
        (lambda path: path.write_text(""), "holds no case of shape time: it: it is empty"),
        (lambda path: path.write_text("{]"), "holds no case of shape time: it, line 1: not JSON"),
        (lambda path: path.write_bytes(b"\xff"), "it, line 1: not JSON in UTF-8"),
    ],
)
def test_a_path_without_questions_is_refused_in_one_line(tmp_path, make, what):
    make(tmp_path / "it")
    with pytest.raises(InputError, match=re.escape(what)):
        import_cases("time", tmp_path / "it")


@pytest.mark.parametrize(
    ("name", "raw", "what"),
    [
        ("q.jsonl.gz", b"{}", "Not a gzipped file"),
        (
            "q.jsonl.gz",
            gzip.compress(b'{"id": "1", "question": "Who?"}', mtime=0)[:-9],
            "ended before",
        ),
        ("q.csv", b"question\n\xff\n", "codec can't decode"),
        ("q.csv", b'question\n"Who?\n', "unexpected end"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path, name, raw, what):
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=f"{re.escape(name)} cannot be read: .*{what}"):
        import_cases("ragas", tmp_path / name)


def test_of_several_files_in_a_folder_one_must_be_named(tmp_path):
    for name in ("en.json", "en_fact.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=r"\(there: en.json, en_fact.json\)"):
        import_cases("rgb", tmp_path)


def test_packed_files_are_read_as_others_are(news):
    (news / "corpus.jsonl.gz").write_bytes(gzip.compress((news / "corpus.jsonl").read_bytes()))
    (news / "corpus.jsonl").unlink()
    query = {"id": "1", "question": "Who?", "relevant": ["n1"]}
    (news / "queries.jsonl.gz").write_bytes(gzip.compress(lines(query).encode()))
    found = import_cases("time", news)
    assert (len(found.cases), len(list(found.articles))) == (1, 2)


def test_broken_lines_are_listed_and_the_others_are_kept(news):
    good = {"id": "1", "question": "Who?", "relevant": ["n1"]}
    half = '{"id": "5", "question": "\\ud83d?"}'
    cases, _, left_out = imported(
        "time", news, "queries.jsonl", "{", "[1]", good, good, {"id": "2"},
        {"id": True, "question": "Who?"}, {"id": "4", "question": "Who?", "relevant": 3}, half,
        {"id": "6", "question": "Who?", "relevant": ["gone"]},
    )  # fmt: skip
    assert [case.id for case in cases] == ["1"]
    assert [(where.rpartition(" ")[2], why[:24]) for where, why in left_out] == [
        ("1", "not JSON in UTF-8: Expec"),
        ("2", "not a JSON object but [1"),
        ("4", "id '1' stands at queries"),
        ("5", "question: is missing"),
        ("6", "an id must be a text or "),
        ("7", "relevant.0: give a text "),
        ("8", "it holds half a characte"),
        ("9", "relevant: article 'gone'"),
        ("9", "case '6': none of its ar"),
    ]


def test_articles_without_text_or_with_an_id_that_is_taken_are_listed(news):
    (news / "corpus.jsonl").write_text(lines(*CORPUS, {"id": "n3"}, CORPUS[0], "{"))
    query = {"id": "1", "question": "Who?", "relevant": ["n1"]}
    _, articles, left_out = imported("time", news, "queries.jsonl", query)
    assert [article["id"] for article in articles] == ["n1", "n2"]
    assert [(where, why[:20]) for where, why in left_out] == [
        ("corpus.jsonl, line 3", "the article has no t"),
        ("corpus.jsonl, line 4", "id 'n1' stands at co"),
        ("corpus.jsonl, line 5", "not JSON in UTF-8: E"),
    ]


def test_rows_that_do_not_fit_the_header_are_listed(tmp_path):
    (tmp_path / "t.csv").write_text("question,reference\nWho?,Rehn\nWho,is,it?\nWhere?\n")
    found = import_cases("ragas", tmp_path)
    assert [case.answers for case in found.cases] == [("Rehn",)]
    assert [where for where, _ in found.left_out] == ["t.csv, line 3", "t.csv, line 4"]


def test_a_record_without_id_has_the_same_id_each_time_and_no_other_has_it(tmp_path):
    rows = [{"question": "Who?", "reference": said} for said in ("Rehn", "Kamp", "Rehn")]
    first, _, left_out = imported("ragas", tmp_path, "a.jsonl", *rows)
    again = imported("ragas", tmp_path, "b.jsonl", *reversed(rows))[0]
    assert {case.id for case in first} == {case.id for case in again}
    assert len(first) == 2
    assert left_out == [
        ("a.jsonl, line 3", f"id '{first[0].id}' stands at a.jsonl, line 1 already")
    ]


# Writing


def test_what_is_written_is_read_by_the_case_loader_and_by_bylines_own_reader(news, tmp_path):
    (news / "queries.jsonl").write_text(lines({"id": "1", "question": "Who?", "relevant": ["n1"]}))
    found = import_cases("time", news)
    assert write(found, tmp_path / "out") == 2
    assert load_cases(tmp_path / "out" / "cases.jsonl") == found.cases
    entries = list(read([tmp_path / "out" / "articles.jsonl"], max_article_bytes=10_000))
    articles = [entry.load() for entry in entries if isinstance(entry, Entry)]
    assert [article.id for article in articles] == ["n1", "n2"]
    assert articles[0].authors == ("M. Tenholt",)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "articles.jsonl",
        "cases.jsonl",
    ]


def test_articles_of_an_earlier_import_do_not_stay_beside_cases_without_any(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "articles.jsonl").write_text("old")
    (tmp_path / "f.jsonl").write_text(lines({"question": "Who?", "answer": "Rehn", "thumb": "up"}))
    assert write(import_cases("feedback", tmp_path / "f.jsonl"), tmp_path / "out") == 0
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["cases.jsonl"]


def test_a_folder_that_is_a_file_is_refused(news, tmp_path):
    (news / "queries.jsonl").write_text(lines({"id": "1", "question": "Who?", "relevant": ["n1"]}))
    with pytest.raises(InputError, match="queries.jsonl cannot be written to"):
        write(import_cases("time", news), news / "queries.jsonl")


def test_an_import_that_breaks_off_leaves_what_was_there(news, tmp_path):
    (news / "queries.jsonl").write_text(lines({"id": "1", "question": "Who?", "relevant": ["n1"]}))
    write(import_cases("time", news), tmp_path / "out")
    before = {file.name: file.read_text() for file in (tmp_path / "out").iterdir()}
    found = import_cases("time", news)
    (news / "corpus.jsonl").unlink()
    (news / "corpus.jsonl").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        write(found, tmp_path / "out")
    assert {file.name: file.read_text() for file in (tmp_path / "out").iterdir()} == before


# The real sets


@pytest.mark.parametrize(
    ("shape", "name", "cases", "articles", "left_out"),
    [
        ("realtimeqa", "realtimeqa_dev", 90, 2400, 0),
        ("multihop", "multihop_dev", 250, 326, 1),
        ("squad2", "squad2", 500, 411, 1),
        ("time", "time", 83, 423, 0),
        ("seed", "seed", 14, 1, 0),
    ],
)
def test_the_real_sets_come_in_whole_and_as_the_bench_reads_them(
    shape, name, cases, articles, left_out, monkeypatch
):
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is not there: it holds real articles and is not part of Byline")
    found = import_cases(shape, DATA / name)
    assert len(found.cases) == cases
    assert sum(1 for _ in found.articles) == articles
    assert len(found.left_out) == left_out, found.left_out
    monkeypatch.syspath_prepend(ROOT / "bench")
    sets = importlib.import_module("sets")
    for mine, bench in zip(found.cases, sets.cases(name, DATA), strict=True):
        answers = () if bench.answers == ("Insufficient information.",) else bench.answers
        assert (mine.id, mine.question, mine.relevant) == (bench.id, bench.question, bench.relevant)
        assert (mine.answers, mine.answerable) == (answers, bench.answerable)
        assert case_of(to_record(mine)) == mine


# The page


def table(importer: Importer) -> str:
    """What stands in docs/eval-cases.md below the lines that tell what the shape is."""
    rows = ["| Key of the case | From | How |", "|---|---|---|"]
    for key, (given, by) in importer.fields().items():
        how = (by.__doc__ or "") if by else ""
        rows.append(f"| `{key}` | {_listed(given)} | {how} |")
    there = (importer.articles.__doc__ or "") if importer.articles else "none."
    there = f"the texts of {_listed(importer.passages)}." if importer.passages else there
    more = [f"\n{importer.more.__doc__}"] if importer.more.__doc__ else []
    return "\n".join([*rows, *more, f"\nArticles: {there}\n"])


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


@pytest.mark.parametrize("shape", IMPORTERS)
def test_the_pages_tables_are_those_of_the_registry(shape):
    section = PAGE.read_text("utf-8").partition(f"### `{shape}`\n")[2].partition("\n##")[0]
    assert table(IMPORTERS[shape]) in f"{section}\n"


def test_importers_give_keys_that_a_case_has():
    known = {f.name for f in fields(Case)}
    assert all(importer.fields().keys() <= known for importer in IMPORTERS.values())


def test_the_page_describes_every_key_of_a_case_and_no_other():
    table = PAGE.read_text("utf-8").partition("## Keys")[2].partition("\n## ")[0]
    described = re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)
    parts = {"filters": Filters, "tolerance": Tolerance, "disagreement": Position, "turns": Turn}
    known = []
    for key in (f.name for f in fields(Case)):
        nested = [f"{key}.{f.name}" for f in fields(parts[key])] if key in parts else []
        known += [key, *nested]
    assert described == known


def test_the_pages_examples_are_cases():
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert blocks
    for line in "".join(blocks).splitlines():
        case_of(json.loads(line))


if __name__ == "__main__":
    for name, importer in IMPORTERS.items():
        print(f"### `{name}`\n\n{table(importer)}")  # noqa: T201
