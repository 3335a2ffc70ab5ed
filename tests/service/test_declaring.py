"""Declaring kinds: each name has one, and there is an end to them."""

from __future__ import annotations

import asyncio

from segmentd.population.kinds import Kind
from segmentd.population.schema import KNOWN_ATTRIBUTES
from segmentd.service.service import Service
from segmentd.service.value_types import MAX_KNOWN_NAMES


def test_one_request_cannot_declare_two_kinds_of_one_name(service: Service) -> None:
    kinds = [("q", Kind.NUMBER), ("q", Kind.TEXT), ("q", Kind.NUMBER)]
    results, _ = asyncio.run(service.profiles.declare(kinds, retype=True))
    assert [str(each) for each in results] == ["None", "kind: q is number earlier in the same request", "None"]
    found, _ = asyncio.run(service.profiles.attributes())
    assert [each.kind for each in found if each.name == "q"] == [Kind.NUMBER]


def test_there_is_a_limit_to_declared_attributes_as_to_written_ones(service: Service) -> None:
    room = MAX_KNOWN_NAMES - len(KNOWN_ATTRIBUTES) - 10
    some, _ = asyncio.run(service.profiles.declare([(f"a{i}", Kind.TEXT) for i in range(room)], retype=False))
    assert not any(some)
    more, _ = asyncio.run(service.profiles.declare([(f"b{i}", Kind.TEXT) for i in range(12)], retype=False))
    assert sum(each is None for each in more) <= 10
    assert "the most there may be" in str(more[-1])
    again, _ = asyncio.run(service.profiles.declare([("a0", Kind.TEXT)], retype=False))
    assert again == [None]
