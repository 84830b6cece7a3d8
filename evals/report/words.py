"""How a report writes numbers, dates and names.

>>> number(0.423, "share"), number(-0.5, "ratio"), number(0.000412, "dollars"), words("ndcg@10")
('42 %', '−0.500', '$0.000412', 'nDCG at 10')
"""

import re

import numpy as np

from ..response import moment
from ..summary import Estimate

_MINUS = "\N{MINUS SIGN}"
_ABBREVIATIONS = {"f1": "F1", "mrr": "MRR", "ndcg": "nDCG"}


def number(value: float, unit: str) -> str:
    """A value as people write it, with its unit (`Metric.unit`)."""
    size = abs(value)
    said = {
        "share": f"{100 * size:.0f} %",
        "ratio": f"{size:.3f}",
        "seconds": f"{digits(size)} s",
        "dollars": f"${digits(size)}",
    }.get(unit, digits(size))
    return f"{_MINUS}{said}" if value < 0 and re.search("[1-9]", said) else said


def digits(value: float) -> str:
    """Three significant digits, and all of those before the point; never with an exponent.

    >>> digits(0.000412345), digits(1.2345), digits(12345.6), digits(2.0)
    ('0.000412', '1.23', '12,346', '2')
    """
    if value >= 100:
        return f"{value:,.0f}"
    return np.format_float_positional(value, 3, unique=False, fractional=False, trim="-")


def interval(found: Estimate, unit: str) -> str:
    """The 95 % interval; empty where there is none."""
    if found.low is None or found.high is None:
        return ""
    low, high = number(found.low, unit), number(found.high, unit)
    return f"{low.removesuffix(' %').removesuffix(' s')} to {high}"


def count(of: int, noun: str) -> str:
    """A number of things: "1 case", "1,200 cases"."""
    return f"{of:,} {noun}{'' if of == 1 else 's'}"


def day(text: str | None) -> str:
    """A stated date as people write it, or as it stands where it cannot be read."""
    found = moment(text)
    return f"{found.day} {found:%B %Y}" if found else text or ""


def words(name: str) -> str:
    """The name of a metric, a tag or a reason as words."""
    parts = re.sub(r"@(?=\d)", " at ", name.replace("_", " ")).split(" ")
    return " ".join(_ABBREVIATIONS.get(part, part) for part in parts)


def sentence(text: str) -> str:
    """The text with a capital at its start, and otherwise as it is."""
    return text[:1].upper() + text[1:]


def cut(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else f"{text[:most].rstrip()} …"
