"""What pydantic finds wrong with the file of endpoints, in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from segmentd_webhooks.settings import EndpointSettings, EndpointsFile, RetrySettings

_SIZES: Final = re.compile(r"\w+ should have (at least|at most) (\d+) (\w+)(?: after validation, not \d+)?")
_PLAIN: Final = {"string_type": "write text", "list_type": "write a list", "missing": "is required"}
_NO_OBJECT: Final = frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type"})


def in_words(fault: ErrorDetails) -> str:
    """One fault, without the place where it stands."""
    kind, place = fault["type"], fault["loc"]
    if kind == "extra_forbidden":
        return f"is not a name that can stand here; there are {', '.join(_model_at(place[:-1]).model_fields)}"
    if kind in _NO_OBJECT:
        if place[-1:] == ("headers",):
            return "write names and values, such as {X-Team: crm}"
        names = list(_model_at(place).model_fields)
        return f"write names and values, such as {{{names[0]}: …}}; there are {', '.join(names)}"
    if kind in _PLAIN:
        return _PLAIN[kind]
    message = _SIZES.sub(r"must have \1 \2 \3", fault["msg"])
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _model_at(place: Sequence[str | int]) -> type[BaseModel]:
    """The model of what stands at a place."""
    if "retry" in place:
        return RetrySettings
    return EndpointSettings if place else EndpointsFile
