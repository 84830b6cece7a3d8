"""Every error that Byline raises on purpose, split by who can act on it.

    BylineError
    ├── InputError        the user: a question, filter, path or article is not usable as given
    │   ├── NotFound          no article, conversation or job has that id
    │   ├── Conflict          it is not in the state that this asks for: look at it again
    │   └── FetchError        a web address may not or cannot be fetched
    │       └── FetchLater        retry: its server is busy, slow or not there
    ├── SettingsError     the operator: a setting, key or missing extra
    │   └── IndexMismatch     the index was built with other settings
    ├── IndexLocked       wait: another process is writing to the index
    ├── IndexDamaged      the operator: a store cannot be read; `byline check` says more
    ├── StoreUnavailable  retry: the server of the vector store does not answer
    ├── ArchiveUnavailable  retry: the database of the archive does not answer
    ├── DiskError         the operator: the disk is full, read-only or refuses
    └── ModelError        the operator or nobody: a model endpoint refused or failed
        └── ModelUnavailable  retry: it did not answer in time, or not at all

Each message is one line that says what was wrong, with what, and what to do.
"""

from collections.abc import Mapping
from typing import Any

_WANTED = {
    **dict.fromkeys(("list", "tuple", "set"), "a list"),
    **dict.fromkeys(("dict", "dataclass", "model"), "an object"),
    "bool": "true or false",
    "finite": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "path": "a path",
    "string": "a text",
}
_BOUNDS = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}


def wanted(found: Mapping[str, Any]) -> str:
    """What to give in place of a value, from an entry of pydantic's `errors()`.

    >>> wanted({"type": "int_parsing"}), wanted({"type": "less_than", "ctx": {"lt": 5}})
    ('give a whole number', 'give a number below 5')
    """
    kind, about = found["type"], found.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return "give it in the form that it has"
    if "expected" in about:
        return f"give {about['expected']}"
    for bound, said in _BOUNDS.items():
        if bound in about:
            return f"give a number {said} {about[bound]}"
    return f"give {_WANTED.get(kind.partition('_')[0], 'another value')}"


class BylineError(Exception):
    """The root of the tree; `str(error)` is one line that can be shown to a user."""


class InputError(BylineError):
    """A question, filter, path or article cannot be used as given."""


class NotFound(InputError):
    """There is nothing of that id here."""


class Conflict(InputError):
    """What is meant is under way or has ended: it is not in the state that this asks for."""


class FetchError(InputError):
    """A web address may not or cannot be fetched."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        "of the server's reply, where there was one"


class FetchLater(FetchError):
    """A server is busy, slow or not there; another time it may give what was asked for."""

    def __init__(
        self, message: str, *, status: int | None = None, wait_seconds: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.wait_seconds = wait_seconds
        "how long the server asks to be left alone"


class SettingsError(BylineError):
    """A setting is missing, malformed or contradictory."""


class IndexMismatch(SettingsError):
    """The index was built with another embedder, dimension or schema."""


class IndexLocked(BylineError):
    """Another process holds the writer's lock of the index."""


class IndexDamaged(BylineError):
    """The archive or the vector store cannot be read."""


class StoreUnavailable(BylineError):
    """The server of the vector store does not answer, or is busy."""


class ArchiveUnavailable(BylineError):
    """The database of the archive does not answer, or has no connection to spare."""


class DiskError(BylineError):
    """The disk is full, read-only or broken; what was accepted is kept."""


class ModelError(BylineError):
    """A model endpoint refused the request or gave an unusable reply."""


class ModelUnavailable(ModelError):
    """A model endpoint could not be reached or did not answer in time."""
