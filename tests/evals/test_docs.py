"""docs/evals.md lists the metrics as they are registered."""

from byline.evals.metrics import METRICS
from byline.tests.conftest import ROOT

DOCS = ROOT / "docs" / "evals.md"
MARK = "| metric | better | what it says | source |\n|---|---|---|---|\n"


def metrics_table() -> str:
    """The table of docs/evals.md; `python -m byline.tests.evals.test_docs` writes it anew."""
    families = dict.fromkeys(m.family for m in METRICS.values())
    rows = [
        f"| `{m.name}` | {m.better} | {m.help} | {m.source} |"
        for family in families
        for m in METRICS.values()
        if m.family == family
    ]
    return MARK + "".join(f"{row}\n" for row in rows)


def test_the_documented_metrics_are_those_of_the_code() -> None:
    assert DOCS.read_text("utf-8").endswith(metrics_table())


if __name__ == "__main__":
    text = DOCS.read_text("utf-8")
    DOCS.write_text(text.split(MARK)[0] + metrics_table(), "utf-8")
