"""Asking the server whether rules are sound, before anything is changed."""

from __future__ import annotations

from segmentd.cli.definitions.located import Plain
from segmentd.cli.definitions.plan import Action, Plan, kind_name
from segmentd.cli.definitions.references import references
from segmentd.cli.definitions.segments_file import Definition, SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import CallFailed, Client, FieldFault, as_struct
from segmentd.v1 import evaluation_service_pb2 as evaluations


def rule_faults(client: Client, file: SegmentsFile, plan: Plan, known: set[str]) -> list[Fault]:
    """Every fault of the rules that would change; `known` are the ids that the server has.

    Where a rule refers to a segment that the same file creates, that segment's rule is asked about in its place.
    """
    faults: list[Fault] = []
    sound: dict[str, Plain] = {}
    for step in plan.segments:
        definition = step.definition
        if step.action is Action.UNCHANGED or definition.rule is None:
            continue
        unknown = _unknown(file, definition, known)
        faults += unknown
        asked = _with_rules(definition.rule, sound, known)
        found = [] if unknown or asked is None else _ask(client, file, definition, asked)
        faults += found
        if not unknown and not found and asked is not None:
            sound[definition.segment.id] = asked
    return faults


def attribute_faults(plan: Plan, *, retype: bool) -> list[Fault]:
    """Declarations that would give an attribute another kind, which takes `retype`."""
    return [
        Fault(
            f"it is {step.before}; --retype makes it {kind_name(step.attribute.kind)}, and values that do not fit "
            "become missing",
            f"attributes.{step.attribute.name}",
        )
        for step in plan.attributes
        if not retype and step.before and step.before != kind_name(step.attribute.kind)
    ]


def call_faults(file: SegmentsFile, definition: Definition, error: CallFailed) -> list[Fault]:
    """What a refused call says about a definition: each violation, or else the message."""
    violations = error.violations or (FieldFault("", f"{error.message} ({error.reason or error.code.name})"),)
    return [file.fault(definition, found.field.removeprefix("segment."), found.description) for found in violations]


def _unknown(file: SegmentsFile, definition: Definition, known: set[str]) -> list[Fault]:
    own = {each.segment.id for each in file.definitions} | file.managed_ids()
    return [
        file.fault(definition, path, f"no segment has the id {target!r}, neither here nor on the server")
        for target, path in references(definition.rule)
        if target not in own and target not in known
    ]


def _ask(client: Client, file: SegmentsFile, definition: Definition, rule: Plain) -> list[Fault]:
    """Judge nobody in particular by the rule: the server checks it as a whole first."""
    nobody = evaluations.GivenProfiles(profiles=[evaluations.GivenProfile(user_id="nobody")])
    struct = as_struct(rule if isinstance(rule, dict) else {}, "rule")
    try:
        client.evaluate(evaluations.EvaluateSegmentsRequest(rule=struct, given_profiles=nobody))
    except CallFailed as error:
        # A rule may be sound and yet have nothing to judge by: no model is fitted, a part of it is pending.
        if error.reason in ("INVALID_RULE", "INVALID_REQUEST", "WRONG_TYPE"):
            return call_faults(file, definition, error)
        if not error.reason:
            raise
    return []


def _with_rules(rule: Plain, sound: dict[str, Plain], known: set[str]) -> Plain:
    """The rule with new segments replaced by their rules; None where one of them has none or is not sound."""
    if not isinstance(rule, dict):
        return rule
    replaced: dict[str, Plain] = {}
    for key, value in rule.items():
        if key == "segment" and isinstance(value, str) and value not in known:
            return sound.get(value)
        if key == "not" or (key in ("all", "any") and isinstance(value, list)):
            parts = value if isinstance(value, list) and key != "not" else [value]
            children = [_with_rules(part, sound, known) for part in parts]
            if any(child is None and part is not None for child, part in zip(children, parts, strict=True)):
                return None
            replaced[key] = children[0] if key == "not" else children
        else:
            replaced[key] = value
    return replaced
