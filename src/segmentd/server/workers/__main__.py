"""`python -m segmentd.server.workers`: started by the engine, never by hand."""

from __future__ import annotations

import os
import sys

from segmentd.server.workers.worker import work


def main() -> int:
    """Orders come on stdin; stdout has the report alone, so whatever else is printed goes to stderr."""
    said = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with os.fdopen(os.dup(0), "rb", buffering=0) as told, said:
        return work(told, said)


if __name__ == "__main__":
    sys.exit(main())
