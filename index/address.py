"""Addresses of the web: without what campaigns append, whether two are of one site, lists of them.

>>> unmarked("https://herald.example/a?id=3&utm_source=rss#:~:text=Ferry")
'https://herald.example/a?id=3'
>>> is_one_site("https://www.herald.example/a", "https://m.herald.example/b")
True
"""

import re
from urllib.parse import urlsplit

_CAMPAIGN = re.compile(  # what newsletters, feeds and networks append to count their readers
    r"(?:utm_\w+|at_(?:medium|campaign|link\w*|ptr\w*)|(?:fb|g|y|tw)clid|msclkid|mc_[ce]id|cmpid|"
    r"CMP|ns_\w+|ocid|xtor|ftag|Echobox)(?:=|$)",
    re.I,
)
_USER = re.compile(r"//[^/?#\s]*@")
_FRONT = re.compile(r"^(?:www|m|mobile|amp)\.")


def unmarked(url: str) -> str:
    """An address without marks of campaigns and without a fragment that points at words.

    Another fragment stays: entries of a live page have addresses that differ by it alone.
    """
    front, _, fragment = url.partition("#")
    path, _, query = front.partition("?")
    named = fragment.partition(":~:")[0]
    parts = ((path, ""), (_kept(query), "?"), (_kept(named), "#"))
    return "".join(f"{sign}{part}" for part, sign in parts if part)


def _kept(pairs: str) -> str:
    return "&".join(pair for pair in pairs.split("&") if not _CAMPAIGN.match(pair))


def without_front(host: str) -> str:
    """A host's name without what only tells a phone's page from a desk's."""
    return _FRONT.sub("", host.lower())


def is_one_site(one: str, other: str) -> bool:
    """Whether two addresses have one host, or one's host belongs to the other's."""
    try:
        first, second = (without_front(urlsplit(url).netloc) for url in (one, other))
    except ValueError:
        return False
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def shown(addresses: str) -> str:
    """Addresses without who may open them, for messages and logs.

    >>> shown("http://me:secret@a.example/v1")
    'http://a.example/v1'
    """
    return _USER.sub("//", addresses)


def listed(addresses: str | None) -> list[str]:
    """The addresses of a text that parts them by commas, without their last slash.

    >>> listed("http://a.example/v1, http://b.example/v1/")
    ['http://a.example/v1', 'http://b.example/v1']
    """
    parts = (part.strip().rstrip("/") for part in (addresses or "").split(","))
    return [part for part in parts if part]
