"""All of an archive from one database into another, whichever they are.

with one.connect() as source, other.begin() as target: pour(source, target)
"""

import sqlalchemy as sa

from . import soundness, tables
from .dialects import of

_AT_ONCE = 500  # rows


def pour(source: sa.Connection, target: sa.Connection) -> None:
    """Put all rows of a source, at one moment, in place of those of the target.

    The full-text tables are made anew from the texts.
    """
    of(source).snapshot(source)
    for table in reversed(tables.METADATA.sorted_tables):
        target.execute(table.delete())
    for table in tables.METADATA.sorted_tables:
        if table is tables.job_parts:  # as files beside an archive: what waits is not copied
            continue
        rows = source.execute(sa.select(table).execution_options(stream_results=True))
        for some in rows.mappings().partitions(_AT_ONCE):
            target.execute(table.insert(), [dict(row) for row in some])
    of(target).go_on_counting(target)
    soundness.index_again(target)
