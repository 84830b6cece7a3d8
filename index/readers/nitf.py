r"""Reads an article from NITF, the markup of news agencies' texts.

>>> from byline.index.readers.xml import parse
>>> body = b"<body.head><hedline><hl1>Ferry burns</hl1></hedline></body.head>"
>>> body += b"<body.content><p>Nobody was hurt.</p></body.content>"
>>> read_nitf(parse(b"<nitf><body>" + body + b"</body></nitf>"), "ferry.nitf").title
'Ferry burns'
"""

import re
from typing import Any

from ..article import Article
from .wire import code, wire_article
from .xml import attribute, attributes, line, text_of

_NORM = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?)?(Z|[+-]\d\d:?\d\d)?")
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_nitf(root: Any, fallback_id: str) -> Article:
    """The article of a parsed <nitf>. InputError: it has no text, or see `to_article`.

    A document that gives another one a new status (a kill) is read as that other document.
    """
    return wire_article(nitf_facts(root), fallback_id)


def nitf_facts(root: Any) -> dict[str, Any]:
    """What a <nitf> says, under the names that `wire_article` knows."""
    of_other = attribute(root, "head/docdata", "management-idref-status")
    other = of_other and attribute(root, "head/docdata", "management-doc-idref")
    correction = root.find("head/docdata/correction")
    told = attribute(root, "head/docdata/correction", "info")
    return {
        "id": other or attribute(root, "head/docdata/doc-id", "id-string"),
        "title": line(root, "body/body.head/hedline/hl1") or line(root, "head/title"),
        "text": _text(root),
        "summary": _paragraphs(root, "body/body.head/abstract"),
        "authors": _paragraphs(root, "body/body.head/byline"),
        "outlet": line(root, "body/body.head/distributor")
        or attribute(root, "head/pubdata", "name")
        or attribute(root, "head/docdata/doc.copyright", "holder"),
        "created": [
            _date(root, "head/docdata/date.issue"),
            _date(root, "body/body.head/dateline/story.date"),
        ],
        "embargo_until": _date(root, "head/docdata/date.release"),
        "expires": _date(root, "head/docdata/date.expire"),
        "rights": _rights(root),
        "section": attribute(root, "head/pubdata", "position.section"),
        "language": root.get(LANG) or attribute(root, "body", LANG),
        "status": (other and of_other) or attribute(root, "head/docdata", "management-status"),
        "signals": ["correction"] if correction is not None else [],
        "note": told or attribute(root, "head/docdata/ed-msg", "info"),
        "genres": [
            *attributes(root, "head/tobject", "tobject.type"),
            *attributes(root, "head/tobject/tobject.property", "tobject.property.type"),
        ],
        "subjects": [
            *attributes(root, "head/tobject/tobject.subject", "tobject.subject.type"),
            *attributes(root, "head/tobject/tobject.subject", "tobject.subject.matter"),
        ],
    }


def _text(root: Any) -> str:
    """The body with the dateline in front, unless the text opens with it."""
    content = root.find("body/body.content")
    text = text_of(content) if content is not None else ""
    dateline = line(root, "body/body.head/dateline")
    if dateline and text and not text.startswith(dateline):
        return f"{dateline.rstrip(' -–—')} — {text}"
    return text


def _paragraphs(root: Any, path: str) -> str | None:
    found = root.find(path)
    return " ".join(text_of(found).split()) or None if found is not None else None


def _date(root: Any, path: str) -> str | None:
    """The date at a path as `to_article` reads it; what is no date is handed on, to be named."""
    norm = attribute(root, path, "norm")
    if not norm or not (match := _NORM.fullmatch(norm)):
        return norm
    year, month, day, hour, minute, second, zone = match.groups()
    time = f"T{hour}:{minute}:{second or '00'}{zone or ''}" if hour else ""
    return f"{year}-{month}-{day}{time}"


def _rights(root: Any) -> str | None:
    """The copyright and every limit of use, as the attributes state them."""
    stated = []
    for path in ("head/docdata/doc.copyright", "head/docdata/doc.rights"):
        for found in root.iterfind(path):
            stated.append(", ".join(f"{code(k)}: {v}" for k, v in found.attrib.items() if v))
    return "; ".join(filter(None, stated)) or None
