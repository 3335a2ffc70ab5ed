"""The one SQLite library of the process: pysqlite3 where it is installed, else the standard module.

sqlite-utils makes the same choice. Two copies of SQLite on one file within a process would drop
each other's POSIX locks, so nothing else in segmentd imports either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import dbapi2 as sqlite
else:
    try:
        from pysqlite3 import dbapi2 as sqlite
    except ImportError:
        from sqlite3 import dbapi2 as sqlite

OLDEST = (3, 38, 0)
"""STRICT tables came with 3.37, json_each without an extension with 3.38."""

__all__ = ["OLDEST", "sqlite"]
