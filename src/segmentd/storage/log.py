"""Writing the log: single moves as rows, long runs and switches as packed blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segmentd.records import MoveBatch, SwitchRecord, TransitionRecord, UserKeys
from segmentd.storage.compaction import Compaction
from segmentd.storage.forgetting import Forgetting
from segmentd.storage.keypacking import blocks, pack
from segmentd.storage.move_rows import insert_moves
from segmentd.storage.runs import runs
from segmentd.storage.session import Row, Session

_INSERT_BLOCK = """
INSERT INTO switches (revision, offset, size, first_key, last_key, user_keys, segment_key, from_version, to_version,
                      entered, effective_time, cause)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_NEXT_OFFSET = """
SELECT max(
  coalesce((SELECT offset + 1 FROM transitions WHERE revision = ?1 ORDER BY offset DESC LIMIT 1), 0),
  coalesce((SELECT offset + size FROM switches WHERE revision = ?1 ORDER BY offset DESC LIMIT 1), 0))
"""
_COUNT = """
INSERT INTO log_sizes (revision, total)
VALUES (?1, ?2 + coalesce((SELECT total FROM log_sizes WHERE revision < ?1 ORDER BY revision DESC LIMIT 1), 0))
ON CONFLICT (revision) DO UPDATE SET total = total + ?2
"""


class Log(Compaction, Forgetting):
    """Tables `transitions` (a row each) and `switches` (packed). Offsets count both within one revision.

    The revision of what is appended must have been recorded by COMMIT.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._appended: list[MoveBatch | SwitchRecord] = []

    def take_appended(self) -> list[MoveBatch | SwitchRecord]:
        """What was appended since this was last asked, in order."""
        taken, self._appended = self._appended, []
        return taken

    def append_moves(self, revision: int, batch: MoveBatch) -> None:
        """Add moves in the given order after what the revision has; long runs of like moves are packed."""
        offset = self._next_offset(revision)
        for start, stop, packed in runs(batch):
            if packed:
                self._session.write_many(_INSERT_BLOCK, _blocks_of(revision, offset, batch, start, stop))
            else:
                insert_moves(self._session, revision, offset, batch, start, stop)
        self._count(revision, len(batch))
        self._appended.append(batch)

    def append_transitions(self, revision: int, transitions: Sequence[TransitionRecord]) -> None:
        """The same of moves that are not columns yet."""
        self.append_moves(revision, MoveBatch.of(transitions))

    def append_switch(self, switch: SwitchRecord) -> None:
        """Add a switch after what the revision has: who left, then who entered, by ascending key.

        It takes one offset a user; one that changes nobody takes none and leaves no trace.
        """
        offset = self._next_offset(switch.revision)
        for entered, keys in ((0, switch.left), (1, switch.entered)):
            versions = (switch.from_version, switch.to_version)
            about = (switch.segment_key, *versions, entered, switch.effective_time, switch.cause)
            self._session.write_many(_INSERT_BLOCK, list(_packed(switch.revision, offset, keys, about)))
            offset += len(keys)
        self._count(switch.revision, len(switch.left) + len(switch.entered))
        self._appended.append(switch)

    def _count(self, revision: int, moves: int) -> None:
        if moves:
            self._session.write(_COUNT, (revision, moves))

    def _next_offset(self, revision: int) -> int:
        found = self._session.row(_NEXT_OFFSET, (revision,))
        return int(found[0]) if found else 0


def _packed(revision: int, offset: int, keys: UserKeys, about: Row) -> Iterator[Row]:
    for block in blocks(keys):
        yield (revision, offset, len(block), int(block[0]), int(block[-1]), pack(block), *about)
        offset += len(block)


def _blocks_of(revision: int, offset: int, batch: MoveBatch, start: int, stop: int) -> list[Row]:
    version = int(batch.versions[start])
    segment, entered = int(batch.segment_keys[start]), int(batch.entered[start])
    about = (segment, version, version, entered, int(batch.effective_times[start]), batch.causes[start])
    return list(_packed(revision, offset + start, batch.user_keys[start:stop], about))
