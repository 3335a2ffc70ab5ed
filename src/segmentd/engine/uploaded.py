"""What is wrong with the user lists that a condition reads."""

from __future__ import annotations

from collections.abc import Iterator, Set

from pydantic import BaseModel

from segmentd.plugins.segment_type import Fault, Reads
from segmentd.population.kinds import Json
from segmentd.population.listed import reserved_fault

Path = tuple[str | int, ...]


def list_faults(reads: Reads, params: BaseModel, lists: Set[str]) -> Iterator[Fault]:
    """User lists that do not exist, where the parameters name them; and attributes that are lists in disguise."""
    unknown = reads.lists - lists
    reserved = {name: fault for name in reads.attributes if (fault := reserved_fault(name)) is not None}
    if not unknown and not reserved:
        return
    given = params.model_dump(mode="json", by_alias=True)
    for name in sorted(unknown):
        yield Fault(_place(given, name), f"there is no user list {name!r}")
    for name, fault in sorted(reserved.items()):
        yield Fault(_place(given, name), f"{name} cannot be read: {fault}")


def _place(value: Json, name: str, path: Path = ()) -> Path:
    """Where in the parameters a name first stands, as a value or as a key; () where it does not."""
    if value == name:
        return path
    children: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        if name in value:
            return (*path, name)
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return next((found for key, child in children if (found := _place(child, name, (*path, key)))), ())
