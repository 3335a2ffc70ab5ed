"""User lists as hidden flag attributes: a list is a column, so that what reads it is judged again as for any other."""

from __future__ import annotations

from typing import Final

LIST_PREFIX: Final = "list:"
"""Attributes with this prefix belong to user lists; neither profiles nor declarations nor rules can name one."""


def list_attribute(list_id: str) -> str:
    """The attribute in which a user list is kept."""
    return LIST_PREFIX + list_id


def reserved_fault(name: str) -> str | None:
    """What is wrong with the name of an attribute that is given; None where nothing is."""
    if name.startswith(LIST_PREFIX):
        return f"names that begin with {LIST_PREFIX} belong to user lists"
    return None
