"""What became of the rows of an import, and the file of those that were refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import IO

import orjson

from segmentd.cli.importing.rows import Reject


class Tally:
    """Counts by outcome, and writes each reject as one line of JSON: `position`, `reason`, `detail`, `row`.

    The file is made with the first reject; one of an earlier import is removed. Use it as a context manager.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.samples: dict[str, Reject] = {}
        self.revision = 0
        self._file: IO[bytes] | None = None

    @property
    def read(self) -> int:
        """How many rows were read and settled."""
        return self.outcomes.total()

    def count(self, outcome: str) -> None:
        """One item was taken (`stored`, `duplicate`, `created`, `merged`)."""
        self.outcomes[outcome] += 1

    def reject(self, reject: Reject) -> None:
        """One row was refused."""
        self.outcomes["refused"] += 1
        self.reasons[reject.reason] += 1
        self.samples.setdefault(reject.reason, reject)
        if self._file is None:
            self._file = self.path.open("wb")
        line = {"position": reject.position, "reason": reject.reason, "detail": reject.detail, "row": reject.row}
        try:
            written = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE, default=str)
        except orjson.JSONEncodeError:  # it is nested too deeply; its position says where it is
            written = orjson.dumps(line | {"row": None}, option=orjson.OPT_APPEND_NEWLINE)
        self._file.write(written)

    def __enter__(self) -> Tally:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
