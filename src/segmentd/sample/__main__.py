"""python -m segmentd.sample --until 2026-01-01T00:00:00Z --out DIR writes profiles.jsonl and events.jsonl."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from segmentd.sample.files import write_shop
from segmentd.sample.shop import DEFAULT_SEED, DEFAULT_USERS, draw_shop
from segmentd.times import parse_instant


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after writing; 2 with the reason on stderr where an argument is wrong."""
    parser = argparse.ArgumentParser(prog="python -m segmentd.sample", description="Sample data of a small shop app.")
    parser.add_argument("--users", type=int, default=DEFAULT_USERS, help="how many customers (default %(default)s)")
    parser.add_argument("--until", required=True, help="the instant at which the year of events ends, RFC 3339")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another shop of the same kind")
    parser.add_argument("--activity", type=float, default=1.0, help="scales the events per customer (1: about 38)")
    given = parser.parse_args(arguments)
    try:
        shop = draw_shop(parse_instant(given.until), given.users, given.seed, given.activity)
    except ValueError as error:
        parser.error(str(error))
    written = write_shop(shop, given.out)
    sys.stdout.write(f"{written[0]} profiles and {written[1]} events in {given.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
