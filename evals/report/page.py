"""Runs as a page and as Markdown; how they look stands in page.html.jinja and summary.md.jinja.

page_of(sheets_of([run])); summary_of(sheets_of([run]))
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ..metrics import METRICS
from ..summary import HEADLINE, grades, reasons, tagged, tags
from . import words
from .cases import entries_of, link, sentences
from .charts import charts_of
from .sheet import VERDICTS, Sheet, expected, measured, outcomes, result, warnings

_HERE = Path(__file__).parent
_SPECIAL = re.compile(r"([\\`*_\[\]#~|!])")


def page_of(sheets: Sequence[Sheet]) -> str:
    """The page, whole: style, script and charts are in it."""
    script = (_HERE / "page.js").read_text("utf-8")
    return _template("page.html.jinja").render(
        _known(sheets),
        charts=charts_of(sheets),
        style=Markup((_HERE / "page.css").read_text("utf-8")),
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def summary_of(sheets: Sequence[Sheet]) -> str:
    """Headline, tags and the first failures as GitHub's Markdown."""
    return _template("summary.md.jinja").render(_known(sheets))


def _template(name: str) -> Template:
    page = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    spoken = (words.number, words.interval, words.count, words.day, words.words, words.sentence)
    told = (words.cut, result, expected, link, sentences, anchor, manifest_lines, md)
    counted = (tags, grades, reasons, measured)
    page.filters.update({made.__name__: made for made in (*spoken, *told, *counted)})
    return page.get_template(name)


def _known(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """What both templates show."""
    by_tag = [(sheet, tagged(sheet.run)) for sheet in sheets]
    found = dict.fromkeys(tag for _, records in by_tag for tag in records)
    return {
        "sheets": sheets,
        "entries": entries_of(sheets),
        "warnings": warnings(sheets),
        "outcomes": outcomes(sheets),
        "headline": [name for name in HEADLINE if name in METRICS],
        "metrics": METRICS,
        "verdicts": VERDICTS,
        "by_tag": [(tag, [(s, records.get(tag, [])) for s, records in by_tag]) for tag in found],
    }


def anchor(case_id: str) -> str:
    """What a link to a case ends with: any id is a safe one."""
    return f"case-{quote(case_id, safe='', errors='replace')}"


def md(text: str, most: int = 400) -> str:
    """Text as Markdown that shows it as it is, on one line."""
    plain = words.cut(" ".join(text.split()), most)
    safe = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", safe)


def manifest_lines(manifest: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """What a manifest says, a line for each thing: of what holds others, each with its name."""
    for key, value in manifest.items():
        name = above + words.words(str(key))
        if isinstance(value, Mapping):
            yield from manifest_lines(value, "" if key == "about" else f"{name}: ")
        elif value not in (None, "", []):
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
