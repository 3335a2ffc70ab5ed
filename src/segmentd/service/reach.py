"""How far back rules look at events, and for how long those are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from segmentd.engine.compile import conditions, reads_of
from segmentd.engine.plan import Bound, Complement, Joint, Leaf, Plan
from segmentd.engine.rule import Node
from segmentd.errors import FieldViolation, InvalidInput, Reason
from segmentd.plugins.segment_type import Reads
from segmentd.storage import Store
from segmentd.times import FOREVER, Duration, Micros, parse_duration

ALL_TIME: Final = FOREVER
"""The reach of a condition to which every event matters."""
_DAY: Final = 86_400_000_000
"""In microseconds."""


def kept_for(store: Store) -> dict[str, Micros]:
    """For how long the events of each name are kept, in microseconds; those kept for ever are left out."""
    return {each.name: parse_duration(each.keep).micros for each in store.stored_names() if each.keep}


def check_reach(node: Node, keeps: Mapping[str, Micros]) -> None:
    """Raises InvalidInput with every condition that looks further back at an event than it is kept."""
    faults = [
        FieldViolation(
            condition.path, f"looks back at {name} for {reach_words(reach)}, but it is kept for {reach_words(keep)}"
        )
        for condition in (conditions(node) if keeps else ())
        for name, reach, keep in _short(reads_of(condition), keeps)
    ]
    if faults:
        raise InvalidInput(faults, Reason.INVALID_RULE)


def needing(rules: Mapping[str, Node], plans: Iterable[Plan], event: str, keep: Micros) -> dict[str, int]:
    """The segments, by id, that look further back at an event than `keep`, and how far, in microseconds.

    Those of these rules and of these plans.
    """
    reads = [(name, reads_of(condition)) for name, node in rules.items() for condition in conditions(node)]
    reads += [(plan.segment_id, leaf.reads) for plan in plans for leaf in _leaves(plan.root)]
    found: dict[str, int] = {}
    for name, each in reads:
        for _, reach, _ in _short(each, {event: keep}):
            found[name] = max(reach, found.get(name, 0))
    return dict(sorted(found.items()))


def reach_words(micros: int) -> str:
    """How far back, for people (`7d`, `all time`); in days rather than in weeks, as most write it."""
    if micros >= ALL_TIME:
        return "all time"
    days, rest = divmod(micros, _DAY)
    return str(Duration(micros=Micros(micros))) if rest else f"{days}d"


def fixed_duration(text: str) -> Duration:
    """A length of time that is the same everywhere. Raises ValueError with what to write."""
    duration = parse_duration(text)
    if duration.months:
        raise ValueError(f"{text!r} goes by the calendar; write days or weeks, as in 400d")
    return duration


def _short(reads: Reads, keeps: Mapping[str, Micros]) -> Collection[tuple[str, int, int]]:
    """(event, reach, keep) of those that are kept for less than they are looked at."""
    return [
        (name, reach, keeps[name])
        for name in sorted(reads.events)
        if name in keeps and (reach := reads.reach.get(name, ALL_TIME)) > keeps[name]
    ]


def _leaves(node: Bound) -> list[Leaf]:
    if isinstance(node, Leaf):
        return [node]
    if isinstance(node, Complement):
        return _leaves(node.child)
    if isinstance(node, Joint):
        return [leaf for child in node.children for leaf in _leaves(child)]
    return []  # what is referred to is named itself
