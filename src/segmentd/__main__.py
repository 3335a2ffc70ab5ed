"""The program: `segmentd`, or `python -m segmentd`."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from segmentd.cli.faults import SIGNALLED


def main() -> NoReturn:
    """Run the command line of this process, and exit with its code."""
    if sys.stdout is None:  # closed by whoever started the process (`>&-`): nothing could be said
        sys.exit("error: stdout is closed")
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # somebody may have it ignored
        signal.signal(signal.SIGINT, _interrupted)
    from segmentd.cli.app import run  # noqa: PLC0415  (takes a second, amid which Ctrl-C would be a long traceback)

    signal.signal(signal.SIGINT, usual)
    sys.exit(run())


def _interrupted(*_: object) -> None:
    os.write(2, b"error: interrupted\n")
    os._exit(SIGNALLED)


if __name__ == "__main__":
    main()
