"""`segmentd import`: profiles and events from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from segmentd.cli.connection import connect
from segmentd.cli.definitions.plan import kind_name
from segmentd.cli.faults import CommandFailed
from segmentd.cli.importing.cells import Kinds
from segmentd.cli.importing.csv_rows import CsvFile
from segmentd.cli.importing.files import format_of
from segmentd.cli.importing.items import EVENT_FIELDS, PROFILE_FIELDS, Items
from segmentd.cli.importing.json_rows import JsonLines
from segmentd.cli.importing.lanes import Kind, Sent
from segmentd.cli.importing.rows import Source
from segmentd.cli.importing.running import run_import
from segmentd.cli.importing.sql_rows import SqlRows
from segmentd.cli.importing.tally import Tally
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from segmentd.cli.output import counted, show, show_json
from segmentd.cli.show_import import import_json, import_lines
from segmentd.client import Client, item_fault
from segmentd.v1 import profile_service_pb2

_TIMEOUT: Final = 300.0
_EVENT_COLUMNS: Final = {
    "user_id": "userId",
    "event": "event",
    "time": "timestamp",
    "message_id": "messageId",
    "properties": "properties",
    "context": "context",
}
_PROFILE_COLUMNS: Final = {"user_id": "userId", "attributes": "traits"}

FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV or JSON Lines, .gz or not; with --sql whatever the SQL reads.")
]
SqlOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--sql", metavar="FILE", help="SQL for duckdb that selects the rows from getvariable('file')."),
]
RejectsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Where refused rows go; default: the file's name + .rejects.jsonl, here."
    ),
]
StrictOption: TypeAlias = Annotated[bool, typer.Option("--strict", help="Exit code 1 where any row was refused.")]


def profiles(
    file: FileArgument,
    sql: SqlOption = None,
    rejects: RejectsOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Merge profiles into those that are stored.

    Rows have userId and traits (CSV: columns such as traits.plan and traits.address.city; an empty cell changes
    nothing, and white space around ids is no part of them). In JSON Lines null removes an attribute. SQL selects
    user_id, and attributes (a STRUCT or JSON) or any other columns.
    """
    with connect(server, _TIMEOUT) as client, Tally(rejects_path(file, rejects), "profiles") as tally:
        source = _source(client, file, sql, PROFILE_FIELDS, ("traits", "context"))
        run_import(source, Items(naive_is_utc=source.naive_is_utc).profile, _profile_kind(client), tally)
    _report(tally, source.counted_by, strict=strict, as_json=as_json)


def events(
    file: FileArgument,
    sql: SqlOption = None,
    rejects: RejectsOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Store events. The same import run twice changes nothing: an event without a message id gets one from its content.

    Rows have userId, event, a time (timestamp; or receivedAt, sentAt, originalTimestamp), and may have messageId,
    properties and context (CSV: columns such as properties.revenue and context.os.name). In CSV a name of known kind
    goes by its kind; else true, false and numbers as JSON writes them are what they look like, and the rest is text;
    times without an offset are UTC, and white space around ids of users is no part of them. SQL selects user_id, event,
    time, and may select message_id, properties and context (a STRUCT or JSON); all other columns become properties.
    Rows where its column reject_reason is not null are counted by that reason and refused.
    """
    with connect(server, _TIMEOUT) as client, Tally(rejects_path(file, rejects), "events") as tally:
        source = _source(client, file, sql, EVENT_FIELDS, ("properties", "context"))
        run_import(source, Items(naive_is_utc=source.naive_is_utc).event, _event_kind(client), tally)
    _report(tally, source.counted_by, strict=strict, as_json=as_json)


def _source(client: Client, file: Path, sql: Path | None, fields: Sequence[str], objects: Sequence[str]) -> Source:
    """How the file is read: by SQL where it is given, else by its suffix. Raises OSError where it is not there."""
    (sql or file).stat()  # before the server is asked: a name mistyped is the more likely fault
    kinds = Kinds({each.name: kind_name(each.kind) for each in client.list_attributes()})
    if sql is not None:
        columns = _EVENT_COLUMNS if "properties" in objects else _PROFILE_COLUMNS
        return SqlRows(file, sql, columns, objects[0], kinds)
    suffix = format_of(file)
    if suffix == ".csv":
        return CsvFile(file, fields, objects, kinds)
    if suffix in (".jsonl", ".ndjson"):
        return JsonLines(file)
    raise CommandFailed(f"{file}: neither .csv nor .jsonl (or .ndjson), packed as .gz or not; reshape it with --sql")


def rejects_path(file: Path, given: Path | None) -> Path:
    """Where refused rows go. Raises CommandFailed where that is the file itself."""
    path = given or Path(f"{file.name}.rejects.jsonl")
    if path.resolve() == file.resolve():
        raise CommandFailed(f"--rejects: {path} is the file to import", exit_code=2)
    return path


def _profile_kind(client: Client) -> Kind:
    def answers(answer: profile_service_pb2.UpsertProfilesResponse) -> tuple[int, list[Sent]]:
        return answer.revision, [
            Sent("refused", item_fault(result.error))
            if result.HasField("error")
            else Sent("created" if result.created else "merged")
            for result in answer.results
        ]

    return Kind(client.start_upsert_profiles, answers)


def _event_kind(client: Client) -> Kind:
    outcomes: dict[int, Any] = {
        profile_service_pb2.INGEST_OUTCOME_STORED: Sent("stored"),
        profile_service_pb2.INGEST_OUTCOME_DUPLICATE: Sent("duplicate"),
    }

    def answers(answer: profile_service_pb2.IngestEventsResponse) -> tuple[int, list[Sent]]:
        return answer.revision, [
            outcomes.get(result.outcome) or Sent("refused", item_fault(result.error)) for result in answer.results
        ]

    return Kind(client.start_ingest_events, answers)


def _report(tally: Tally, counted_by: str, *, strict: bool, as_json: bool) -> None:
    if as_json:
        show_json(import_json(tally))
    else:
        show(*import_lines(tally, counted_by))
    refused = tally.outcomes["refused"]
    if refused and refused == tally.read:
        raise CommandFailed("nothing was imported: every row was refused")
    if strict and refused:
        raise CommandFailed(f"{counted(refused, 'row')} {'was' if refused == 1 else 'were'} refused (--strict)")
