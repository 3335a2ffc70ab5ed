"""A signal while a server starts ends it at once: nobody waits for what is being loaded."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.server.live import run

from segmentd.server.signals import Start, Stopped, heard_by

# Whoever runs the tests may ignore hang-ups (`nohup`), which a child inherits.
HEEDING = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
STUCK = f"""{HEEDING}
import threading
from segmentd.service.service import Service
def stuck(*_, **__):
    print("there", flush=True)
    threading.Event().wait()
Service.open = stuck
"""
PROGRAM = """
import signal, sys, threading
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from segmentd.cli.app import run
from segmentd.service.service import Service
def stuck(*_, **__):
    print("there", flush=True)
    threading.Event().wait()
setattr(Service, sys.argv[1], stuck)
sys.exit(run(["serve", "--db", sys.argv[2], "--listen", "127.0.0.1:0", "--workers", sys.argv[3]]))
"""
INTERRUPTED = "error: interrupted\n"


@pytest.mark.parametrize(("stuck", "workers"), [("open", 0), ("open", 1), ("map_to", 1)])
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [(signal.SIGINT, 130, INTERRUPTED), (signal.SIGTERM, 0, "SIGTERM\n"), (signal.SIGHUP, 0, "SIGHUP\n")],
)
def test_a_signal_ends_a_start_at_once(
    tmp_path: Path, stuck: str, workers: int, number: signal.Signals, code: int, words: str
) -> None:
    found, said = _signalled([sys.executable, "-c", PROGRAM, stuck, str(tmp_path / "x.db"), str(workers)], number)
    assert found == code
    assert (said.count("\n"), said[-len(words) :]) == (1, words)
    assert not (tmp_path / "x.db.workers").exists()


def test_ctrl_c_while_the_program_is_imported_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import threading\nprint('there', flush=True)\nthreading.Event().wait()\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "segmentd", "serve"]
    assert _signalled(command, signal.SIGINT, environment) == (130, INTERRUPTED)


# A process that takes itself for the first one: what it has no handler for kills it, where the real one would go on.
FIRST = "import os, sys; os.getpid = lambda: 1; from segmentd.__main__ import main; main()"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_first_process_of_a_container_handles_signals_while_the_program_is_imported(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "typer.py").write_text("import threading\nprint('there', flush=True)\nthreading.Event().wait()\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert _signalled([sys.executable, "-c", HEEDING + FIRST, "serve"], number, environment) == (128 + number, "")


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_first_process_hands_its_signals_to_the_server(
    tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    program = STUCK + FIRST
    command = [sys.executable, "-c", program, "serve", "--db", str(tmp_path / "x.db"), "--listen", "127.0.0.1:0"]
    found, said = _signalled([*command, "--workers", str(workers)], number)
    assert (found, said.split()[-1]) == (0, number.name)


NAMESPACE = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc")


def _has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _has_namespaces(), reason="process ids of one's own cannot be had")
@pytest.mark.parametrize("way", [["-m", "segmentd"], ["-c", "from segmentd.__main__ import main; main()"]])
def test_a_real_first_process_ends_by_signals_while_it_is_imported(tmp_path: Path, way: list[str]) -> None:
    (tmp_path / "typer.py").write_text(
        "import os, signal, threading\nprint(os.getpid(), flush=True)\nos.kill(1, signal.SIGTERM)\n"
        "threading.Event().wait(20)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [*NAMESPACE, sys.executable, *way, "serve"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "1\n", "")


def _signalled(
    command: list[str], number: signal.Signals, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The exit code, and what is said on stderr, of a program that gets a signal once it is there."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "there\n"
            started.send_signal(number)
            _, said = started.communicate(timeout=30)
        finally:
            started.kill()  # where it did not end by itself
    return started.returncode, said


def test_work_that_ends_or_fails_before_a_signal_is_as_without() -> None:
    def fail() -> None:
        raise ValueError("of its own")

    async def test() -> None:
        start = Start()
        assert await start.run(lambda: 3) == 3
        with pytest.raises(ValueError, match="of its own"):
            await start.run(fail)

    run(test())


def test_signals_go_to_who_came_last_and_back_again() -> None:
    async def test() -> None:
        first, second = Start(), Start()
        with heard_by(first):
            with heard_by(second):
                os.kill(os.getpid(), signal.SIGTERM)
                await second.stop.wait()
                assert not first.stop.is_set()
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            await first.stop.wait()
            with pytest.raises(Stopped):
                await first.run(lambda: 3)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    run(test())


def test_a_hang_up_that_is_ignored_stays_so() -> None:
    async def test() -> None:
        start = Start()
        with heard_by(start):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert not start.stop.is_set()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run(test())
    finally:
        signal.signal(signal.SIGHUP, before)
