"""What an article is once it has been read: its facts, its text as stored, and its version.

>>> Article(id="a", text="Rates rose.", title="Rates").version
'8fe5902cd98a6518'
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from ..errors import InputError

KINDS = ("news", "opinion", "analysis", "release", "advertorial", "note")


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked span of the stored text: `text[start:end]`, in code points.

    Byline and dateline lines are kept out of passages (they are cited when asked who or when);
    notes, corrections and retractions are part of passages and stay recognisable.
    """

    start: int
    end: int
    kind: str
    "byline | dateline | note | correction | retraction"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a newsroom, or a person here, said of an article."""

    kind: str
    "corrected | retracted"
    text: str
    date: datetime | date | None
    link: str | None = None
    "where it was said, if not in the article itself"

    def to_dict(self) -> dict[str, Any]:
        """The notice as JSON values."""
        return asdict(self) | {"date": isoformat(self.date)}


@dataclass(frozen=True, slots=True)
class Article:
    """One article as stored. What is not known is None, never a guess."""

    id: str
    "the source's own id, else its canonical URL, else its resolved path"
    text: str
    "as stored: boilerplate left out, lines end in \\n, no NUL"
    title: str | None = None
    outlet: str | None = None
    authors: tuple[str, ...] = ()
    published: datetime | date | None = None
    "aware datetime in UTC, or a bare date where no time or no zone is known"
    updated: datetime | date | None = None
    url: str | None = None
    language: str | None = None
    "ISO 639-1"
    section: str | None = None
    kind: str | None = None
    "one of KINDS"
    status: str | None = None
    embargo_until: datetime | date | None = None
    expires: datetime | date | None = None
    rights: str | None = None
    excerpt_limit: int | None = None
    "characters that may be quoted"
    completeness: str | None = None
    "full | teaser"
    marks: tuple[Mark, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    "the source's other keys, as JSON values"
    notice: Notice | None = field(default=None, compare=False)
    "set by the archive: what its text, its source, another article or a person says of it"

    @property
    def version(self) -> str:
        """Eight bytes of SHA-256 over headline and normalised text, in hexadecimal.

        Normalised is NFC with runs of white space folded: a re-flowed copy is the same version.
        """
        return _version(self.title or "", self.text)

    def to_dict(self, *, with_text: bool = True) -> dict[str, Any]:
        """The article as JSON values, keys as here, dates in ISO 8601."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {name: isoformat(values[name]) for name in MOMENTS}
        values["marks"] = [asdict(mark) for mark in self.marks]
        values |= {"authors": list(self.authors), "extra": dict(self.extra)}
        if self.notice:
            values["notice"] = self.notice.to_dict()
        values["version"] = self.version
        if not with_text:
            del values["text"], values["marks"]
        return values


@lru_cache(maxsize=1_000)
def _version(title: str, text: str) -> str:
    normalised = unicodedata.normalize("NFC", " ".join(f"{title}\n{text}".split()))
    return hashlib.sha256(normalised.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# Bytes. An index of PostgreSQL takes rows of up to 2,704; a title goes with every passage.
_MOST_BYTES = {"id": 2_500, "outlet": 2_500, "title": 10_000}


def fitting(article: Article) -> Article:
    """The same article. InputError: one of its facts is longer than a database can hold it."""
    for name, most in _MOST_BYTES.items():
        if (size := len((getattr(article, name) or "").encode())) > most:
            raise InputError(f"its {name} has {size:,} bytes: give one of at most {most:,}")
    return article


MOMENTS = ("published", "updated", "embargo_until", "expires")


def day_of(value: datetime | date) -> date:
    """The date of a moment, of an aware one in its own zone."""
    return value.date() if isinstance(value, datetime) else value


def day_start(value: datetime | date) -> datetime:
    """The first instant of a moment in UTC: itself, or midnight of a bare date."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.combine(value, time.min, UTC)


def day_end(value: datetime | date) -> datetime:
    """The last instant of a moment in UTC: itself, or a bare date's last microsecond."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.combine(value, time.min, UTC) + timedelta(days=1, microseconds=-1)


def isoformat(value: datetime | date | None) -> str | None:
    """ISO 8601, in UTC with offset for a moment, `YYYY-MM-DD` for a bare date.

    >>> isoformat(datetime(2026, 2, 4, 14, 32, tzinfo=UTC)), isoformat(date(2026, 2, 4))
    ('2026-02-04T14:32:00+00:00', '2026-02-04')
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if value else None


_BARE_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def from_iso(text: str | None) -> datetime | date | None:
    """The inverse of `isoformat`."""
    if not text:
        return None
    return date.fromisoformat(text) if _BARE_DATE.fullmatch(text) else datetime.fromisoformat(text)
