"""What is given to `add`: paths; patterns, web addresses and `-` as what they stand for.

>>> list(expand(["no/*.txt"], lambda: None, max_article_bytes=1000))
[Failure(path='no/*.txt', line=None, reason='no file has a name like that')]
"""

import glob
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ...errors import FetchError
from ..article import Article
from ..read import Entry, Failure, read_stream

if TYPE_CHECKING:
    from .web import Web


def expand(
    given: Iterable[Path | str | Entry | Failure],
    web: "Callable[[], Web]",
    held: Callable[[Sequence[str]], Sequence[Article]] = lambda ids: (),
    *,
    max_article_bytes: int,
) -> Iterator[Path | str | Entry | Failure]:
    """Paths and entries as given, in the same order. `web` is asked for at the first address.

    `held` gives the articles that the index has under these ids.
    """
    opened: Web | None = None
    for one in given:
        if one == "":
            yield Failure('""', None, "an empty path: name a file or folder, or . for this one")
        elif one == "-":
            yield from read_stream(_standard_input(), max_article_bytes=max_article_bytes)
        elif isinstance(one, str) and one.lower().startswith(("http://", "https://")):
            opened = opened or web()
            yield _fetched(one, opened, held, max_article_bytes)
        elif isinstance(one, str) and "://" in one:  # object storage has patterns of its own
            yield one
        elif isinstance(one, str) and glob.has_magic(one) and not Path(one).exists():
            found: list[str | Failure] = [*sorted(glob.glob(one, recursive=True))]
            yield from found or [Failure(one, None, "no file has a name like that")]
        else:
            yield one


def _standard_input() -> "BufferedReader":
    """Standard input apart from sys.stdin, whose lock a thread that waits for it would keep."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except OSError:  # a test's, or none
        return cast("BufferedReader", sys.stdin.buffer)


def _fetched(
    url: str,
    web: "Web",
    held: Callable[[Sequence[str]], Sequence[Article]],
    max_article_bytes: int,
) -> Entry | Failure:
    from .client import PAGE
    from .page import page_article

    try:
        page = web.get(url, PAGE, max_bytes=max_article_bytes)
    except FetchError as error:
        return Failure(url, None, str(error))
    fingerprint = blake2b(page.url.encode() + b"\0" + page.body, digest_size=16).digest()
    return Entry(url, None, fingerprint, partial(page_article, page, held))
