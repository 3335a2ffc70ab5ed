"""For how long a file says that events are kept: what that changes, and declaring it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from segmentd.cli.definitions.segments_file import KeptEvents, SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import Client, item_fault
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


def allowed_later(faults: Iterable[Fault], steps: Iterable[EventStep]) -> list[Fault]:
    """The faults without those of rules that look back no further than the file lets events be kept."""
    beginnings = tuple(f"looks back at {each.events.name} for" for each in steps if each.longer)
    return [each for each in faults if not (beginnings and each.message.startswith(beginnings))]


def declare_events(client: Client, file: SegmentsFile, steps: Iterable[EventStep], *, longer: bool) -> list[Fault]:
    """Declare those that are kept longer, or the others; what is refused."""
    wanted = [each.events for each in steps if each.changes and each.longer is longer]
    if not wanted:
        return []
    declarations = [profiles.EventDeclaration(name=each.name, keep=each.keep) for each in wanted]
    results = client.declare_events(declarations).results
    return [
        Fault(item_fault(result.error).message, f"events.{each.name}", line=file.located.line(f"events.{each.name}"))
        for each, result in zip(wanted, results, strict=True)
        if result.HasField("error")
    ]


def _length(keep: str) -> int:
    return parse_duration(keep).micros if keep else FOREVER
