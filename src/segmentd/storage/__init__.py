"""The durable store: one SQLite file, one process, one writing connection."""

from __future__ import annotations

from segmentd.storage.log_reads import LogReads
from segmentd.storage.store import Store

__all__ = ["LogReads", "Store"]
