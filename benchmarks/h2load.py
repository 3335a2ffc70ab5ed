"""Closed-loop load on a unary method by h2load (Debian: nghttp2-client), which takes less CPU than any server here."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "Debian's nghttp2-client"
CHECK = "/segmentd.v1.MembershipService/CheckMembership"


@dataclass(frozen=True, slots=True)
class Load:
    """`clients` connections with `streams` calls under way on each."""

    seconds: int
    clients: int = 4
    streams: int = 8


def framed(message: bytes) -> bytes:
    """A message as the body of a gRPC call: not compressed, its length in four bytes, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def answered(program: str, address: str, message: bytes, load: Load, path: str = CHECK) -> int:
    """How many calls were answered within the time.

    All calls carry the same message: h2load has one body a run. Ends the benchmark where a call failed.
    """
    with tempfile.NamedTemporaryFile(suffix=".grpc") as body:
        Path(body.name).write_bytes(framed(message))
        command = [program, f"--duration={load.seconds}"]
        command += [f"--clients={load.clients}", f"--max-concurrent-streams={load.streams}", f"--data={body.name}"]
        command += ["--header=te: trailers", "--header=content-type: application/grpc", f"http://{address}{path}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  (nothing from outside)
    counts = {name: int(number) for number, name in re.findall(r"(\d+) (total|succeeded|failed|errored|timeout)", told)}
    if not counts.get("succeeded") or counts["failed"] or counts["errored"] or counts["timeout"]:
        raise SystemExit(f"h2load: {told}")
    return counts["succeeded"]
