"""What is published of a segment type in words: never the docstring of a class that it derives from."""

from __future__ import annotations

from segmentd.plugins.segment_type import Params, description_of
from segmentd_types.lists import ListType


class Told(Params):
    """How long is quiet."""


class Untold(Params):
    days: int = 1


class OfTold(ListType):
    Params = Told  # type: ignore[assignment]  # only its docstring matters


class OfUntold(ListType):
    Params = Untold  # type: ignore[assignment]  # as above


def test_its_own_docstring_comes_first() -> None:
    assert description_of(ListType()).startswith("Membership that depends on the user's id, or on a list")


def test_without_one_the_parameters_speak() -> None:
    assert description_of(OfTold()) == "How long is quiet."


def test_nothing_is_inherited() -> None:
    assert description_of(OfUntold()) == ""
