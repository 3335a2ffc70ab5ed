"""The program: `segmentd`, or `python -m segmentd`."""

from __future__ import annotations

import sys
from typing import NoReturn

from segmentd.cli.app import run


def main() -> NoReturn:
    """Run the command line of this process, and exit with its code."""
    if sys.stdout is None:  # closed by whoever started the process (`>&-`): nothing could be said
        sys.exit("error: stdout is closed")
    sys.exit(run())


if __name__ == "__main__":
    main()
