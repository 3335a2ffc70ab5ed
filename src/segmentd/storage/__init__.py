"""The durable store: one SQLite file, one process, one writing connection."""

from __future__ import annotations

from segmentd.storage.store import Store

__all__ = ["Store"]
