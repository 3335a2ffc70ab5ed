"""Taking ids of erased users out of definitions, stored and in force, without a change of anybody's membership."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from segmentd.engine.catalogue import Catalogue, Entry
from segmentd.engine.compile import compile_plan
from segmentd.plugins.segment_type import SegmentType
from segmentd.population.kinds import Json
from segmentd.service.segment_info import NOBODY, UNREADABLE, SegmentInfo, SegmentSpec

_LIST: Final = "list"


def named_ids(spec: SegmentSpec) -> set[str]:
    """The ids that a definition names: in `include`, `exclude`, and in conditions on lists of users."""
    return {*spec.include, *spec.exclude, *listed_ids(spec.rule)}


def listed_ids(rule: Json) -> set[str]:
    """The ids in the conditions of a rule on lists of users."""
    return {each for users in _lists(rule) for each in users if isinstance(each, str)}


def scrubbed(spec: SegmentSpec, ids: Collection[str]) -> SegmentSpec:
    """The definition without these ids; in lists of a rule, which may not become empty, a meaningless one stands."""
    return replace(
        spec,
        include=tuple(each for each in spec.include if each not in ids),
        exclude=tuple(each for each in spec.exclude if each not in ids),
        rule=_without(spec.rule, ids),
    )


def rebound(
    catalogue: Catalogue, infos: Mapping[str, SegmentInfo], types: Mapping[str, SegmentType[Any]]
) -> Mapping[str, Entry]:
    """The entries of these segments, and of those that refer to them, with definitions that say what `infos` say.

    A plan keeps its slot and its models: nobody's answer differs.
    """
    entries: dict[str, Entry] = {}
    for name in catalogue.dependants(infos):
        entry = catalogue.entries[name]
        rule = entry.definition.rule
        if name in infos:
            info = infos[name]
            rule = rule if rule in (NOBODY, UNREADABLE) else info.spec.parse(types)
            entry = replace(entry, definition=info.definition(rule))
        entries[name] = _with_plan(entry, {**catalogue.entries, **entries})
    return entries


def _with_plan(entry: Entry, others: Mapping[str, Entry]) -> Entry:
    plan = entry.plan
    if plan is None:
        return entry
    targets = {each.segment_id: others[each.segment_id].plan or each for each in plan.references}
    fitted = {each.key: each for each in plan.models}
    return replace(entry, plan=compile_plan(entry.definition, plan.slot, targets, fitted.get))


def _lists(rule: Json) -> list[list[Json]]:
    """The lists of users in a rule."""
    if isinstance(rule, list):
        return [found for each in rule for found in _lists(each)]
    if not isinstance(rule, dict):
        return []
    found = [users] if (users := _users(rule)) is not None else []
    return found + [each for key, value in rule.items() if key in ("all", "any", "not") for each in _lists(value)]


def _users(node: Mapping[str, Json]) -> list[Json] | None:
    parameters = node.get(_LIST)
    users = parameters.get("users") if isinstance(parameters, dict) else None
    return users if isinstance(users, list) else None


def _without(rule: Json, ids: Collection[str]) -> Json:
    if isinstance(rule, list):
        return [_without(each, ids) for each in rule]
    if not isinstance(rule, dict):
        return rule
    users, parameters = _users(rule), rule.get(_LIST)
    if users is not None and isinstance(parameters, dict):
        kept = [_meaningless() if isinstance(each, str) and each in ids else each for each in users]
        return {**rule, _LIST: {**parameters, "users": kept}}
    return {key: _without(value, ids) if key in ("all", "any", "not") else value for key, value in rule.items()}


def _meaningless() -> str:
    """An id that nobody has or can guess."""
    return f"erased-{secrets.token_hex(16)}"
