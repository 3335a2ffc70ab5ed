"""One segment, its versions and models, and what an edit would change, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson
from google.protobuf import struct_pb2
from rich.table import Table

from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import enum_name
from segmentd.cli.show_answers import add_row, grid, state_name
from segmentd.client import as_json
from segmentd.v1 import model_version_pb2, segment_pb2


def segment_table(segment: segment_pb2.Segment) -> Table:
    """What the segment says and where it stands; what is empty is left out."""
    labels = ", ".join(f"{key}: {value}" for key, value in sorted(segment.labels.items()))
    rows = (
        ("name", segment.name),
        ("description", segment.description),
        ("owner", segment.owner),
        ("labels", labels),
        ("made by", f"exclusive group {segment.managed_by}" if segment.managed_by else ""),
        ("state", f"{state_name(segment)}{': ' if segment.state_reason else ''}{segment.state_reason}"),
        ("size", f"{segment.size:,}" if segment.HasField("size") else ""),
        ("version", f"{segment.version}, {_made(instant_text(segment.update_time), segment.author, segment.note)}"),
        ("rule", json_text(segment.rule) if segment.HasField("rule") else "nobody"),
        ("include", ", ".join(segment.include_user_ids)),
        ("exclude", ", ".join(segment.exclude_user_ids)),
        *(("model", _model(each)) for each in segment.models),
    )
    table = grid("segment", segment.id)
    for name, value in rows:
        if value:
            add_row(table, name, value)
    return table


def versions_table(versions: Iterable[segment_pb2.SegmentVersion]) -> Table:
    """The versions, the latest first."""
    table = grid("version", "made", "author", "state", "models", "rule", "note")
    for each in versions:
        state = (enum_name(segment_pb2.SegmentState.DESCRIPTOR, each.state) or "").lower()
        rule = json_text(each.rule) if each.HasField("rule") else "nobody"
        made = instant_text(each.create_time)
        add_row(table, str(each.version), made, each.author, state, _used(each.models), rule, each.note)
    return table


def models_table(models: Iterable[segment_pb2.Model]) -> Table:
    """The fits, the latest first."""
    table = grid("type", "version", "fitted", "users", "summary")
    for each in models:
        fitted = instant_text(each.fit_time)
        add_row(table, each.type, str(each.version), fitted, f"{each.population_size:,}", json_text(each.summary))
    return table


def preview_lines(preview: segment_pb2.EditPreview) -> Iterator[str]:
    """A line for each segment that would change, and two for its samples."""
    for each in preview.changes:
        if not each.HasField("size"):
            state = (enum_name(segment_pb2.SegmentState.DESCRIPTOR, each.state) or "").lower()
            yield f"    {each.segment_id} would be {state}: {each.state_reason}"
            continue
        yield (
            f"    {each.segment_id}: {each.entering_count:,} would enter, {each.leaving_count:,} would leave,"
            f" {each.size:,} {'member' if each.size == 1 else 'members'} after"
        )
        yield from _sample("enter", each.entering_user_ids, each.entering_count)
        yield from _sample("leave", each.leaving_user_ids, each.leaving_count)
    if preview.new_user_count:
        yield f"    {preview.new_user_count:,} of those who enter would be created"


def json_text(struct: struct_pb2.Struct) -> str:
    """A rule or a summary in one line."""
    return orjson.dumps(as_json(struct), option=orjson.OPT_SORT_KEYS).decode()


def _sample(verb: str, user_ids: Iterable[str], count: int) -> Iterator[str]:
    shown = list(user_ids)
    if shown:
        rest = f", and {count - len(shown):,} more" if count > len(shown) else ""
        yield f"        {verb}: {', '.join(shown)}{rest}"


def _made(when: str, author: str, note: str) -> str:
    return " ".join([when, *([f"by {author}"] if author else []), *([f"({note})"] if note else [])])


def _model(model: segment_pb2.Model) -> str:
    if not model.HasField("fit_time"):
        return f"{model.type}: not fitted yet"
    fitted = f"{model.type}: model {model.version}, {instant_text(model.fit_time)}, {model.population_size:,} users"
    return f"{fitted}, {json_text(model.summary)}"


def _used(models: Iterable[model_version_pb2.ModelVersion]) -> str:
    return ", ".join(f"{each.type} {each.version}" for each in models)
