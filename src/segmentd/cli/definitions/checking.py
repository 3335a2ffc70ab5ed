"""What the CLI says of a refusal, and what it refuses itself."""

from __future__ import annotations

from segmentd.cli.definitions.plan import Plan, kind_name
from segmentd.cli.definitions.segments_file import Definition, SegmentsFile
from segmentd.cli.faults import Fault
from segmentd.client import CallFailed, FieldFault, ItemFault


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
    """What a refused call says about a definition: each violation, or else the message; with the reason."""
    return [
        file.fault(definition, found.field.removeprefix("segment."), found.description) for found in violations(error)
    ]


def violations(error: CallFailed) -> list[FieldFault]:
    """Each violation of a refused call, or else its message without a field; with the reason in brackets."""
    found = error.violations or (FieldFault("", error.message),)
    return [FieldFault(each.field, f"{each.description} ({error.reason or error.code.name})") for each in found]


def item_message(error: ItemFault) -> str:
    """Why an item was refused, with the reason in brackets."""
    return f"{error.message} ({error.reason})"
