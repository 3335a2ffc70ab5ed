"""One upload of a user list: rows become ids while they are sent, and the rest is waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from segmentd.cli.faults import SIGNALLED, CommandFailed
from segmentd.cli.importing.progress import Bar
from segmentd.cli.importing.rows import Reject, Source
from segmentd.cli.importing.tally import Tally
from segmentd.cli.output import progress_console
from segmentd.client import CallFailed, Client
from segmentd.client.calling import Pending
from segmentd.limits import id_fault
from segmentd.v1 import user_list_service_pb2

_SECONDS: Final = 0.25
"""How often the server is asked how far it is."""


class _Ids:
    """The ids of a source's rows, read by the thread that sends them.

    A bad row is noted in the tally, or else ends the upload: `failure` is then why.
    """

    def __init__(self, source: Source, column: str, tally: Tally, *, skip_invalid: bool) -> None:
        self._source, self._column, self._tally = source, column, tally
        self._skip_invalid = skip_invalid
        self._call: Pending[Any] | None = None
        self._started = threading.Event()
        self.failure: BaseException | None = None

    def belong_to(self, call: Pending[Any]) -> None:
        """The call that sends the ids; none is read before it is known."""
        self._call = call
        self._started.set()

    def __iter__(self) -> Iterator[str]:
        self._started.wait()
        try:
            with closing(self._source.rows()) as rows, Bar(self._source, self._tally) as bar:
                for row in rows:
                    bar.step()
                    found = row if isinstance(row, Reject) else self._id(row.position, row.values)
                    if isinstance(found, str):
                        self._tally.count("sent")
                        yield found
                    else:
                        self._refuse(found)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  (it is raised again by the thread that waits)
            self.failure = error
            # Before the iterator ends: else the server would take the upload for complete.
            if self._call is not None:
                self._call.cancel()

    def _id(self, position: int, values: Any) -> str | Reject:
        found = values.get(self._column) if isinstance(values, dict) else None
        if found is None or found == "":
            return Reject(position, f"no {self._column}", f"{self._column} is missing", values)
        if not isinstance(found, str):
            return Reject(position, f"{self._column} is no text", f"{str(found)[:80]} is no text; quote it", values)
        fault = id_fault(found)
        return found if fault is None else Reject(position, f"{self._column} is no id", fault, values)

    def _refuse(self, reject: Reject) -> None:
        self._tally.reject(reject)
        if not self._skip_invalid:
            where = f"{self._source.counted_by} {reject.position:,}"
            raise CommandFailed(f"{where}: {reject.detail}; nothing was changed (--skip-invalid passes it over)")


def run_upload(
    client: Client,
    header: user_list_service_pb2.UploadUserListHeader,
    source: Source,
    column: str,
    tally: Tally,
) -> user_list_service_pb2.UploadUserListResponse:
    """Send every row's id and wait until the list is changed. Raises CommandFailed and CallFailed."""
    ids = _Ids(source, column, tally, skip_invalid=header.skip_invalid)
    call = client.start_upload_user_list(header, ids)
    ids.belong_to(call)
    try:
        _wait(client, header.list_id, call)
        if ids.failure is not None:
            raise ids.failure
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
