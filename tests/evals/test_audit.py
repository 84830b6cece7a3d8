"""The harness on trial: systems whose truth is known, and no metric is taken in by one."""

import pytest
from byline import Desk
from byline.evals.audit import SYSTEMS, Table, as_markdown, audit, fooled
from byline.evals.case import load_cases
from byline.evals.corpus import Corpus
from byline.evals.metrics import METRICS
from byline.evals.summary import Estimate


@pytest.fixture(scope="module")
def table(sample_desk: Desk) -> Table:
    return audit(load_cases("sample"), Corpus(archive=sample_desk.archive))


def test_no_metric_is_fooled_by_a_system_of_known_truth(table: Table) -> None:
    assert fooled(table) == []


def test_the_table_shows_every_system(table: Table) -> None:
    head = as_markdown(table).splitlines()[0]
    assert all(name in head for name in SYSTEMS)


@pytest.mark.parametrize("name", ["precision", "citation_recall", "declining_recall"])
def test_a_metric_that_always_says_1_is_found_out(table: Table, name: str) -> None:
    always = Estimate(1.0, None, None, 10, 0)
    broken = {system: {**found, name: always} for system, found in table.items()}
    assert any(line.startswith(f"{name} ") for line in fooled(broken))


def test_every_metric_of_answers_and_citations_is_tried(table: Table) -> None:
    families = {"answers", "citations", "news", "abstention", "retrieval"}
    names = {n for n, m in METRICS.items() if m.family in families and not n.startswith("judge_")}
    tried = {n for found in table.values() for n, one in found.items() if one.value is not None}
    assert names <= tried
