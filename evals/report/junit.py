"""A run as JUnit XML, which every CI shows: one test a case.

junit_of(sheet)
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

from ..case import Case
from ..record import Record
from .sheet import Sheet, expected
from .words import cut

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTES = {"error": "errors", "failure": "failures", "skipped": "skipped"}  # gravest first


def junit_of(sheet: Sheet) -> str:
    """The run as a test suite; `report.junit` says what passes."""
    suite = ET.Element("testsuite", name=_xml(sheet.label), tests=str(len(sheet.run.cases)))
    kinds: Counter[str] = Counter()
    for case in sheet.run.cases:
        records = sheet.by_case.get(case.id, [])
        seconds = sum(r.response.timings.get("total", 0.0) for r in records if not r.cached)
        name, label = _xml(f"{case.id}: {case.question}"), _xml(sheet.label)
        test = ET.SubElement(suite, "testcase", name=name, classname=label, time=f"{seconds:.3f}")
        troubles = sorted(_troubles(sheet, case), key=lambda t: list(_ATTRIBUTES).index(t[0]))
        for element, kind, message in troubles[:1]:
            kinds[element] += 1
            trouble = ET.SubElement(test, element, type=kind, message=_xml(cut(message, 300)))
            trouble.text = _xml("\n".join(said for *_, said in troubles))
    for element, attribute in _ATTRIBUTES.items():
        suite.set(attribute, str(kinds[element]))
    ET.indent(suite)
    return ET.tostring(suite, "unicode") + "\n"


def _troubles(sheet: Sheet, case: Case) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a case: element, type and message."""
    records = sheet.by_case.get(case.id, [])
    yield from (_trouble(case, record) for record in records if not sheet.right(record))
    if len(records) < sheet.repeats:
        yield "error", "not run", f"It was run {len(records)} of {sheet.repeats} times."


def _trouble(case: Case, record: Record) -> tuple[str, str, str]:
    given = f"Answered: {cut(record.response.text or 'nothing', 1000)}"
    if record.grade == "failed":
        return "error", "failed", record.response.error or "There is no answer."
    if record.grade == "unjudged":
        return "skipped", "unjudged", f"No answer is known. {given}"
    return "failure", record.grade, f"Expected: {expected(case)}. {given}"


def _xml(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
