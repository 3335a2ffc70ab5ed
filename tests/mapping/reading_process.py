"""A process that asks a reader about everybody, again and again, until its input ends; then it prints what it was told.

python reading_process.py DIRECTORY USERS SEGMENTS (each separated by commas)
"""

from __future__ import annotations

import json
import random
import sys
import threading
from pathlib import Path

from segmentd.errors import SegmentdError
from segmentd.mapping.elsewhere import Elsewhere
from segmentd.service.mapped_memberships import MappedMemberships


class Asking:
    """`told` are (user, segment, revision, instant, known, member), each once; `elsewhere` counts what was not told."""

    def __init__(self, directory: str, users: list[str], segments: list[str]) -> None:
        self._mapped = MappedMemberships(Path(directory))
        self._users = users
        self._segments = segments
        self.told: set[tuple[str, str, int, int, bool, bool]] = set()
        self.elsewhere = 0

    def one(self) -> None:
        """One check, of some user and segment."""
        user, segment = random.choice(self._users), random.choice(self._segments)
        try:
            found = self._mapped.check_now(user, segment)
        except Elsewhere:
            self.elsewhere += 1
        except SegmentdError:
            pass
        else:
            self.told.add((user, segment, found.revision, found.at, found.user_known, found.member))

    def many(self) -> None:
        """Some users and all segments at one revision."""
        users = random.sample(self._users, 3)
        try:
            seen = self._mapped.see_now(users)
        except Elsewhere:
            self.elsewhere += 1
            return
        for plan in seen.catalogue.plans:
            for user, known, member in zip(users, seen.known.tolist(), seen.members(plan).tolist(), strict=True):
                self.told.add((user, plan.segment_id, seen.revision, seen.at, known, member))


def main() -> None:
    """Ask until the input ends, and once more."""
    asking = Asking(sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(","))
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(ended,), daemon=True).start()
    asking.one()
    print("asking", flush=True)
    while not ended.is_set():
        asking.one()
        asking.many()
    asking.many()
    print(json.dumps({"told": sorted(asking.told), "elsewhere": asking.elsewhere}))


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main()
