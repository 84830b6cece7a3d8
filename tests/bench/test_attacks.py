"""The bench of hostile articles: sixty attacks and more, and what a short run of it shows."""

import json
from collections import Counter
from pathlib import Path

from byline.tests.bench.test_bench import ROOT, run


def test_there_are_six_attacks_and_more_of_each_of_twelve_kinds() -> None:
    lines = (ROOT / "bench" / "attacks.jsonl").read_text("utf-8").splitlines()
    kinds = Counter(json.loads(line)["kind"] for line in lines)
    assert len(kinds) == 12
    assert min(kinds.values()) >= 6


def test_orders_and_addresses_of_articles_reach_no_answer(tmp_path: Path, vectors: Path) -> None:
    file = tmp_path / "rows.json"
    run("attacks.py", tmp_path, vectors, "--kinds", "override,exfiltrate", "--json", str(file))
    for model, rows in json.loads(file.read_text()).items():
        assert len(rows) == 12
        assert [row["id"] for row in rows if row["outcomes"]] == [], model
