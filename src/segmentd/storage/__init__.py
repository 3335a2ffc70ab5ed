"""The durable store: one SQLite file, one process, one writing connection."""

from __future__ import annotations

from segmentd.storage.event_reads import EventRow
from segmentd.storage.store import Store

__all__ = ["EventRow", "Store"]
