"""What a request asks to be judged, and the answers, between messages and what the service takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segmentd.errors import InvalidInput, SegmentdError
from segmentd.server.answers import membership, model_versions
from segmentd.server.errors import item_error_of
from segmentd.server.facts import named_event
from segmentd.server.faults import Faults
from segmentd.server.instants import to_optional_timestamp, to_timestamp
from segmentd.server.structs import from_struct
from segmentd.server.subjects import id_errors
from segmentd.service.evaluated import Evaluation, Judged
from segmentd.service.evaluation import Evaluated
from segmentd.service.items import EventWrite, ProfileWrite
from segmentd.service.request_users import GivenProfile
from segmentd.v1 import evaluation_service_pb2 as pb
from segmentd.v1 import membership_pb2, profile_pb2


def given_profiles(given: Sequence[pb.GivenProfile]) -> tuple[list[GivenProfile], dict[int, Evaluation]]:
    """The profiles of sound form in order, and index → refusal for the others. Paths are relative to the profile."""
    sound: list[GivenProfile] = []
    refused: dict[int, Evaluation] = {}
    for index, each in enumerate(given):
        faults = Faults()
        profile = _profile(each, faults)
        if faults.found:
            refused[index] = Evaluation(each.user_id, error=InvalidInput(faults.found))
        else:
            sound.append(profile)
    return sound, refused


def response(
    request: pb.EvaluateSegmentsRequest, evaluated: Evaluated, refused: Mapping[int, Evaluation]
) -> pb.EvaluateSegmentsResponse:
    """All evaluations in the order of the request; `refused` are those that never reached the service."""
    bad = id_errors(request.segment_ids, "segment_ids")
    rest = iter(evaluated.evaluations)
    count = len(evaluated.evaluations) + len(refused)
    ordered = [refused[index] if index in refused else next(rest) for index in range(count)]
    return pb.EvaluateSegmentsResponse(
        evaluations=[_evaluation(request.segment_ids, each, index, bad) for index, each in enumerate(ordered)],
        revision=evaluated.revision,
        evaluate_time=to_timestamp(evaluated.at),
    )


def _profile(given: pb.GivenProfile, faults: Faults) -> GivenProfile:
    user_id = faults.id(given.user_id, "user_id")
    attributes = from_struct(given.attributes, "attributes", faults)
    events = [_event(event, user_id, f"events[{index}].", faults) for index, event in enumerate(given.events)]
    return GivenProfile(ProfileWrite(user_id, attributes), events)


def _event(event: profile_pb2.Event, user_id: str, prefix: str, faults: Faults) -> EventWrite:
    own = Faults(prefix)
    if event.user_id not in ("", user_id):
        own.add("user_id", "it is another user than that of the profile")
    write = named_event(event, user_id, own)
    faults.found += own.found
    return write


def _evaluation(
    segment_ids: Sequence[str], evaluation: Evaluation, index: int, bad: Mapping[int, SegmentdError]
) -> pb.Evaluation:
    if evaluation.error is not None:
        error = item_error_of(evaluation.error, f"given_profiles.profiles[{index}].")
        return pb.Evaluation(user_id=evaluation.user_id, error=error)
    return pb.Evaluation(
        user_id=evaluation.user_id,
        memberships=[
            _membership(segment_id, judged, bad.get(place))
            for place, (segment_id, judged) in enumerate(zip(segment_ids, evaluation.segments, strict=True))
        ],
        rule_membership=_rule(evaluation.rule) if evaluation.rule is not None else None,
        user_known=evaluation.user_known,
    )


def _membership(segment_id: str, judged: Judged, bad: SegmentdError | None) -> membership_pb2.SegmentMembership:
    error = bad or judged.error
    if error is not None:
        return membership_pb2.SegmentMembership(segment_id=segment_id, error=item_error_of(error))
    return membership_pb2.SegmentMembership(
        segment_id=segment_id,
        membership=membership(judged.member),
        holds_until_time=to_optional_timestamp(judged.holds_until),
        models=model_versions(judged.models),
    )


def _rule(judged: Judged) -> pb.RuleMembership:
    if judged.error is not None:
        return pb.RuleMembership(error=item_error_of(judged.error))
    return pb.RuleMembership(
        membership=membership(judged.member),
        holds_until_time=to_optional_timestamp(judged.holds_until),
        models=model_versions(judged.models),
    )
