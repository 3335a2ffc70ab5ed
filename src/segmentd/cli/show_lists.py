"""User lists, and what came of changing them, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from segmentd.cli.importing.tally import Tally
from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import enum_name
from segmentd.cli.output import counted
from segmentd.cli.show_answers import add_row, grid
from segmentd.v1 import user_list_pb2, user_list_service_pb2


def lists_table(lists: Iterable[user_list_pb2.UserList]) -> Table:
    """Lists with their sizes."""
    table = grid("list", "size", "changed", "segments", "description")
    for each in lists:
        segments = ", ".join(each.referenced_by_segment_ids)
        add_row(table, each.id, f"{each.size:,}", instant_text(each.update_time), segments, each.description)
    return table


def list_lines(each: user_list_pb2.UserList) -> Iterator[str]:
    """One list in some lines."""
    yield f"{each.id}: {counted(each.size, 'user')}" + (f" ({each.description})" if each.description else "")
    yield f"made {instant_text(each.create_time)}, changed {instant_text(each.update_time)}"
    segments = ", ".join(each.referenced_by_segment_ids)
    yield f"read by the segments {segments}" if segments else "no segment reads it"
    for upload in each.uploads:
        mode = (enum_name(user_list_pb2.UserListUploadMode.DESCRIPTOR, upload.mode) or "").lower()
        receiving = upload.phase == user_list_pb2.USER_LIST_UPLOAD_PHASE_RECEIVING
        done = f"{upload.applied_count:,} of {upload.total_count:,} users written"
        how_far = "coming in" if receiving else done
        received = counted(upload.received_count, "id")
        yield f"upload ({mode}) since {instant_text(upload.start_time)}: {received}, {how_far}"


def upload_lines(answer: user_list_service_pb2.UploadUserListResponse, tally: Tally, counted_by: str) -> Iterator[str]:
    """What an upload came to, and a line for each kind of bad rows; `counted_by` as in Source."""
    yield change_line(answer)
    for reason, number in tally.reasons.most_common():
        sample = tally.samples[reason]
        yield f"  rows passed over: {number:,} x {reason} (first at {counted_by} {sample.position:,}: {sample.detail})"
    if tally.reasons:
        yield f"  they are in {tally.path}"
    if answer.skipped_count:
        named = [f" (first {each.user_id!r}: {each.description})" for each in answer.faults[:1]]
        first = "".join(named) or " (of erased users)"
        yield f"  ids passed over by the server: {answer.skipped_count:,}{first}"


def change_line(
    answer: user_list_service_pb2.UploadUserListResponse | user_list_service_pb2.UpdateUserListResponse,
) -> str:
    """One sentence."""
    created = f" ({answer.created_count:,} of them created)" if answer.created_count else ""
    changes = f"{answer.added_count:,} added{created}, {answer.removed_count:,} removed"
    size = counted(answer.list.size, "user")
    return f"list {answer.list.id}: {changes}, {answer.unchanged_count:,} unchanged; it has {size}"
