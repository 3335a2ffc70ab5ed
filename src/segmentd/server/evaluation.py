"""EvaluationService: judges what is not stored."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

from segmentd.errors import InvalidInput, Reason
from segmentd.limits import check_batch
from segmentd.population.kinds import Json
from segmentd.server import evaluations
from segmentd.server.errors import repathed
from segmentd.server.faults import Faults
from segmentd.server.instants import to_timestamp
from segmentd.server.rpc import Context
from segmentd.server.structs import from_struct
from segmentd.server.subjects import check_list
from segmentd.server.waiting import reach
from segmentd.service.service import Service
from segmentd.v1 import evaluation_service_pb2 as pb
from segmentd.v1 import evaluation_service_pb2_grpc


class EvaluationHandlers(evaluation_service_pb2_grpc.EvaluationServiceServicer):
    """Nothing is saved."""

    def __init__(self, service: Service) -> None:
        self._evaluations = service.evaluations
        self._memberships = service.memberships

    async def EvaluateSegments(
        self, request: pb.EvaluateSegmentsRequest, context: Context
    ) -> pb.EvaluateSegmentsResponse:
        check_batch(len(request.segment_ids), "segment_ids")
        if not request.segment_ids and not request.HasField("rule"):
            raise InvalidInput.at("segment_ids", "neither segments nor a rule are given")
        rule = _rule_of(request.rule) if request.HasField("rule") else None
        subject = request.WhichOneof("subject")
        if subject is None:
            raise InvalidInput.at("subject", "neither stored_user nor given_profiles is set")
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        if subject == "stored_user":
            return await self._stored(request, rule)
        return await self._given(request, rule)

    async def CountMembers(self, request: pb.CountMembersRequest, context: Context) -> pb.CountMembersResponse:
        if not request.HasField("rule"):
            raise InvalidInput.at("rule", "it is not given")
        rule = _rule_of(request.rule)
        if request.min_revision:
            await reach(self._memberships, request.min_revision, context)
        count = await self._evaluations.count(rule)
        return pb.CountMembersResponse(
            member_count=count.members,
            user_count=count.users,
            revision=count.revision,
            evaluate_time=to_timestamp(count.at),
        )

    async def _stored(self, request: pb.EvaluateSegmentsRequest, rule: Json) -> pb.EvaluateSegmentsResponse:
        faults = Faults("stored_user.")
        user_id = faults.id(request.stored_user.user_id, "user_id")
        attributes = from_struct(request.stored_user.context, "context", faults)
        faults.raise_any()
        try:
            evaluated = await self._evaluations.stored(user_id, attributes, list(request.segment_ids), rule)
        except InvalidInput as error:
            raise repathed(error, "attributes", "stored_user.context") from None
        return evaluations.response(request, evaluated, {})

    async def _given(self, request: pb.EvaluateSegmentsRequest, rule: Json) -> pb.EvaluateSegmentsResponse:
        given = request.given_profiles.profiles
        check_list(given, "given_profiles.profiles")
        check_batch(sum(len(each.events) for each in given), "given_profiles.profiles.events")
        sound, refused = evaluations.given_profiles(given)
        evaluated = await self._evaluations.given(sound, list(request.segment_ids), rule)
        return evaluations.response(request, evaluated, refused)


def _rule_of(struct: Struct) -> Json:
    """The rule as JSON. Raises InvalidInput (INVALID_RULE)."""
    faults = Faults()
    rule = from_struct(struct, "rule", faults)
    if faults.found:
        raise InvalidInput(faults.found, Reason.INVALID_RULE)
    return rule
