"""A judge is held against people's labels, and the advice follows from kappa's lower bound."""

import doctest
import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from byline.errors import InputError, ModelUnavailable
from byline.evals import calibrate as calibrate_module
from byline.evals.calibrate import Calibration, Claim, calibrate, kappa, load_claims
from byline.evals.judge import Judge, Judgement
from byline.qa.answer import openai_llm
from byline.tests.fakes import saying
from sklearn import metrics

YES, NO, UNUSABLE = "SUPPORTED", "NOT SUPPORTED", None


def calibration(
    labels: Sequence[bool], verdicts: Sequence[str | None], texts: Sequence[str] | None = None
) -> Calibration:
    """A calibration with these labels and verdicts, each claim on its own text unless named."""
    rows = []
    for number, (label, verdict) in enumerate(zip(labels, verdicts, strict=True)):
        text = texts[number] if texts else f"text {number}"
        reason = None if verdict else "unusable reply: its last line was 'Yes'"
        found = Judgement(verdict, "So it is.", reason, 1, {}, 0, 100, 20)
        rows.append((Claim(text, "Rates rose.", label, f"c{number}"), found))
    return Calibration("judge-1", "abc", 1, False, tuple(rows), 12.5)


# Twenty claims: 8 and 2 supported, 3 and 7 not.
LABELS = [True] * 10 + [False] * 10
VERDICTS = [YES] * 8 + [NO] * 2 + [YES] * 3 + [NO] * 7


def test_the_examples_hold() -> None:
    assert doctest.testmod(calibrate_module).attempted > 0
    assert doctest.testmod(calibrate_module).failed == 0


def test_kappa_by_hand() -> None:
    # Agreement 15/20; by chance (10 × 11 + 10 × 9) / 400 = 1/2; (3/4 - 1/2) / (1 - 1/2).
    assert calibration(LABELS, VERDICTS).kappa.value == pytest.approx(0.5, abs=1e-12)


def test_kappa_of_three_labels_by_hand() -> None:
    # Agreement .44 + .20 + .06 = .70; by chance .60 × .50 + .30 × .30 + .10 × .20 = .41.
    counts = {"aa": 44, "ab": 7, "ac": 9, "ba": 5, "bb": 20, "bc": 5, "ca": 1, "cb": 3, "cc": 6}
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    found = kappa([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    assert found == pytest.approx((0.70 - 0.41) / (1 - 0.41), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2 + seed % 3, 50).tolist()
    verdicts = [x if random.random() < 0.6 else int(random.integers(0, 3)) for x in labels]
    assert kappa(labels, verdicts) == pytest.approx(
        metrics.cohen_kappa_score(labels, verdicts), abs=1e-9
    )


def test_opposite_raters_have_kappa_minus_one() -> None:
    assert kappa([True, False] * 5, [False, True] * 5) == -1


def test_a_rater_that_always_says_the_same_has_kappa_nought() -> None:
    assert kappa([True] * 9 + [False], [True] * 10) == 0


def test_raters_that_both_say_one_label_have_no_kappa() -> None:
    assert kappa([True] * 5, [True] * 5) is None
    assert kappa([], []) is None


def test_confusion_recall_and_balance_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    labels = [bool(x) for x in random.integers(0, 2, 80)]
    verdicts = [YES if x ^ (random.random() < 0.3) else NO for x in labels]
    found = calibration(labels, verdicts)
    said = [verdict == YES for verdict in verdicts]
    assert [row[:2] for row in found.confusion] == [
        tuple(row) for row in metrics.confusion_matrix(labels, said, labels=[True, False])
    ]
    assert found.recall["supported"].value == pytest.approx(metrics.recall_score(labels, said))
    assert found.recall["not supported"].value == pytest.approx(
        metrics.recall_score(labels, said, pos_label=False)
    )
    assert found.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(labels, said), abs=1e-9
    )
    assert found.agreement.value == pytest.approx(metrics.accuracy_score(labels, said), abs=1e-9)


def test_agreement_has_wilsons_interval() -> None:
    found = calibration(LABELS, VERDICTS).agreement
    z, p, n = 1.959963984540054, 0.75, 20
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert found.value == 0.75
    assert found.low == pytest.approx((centre - half) / (1 + z * z / n), abs=1e-9)
    assert found.high == pytest.approx((centre + half) / (1 + z * z / n), abs=1e-9)


def test_unscored_claims_are_counted_and_left_out_of_everything_else() -> None:
    with_gaps = calibration([*LABELS, True, False, False], [*VERDICTS, *[UNUSABLE] * 3])
    without = calibration(LABELS, VERDICTS)
    assert with_gaps.confusion == ((8, 2, 1), (3, 7, 2))
    assert (with_gaps.judged, with_gaps.reasons) == (20, {"unusable reply": 3})
    assert with_gaps.agreement.unscored == with_gaps.kappa.unscored == 3
    for name in ("base_rate", "balanced_accuracy", "recall"):
        assert getattr(with_gaps, name) == getattr(without, name)
    assert with_gaps.agreement.value == without.agreement.value
    assert with_gaps.kappa.value == without.kappa.value


def test_the_base_rate_is_what_the_commoner_label_agrees_with() -> None:
    assert calibration([True, True, True, False], [YES, NO, NO, NO]).base_rate == 0.75
    assert calibration([True, False, False], [UNUSABLE, NO, NO]).base_rate == 1


def test_kappas_interval_holds_it_and_narrows_with_more_texts() -> None:
    few, many = calibration(LABELS, VERDICTS).kappa, calibration(LABELS * 9, VERDICTS * 9).kappa
    for found in (few, many):
        assert found.low < found.value < found.high  # type: ignore[operator]
    assert many.high - many.low < (few.high - few.low) / 2  # type: ignore[operator]


def test_claims_on_the_same_text_do_not_narrow_kappas_interval() -> None:
    texts = [f"text {number}" for number in range(20)] * 9
    few = calibration(LABELS, VERDICTS).kappa
    same = calibration(LABELS * 9, VERDICTS * 9, texts).kappa
    assert (same.value, same.low, same.high) == (few.value, few.low, few.high)


def test_the_interval_is_the_same_each_time() -> None:
    assert calibration(LABELS, VERDICTS).kappa == calibration(LABELS, VERDICTS).kappa


def made(right: int, wrong: int) -> Calibration:
    """A calibration on as many claims of either label, each so often judged right and wrong."""
    labels = [True] * (right + wrong) + [False] * (right + wrong)
    verdicts = [YES] * right + [NO] * wrong + [NO] * right + [YES] * wrong
    return calibration(labels, verdicts)


@pytest.mark.parametrize(
    ("right", "wrong", "says", "gates"),
    [
        (55, 45, "less than moderate", False),
        (74, 26, "less than moderate", False),  # kappa .48: its lower bound counts
        (160, 40, "moderate agreement", False),
        (185, 15, "substantial agreement", True),
        (195, 5, "almost perfect agreement", True),
    ],
)
def test_advice_goes_by_the_lower_bound(right: int, wrong: int, says: str, gates: bool) -> None:
    found = made(right, wrong)
    assert says in found.advice
    assert ("you may gate on this judge" in found.advice) == gates
    assert f"as low as {found.kappa.low:.2f}" in found.advice


@pytest.mark.parametrize(("claims", "says"), [(4, "Do not gate"), (200, "you may gate")])
def test_a_few_claims_without_a_disagreement_prove_little(claims: int, says: str) -> None:
    found = made(claims // 2, 0)
    z, chance = 1.959963984540054, 0.5
    low = claims / (claims + z * z)  # Wilson's lower bound of a share of 1
    assert found.kappa.value == found.kappa.high == 1
    assert found.kappa.low == pytest.approx((low - chance) / (1 - chance), abs=1e-9)
    assert says in found.advice


@pytest.mark.parametrize("verdict", [YES, NO])
def test_a_judge_that_always_says_the_same_is_found_out(verdict: str) -> None:
    found = calibration([True] * 95 + [False] * 5, [verdict] * 100)
    assert found.kappa.value == 0
    assert f"says {verdict} whatever it is shown" in found.advice
    assert "Do not gate" in found.advice


def test_a_judge_without_any_verdict_is_advised_against() -> None:
    found = calibration(LABELS, [UNUSABLE] * 20)
    assert "no verdict on any of 20 claims" in found.advice
    assert found.kappa.value is found.agreement.value is found.base_rate is None
    assert "not known" in found.as_markdown()


def test_many_unscored_claims_are_advised_against_however_well_the_rest_agrees() -> None:
    labels, verdicts = LABELS * 10, ([YES] * 10 + [NO] * 10) * 10
    assert "you may gate" in calibration(labels, verdicts).advice
    found = calibration([*labels, *[True] * 30], [*verdicts, *[UNUSABLE] * 30])
    assert "30 of 230 claims came back without a verdict" in found.advice
    assert "Do not gate" in found.advice


def test_claims_of_one_label_cannot_calibrate() -> None:
    assert "same label" in calibration([True] * 5, [YES] * 4 + [NO]).advice
    assert "same label" in calibration([True] * 5, [YES] * 5).advice


def test_claims_on_one_text_give_no_interval() -> None:
    found = calibration(LABELS, VERDICTS, ["the same"] * 20)
    assert (found.kappa.low, found.kappa.high) == (None, None)
    assert "about more texts" in found.advice


def test_calibrate_asks_the_judge_about_every_claim() -> None:
    claims = [Claim("Rates rose.", "Rates rose.", True), Claim("Rates rose.", "Rates fell.", False)]
    llm = saying("Yes.\nVERDICT: SUPPORTED", "Yesterday", "Yesterday")
    done: list[tuple[int, int]] = []
    found = calibrate(claims, Judge(llm), lambda *numbers: done.append(numbers))
    assert done == [(1, 2), (2, 2)]
    assert [judgement.verdict for _, judgement in found.rows] == ["SUPPORTED", None]
    assert (found.model, found.to_dict()["spent"]["replies"]) == ("parrot", 3)
    assert "Rates fell." in llm.prompts[1]


def test_a_judge_that_cannot_be_reached_stops_the_calibration(unused_address: str) -> None:
    llm = openai_llm(
        "judge-1", unused_address, None, context_window=99, max_tokens=9, timeout_seconds=9
    )
    with pytest.raises(ModelUnavailable):
        calibrate([Claim("Rates rose.", "Rates rose.", True)], Judge(llm))


def test_the_report_holds_every_number() -> None:
    shown = calibration([*LABELS, False], [*VERDICTS, UNUSABLE]).as_markdown()
    for line in (
        "# judge-1 as a judge of 21 claims",
        "Of 20 judged claims:",
        "| Agreement with people | 0.75 | 0.53 to 0.89 |",
        "| Agreement of always saying the commoner label | 0.50 |  |",
        "| Balanced accuracy (0.5: tells nothing apart) | 0.75 |  |",
        "| Share labelled supported | 0.50 |  |",
        "| Share judged supported | 0.55 |  |",
        "| supported | 8 | 2 | 0 |",
        "| not supported | 3 | 7 | 1 |",
        "| unusable reply | 1 |",
        "Replies: 21 (0 of them from the cache); tokens: 2,100 in, 420 out; 12 seconds.",
    ):
        assert line in shown.splitlines()
    assert "| Cohen's kappa | 0.50 |" in shown
    assert "Landis and Koch 1977" in shown


def test_the_json_holds_the_numbers_and_every_verdict_without_the_texts() -> None:
    found = json.loads(json.dumps(calibration(LABELS, VERDICTS).to_dict()))
    assert found["kappa"]["value"] == 0.5
    assert found["confusion"] == {"supported": [8, 2, 0], "not supported": [3, 7, 0]}
    assert found["verdicts"][9]["id"] == "c9"
    assert (found["verdicts"][9]["supported"], found["verdicts"][9]["verdict"]) == (True, NO)
    assert "Rates rose." not in json.dumps(found)


GOOD = {"evidence": "Rates rose.", "claim": "Rates rose.", "supported": True}


def written(path: Path, *lines: Any) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["claims.jsonl", "claims.jsonl.gz"])
def test_claims_are_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, GOOD | {"id": "a", "doc": 7}, "", GOOD | {"supported": False})
    assert load_claims(path) == [
        Claim("Rates rose.", "Rates rose.", True, "a"),
        Claim("Rates rose.", "Rates rose.", False),
    ]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "not JSON in UTF-8"),
        ("[1]", "not a JSON object"),
        ({"evidence": "a", "claim": "b"}, "supported: is missing"),
        (GOOD | {"supported": "yes"}, r"supported: .*true or false.*'yes'"),
        (GOOD | {"supported": 1}, "supported: .*true or false"),
        (GOOD | {"claim": 5}, "claim: .*text"),
        (GOOD | {"evidence": " "}, "evidence: is empty"),
    ],
)
def test_a_bad_claim_is_named_by_file_line_and_key(tmp_path: Path, line: Any, wrong: str) -> None:
    path = written(tmp_path / "claims.jsonl", GOOD, "", line)
    with pytest.raises(InputError, match=rf"claims.jsonl, line 3: {wrong}") as error:
        load_claims(path)
    assert "\n" not in str(error.value)


def test_files_without_claims_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file .*none.jsonl"):
        load_claims(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="holds no claim"):
        load_claims(written(tmp_path / "empty.jsonl", ""))
    (tmp_path / "broken.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 99)[:-9])
    with pytest.raises(InputError, match="broken.jsonl.gz"):
        load_claims(tmp_path / "broken.jsonl.gz")
    (tmp_path / "plain.jsonl.gz").write_text(json.dumps(GOOD))
    with pytest.raises(InputError, match="cannot be read: Not a gzipped file"):
        load_claims(tmp_path / "plain.jsonl.gz")


def test_a_limit_draws_the_same_claims_by_the_same_seed(tmp_path: Path) -> None:
    path = written(tmp_path / "c.jsonl", *[GOOD | {"id": str(number)} for number in range(50)])
    drawn = [claim.id for claim in load_claims(path, limit=10)]
    assert drawn == [claim.id for claim in load_claims(path, limit=10)]
    assert drawn != [claim.id for claim in load_claims(path, limit=10, seed=1)]
    assert drawn == sorted(set(drawn), key=lambda name: int(name or 0))
    assert drawn != [str(number) for number in range(10)]
    assert len(drawn) == 10
    assert len(load_claims(path, limit=99)) == 50


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the limit is 0"):
        load_claims(written(tmp_path / "c.jsonl", GOOD, GOOD), limit=0)
