"""Addresses of the web: whether two are of one site.

>>> is_one_site("https://www.herald.example/a", "https://m.herald.example/b")
True
"""

import re
from urllib.parse import urlsplit

_FRONT = re.compile(r"^(?:www|m|mobile|amp)\.")


def is_one_site(one: str, other: str) -> bool:
    """Whether two addresses have one host, or one's host belongs to the other's."""
    try:
        first, second = (_FRONT.sub("", urlsplit(url).netloc.lower()) for url in (one, other))
    except ValueError:
        return False
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")
