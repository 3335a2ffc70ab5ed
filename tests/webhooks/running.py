"""`segmentd serve` in a process of its own with a file of endpoints, to be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.webhooks.receiver import SECRET

from segmentd.client import Client, as_struct
from segmentd.v1 import profile_service_pb2, segment_pb2

VIP = {"attribute": {"vip": {"equals": True}}}


class Server:
    """One run of the server."""

    def __init__(self, folder: Path, **variables: str) -> None:
        line = [sys.executable, "-m", "segmentd", "serve", "--db", str(folder / "db"), "--listen", "127.0.0.1:0"]
        environment = {**os.environ, "SEGMENTD_WEBHOOKS": str(folder / "webhooks.yaml"), **variables}
        with (folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*line, "--json"], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first, (folder / "server.log").read_text()
        self.address: str = json.loads(first)["listening"]
        self.client = Client(self.address, timeout=30)

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self._process.returncode is None:
            self._process.send_signal(how)
            self._process.communicate(timeout=60)
        self.client.close()
        return self._process.returncode or 0

    def define(self, name: str = "vip") -> None:
        """A segment of those with the attribute `vip`."""
        self.client.create_segment(segment_pb2.Segment(id=name, rule=as_struct(VIP)))

    def enter(self, *users: str) -> None:
        """Each user enters the segment in a revision of its own."""
        for user in users:
            upsert = profile_service_pb2.ProfileUpsert(user_id=user, attributes=as_struct({"vip": True}))
            (result,) = self.client.upsert_profiles([upsert]).results
            assert not result.HasField("error")


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Server]:
    """A server until the end of the block, where it is stopped in good order if it still runs."""
    server = Server(folder, **variables)
    try:
        yield server
    finally:
        code = server.end(signal.SIGTERM)
    assert code in (0, -signal.SIGKILL), (folder / "server.log").read_text()


def write_endpoints(folder: Path, **endpoints: dict[str, Any]) -> None:
    """The file; JSON is YAML. Delays are short, because these are real ones."""
    retry = {"first_delay": "1s", "maximal_delay": "1s", "give_up_after": "1h"}
    found = [{"name": name, "secret": SECRET, "retry": retry, **more} for name, more in endpoints.items()]
    (folder / "webhooks.yaml").write_text(json.dumps({"endpoints": found}))
