"""The rules that a type and its parameters keep before anybody is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from segmentd.plugins.segment_type import Kinds, Reads, SegmentType
from segmentd.testing.naming import KnownKinds

_STRANGER = "a key that no type has"


def check_type(segment_type: SegmentType[Any]) -> None:
    """A name, a version, and parameters whose JSON Schema can be published."""
    name: object = getattr(segment_type, "name", None)
    version: object = getattr(segment_type, "version", None)
    model: object = getattr(segment_type, "Params", None)
    if not isinstance(name, str) or not name or name in ("all", "any", "not", "segment"):
        _broken(segment_type, "a name of its own", f"name is {name!r}")
    if type(version) is not int or version < 1:
        _broken(segment_type, "a whole version", f"version is {version!r}")
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        _broken(segment_type, "parameters are a pydantic model", f"Params is {model!r}")
    try:
        json.dumps(model.model_json_schema(), allow_nan=False)
    except Exception as error:  # noqa: BLE001  # pydantic raises several errors for fields without a schema
        _broken(segment_type, "parameters have a JSON Schema", f"{type(error).__name__}: {error}")


def check_condition(segment_type: SegmentType[Any], example: Mapping[str, Any], kinds: Kinds) -> Any:
    """The parameters of an example, once they are sound, also where nobody has a value for any name."""
    try:
        params = segment_type.Params.model_validate(dict(example))
    except ValidationError as error:
        _broken(segment_type, "the example is valid", f"{example!r}: {error}")
    faults = list(segment_type.check(params, kinds))
    if faults:
        _broken(segment_type, "the example is valid", f"{example!r}: {faults!r}")
    faults = list(segment_type.check(params, KnownKinds({}, {})))
    if faults:
        _broken(segment_type, "unknown attributes are no fault", f"{example!r}: {faults!r}")
    _strangers_refused(segment_type, example)
    _dumped(segment_type, params, example)
    _reads(segment_type, params, example)
    _refit_every(segment_type, params, example)
    return params


def _strangers_refused(segment_type: SegmentType[Any], example: Mapping[str, Any]) -> None:
    """A misspelt key must not be ignored."""
    try:
        segment_type.Params.model_validate({**example, _STRANGER: 1})
    except ValidationError:
        return
    _broken(segment_type, "unknown parameters are refused", f"{example!r} with {_STRANGER!r} was accepted")


def _dumped(segment_type: SegmentType[Any], params: BaseModel, example: Mapping[str, Any]) -> None:
    """The engine compares conditions by their parameters as JSON."""
    again = segment_type.Params.model_validate(dict(example))
    try:
        first, second = (json.dumps(each.model_dump(mode="json", by_alias=True)) for each in (params, again))
    except Exception as error:  # noqa: BLE001  # pydantic raises its own errors for what has no JSON form
        _broken(segment_type, "parameters are plain JSON", f"{example!r}: {type(error).__name__}: {error}")
    if first != second:
        _broken(segment_type, "parameters are plain JSON", f"{example!r} became {first}, then {second}")


def _reads(segment_type: SegmentType[Any], params: BaseModel, example: Mapping[str, Any]) -> None:
    reads = segment_type.reads(params)
    if type(reads) is not Reads:
        _broken(segment_type, "reads returns Reads", f"{example!r}: {reads!r}")
    sets: list[object] = [reads.attributes, reads.lists, *reads.events.values()]
    for names in sets:
        if not isinstance(names, Set) or not all(type(name) is str for name in names):
            _broken(segment_type, "reads returns Reads", f"{example!r}: {names!r} is not a set of names")
    if segment_type.reads(params) != reads:
        _broken(segment_type, "reads returns the same twice", f"{example!r}: {reads!r}")


def _refit_every(segment_type: SegmentType[Any], params: BaseModel, example: Mapping[str, Any]) -> None:
    """A schedule is whole microseconds, and there is a model to be fitted by it."""
    every: object = segment_type.refit_every(params)
    if every is None:
        return
    if type(every) is not int or every <= 0:
        _broken(segment_type, "refit_every gives microseconds", f"{example!r}: {every!r}")
    if segment_type.model_params(params) is None:
        _broken(segment_type, "a schedule stands beside a model", f"{example!r} has one and needs no model")


def _broken(segment_type: SegmentType[Any], rule: str, detail: str) -> NoReturn:
    whose = getattr(segment_type, "name", None) or type(segment_type).__name__
    raise AssertionError(f"{whose} breaks the rule '{rule}': {detail}")
