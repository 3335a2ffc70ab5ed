"""One upload of a user list: rows become ids while they are sent, and the rest is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from segmentd.cli.faults import SIGNALLED, CommandFailed
from segmentd.cli.importing.progress import Bar
from segmentd.cli.importing.rows import Reject, Row, Source
from segmentd.cli.importing.tally import Tally
from segmentd.cli.output import progress_console
from segmentd.client import CallFailed, Client, Pending
from segmentd.limits import id_fault
from segmentd.v1 import user_list_pb2, user_list_service_pb2
from segmentd.v1.user_list_service_pb2 import UploadUserListHeader as Header

_SECONDS: Final = 0.25
"""How often the server is asked how far it is."""


class _Ids:
    """The ids of a source's rows, read by the thread that sends them. A bad row is noted in the tally.

    Raises CommandFailed where such a one, or having no ids at all, ends the upload.
    """

    def __init__(self, source: Source, column: str, tally: Tally, file: str, header: Header) -> None:
        self._source, self._column, self._tally, self._file = source, column, tally, file
        self._header = header

    def __iter__(self) -> Iterator[str]:
        with closing(self._source.rows()) as rows, Bar(self._source, self._tally) as bar:
            for row in rows:
                bar.step()
                found = row if isinstance(row, Reject) else self._id(row)
                if isinstance(found, str):
                    self._tally.count("sent")
                    yield found
                else:
                    self._refuse(found)
        self._check_filled()

    def _id(self, row: Row) -> str | Reject:
        found, column = row.values.get(self._column), self._column
        if found is None or found == "":
            return Reject(row.position, f"no {column}", f"{column} is missing", row.written)
        if not isinstance(found, str):
            return Reject(row.position, f"{column} is no text", f"{str(found)[:80]} is no text; quote it", row.written)
        fault = id_fault(found)
        return found if fault is None else Reject(row.position, f"{column} is no id", fault, row.written)

    def _check_filled(self) -> None:
        """The server refuses it too; here it is said with the name of the option."""
        replaces = self._header.mode == user_list_pb2.USER_LIST_UPLOAD_MODE_REPLACE
        if replaces and not self._header.allow_empty and not self._tally.outcomes["sent"]:
            raise CommandFailed(f"{self._file}: it has no ids; nothing was changed (--allow-empty empties the list)")

    def _refuse(self, reject: Reject) -> None:
        self._tally.reject(reject)
        if not self._header.skip_invalid:
            where = f"{self._file}, {self._source.counted_by} {reject.position:,}"
            raise CommandFailed(f"{where}: {reject.detail}; nothing was changed (--skip-invalid passes it over)")


def run_upload(
    client: Client,
    header: Header,
    source: Source,
    column: str,
    tally: Tally,
    file: str,
) -> user_list_service_pb2.UploadUserListResponse:
    """Send every row's id and wait until the list is changed; `file` is its name for people.

    Raises CommandFailed, CallFailed and what reading the source raised.
    """
    call = client.start_upload_user_list(header, _Ids(source, column, tally, file, header))
    try:
        _wait(client, header.list_id, call)
        return call.result()
    except KeyboardInterrupt:
        call.cancel()
        raise CommandFailed(
            "interrupted: before all ids were sent, nothing is changed; after that, the server goes on by itself",
            SIGNALLED,
        ) from None


def _wait(client: Client, list_id: str, call: Pending[Any]) -> None:
    """Wait for the call, and show how far the server is once it has all ids."""
    console = progress_console()
    columns = (TextColumn("applying"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None, visible=False)
        while not call.wait(_SECONDS):
            if console.is_terminal:
                with suppress(CallFailed):  # a new list is not there yet
                    for upload in client.get_user_list(list_id).list.uploads:
                        if upload.total_count:
                            done, total = upload.applied_count, upload.total_count
                            progress.update(task, completed=done, total=total, visible=True)
