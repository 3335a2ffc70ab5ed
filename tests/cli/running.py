"""A server of its own process, and commands run against it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.bounded import bounded, environment

from segmentd.cli.app import run

START = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The documents that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Commands:
    """Runs commands of this process against one server."""

    def __init__(self, server: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.server = server
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Outcome:
        self._capsys.readouterr()
        code = run([*map(str, arguments), "--server", self.server])
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    def fine(self, *arguments: str | Path) -> Outcome:
        """The same, for what must go well."""
        outcome = self(*arguments)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        return outcome


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """The address of a server with a frozen clock and a database in `folder`; it must end well."""
    command = [sys.executable, "-m", "segmentd", "serve", "--db", str(folder / "test.db"), "--listen", "127.0.0.1:0"]
    with (folder / "server.log").open("wb") as log:
        command += ["--clock", START, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment())
        try:
            assert process.stdout is not None
            lines = []
            with bounded(process):
                while "listens on" not in (line := process.stdout.readline().decode()):
                    assert line, (folder / "server.log").read_text()
                    lines.append(line)
            yield line.split("listens on ")[1].split(",")[0]
        finally:
            os.kill(process.pid, signal.SIGTERM)
            with bounded(process):
                rest, _ = process.communicate()
    assert process.returncode == 0, (folder / "server.log").read_text()
    (folder / "printed.txt").write_text("".join(lines) + rest.decode())
