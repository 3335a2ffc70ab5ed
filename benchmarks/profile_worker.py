"""Where a worker's time goes under h2load: py-spy's samples, by whose code was running.

python benchmarks/profile_worker.py --users 20000 --events 200000 --seconds 10
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from itertools import cycle
from pathlib import Path

from bare_servers import drawn_checks
from figures import needs, size_options
from h2load import PACKAGE, Load, answered
from seeding import CLOCK, working_copy
from server_process import serving

RATE = 250
"""Samples a second."""
OWNERS = (
    ("segmentd", "segmentd"),
    ("_pb2", "protobuf"),
    ("google/", "protobuf"),
    ("upb", "protobuf"),
    ("grpc", "gRPC"),
    ("cygrpc", "gRPC"),
    ("asyncio", "asyncio"),
    ("selectors", "asyncio"),
)
IDLE = ("epoll_wait", "epoll_pwait", "poll ")
"""A thread that waits for the kernel takes no time."""
SHOWN = 12


def samples(pid: int, seconds: int, folder: str) -> list[tuple[list[str], int]]:
    """(stack from the outermost frame on, times it was seen), of threads that were running."""
    file = Path(folder, "samples.txt")
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
    command = [spy, "record", "--native", "--format", "raw", "--rate", str(RATE), "--duration", str(seconds)]
    command += ["--pid", str(pid), "--output", str(file)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (nothing from outside)
    rows = (line.rpartition(" ") for line in file.read_text().splitlines())
    found = [(stack.split(";"), int(number)) for stack, _, number in rows]
    return [(stack, number) for stack, number in found if not stack[-1].startswith(IDLE)]


def owner(stack: list[str]) -> str:
    """Whose code the innermost frame is that is known to be of somebody."""
    for frame in reversed(stack):
        for part, name in OWNERS:
            if part in frame:
                return name
    return "other"


def show(found: list[tuple[list[str], int]]) -> None:
    total = sum(number for _, number in found)
    owners: Counter[str] = Counter()
    frames: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for stack, number in found:
        owners[owner(stack)] += number
        frames[stack[-1]] += number
        for frame in {each.rpartition(":")[0] + ")" for each in stack if "segmentd/" in each}:
            within[frame] += number
    for title, counted in (("by owner", owners), ("by frame", frames), ("under segmentd's frames", within)):
        print(title)
        for name, number in counted.most_common(SHOWN):
            print(f"  {100 * number / total:5.1f} %  {name}")


def main() -> None:
    sizes = size_options({"users": 200, "events": 2_000, "seconds": 2}, users=20_000, events=200_000, seconds=10)
    program = needs("h2load", PACKAGE)
    if program is None:
        return
    messages = cycle(drawn_checks(sizes.users, 100, 100))
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, 100) as database,
        serving(database, workers=1, clock=CLOCK) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        load = threading.Thread(
            target=answered, args=(program, server.address, next(messages), Load(sizes.seconds + 3))
        )
        load.start()
        show(samples(server.workers()[0], sizes.seconds, folder))
        load.join()


if __name__ == "__main__":
    main()
