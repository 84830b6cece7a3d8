r"""Parses XML and markup from outside without fetching or resolving anything.

>>> text_of(parse(b"<block><hl2>Fire</hl2><p>Nobody was\n  <em>hurt</em>.</p></block>"))
'Fire\n\nNobody was hurt.'
"""

import re
from html.entities import html5
from typing import Any

from lxml import etree

from ...errors import InputError


def _words(line: str) -> list[str]:
    return line.split()


_LEFT_OUT = frozenset(
    _words(
        "head style script template media figure figcaption picture img video audio iframe object "
        "svg form button nav footer body.head body.end byttl"
    )
)
_BLOCKS = frozenset(
    _words(
        "p div section article aside main header hl1 hl2 hl3 hl4 h1 h2 h3 h4 h5 h6 li ul ol dl dt "
        "dd bq blockquote block pre table tr nitf-table caption note hr br body body.content"
    )
)
_CELLS = ("td", "th")
_NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
_XML_NAMED = (b"amp;", b"lt;", b"gt;", b"quot;", b"apos;")


def parse(raw: bytes) -> Any:
    """The root element, names without their namespaces. InputError: see its messages.

    lxml reads neither DTDs nor the network and expands no entity; the names that HTML gives to
    characters are read as these characters, any other entity is refused.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_NAMED.sub(_as_number, raw), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        reason = " ".join(str(getattr(error, "msg", error)).split())[:200]
        raise InputError(f"not well-formed XML: {reason}") from None
    dtd = root.getroottree().docinfo.internalDTD
    declares = dtd is not None and any(True for _ in dtd.iterentities())
    if declares or next(root.iter(etree.Entity), None) is not None:
        raise InputError("it uses entities of its own, which are not read: write the text out")
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def text_of(element: Any) -> str:
    """The paragraphs of an element, one blank line between; no pictures, captions or forms."""
    pieces: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        is_start = event == "start"
        if node.tag in _BLOCKS:
            pieces.append("\n")
        elif node.tag in _CELLS and not is_start:
            pieces.append(" | ")
        if not is_start:
            pieces.append(_folded(node.tail if node is not element else None))
        elif node.tag in _LEFT_OUT and node is not element:
            walk.skip_subtree()
        else:
            pieces.append(_folded(node.text))
    lines = (" ".join(line.split()).strip("| ") for line in "".join(pieces).split("\n"))
    return "\n\n".join(filter(None, lines))


def text_of_markup(markup: str) -> str:
    """The paragraphs of a piece of HTML or XHTML, however broken."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(markup.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return ""
    return "" if root is None else text_of(root)


def line(element: Any, path: str) -> str | None:
    """The text of the first element at a path on one line; None where there is none."""
    found = element.find(path)
    return None if found is None else " ".join("".join(found.itertext()).split()) or None


def attribute(element: Any, path: str, name: str) -> str | None:
    """The value of an attribute of the first element at a path; None where it has none."""
    return next(iter(attributes(element, path, name)), None)


def attributes(element: Any, path: str, name: str) -> list[str]:
    """The values of an attribute of every element at a path."""
    return [value for found in element.iterfind(path) if (value := found.get(name, "").strip())]


def _folded(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _as_number(match: re.Match[bytes]) -> bytes:
    characters = html5.get(match[1].decode())
    if characters is None or match[1] in _XML_NAMED:
        return match[0]
    return "".join(f"&#{ord(c)};" for c in characters).encode()
