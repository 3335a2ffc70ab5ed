"""From a parsed rule to a plan: checks against known kinds, models, references and what is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import orjson

from segmentd.engine.plan import Bound, Complement, Fitted, Joint, Leaf, Plan, Target
from segmentd.engine.rule import All, AnyOf, Condition, Node, Not, Reference, dotted, walk
from segmentd.engine.uploaded import list_faults
from segmentd.errors import FieldViolation, InvalidInput, PluginBroken, Reason
from segmentd.plugins.segment_type import Reads
from segmentd.population.listed import list_attribute
from segmentd.population.schema import Schema


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a segment as the engine needs it; `rule` is the parsed tree."""

    segment_id: str
    segment_key: int
    version: int
    rule: Node
    include: frozenset[str]
    exclude: frozenset[str]


class ModelMissing(Exception):
    """A condition needs a model that has not been fitted yet."""


def model_key(condition: Condition) -> str | None:
    """The identity of the model that a condition needs; None where it needs none."""
    params = condition.segment_type.model_params(condition.params)
    if params is None:
        return None
    return orjson.dumps([condition.segment_type.name, params], option=orjson.OPT_SORT_KEYS).decode()


def conditions(node: Node) -> Iterable[Condition]:
    """All conditions of a tree."""
    return (each for each in walk(node) if isinstance(each, Condition))


def references(node: Node) -> list[Reference]:
    """All references of a tree."""
    return [each for each in walk(node) if isinstance(each, Reference)]


def reads_of(condition: Condition) -> Reads:
    """What a condition reads. Raises PluginBroken where the plugin cannot say."""
    reads = condition.segment_type.reads(condition.params)
    if not isinstance(reads, Reads):
        raise PluginBroken(f"{condition.segment_type.name}.reads() returned {type(reads).__name__}, not Reads")
    return reads


def check_kinds(node: Node, schema: Schema) -> None:
    """Raises InvalidInput with every condition that cannot apply to the known kinds, or reads an unknown user list."""
    faults = [
        FieldViolation(condition.path + dotted(fault.path), fault.message)
        for condition in conditions(node)
        for fault in (
            *condition.segment_type.check(condition.params, schema),
            *list_faults(reads_of(condition), condition.params, schema.lists),
        )
    ]
    if faults:
        raise InvalidInput(faults, Reason.WRONG_TYPE)


def compile_plan(
    definition: Definition,
    slot: int,
    targets: Mapping[str, Plan],
    fitted: Callable[[str], Fitted | None],
) -> Plan:
    """The plan of a definition. Raises ModelMissing, and KeyError for a reference that is not in `targets`."""
    binder = _Binder(targets, fitted)
    root = binder.bind(definition.rule)
    attributes: set[str] = set()
    events: dict[str, frozenset[str]] = {}
    sources = [leaf.reads for leaf in binder.leaves]
    for attributes_read, events_read in [
        *((reads.attributes | set(map(list_attribute, reads.lists)), reads.events) for reads in sources),
        *((plan.attributes, plan.events) for plan in binder.plans),
    ]:
        attributes |= attributes_read
        for name, properties in events_read.items():
            events[name] = events.get(name, frozenset()) | properties
    clock = any(reads.clock or reads.events for reads in sources) or any(plan.clock for plan in binder.plans)
    own = {leaf.model.key: leaf.model for leaf in binder.leaves if leaf.model is not None}
    return Plan(
        definition.segment_id,
        definition.segment_key,
        definition.version,
        slot,
        root,
        definition.include,
        definition.exclude,
        frozenset(attributes),
        events,
        bool(clock),
        tuple(own.values()),
        tuple(binder.plans),
        tuple({**own, **{each.key: each for plan in binder.plans for each in plan.all_models}}.values()),
    )


class _Binder:
    """Binds nodes, and collects the leaves and plans that it meets."""

    def __init__(self, targets: Mapping[str, Plan], fitted: Callable[[str], Fitted | None]) -> None:
        self.leaves: list[Leaf] = []
        self.plans: list[Plan] = []
        self._targets = targets
        self._fitted = fitted

    def bind(self, node: Node) -> Bound:
        if isinstance(node, All | AnyOf):
            return Joint(isinstance(node, All), tuple(self.bind(child) for child in node.children))
        if isinstance(node, Not):
            return Complement(self.bind(node.child))
        if isinstance(node, Reference):
            plan = self._targets[node.segment_id]
            self.plans.append(plan)
            return Target(plan)
        leaf = self._leaf(node)
        self.leaves.append(leaf)
        return leaf

    def _leaf(self, condition: Condition) -> Leaf:
        key = model_key(condition)
        model = self._fitted(key) if key is not None else None
        if key is not None and model is None:
            raise ModelMissing(key)
        return Leaf(condition, reads_of(condition), model, (condition.key, model.version if model else 0))
