"""Checks of the ids that questions name: users and segments, one or many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segmentd.engine.plan import Plan
from segmentd.errors import InvalidInput, SegmentdError
from segmentd.limits import check_batch, id_fault
from segmentd.server.faults import Faults
from segmentd.service.seen import Seen, active_plan


def check_ids(user_id: str, segment_id: str) -> None:
    """One user and one segment. Raises InvalidInput; costs little where both are sound."""
    if id_fault(user_id) is None and id_fault(segment_id) is None:
        return
    faults = Faults()
    faults.id(user_id, "user_id")
    faults.id(segment_id, "segment_id")
    faults.raise_any()


def check_id(text: str, field: str) -> None:
    """One required id. Raises InvalidInput."""
    fault = id_fault(text)
    if fault is not None:
        raise InvalidInput.at(field, fault)


def check_list(given: Sequence[object], field: str) -> None:
    """A list of 1 to 10,000 items. Raises InvalidInput (also BATCH_TOO_LARGE)."""
    if not given:
        raise InvalidInput.at(field, "it is empty; at least one is required")
    check_batch(len(given), field)


def id_errors(ids: Sequence[str], field: str, indexes: Iterable[int] | None = None) -> dict[int, SegmentdError]:
    """Index → error for the ids of a list, or for those at some indexes, that are none."""
    return {
        index: InvalidInput.at(f"{field}[{index}]", fault)
        for index in (range(len(ids)) if indexes is None else indexes)
        if (fault := id_fault(ids[index])) is not None
    }


def plans_of(seen: Seen, segment_ids: Sequence[str]) -> list[Plan | SegmentdError]:
    """For each segment the plan that answers, or why there is none."""
    return [_plan_of(seen, index, name) for index, name in enumerate(segment_ids)]


def _plan_of(seen: Seen, index: int, segment_id: str) -> Plan | SegmentdError:
    try:
        plan = active_plan(seen.catalogue, segment_id)
    except SegmentdError as error:
        fault = id_fault(segment_id)  # no segment has an id with a fault
        return error if fault is None else InvalidInput.at(f"segment_ids[{index}]", fault)
    return seen.failed.get(id(plan), plan)
