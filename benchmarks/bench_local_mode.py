"""A check in the client's local mode, beside a look-up in a dict of sets with the same members."""

from __future__ import annotations

import random
import time
from functools import partial

from figures import medians, show, size_options
from seeded_rules import rules
from seeding import first_users, working_copy
from server_process import serving

from segmentd.client import Client, LocalMemberships

CHOSEN = 4
"""Segments that are subscribed to; of attributes alone, so that the wall clock may stand where it likes."""
STALENESS = 60.0
"""Seconds; what a check costs does not depend on it."""
PEER = "a look-up in a Python dict of sets"
Question = tuple[str, str]


def of_local(local: LocalMemberships, questions: list[Question]) -> float:
    """Nanoseconds of one check."""
    is_member, start = local.is_member, time.perf_counter_ns()
    for user, segment in questions:
        is_member(user, segment)
    return (time.perf_counter_ns() - start) / len(questions)


def of_dict(members: dict[str, set[str]], questions: list[Question]) -> float:
    """The same of a look-up, without a call around it."""
    start = time.perf_counter_ns()
    for user, segment in questions:
        user in members[segment]  # noqa: B015  (to be measured)
    return (time.perf_counter_ns() - start) / len(questions)


def main() -> None:
    sizes = size_options(
        {"users": 200, "events": 2_000, "segments": 20, "checks": 100, "rounds": 1},
        users=20_000,
        events=200_000,
        segments=100,
        checks=100_000,
        rounds=9,
        workers=1,
    )
    attributes = {name: rule for name, rule in rules(sizes.segments).items() if "attribute" in rule}
    names = [name for name, rule in attributes.items() if "loyaltyPoints" in rule["attribute"]][:CHOSEN]
    draw, ids = random.Random(7), first_users(sizes.users)
    questions = [(draw.choice(ids), draw.choice(names)) for _ in range(sizes.checks)]
    with (
        working_copy(sizes.cache, sizes.users, sizes.events, sizes.segments) as database,
        serving(database, workers=sizes.workers) as server,
        Client(server.address, timeout=600) as client,
        client.local(names, max_staleness=STALENESS) as local,
    ):
        began = time.perf_counter()
        if not local.wait_until_ready(600):
            raise SystemExit("the local mode is not ready")
        members = {name: {member.user_id for member in client.members(name)} for name in names}

        if any(local.is_member(user, name) != (user in members[name]) for user, name in questions):
            raise SystemExit("the local mode answers differently")
        sides = (partial(of_local, local, questions), partial(of_dict, members, questions))
        mine, peer = medians(sizes.rounds, *sides)
        told = {"users": sizes.users, "segments": len(names)}
        show("local mode: one check", mine, "ns", PEER, peer, **told)
        began = time.perf_counter()
        asked = min(1_000, len(questions))
        for question in questions[:asked]:
            client.check(*question)
        served = (time.perf_counter() - began) / asked * 1e9
        show("local mode: one check, beside the server", mine, "ns", "Client.check, one caller", served, **told)


if __name__ == "__main__":
    main()
