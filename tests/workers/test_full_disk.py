"""A server with workers on a disk that is really full, and has room again."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import grpc.aio
import pytest
from tests.server.served import START, Client
from tests.workers.fleet_process import fleet, run

from segmentd.server.workers.tallies import ANSWERED, FORWARDED, Tallies
from segmentd.times import format_instant

PRO = {"attribute": {"plan": {"equals": "pro"}}}
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
SMALL_DISK = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'


def _has_small_disks() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = [*NAMESPACE, SMALL_DISK, "/tmp", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _has_small_disks(), reason="no disk of one's own can be had")
def test_writes_are_refused_checks_go_on_and_all_is_well_once_there_is_room(tmp_path: Path) -> None:
    async def test() -> None:
        clock = ("--clock", format_instant(START))
        within = (*NAMESPACE, SMALL_DISK, str(tmp_path))
        async with fleet(tmp_path / "x.db", *clock, workers=1, within=within) as process:
            disk = Path(f"/proc/{process.child.pid}/root{tmp_path}")
            tally = Tallies(disk / "x.db.workers/tallies").of(0)
            async with process.channel() as channel:
                client = Client(channel)
                await client.define("pro", PRO)
                await client.upsert({"a": {"plan": "pro"}})
                assert await client.is_member("a", "pro")
                _fill(disk / "filler")
                for _ in range(3):
                    with pytest.raises(grpc.aio.AioRpcError, match="disk is full"):
                        await client.upsert({f"n{i}": {"plan": "pro", "text": "x" * 1_000} for i in range(500)})
                    before = tally[FORWARDED]
                    assert await client.is_member("a", "pro")
                    assert not await client.is_member("n1", "pro")
                    assert tally[FORWARDED] == before + 2
                (disk / "filler").unlink()
                await client.upsert({"b": {"plan": "pro"}})
                before = tally[ANSWERED]
                assert await client.is_member("b", "pro")
                assert tally[ANSWERED] == before + 1
            assert len(process.workers) == 1
            process.child.terminate()
            assert await process.child.wait() == 0

    run(test())


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):  # there is no room any more
        while True:
            file.write(bytes(4_096))
