"""Brings the archive of an older release to the schema of this one, step by step, in place.

A step only adds: an index that is half migrated, or opened by the older release, loses nothing.
"""

import sqlalchemy as sa

from ...errors import IndexMismatch

SCHEMA = 3
_STEPS = {  # from which schema: what is done to it; new tables are made where they are missing
    1: (
        "ALTER TABLE articles ADD COLUMN origin_pk INTEGER",
        "ALTER TABLE articles ADD COLUMN retracted_at FLOAT",
        "ALTER TABLE articles ADD COLUMN notice TEXT",
    ),
    2: (
        "ALTER TABLE articles ADD COLUMN section TEXT",
        "UPDATE articles SET section = (SELECT json_extract(facts, '$.section') FROM versions "
        "WHERE article_pk = articles.pk AND versions.version = articles.version)",
    ),
}


def migrate(connection: sa.Connection) -> None:
    """Migrate a database, within its transaction; a new one only gets its number.

    Raises IndexMismatch where a newer release made it.
    """
    connection.execute(
        sa.text("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    )
    found = connection.scalar(sa.text("SELECT value FROM meta WHERE key = 'schema'"))
    if found is not None and int(found) > SCHEMA:
        raise IndexMismatch(
            f"The index has schema {found}, this release of Byline knows {SCHEMA}: it was made by "
            "a newer one. Upgrade Byline, or choose another index with --index."
        )
    if found is not None and int(found) == SCHEMA:
        return
    if not getattr(connection.connection.dbapi_connection, "in_transaction", True):
        connection.execute(sa.text("BEGIN IMMEDIATE"))  # else each step would be its own
    for schema in range(int(found or SCHEMA), SCHEMA):
        for step in _STEPS[schema]:
            connection.execute(sa.text(step))
    connection.execute(sa.text("DELETE FROM meta WHERE key = 'schema'"))
    connection.execute(
        sa.text("INSERT INTO meta VALUES ('schema', :schema)"), {"schema": str(SCHEMA)}
    )
