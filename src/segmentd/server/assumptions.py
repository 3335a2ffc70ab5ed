"""What an edit is tried by, from its message."""

from __future__ import annotations

from segmentd.limits import check_batch
from segmentd.server import facts
from segmentd.server.faults import Faults
from segmentd.service.assuming import Assumptions
from segmentd.service.reach import fixed_duration
from segmentd.v1 import segment_service_pb2 as pb


def assumed(message: pb.Assumptions) -> Assumptions:
    """The declarations of the message. Raises InvalidInput with the faults of the first that is unsound."""
    check_batch(len(message.attributes), "assumptions.attributes")
    check_batch(len(message.events), "assumptions.events")
    kinds = {}
    for index, attribute in enumerate(message.attributes):
        faults = Faults(f"assumptions.attributes[{index}].")
        name, kind = facts.declaration(attribute, faults)
        faults.raise_any()
        kinds[name] = kind
    keeps = {}
    for index, event in enumerate(message.events):
        faults = Faults(f"assumptions.events[{index}].")
        name = faults.id(event.name, "name")
        try:
            keeps[name] = fixed_duration(event.keep).micros if event.keep else None
        except ValueError as error:
            faults.add("keep", str(error))
        faults.raise_any()
    return Assumptions(kinds, keeps)
