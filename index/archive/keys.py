"""API keys in the archive's database: hashed, with a scope, for a time; all processes see them.

key, shown = archive.keys.add("newsroom", "read")    # `shown` is told once and kept nowhere
archive.keys.find(shown)                             # the key while it is live, else None
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ...errors import InputError, NotFound
from .sql import ignoring
from .tables import api_keys, meta

SCOPES = ("read", "write", "admin")  # each may do what those before it may
_PREFIX = "byl"
_LONGEST_NAME = 80
_SECRET = "session_secret"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key."""

    id: str
    "stands in logs; no secret"
    name: str
    scope: str
    rate: str | None
    "requests of this key, as `60/minute`; None: as set for all"
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether it opens anything now."""
        return self.revoked is None and (self.expires is None or datetime.now(UTC) < self.expires)

    def allows(self, scope: str) -> bool:
        """Whether it may do what takes a scope."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


class Keys:
    """The keys of an index; safe to use from several threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(
        self,
        name: str,
        scope: str,
        *,
        expires: datetime | None = None,
        rate: str | None = None,
    ) -> tuple[Key, str]:
        """A new key and what its holder sends, which is told only here. Raises InputError."""
        name = " ".join(name.split())
        if not name or len(name) > _LONGEST_NAME:
            raise InputError(f"Give the key a name of 1 to {_LONGEST_NAME} characters.")
        if scope not in SCOPES:
            raise InputError(f"There is no scope '{scope}': use {', '.join(SCOPES)}.")
        if expires is not None and expires <= datetime.now(UTC):
            raise InputError(f"A key that expires at {expires.isoformat()} would open nothing.")
        # 256 random bits cannot be guessed, so a slow hash would only slow down each request.
        key_id, secret = secrets.token_hex(5), secrets.token_urlsafe(32)
        row = {
            "id": key_id,
            "name": name,
            "hash": _hashed(secret),
            "scope": scope,
            "rate": rate,
            "created_at": time.time(),
            "expires_at": expires and expires.timestamp(),
        }
        with self._engine.begin() as connection:
            connection.execute(api_keys.insert(), row)
        return self._all(api_keys.c.id == key_id)[0][0], f"{_PREFIX}_{key_id}_{secret}"

    def find(self, shown: str) -> Key | None:
        """The live key that somebody shows."""
        prefix, _, rest = shown.partition("_")
        key_id, _, secret = rest.partition("_")
        found = self._all(api_keys.c.id == key_id) if prefix == _PREFIX else []
        for key, hashed in found:
            if hmac.compare_digest(hashed, _hashed(secret)) and key.is_live:
                return key
        return None

    def live(self, key_id: str) -> Key | None:
        """The key of an id, while it is live."""
        return next((key for key, _ in self._all(api_keys.c.id == key_id) if key.is_live), None)

    def list(self) -> Sequence[Key]:
        """All keys, the oldest first, revoked ones too."""
        return [key for key, _ in self._all(sa.true())]

    def in_force(self) -> bool:
        """Whether requests need a key: there is one that was not revoked, also if it expired."""
        query = sa.select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None)).limit(1)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def revoke(self, key_id: str) -> Key:
        """Have a key open nothing from now on, in every process. Raises NotFound."""
        change = api_keys.update().where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        with self._engine.begin() as connection:
            if not connection.execute(change.values(revoked_at=time.time())).rowcount:
                raise NotFound(
                    f"There is no key '{key_id}' to revoke: `byline keys list` shows the ids."
                )
        return self._all(api_keys.c.id == key_id)[0][0]

    def session_secret(self) -> str:
        """What this index signs sessions with; made when it is first asked for."""
        kept = {"key": _SECRET, "value": secrets.token_urlsafe(32)}
        with self._engine.begin() as connection:
            connection.execute(ignoring(connection, meta), kept)
            value = connection.scalar(sa.select(meta.c.value).where(meta.c.key == _SECRET))
        return str(value)

    def _all(self, condition: Any) -> Sequence[tuple[Key, bytes]]:
        query = sa.select(api_keys).where(condition).order_by(api_keys.c.created_at)
        with self._engine.connect() as connection:
            return [(_key(row), row.hash) for row in connection.execute(query)]


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _key(row: Any) -> Key:
    created, expires, revoked = (
        value and datetime.fromtimestamp(value, UTC)
        for value in (row.created_at, row.expires_at, row.revoked_at)
    )
    return Key(row.id, row.name, row.scope, row.rate, created, expires, revoked)
