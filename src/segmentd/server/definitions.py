"""Segments between messages and what the service takes and gives."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import orjson

from segmentd.engine.catalogue import State
from segmentd.errors import FieldViolation, InvalidInput, Reason
from segmentd.limits import MAX_ID_BYTES, MAX_ITEMS
from segmentd.records import ModelRecord, SegmentRecord
from segmentd.server.faults import Faults
from segmentd.server.instants import to_timestamp
from segmentd.server.structs import from_struct, to_struct
from segmentd.service.preview import Change, Preview
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.segments import ModelView, Previewed, SegmentView
from segmentd.times import Micros
from segmentd.v1 import model_version_pb2, segment_pb2, segment_service_pb2

_MASK: Final = {
    "name": "name",
    "description": "description",
    "owner": "owner",
    "labels": "labels",
    "rule": "rule",
    "include_user_ids": "include",
    "exclude_user_ids": "exclude",
}
"""Field of the message → field of the spec, for all that an update can name."""


def spec_of(segment: segment_pb2.Segment) -> SegmentSpec:
    """What the message defines. Raises InvalidInput with every fault of form; INVALID_RULE if all are in the rule."""
    faults, rule_faults = Faults("segment."), Faults()
    for field in ("name", "description", "owner", "note"):
        faults.text(getattr(segment, field), field)
    faults.text(segment.author, "author", MAX_ID_BYTES)
    if segment.managed_by:
        faults.add("managed_by", "it is output only: exclusive groups make their segments themselves")
    spec = SegmentSpec(
        faults.id(segment.id, "id"),
        segment.name,
        segment.description,
        segment.owner,
        faults.labels(segment.labels),
        from_struct(segment.rule, "rule", rule_faults) if segment.HasField("rule") else None,
        _user_ids(segment.include_user_ids, "include_user_ids", faults),
        _user_ids(segment.exclude_user_ids, "exclude_user_ids", faults),
    )
    _raise_any(faults.found, rule_faults.found, segment.id)
    return spec


def changed_fields(request: segment_service_pb2.UpdateSegmentRequest) -> Collection[str]:
    """The fields of the spec that an update changes. Raises InvalidInput at each path that names none."""
    if not request.update_mask.paths:
        set_fields = {field.name for field, _ in request.segment.ListFields()}
        return [name for field, name in _MASK.items() if field in set_fields]
    faults = Faults()
    for index, path in enumerate(request.update_mask.paths):
        known = path == "*" or path in _MASK
        faults.add(f"update_mask.paths[{index}]", None if known else f"{path[:80]!r} is no field that can be changed")
    faults.raise_any()
    if "*" in request.update_mask.paths:
        return list(_MASK.values())
    return [_MASK[path] for path in dict.fromkeys(request.update_mask.paths)]


def _said(spec: SegmentSpec) -> dict[str, Any]:
    """What a segment and each of its versions say, by the names of their fields."""
    return {
        "name": spec.name,
        "description": spec.description,
        "owner": spec.owner,
        "labels": spec.labels,
        "rule": to_struct(spec.rule, "rule") if isinstance(spec.rule, dict) else None,
        "include_user_ids": spec.include,
        "exclude_user_ids": spec.exclude,
    }


def segment(view: SegmentView, *, with_size: bool = False) -> segment_pb2.Segment:
    """The segment as it stands."""
    info, spec = view.info, view.info.spec
    return segment_pb2.Segment(
        id=spec.segment_id,
        **_said(spec),
        state=_state(view.state),
        state_reason=view.reason,
        version=info.version,
        serving_version=info.version if view.state is State.ACTIVE else 0,
        etag=info.etag,
        create_time=to_timestamp(info.create_time),
        update_time=to_timestamp(info.update_time),
        author=info.author,
        note=info.note,
        models=[model(each) for each in view.models],
        size=view.size if with_size else None,
        managed_by=spec.managed_by,
    )


def edit_preview(preview: Preview) -> segment_pb2.EditPreview:
    """What an edit would change."""
    return segment_pb2.EditPreview(
        changes=[_change(each) for each in preview.changes],
        new_user_count=preview.new_users,
        evaluate_time=to_timestamp(preview.at),
    )


def previewed(found: Previewed) -> segment_pb2.Segment:
    """The segment as it would be. Nobody can give its etag back, since there is no such version."""
    message = segment(found.view)
    message.etag = ""
    return message


def model(view: ModelView) -> segment_pb2.Model:
    """A model, fitted or not."""
    fitted = view.fitted
    parameters = to_struct(view.fit_parameters, "fit_parameters")
    if fitted is None:
        return segment_pb2.Model(type=view.type, fit_parameters=parameters)
    return segment_pb2.Model(
        type=view.type,
        fit_parameters=parameters,
        version=fitted.version,
        fit_time=to_timestamp(Micros(fitted.fit_time)),
        population_size=fitted.model.size,
        summary=to_struct(fitted.model.summary, "summary"),
    )


def fitted_model(record: ModelRecord) -> segment_pb2.Model:
    """One fit of a model as it is stored."""
    return segment_pb2.Model(
        type=record.type,
        fit_parameters=to_struct(orjson.loads(record.params), "fit_parameters"),
        version=record.version,
        fit_time=to_timestamp(record.fit_time),
        population_size=record.size,
        summary=to_struct(orjson.loads(record.summary), "summary"),
    )


def segment_version(record: SegmentRecord) -> segment_pb2.SegmentVersion:
    """One version as it was defined."""
    spec = SegmentSpec.load(record.segment_id, record.definition)
    return segment_pb2.SegmentVersion(
        version=record.version,
        **_said(spec),
        author=record.author,
        note=record.note,
        create_time=to_timestamp(record.create_time),
        state=_state(State(record.state)),
        state_reason=record.state_reason,
        models=[
            model_version_pb2.ModelVersion(type=orjson.loads(key)[0], version=version)
            for key, version in sorted(orjson.loads(record.models).items())
        ],
    )


def _change(change: Change) -> segment_pb2.SegmentChange:
    return segment_pb2.SegmentChange(
        segment_id=change.segment_id,
        state=_state(change.state),
        state_reason=change.reason,
        entering_count=change.entering,
        leaving_count=change.leaving,
        size=change.size,
        entering_user_ids=change.entering_sample,
        leaving_user_ids=change.leaving_sample,
    )


def _state(state: State) -> segment_pb2.SegmentState.ValueType:
    return segment_pb2.SegmentState.Value(f"SEGMENT_STATE_{state.name}")


def _user_ids(user_ids: Collection[str], field: str, faults: Faults) -> tuple[str, ...]:
    if len(user_ids) > MAX_ITEMS:
        faults.add(field, f"it has {len(user_ids)} users; {MAX_ITEMS} are the most")
        return ()
    return tuple(faults.ids(user_ids, field))


def _raise_any(form: list[FieldViolation], rule: list[FieldViolation], segment_id: str) -> None:
    if form:
        raise InvalidInput([*form, *rule])
    if rule:
        raise InvalidInput(rule, Reason.INVALID_RULE, {"segment_id": segment_id})
