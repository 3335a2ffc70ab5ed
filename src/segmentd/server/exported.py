"""The parts of an export as messages."""

from __future__ import annotations

import orjson

from segmentd.server.instants import to_timestamp
from segmentd.server.structs import to_struct, to_value
from segmentd.server.transitions import transition
from segmentd.service.exporting import (
    AttributePart,
    EventPart,
    ExportPart,
    IdentityPart,
    MembershipPart,
    MentionPart,
)
from segmentd.service.positions import Positions
from segmentd.v1 import profile_export_pb2 as export
from segmentd.v1 import profile_pb2
from segmentd.v1 import profile_service_pb2 as pb


class Exporter:
    """Makes messages of parts."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    def message(self, part: ExportPart) -> pb.ExportProfileResponse:
        """One part as it is sent."""
        match part:
            case IdentityPart():
                return pb.ExportProfileResponse(identity=_identity(part))
            case AttributePart():
                return pb.ExportProfileResponse(attribute=_attribute(part))
            case MembershipPart():
                return pb.ExportProfileResponse(membership=export.ExportedMembership(segment_id=part.segment_id))
            case MentionPart():
                kind = export.MentionKind.Value(f"MENTION_KIND_{part.kind.name}")
                mention = export.ExportedMention(kind=kind, id=part.id, version=part.version)
                return pb.ExportProfileResponse(mention=mention)
            case EventPart():
                return pb.ExportProfileResponse(event=_event(part))
            case _:
                return pb.ExportProfileResponse(transition=transition(part, self._positions))


def _identity(part: IdentityPart) -> export.ExportedIdentity:
    return export.ExportedIdentity(
        user_id=part.user_id,
        merged_user_ids=part.merged_ids,
        user_keys=part.keys,
        create_time=None if part.create_time is None else to_timestamp(part.create_time),
        update_time=None if part.update_time is None else to_timestamp(part.update_time),
        revision=part.revision,
    )


def _attribute(part: AttributePart) -> export.ExportedAttribute:
    return export.ExportedAttribute(
        name=part.name,
        value=to_value(part.value, "attribute"),
        derived=part.derived,
        change_time=None if part.time is None else to_timestamp(part.time),
    )


def _event(part: EventPart) -> export.ExportedEvent:
    stored = part.event
    event = profile_pb2.Event(
        user_id=part.user_id,
        name=stored.name,
        message_id=stored.message_id or "",
        event_time=to_timestamp(stored.time),
        properties=to_struct(orjson.loads(stored.properties), "properties"),
        context=None if stored.context is None else to_struct(orjson.loads(stored.context), "context"),
    )
    received = to_timestamp(stored.received)
    return export.ExportedEvent(event=event, receive_time=received, currency_rate=stored.rate or "")
