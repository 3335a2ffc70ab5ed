"""For how long a file says that events are kept: what that changes, and declaring it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from segmentd.cli.definitions.segments_file import KeptEvents, SegmentsFile
from segmentd.times import FOREVER, parse_duration
from segmentd.v1 import profile_service_pb2 as profiles


@dataclass(frozen=True, slots=True)
class EventStep:
    """One name of events, for how long they are to be kept, and for how long they are now; "" is for ever."""

    events: KeptEvents
    before: str

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.events.keep != self.before

    @property
    def longer(self) -> bool:
        """Whether they are kept longer then: that comes before the segments of the file, all else after them."""
        return _length(self.events.keep) > _length(self.before)


def event_steps(file: SegmentsFile, names: Iterable[profiles.EventName]) -> list[EventStep]:
    """Compare a file with what the server has."""
    kept = {each.name: each.keep for each in names}
    return [EventStep(each, kept.get(each.name, "")) for each in file.events]


def _length(keep: str) -> int:
    return parse_duration(keep).micros if keep else FOREVER
