"""Texts of others, checked: what is a statement, what becomes of it, and what is never shown."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.errors import BylineError, InputError
from byline.index.embed import MiniLM
from byline.qa.cite import Statement
from byline.qa.draft import VERDICTS, DraftReport, parts
from byline.tests.conftest import Run, failed

LONG = """\
\ufeff# Déjà vu: 🚢 in the harbour

Dear reader, thank you for coming back!

> Odile Farrant of the port authority said the repair
> will cost 4.2\u00a0million crowns [1][2].

What happened next?

1. The road bridge reopened after
   [eleven weeks](https://x.example/a?b=1) of repairs.
2. Councillor Petra Hale thanked the **44** workers.\r
   * “Nobody was killed or hurt,” she wrote. 日本語の文。

| Who | What |
| --- | --- |
| Mayor Tomas Rehn | resigned on Thursday |

Deputy mayor Ilse Kamp does not take over until the next election.
Ödön von Horváth wrote “Kasimir und Karoline” in 1932.
"""


def of(report: DraftReport, words: str) -> Statement:
    return next(one for one in report.statements if words in one.text)


def kept(report: DraftReport, desk: Desk) -> None:
    """What holds of every report."""
    for one in report.statements:
        assert report.text[one.start : one.end] == one.text
        assert one.verdict in VERDICTS
        assert one.why or one.verdict == "supported"
        assert one.citations or one.verdict not in ("supported", "partial", "contradicted")
    used = {number for one in report.statements for number in one.citations}
    assert used == {citation.number for citation in report.citations}
    for one in report.citations:
        assert desk.articles.get(one.article_id, one.version).text[one.start : one.end] == one.quote
    assert sum(report.counts.values()) == len(report.statements)
    assert [one.start for one in report.statements] == sorted(s.start for s in report.statements)


class TestStatements:
    def test_a_long_draft_keeps_its_offsets_and_gets_its_verdicts(self, desk: Desk) -> None:
        report = desk.verify(LONG, as_of="2026-03-13")
        assert report.text == LONG
        kept(report, desk)
        found = {words: of(report, words).verdict for words in (
            "Odile Farrant", "road bridge", "44", "Nobody was killed", "does not take", "Kasimir",
            "Déjà", "Dear reader", "next?")}  # fmt: skip
        assert found == {
            "Odile Farrant": "supported",
            "road bridge": "supported",
            "44": "contradicted",
            "Nobody was killed": "unsupported",
            "does not take": "contradicted",
            "Kasimir": "unsupported",
            "Déjà": "unchecked",
            "Dear reader": "unchecked",
            "next?": "unchecked",
        }
        assert (of(report, "Déjà").why, of(report, "next?").why) == ("a heading", "a question")
        assert "says '43'" in (of(report, "44").why or "")
        assert of(report, "road bridge").text.startswith("The road bridge")

    def test_numbers_and_links_of_the_text_are_no_evidence(self, desk: Desk) -> None:
        said = "Lima lies in Peru [1](https://herald.example/2026/mayor-resigns) [2]."
        (one,) = desk.verify(said).statements
        assert (one.verdict, one.citations, one.text) == ("unsupported", (), said)

    @pytest.mark.parametrize(
        ("text", "spans"),
        [
            ("One burnt. Two sank.", ["One burnt.", "Two sank."]),
            ("It is wrapped\r\nhere. So.", ["It is wrapped\r\nhere.", "So."]),
            ("Ferry burns\nA fire shut the bank.", ["Ferry burns", "A fire shut the bank."]),
            ("    Indented as typed.", ["Indented as typed."]),
            ("```\nFenced off.\n```", ["Fenced off."]),
            ("> - [x] Nested 🚢 mark.", ["Nested 🚢 mark."]),
            ("<b>Bold</b> tag.", ["<b>Bold</b> tag."]),
            ("[a]: http://x\n\nIt is.", ["[a]: http://x", "It is."]),
            ("".join(f"{' ' * 2 * n}- Item\n" for n in range(40)), ["Item"] * 40),
            ("***\n---\n\n—", []),
        ],
    )  # fmt: skip
    def test_sentences_stand_where_they_stood(self, text: str, spans: list[str]) -> None:
        assert [text[start:end] for start, end, _ in parts(text)] == spans

    def test_every_word_of_a_text_is_in_some_statement(self) -> None:
        covered = {at for start, end, _ in parts(LONG) for at in range(start, end)}
        missed = "".join(c for at, c in enumerate(LONG) if at not in covered)
        assert re.findall(r"[^\W\d_]+", missed) == []

    @pytest.mark.parametrize(
        "said",
        ["Hello!", "Here is what we know:", "The articles do not say.", "Why?", "## 1 dies", "Yes"],
    )  # fmt: skip
    def test_what_states_nothing_is_unchecked_with_that_reason(self, desk: Desk, said: str) -> None:
        (one,) = desk.verify(said).statements
        assert (one.verdict, one.citations, one.score) == ("unchecked", (), None)
        assert one.why

    @pytest.mark.parametrize(
        "said",
        ["<think>500 people died.", "NO ANSWER: 500 died.", "500 died.\n---\n", "# 500 died.",
         "500 died (“x” is fine).", "Sure, 500 died.", "He saw\n44. Nine died.",
         "Hale thanked [44](https://x.example/a) workers."],
    )  # fmt: skip
    def test_no_wording_lets_a_claim_go_unchecked(self, desk: Desk, said: str) -> None:
        found = {one.verdict for one in desk.verify(said).statements}
        assert found
        assert found <= {"unsupported", "contradicted"}

    def test_a_lone_surrogate_moves_no_offset(self, desk: Desk) -> None:
        report = desk.verify("\ud800 Mayor Tomas Rehn resigned on Thursday.", as_of="2026-03-12")
        kept(report, desk)
        json.dumps(report.to_dict()).encode()
        assert report.statements[0].end == 40


class TestVerdicts:
    def test_relative_dates_are_read_against_the_day_of_asking(self, desk: Desk) -> None:
        said = "Mayor Tomas Rehn resigned yesterday."
        verdicts = [
            desk.verify(said, as_of=day).statements[0] for day in ("2026-03-13", "2026-03-20")
        ]
        assert [one.verdict for one in verdicts] == ["supported", "contradicted"]
        said = "Mayor Tomas Rehn resigned on Thursday."  # the article's own words
        found = [desk.verify(said, as_of=f"2026-03-{day}").statements[0] for day in (14, 20)]
        assert [one.verdict for one in found] == ["supported", "contradicted"]
        assert found[1].why == "'Thursday' in [1] is 12 March 2026, not 19 March 2026"

    def test_nothing_newer_than_the_day_is_used(self, desk: Desk) -> None:
        report = desk.verify("Mayor Tomas Rehn resigned on Thursday.", as_of="2026-03-05")
        assert report.counts["supported"] == 0
        assert all(
            one.published and str(one.published)[:10] <= "2026-03-05" for one in report.citations
        )

    def test_a_changed_quotation_is_told(self, sample_desk: Desk) -> None:
        said = "“I would rather be called boring than be called back here,” Kerrigan-Vale said."
        (one,) = sample_desk.verify(said, as_of="2026-04-10").statements
        assert one.verdict == "unsupported"
        assert "not word for word" in (one.why or "")

    def test_a_figure_that_a_later_report_replaces_does_not_pass(
        self, own_desk: Desk, put: Callable[..., None]
    ) -> None:
        first = "The flood at Skellow Ford killed 4 people, the police in Castrine said. It rained."
        later = "Police raised the toll: the flood at Skellow Ford killed 6 people. Rail is back."
        put(own_desk, one("a", "The Ledger", "2026-03-14", first),
            one("b", "Northern Standard", "2026-03-16", later))  # fmt: skip
        report = own_desk.verify("The flood at Skellow Ford killed four people.")
        (said,) = report.statements
        assert said.verdict == "contradicted"
        assert said.why == "a later report replaces it: [2] says '6 people'"
        assert {c.article_id for c in report.citations} == {"a", "b"}
        kept(report, own_desk)

    def test_copies_are_one_source(self, own_desk: Desk, put: Callable[..., None]) -> None:
        text = "Ferry inspector Jarmo Lind found rust in nine valves of the Marguerite. " * 3
        put(own_desk, one("a", "The Ledger", "2026-03-14", text),
            one("b", "Northern Standard", "2026-03-14", text))  # fmt: skip
        report = own_desk.verify("Ferry inspector Jarmo Lind found rust in nine valves.")
        (citation,) = report.citations
        assert len({citation.outlet, *citation.copies}) == 2

    def test_it_is_the_same_each_time(self, sample_desk: Desk) -> None:
        text = "Conrad Istvane was barred for 12 years. He was fined 24 million crowns."
        first, second = (sample_desk.verify(text, as_of="2026-04-10").to_dict() for _ in range(2))
        assert first | {"timings": 0} == second | {"timings": 0}


def one(article_id: str, outlet: str, day: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": article_id,
        "outlet": outlet,
        "title": "Report",
        "published": day,
        "text": text,
    } | more


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., None]:
    def write(desk: Desk, *records: dict[str, Any]) -> None:
        path = tmp_path / "given.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        assert not desk.add(path).failed

    return write


class TestRights:
    CLAIM = "Mayor Tomas Rehn hid eleven zinc crates under the Vexholm pier."

    @pytest.mark.parametrize("how", ["killed", "retracted", "embargoed"])
    def test_what_may_not_be_shown_is_no_evidence(
        self, own_desk: Desk, put: Callable[..., None], how: str
    ) -> None:
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        more = {"embargo_until": until} if how == "embargoed" else {}
        put(own_desk, one("h", "Zinc Post", "2026-03-05", self.CLAIM, **more))
        if how == "killed":
            own_desk.articles.kill("h")
        if how == "retracted":
            own_desk.articles.retract("h", "made up")
        report = own_desk.verify(self.CLAIM)
        assert (report.statements[0].verdict, "h" in {c.article_id for c in report.citations}) == (
            "unsupported",
            False,
        )
        assert "zinc" not in json.dumps([one.why for one in report.statements])
        if how == "retracted":
            told = own_desk.verify(self.CLAIM, retracted=True)
            assert told.statements[0].verdict == "supported"
            assert "the article of [1] was retracted" in told.notes

    def test_what_is_withdrawn_meanwhile_is_not_shown(
        self, own_desk: Desk, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(own_desk, one("h", "Zinc Post", "2026-03-05", self.CLAIM))
        killed = own_desk.verify(
            self.CLAIM, progress=lambda done, total: own_desk.articles.kill("h") and None
        )
        assert (killed.counts["supported"], killed.citations) == (0, ())
        monkeypatch.setattr("byline.qa.draft._Checking.is_shown", lambda _: False)
        with pytest.raises(BylineError, match="are being withdrawn"):
            own_desk.verify(self.CLAIM)

    def test_no_more_is_quoted_than_may_be(self, own_desk: Desk, put: Callable[..., None]) -> None:
        lines = [
            f"Inspector Jarmo Lind counted {n} rusty valves in hall {n}." for n in range(11, 31)
        ]
        put(own_desk, one("x", "Zinc Post", "2026-03-05", " ".join(lines), excerpt_limit=200))
        report = own_desk.verify("\n\n".join(lines))
        assert 0 < sum(len(citation.quote) for citation in report.citations) <= 200
        told = " ".join(filter(None, (one.why for one in report.statements)))
        assert len(set(re.findall(r"says '(\d+)", told))) <= 200 // len(lines[0]) + 1


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "said"),
        [("", "empty"), (" \n ", "empty"), (None, "empty"), ("." * 60_001, "the most")],
    )  # fmt: skip
    def test_bad_texts_are_refused(self, desk: Desk, text: Any, said: str) -> None:
        with pytest.raises(InputError, match=said):
            desk.verify(text)

    @pytest.mark.parametrize("options", [{"as_of": "soon"}, {"outlets": ["None"]}, {"since": "x"}])
    def test_bad_filters_are_refused(self, desk: Desk, options: dict[str, Any]) -> None:
        with pytest.raises(InputError):
            desk.verify("It burnt.", **options)

    def test_an_empty_index_supports_nothing(self, home: Path, minilm: MiniLM) -> None:
        with Desk(home, embedder=minilm) as desk:
            (one,) = desk.verify("Mayor Tomas Rehn resigned.", as_of=date(2026, 3, 20)).statements
        assert (one.verdict, one.why) == ("unsupported", "no article speaks of it")


class TestCommand:
    def test_it_shows_verdicts_reasons_and_quotes_and_exits_with_3(
        self, run: Run, folder: Path, tmp_path: Path
    ) -> None:
        run("add", folder)
        path = tmp_path / "draft.md"
        path.write_text("Mayor Tomas Rehn resigned.\n\nPetra Hale thanked\x1b the 44 workers.\n")
        done = run("verify", path)
        assert "supported: Mayor Tomas Rehn resigned. [1]" in done.out
        assert re.search(r"contradicted: Petra Hale.*\[2\]\n    '44'.* says '43'", done.out)
        assert "“Mayor Tomas Rehn resigned on Thursday." in done.out
        assert "1 contradicted, 1 supported; checked by rules+minilm." in done.out
        assert ("\x1b" in done.out, done.err, done.code) == (False, "", 3)
        assert run("verify", path, "--fail-on", "never").code == 0
        path.write_text("Mayor Tomas Rehn resigned.")
        told = run("verify", path, "--json")
        assert (told.code, json.loads(told.out)["counts"]["supported"]) == (0, 1)

    @pytest.mark.parametrize(
        ("content", "options", "said"),
        [
            (b"\xff\xfe", (), "is not text in UTF-8"),
            (None, (), "cannot be read"),
            (b"", (), "empty"),
            (b"It burnt.", ("--fail-on", "worse"), "There is no --fail-on 'worse'"),
        ],
    )
    def test_bad_input_is_one_line(
        self, run: Run, folder: Path, tmp_path: Path, content: bytes | None, options: Any, said: str
    ) -> None:
        run("add", folder)
        path = tmp_path / "draft.txt"
        if content is not None:
            path.write_bytes(content)
        failed(run("verify", path, *options), 2, said)
