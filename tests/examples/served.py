"""A server in a process of its own, called by its commands and by the client, as a user would."""

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

from segmentd.client import Client

_PROGRAM = [sys.executable, "-m", "segmentd"]


@dataclass(frozen=True)
class Served:
    """A server at an address; commands run in `folder`."""

    address: str
    folder: Path

    def command(self, *arguments: str) -> list[Any]:
        """What a command prints with --json, document by document; it must end well."""
        line = [*_PROGRAM, *arguments, "--json"]
        environment = {**os.environ, "SEGMENTD_SERVER": self.address}
        done = subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(document) for document in done.stdout.splitlines()]

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client of the server."""
        with Client(self.address, timeout=300) as client:
            yield client


@contextmanager
def served(database: Path, clock: str) -> Iterator[Served]:
    """`segmentd serve` on a free port from the start to the end of the block, then stopped by SIGTERM."""
    line = [*_PROGRAM, "serve", "--db", str(database), "--listen", "127.0.0.1:0", "--clock", clock, "--json"]
    with (
        (database.parent / "serve.log").open("ab") as log,
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first, (database.parent / "serve.log").read_text()
            yield Served(json.loads(first)["listening"], database.parent)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert process.returncode == 0, (database.parent / "serve.log").read_text()
