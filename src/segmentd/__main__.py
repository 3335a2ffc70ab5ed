"""The program: `segmentd`, or `python -m segmentd`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Final, NoReturn

from segmentd.cli.faults import SIGNALLED

_FIRST: Final = 1
"""The process of a container that the others descend from: the kernel drops what it has no handler for."""


def main() -> NoReturn:
    """Run the command line of this process, and exit with its code."""
    if os.getpid() == _FIRST:
        _end_by_signals()
    if sys.stdout is None:  # closed by whoever started the process (`>&-`): nothing could be said
        sys.exit("error: stdout is closed")
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # somebody may have it ignored
        signal.signal(signal.SIGINT, _interrupted)
    from segmentd.cli.app import run  # noqa: PLC0415  (takes a second, amid which Ctrl-C would be a long traceback)

    signal.signal(signal.SIGINT, usual)
    sys.exit(run())


def _end_by_signals() -> None:
    """Signals that end any other process end this one too, with the code a shell shows, until somebody handles them."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # somebody may have it ignored (`nohup`)
            signal.signal(number, _ended)


def _ended(number: int, _: object) -> None:
    os._exit(128 + number)


def _interrupted(*_: object) -> None:
    os.write(2, b"error: interrupted\n")
    os._exit(SIGNALLED)


if __name__ == "__main__":
    main()
