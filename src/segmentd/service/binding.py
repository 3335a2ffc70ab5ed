"""Binding segments: a definition becomes a plan in a slot of its own, or waits, or fails with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from segmentd.engine.catalogue import Entry, State
from segmentd.engine.compile import ModelMissing, check_kinds, compile_plan, conditions, reads_of, references
from segmentd.engine.plan import Fitted, Plan
from segmentd.engine.rule import Node
from segmentd.errors import SegmentdError
from segmentd.service.live import Live
from segmentd.service.reach import check_reach
from segmentd.service.segment_info import UNREADABLE


def bind_entry(entry: Entry, others: Mapping[str, Entry], live: Live, fitted: Callable[[str], Fitted | None]) -> Entry:
    """The entry with a plan in a slot of its own, or pending or failed with the reason."""
    definition = entry.definition
    if entry.state is State.ARCHIVED or definition.rule is UNREADABLE:
        return entry
    targets: dict[str, Plan] = {}
    for each in references(definition.rule):
        target = others.get(each.segment_id)
        if target is None or target.plan is None:
            return waiting(entry, each.segment_id, target)
        targets[each.segment_id] = target.plan
    try:
        check_kinds(definition.rule, live.schema)
        check_reach(definition.rule, live.keeps)
        slot = live.memberships.allocate()
        try:
            plan = compile_plan(definition, slot, targets, fitted)
        except BaseException:
            live.memberships.release(slot)
            raise
    except ModelMissing:
        return replace(entry, state=State.PENDING, reason="nobody to learn from yet", plan=None)
    except SegmentdError as error:
        return replace(entry, state=State.FAILED, reason=error.message, plan=None)
    except Exception as error:  # noqa: BLE001  (a plugin may raise anything; its segment fails, the others go on)
        return replace(entry, state=State.FAILED, reason=f"{type(error).__name__}: {error}", plan=None)
    return replace(entry, state=State.ACTIVE, reason="", plan=plan)


def needed_events(rules: list[Node]) -> list[Mapping[str, frozenset[str]]]:
    """What the conditions of these rules read of events."""
    found = []
    for condition in (each for rule in rules for each in conditions(rule)):
        try:
            found.append(reads_of(condition).events)
        except Exception:  # noqa: BLE001, S112  (a plugin may raise anything; its segment fails when it is bound)
            continue
    return found


def waiting(entry: Entry, name: str, target: Entry | None) -> Entry:
    """The entry as it is while a segment to which it refers has no plan."""
    state = State.PENDING if target is not None and target.state is State.PENDING else State.FAILED
    why = f"{target.state}: {target.reason}" if target is not None else "not there"
    return replace(entry, state=state, reason=f"segment {name}, to which it refers, is {why}", plan=None)


def judged_with(rule: Node, surroundings: str) -> dict[str, int | str]:
    """The versions of all that a rule's answers depend on; a change means judging anew."""
    return {"": surroundings} | {each.segment_type.name: each.segment_type.version for each in conditions(rule)}
