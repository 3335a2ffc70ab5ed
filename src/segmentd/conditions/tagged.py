"""Operators on tags: sets of text."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmentd.conditions.prepared import Family, Lasting, Prepare, Test
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns, Mask, Tags, accepted

Counts = NDArray[np.int64]


def _counted(decide: Callable[[Any, Any, int], Any]) -> Prepare:
    """Decides on how many of the wanted texts each row has, and how many were wanted."""

    def prepare(_kind: Kind, operand: list[str], ignore_case: bool) -> Test:
        wanted = frozenset(each.casefold() for each in operand) if ignore_case else frozenset(operand)
        count = _folded_count if ignore_case else Tags.count_in

        def member(columns: Columns, name: str) -> Mask:
            tags = columns.tags(name)
            return np.asarray(tags.present & decide(tags, count(tags, wanted), len(wanted)))

        def accepts(tags: frozenset[str]) -> object:
            found = {tag.casefold() for tag in tags} if ignore_case else tags
            return decide(None, len(wanted & found), len(wanted))

        return Lasting(member, accepts)

    return prepare


def _folded_count(tags: Tags, wanted: frozenset[str]) -> Counts:
    """How many of the folded texts each row has in any case: each text once, however often it is spelt."""
    spellings: dict[str, list[int]] = {}
    texts = tags.vocabulary.texts
    for code in accepted(tags.codes, tags.vocabulary, lambda text: text.casefold() in wanted):
        spellings.setdefault(texts[code].casefold(), []).append(code)
    total = np.zeros(len(tags.present), dtype=np.int64)
    for codes in spellings.values():
        total += tags.count_codes(codes) > 0
    return total


RELATIONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "equals": operator.eq,
    "not_equals": operator.ne,
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
    "between": lambda sizes, ends: (sizes >= ends[0]) & (sizes <= ends[1]),
}


def _size(_kind: Kind, operand: Any, _ignore_case: bool) -> Test:
    given = [(RELATIONS[name], wanted) for name, wanted in operand.operands().items()]

    def member(columns: Columns, name: str) -> Mask:
        tags = columns.tags(name)
        found = tags.present.copy()
        for relation, wanted in given:
            found &= relation(tags.sizes, wanted)
        return found

    return Lasting(member, lambda tags: all(relation(len(tags), wanted) for relation, wanted in given))


TAGS: Family = {
    "any_of": {Kind.TAGS: _counted(lambda _tags, counts, _wanted: counts > 0)},
    "all_of": {Kind.TAGS: _counted(lambda _tags, counts, wanted: counts == wanted)},
    "none_of": {Kind.TAGS: _counted(lambda _tags, counts, _wanted: counts == 0)},
    "size": {Kind.TAGS: _size},
}
