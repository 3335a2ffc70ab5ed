"""Answers about one user as messages: memberships, explanations, the segments of a user."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from segmentd.engine.explain import Explanation
from segmentd.engine.plan import Fitted, Plan
from segmentd.errors import SegmentdError
from segmentd.plugins.segment_type import Reason
from segmentd.server.errors import item_error_of
from segmentd.server.instants import to_optional_timestamp
from segmentd.service.memberships import Leaves, UserSegments
from segmentd.service.seen import Seen
from segmentd.service.segment_info import SegmentSpec
from segmentd.times import FOREVER, Micros
from segmentd.v1 import explanation_pb2, membership_pb2, model_version_pb2

MEMBER: Final = membership_pb2.MEMBERSHIP_MEMBER
NOT_MEMBER: Final = membership_pb2.MEMBERSHIP_NOT_MEMBER
MISSING: Final = "missing"
"""How a segment type says that there is nothing to observe."""

_KINDS: Final = {
    name: explanation_pb2.NodeKind.Value(f"NODE_KIND_{name.upper()}")
    for name in ("all", "any", "not", "segment", "condition", "include", "exclude")
}
_LISTS: Final = ("exclude", "include")


def membership(member: bool) -> membership_pb2.Membership.ValueType:
    """The answer that a bit stands for."""
    return MEMBER if member else NOT_MEMBER


@lru_cache(maxsize=1_024)
def model_versions(models: tuple[Fitted, ...]) -> tuple[model_version_pb2.ModelVersion, ...]:
    """The models by which a plan judges; made once for each plan, since most answers have the same few."""
    return tuple(model_version_pb2.ModelVersion(type=each.type_name, version=each.version) for each in models)


def horizon_of(seen: Seen, plan: Plan) -> Micros:
    """Until when the answer about the only user of `seen` holds."""
    return Micros(int(seen.horizons[0])) if plan.clock else FOREVER


def segment_memberships(
    seen: Seen, segment_ids: Sequence[str], plans: Sequence[Plan | SegmentdError]
) -> list[membership_pb2.SegmentMembership]:
    """The answers about the only user of `seen`, in the order of the segments."""
    answers = []
    for segment_id, plan in zip(segment_ids, plans, strict=True):
        if isinstance(plan, SegmentdError):
            answer = membership_pb2.SegmentMembership(segment_id=segment_id, error=item_error_of(plan))
        else:
            answer = membership_pb2.SegmentMembership(
                segment_id=segment_id,
                membership=membership(bool(seen.members(plan)[0])),
                holds_until_time=to_optional_timestamp(horizon_of(seen, plan)),
                models=model_versions(plan.all_models),
            )
        answers.append(answer)
    return answers


def user_segment(found: UserSegments, plan: Plan, spec: SegmentSpec) -> membership_pb2.UserSegment:
    """One segment that the user is in."""
    leaves = found.leaves.get(plan.segment_id, Leaves(FOREVER))
    return membership_pb2.UserSegment(
        segment_id=plan.segment_id,
        name=spec.name or plan.segment_id,
        labels=spec.labels,
        holds_until_time=to_optional_timestamp(horizon_of(found.seen, plan)),
        leaves_time=to_optional_timestamp(leaves.time),
        leaves_time_is_lower_bound=leaves.at_least,
        models=model_versions(plan.all_models),
    )


def segment_errors(found: UserSegments) -> list[membership_pb2.SegmentError]:
    """The segments without an answer, by id."""
    return [
        membership_pb2.SegmentError(segment_id=segment_id, error=item_error_of(error))
        for segment_id, error in sorted(found.errors.items())
    ]


def explanation(node: Explanation, place: str = "") -> explanation_pb2.Explanation:
    """The tree as a message; `place` is where the node stands in the rule of its segment, without its own key."""
    is_segment = node.kind == "segment"
    path = "" if is_segment or node.kind in _LISTS else f"{place}.{_key(node)}"
    # The engine names a list only where the user is on it.
    member = node.member or node.kind in _LISTS
    return explanation_pb2.Explanation(
        kind=_KINDS[node.kind],
        path=path,
        text=node.text,
        segment_id=node.text if is_segment else "",
        membership=membership(member),
        holds_until_time=to_optional_timestamp(node.holds_until),
        reasons=[_reason(each) for each in node.reasons],
        children=[explanation(child, below) for child, below in _children(node, path)],
    )


def _children(node: Explanation, path: str) -> list[tuple[Explanation, str]]:
    """The children in the published order, each with its place."""
    if node.kind == "segment":
        lists = [child for kind in _LISTS for child in node.children if child.kind == kind]
        return [(child, "rule") for child in (*lists, *(each for each in node.children if each.kind not in _LISTS))]
    if node.kind == "not":
        return [(child, path) for child in node.children]
    return [(child, f"{path}[{index}]") for index, child in enumerate(node.children)]


def _key(node: Explanation) -> str:
    """The key of a node in the rule; that of a condition is its segment type, with which its text begins."""
    return node.text.partition(":")[0] if node.kind == "condition" else node.kind


def _reason(reason: Reason) -> explanation_pb2.Reason:
    return explanation_pb2.Reason(
        subject=reason.subject,
        operator=reason.operator,
        observed=None if reason.observed == MISSING else reason.observed,
        threshold=reason.threshold or None,
        member=reason.member,
    )
