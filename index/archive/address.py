"""The address of a PostgreSQL, and what is told of one that refuses or does not answer."""

import re

import sqlalchemy as sa

from ...errors import (
    ArchiveUnavailable,
    BylineError,
    DiskError,
    IndexLocked,
    InputError,
    SettingsError,
)
from ..disk import reason_of

_SEARCH_PATH = re.compile(r"-c ?search_path=([\w-]+)")
_DRIVERS = ("postgresql+psycopg", "postgresql", "postgres")  # the last as hosting services give it
_TWO_SIGNS = re.compile(r"[^/]*//[^:/]*:[^@]*@.*@", re.S)  # the first ends the password
_REFUSED = (
    *("password", "authentication", "pg_hba", "does not exist", "no password", "role "),
    *("translate host name", "resolve", "not known", "invalid", "support SSL"),
)
_PASSING = ("too many connections", "Temporary failure", "due to timeout")  # whatever else they say


def address(url: str, index: str) -> tuple[sa.URL, str]:
    """A database, and the schema there: that of `?options=-csearch_path=NAME`, else the index's.

    Raises SettingsError, which does not tell the password, where it is no address.
    """
    if _TWO_SIGNS.match(url):
        raise SettingsError(
            "The password in setting archive has an @, or one stands behind it: write it as %40."
        )
    try:
        found = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        found = None
    if found is None or found.drivername not in _DRIVERS:
        raise SettingsError(
            "Setting archive is not the address of a database: give "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or nothing for SQLite."
        )
    found = found.set(drivername="postgresql+psycopg")
    options = str(found.query.get("options", ""))
    named = _SEARCH_PATH.fullmatch(options)
    if named is None:
        if "search_path" in options:
            raise SettingsError(
                "The options in setting archive are not understood: give one schema, as "
                "?options=-csearch_path=NAME, and nothing else there."
            )
        return found, index
    return found.difference_update_query(["options"]), named[1]


def place(url: sa.URL) -> str:
    """Host, port and database, without who may open it."""
    port = f":{url.port}" if url.port else ""
    return f"{url.host or 'localhost'}{port}/{url.database or url.username or ''}"


def told(error: BaseException, url: sa.URL) -> BylineError | None:
    """What is to be told of an error of a database; None: it is another matter."""
    state, said = getattr(error, "sqlstate", None) or "", _reason(error)
    where = place(url)
    is_operational = type(error).__name__ == "OperationalError" or state[:2] in ("08", "57")
    is_operational |= "connection option" in said  # of the address: psycopg has no state for it
    if not state and not is_operational:
        return None
    if state == "42501":
        return SettingsError(
            f"The role '{url.username}' lacks a right in database {where}: {said}. Grant it that "
            "(CREATE on the database where it is to make an index), or make it the owner of the "
            "index's schema."
        )
    if state in ("55P03", "40P01", "40001"):
        return IndexLocked(
            f"The archive {where} is being written to for too long. Try again in a moment."
        )
    if state in ("53100", "25006"):
        remedy = "Free some space" if state == "53100" else "Make it writable"
        return DiskError(
            f"The database {where} refuses what it is given: {said}. {remedy} and run it again: "
            "what was accepted is kept."
        )
    if state[:2] in ("22", "54"):  # what it says of the first may quote what it was given
        why = said if state[:2] == "54" else f"{type(error).__name__} ({state})"
        return InputError(f"The database {where} does not take what it is given: {why}.")
    refuses = any(sign in said for sign in _REFUSED) and not any(p in said for p in _PASSING)
    if state in ("28P01", "28000", "3D000") or (is_operational and not state and refuses):
        return SettingsError(
            f"The database {where} cannot be opened: {said}. Correct BYLINE_ARCHIVE."
        )
    if is_operational or state[:2] == "53":
        return ArchiveUnavailable(
            f"The database {where} does not answer: {said}. Try again in a moment, or see that it "
            "runs."
        )
    return None


def _reason(error: BaseException) -> str:
    """The last of its own words: those before are the addresses that were tried."""
    said = reason_of(error).removeprefix("connection failed: ")
    return said.rpartition("FATAL: ")[2].strip() or said
