"""What is large in the program and small in histories, so that a handful of people come to every seam."""

from __future__ import annotations

from segmentd.service import aside, commit, foresight, loading, log_pages, member_snapshot, tail
from segmentd.service.snapshots import answers, taking
from segmentd.storage import keypacking, runs
from segmentd.storage.compaction import Compaction
from segmentd.storage.part import Part

SMALL: tuple[tuple[object, str, object], ...] = (
    (commit, "WAVE", 2),
    (aside, "CHUNK", 2),
    (foresight, "_CROWD", 1),
    (foresight, "_ROWS", 2),
    (loading, "_CHUNK", 3),
    (taking, "ROWS", 2),
    (taking, "EVENT_ROWS", 1),
    (answers, "_CHUNK", 3),
    (log_pages, "PAGE", 3),
    (member_snapshot, "PIECE", 2),
    (tail, "_SCAN", 4),
    (runs, "RUN", 2),
    (keypacking, "BLOCK", 2),
    (Compaction, "fold_size", 2),
    (Compaction, "fold_blocks", 1),
    (Part, "batch_size", 3),
)
