"""All of an archive from one database into another, whichever they are.

with one.connect() as source, other.begin() as target: pour(source, target)
"""

import sqlalchemy as sa

from . import soundness, tables
from .dialects import of

_AT_ONCE = 500  # rows
_IS_OWN = tables.meta.c.key == "tasks"  # of what lies in the target beside the archive (tasks.py)


def pour(source: sa.Connection, target: sa.Connection) -> None:
    """Put all rows of a source, at one moment, in place of those of the target.

    The full-text tables are made anew from the texts.
    """
    of(source).snapshot(source)
    for table in reversed(tables.METADATA.sorted_tables):
        gone = table.delete()
        target.execute(gone.where(~_IS_OWN) if table is tables.meta else gone)
    for table in tables.METADATA.sorted_tables:
        if table is tables.job_parts:  # as files beside an archive: what waits is not copied
            continue
        query = sa.select(table).execution_options(stream_results=True)
        rows = source.execute(query.where(~_IS_OWN) if table is tables.meta else query)
        for some in rows.mappings().partitions(_AT_ONCE):
            target.execute(table.insert(), [dict(row) for row in some])
    of(target).go_on_counting(target)
    soundness.index_again(target)
