r"""Reads articles from NewsML-G2: news items that carry their text, alone or in a message.

>>> from byline.index.readers.xml import parse
>>> item = b"<newsItem guid='u:1'><contentMeta><headline>Ferry burns</headline></contentMeta>"
>>> item += b"<contentSet><inlineData>Nobody was hurt.</inlineData></contentSet></newsItem>"
>>> read_newsitem(parse(item), "ferry.xml").text
'Nobody was hurt.'
"""

from typing import Any

from ...errors import InputError
from ..article import Article
from .nitf import LANG, nitf_facts
from .wire import code, wire_article
from .xml import attribute, line, text_of, text_of_markup

_NO_ARTICLES = {
    "packageItem": "a NewsML-G2 package, which lists other items",
    "conceptItem": "a NewsML-G2 concept",
    "knowledgeItem": "a NewsML-G2 list of concepts",
    "catalogItem": "a NewsML-G2 catalogue of vocabularies",
    "planningItem": "a NewsML-G2 plan of coverage",
}
_TEXT_CLASSES = ("text", "composite")


def news_items(root: Any) -> list[Any]:
    """The news items of a parsed NewsML-G2 document. InputError: it has none."""
    if items := [root] if root.tag == "newsItem" else root.findall("itemSet/newsItem"):
        return list(items)
    held = [root.tag, *(child.tag for child in root.iterfind("itemSet/*"))]
    what = next(filter(None, map(_NO_ARTICLES.get, held)), "a NewsML-G2 message without items")
    raise InputError(f"it is {what}; only news items are read")


def read_newsitem(item: Any, fallback_id: str) -> Article:
    """The article of a <newsItem>. InputError: it is no text, or its text is elsewhere."""
    meta, content = item.find("itemMeta"), item.find("contentMeta")
    meta = item.makeelement("itemMeta") if meta is None else meta
    content = item.makeelement("contentMeta") if content is None else content
    kind = _code(meta, "itemClass")
    if kind and kind not in _TEXT_CLASSES:
        raise InputError(f"it is a news item of class '{kind}'; only text is read")
    body = _body(item.find("contentSet"))
    embargoed = meta.find("embargoed")
    until = line(meta, "embargoed")
    facts = {
        "id": item.get("guid"),
        "title": line(content, "headline"),
        "authors": [line(found, ".") for found in content.iterfind("creator/name")],
        "outlet": line(meta, "provider/name")
        or line(item, "rightsInfo/copyrightHolder/name")
        or attribute(item, "rightsInfo/copyrightHolder", "literal")
        or _code(meta, "provider")
        or line(content, "infoSource/name"),
        "created": [line(meta, "firstCreated"), line(content, "contentCreated")],
        "changed": [line(meta, "versionCreated"), line(content, "contentModified")],
        # an empty element is an embargo that only a later version will lift
        "status": "withheld" if embargoed is not None and not until else _code(meta, "pubStatus"),
        "embargo_until": until,
        "expires": line(content, "expires") or attribute(item, "rightsInfo", "validto"),
        "rights": "; ".join(filter(None, (line(found, ".") for found in _terms(item)))),
        "language": attribute(content, "language", "tag") or item.get(LANG),
        "signals": list(filter(None, (code(_coded(s)) for s in meta.iterfind("signal")))),
        "note": line(meta, "edNote"),
        "genres": [
            name
            for genre in content.iterfind("genre")
            for name in (line(genre, "name"), code(_coded(genre)))
            if name
        ],
        "subjects": list(filter(None, (line(s, "name") for s in content.iterfind("subject")))),
        "slugline": line(content, "slugline"),
        "item_version": item.get("version"),
    }
    return wire_article(body | {name: fact for name, fact in facts.items() if fact}, fallback_id)


def _body(content: Any) -> dict[str, Any]:
    """The first text of a <contentSet> with what it says itself, else the reason that is none."""
    if content is None or not len(content):
        return {"reason": "it carries no content"}
    reason = "its content is a file elsewhere, and only text within the item is read"
    for held in content.iterfind("*"):
        if held.tag == "inlineData" and held.get("encoding"):
            reason = f"its text is encoded as {held.get('encoding')}, which is not read"
        elif held.tag == "inlineData":
            text = "".join(held.itertext())
            is_markup = "html" in (held.get("contenttype") or "")
            return {"text": text_of_markup(text) if is_markup else text}
        elif held.tag == "inlineXML" and len(held):
            inner = held[0]
            if inner.tag == "nitf":
                return nitf_facts(inner)
            if inner.tag in ("html", "body", "div", "section", "article", "p"):
                return {"text": text_of(inner)}
            reason = f"its content is <{inner.tag}>, and only NITF and XHTML are read"
        elif held.tag == "inlineXML":
            reason = "its inlineXML is empty"
    return {"reason": reason}


def _terms(item: Any) -> list[Any]:
    return [*item.iterfind("rightsInfo/copyrightNotice"), *item.iterfind("rightsInfo/usageTerms")]


def _coded(element: Any) -> str | None:
    value = element.get("qcode") or element.get("literal") or element.get("uri")
    return str(value) if value else None


def _code(element: Any, path: str) -> str | None:
    found = element.find(path)
    return None if found is None else code(_coded(found))
