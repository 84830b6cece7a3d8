"""Whether a model is on this machine, and what is refused for an index that is kept to it.

>>> is_local("http://127.0.0.1:8080/v1"), is_local("https://api.openai.com/v1"), is_local(None)
(True, False, False)
"""

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import SettingsError
from .address import listed, shown
from .archive import Archive


def require_local(archive: Archive, what: str, address: str | None) -> None:
    """Raise SettingsError where the index is marked `local_only` and an address is elsewhere."""
    if archive.local_only and not all(map(is_local, listed(address) or [""])):
        where = f" ({address})" if address else ""
        raise SettingsError(
            f"Index '{archive.path.parent.name}' is local_only, and {shown(what + where)} is not "
            "known to run on this machine: nothing was sent. Choose one at a loopback address, or "
            "run `byline index local-only off`."
        )


def is_local(address: str | None) -> bool:
    """Whether it is a loopback address that is not reached through a proxy; None is not."""
    try:
        parts = urlsplit(address or "")
        host = parts.hostname or ""
    except ValueError:
        return False
    is_loopback = host == "localhost"
    with suppress(ValueError):
        is_loopback = is_loopback or ipaddress.ip_address(host).is_loopback
    is_proxied = not getproxies().keys().isdisjoint(("all", parts.scheme))
    return is_loopback and not (is_proxied and not proxy_bypass(host))


def address_of(model: object) -> str | None:
    """The address of a model that a program has handed in; None where it tells none."""
    if getattr(model, "runs_here", False):
        return "http://localhost"
    for part in (model, getattr(model, "_model", None), getattr(model, "_llm", None)):
        for name in ("api_base", "base_url", "_url"):
            if isinstance(found := getattr(part, name, None), str):
                return found
    return None
