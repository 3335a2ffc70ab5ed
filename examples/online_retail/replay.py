"""Replays a year of the shop day by day: who is in its four groups at the end of each day, and who moved.

A server with a frozen clock gets the orders and refunds of each day with their own times, then its clock moves to
midnight. At the end everything is compared: the sizes and members of each day with SQL over the raw lines, the
transitions of the log with the differences of the sizes, and the past as the log tells it with what was true then.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import daily_plot
from moves import MovedGroups, check_past
from retail_rows import Groups, daily_members, days_of, events_by_day
from retail_server import RetailServer
from ruamel.yaml import YAML

from segmentd.client import Client, as_instant, as_struct
from segmentd.times import DAY, Micros, format_instant, from_datetime
from segmentd.v1 import profile_pb2, profile_service_pb2, segment_pb2

GROUPS = ["loyal-shoppers", "at-risk", "dormant", "bargain-hunters"]
SEGMENTS = Path(__file__).with_name("segments.yaml")
QUESTIONS = 2_000
"""How many times it is asked, of anybody and any day, whether the customer was in a group then."""


@dataclass
class Replay:
    """The story of some days: members at the end of each, and how much was written."""

    first: Micros
    days: list[Groups] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def end_of(self, day: int) -> Micros:
        """The midnight after a day, from 0."""
        return Micros(self.first + (day + 1) * DAY)


def main() -> None:
    options = parsed()
    first = datetime.fromisoformat(options.first).replace(tzinfo=UTC)
    days = min(options.days, days_of(options.file, first))
    if days < 1:
        raise SystemExit(f"{options.file} has nothing from {options.first} on")
    replay = Replay(from_datetime(first))
    print(f"reading {options.file}")
    events = events_by_day(options.file, replay.first, days)
    with tempfile.TemporaryDirectory(prefix="segmentd-retail-") as scratch:
        database = options.db or Path(scratch) / "retail.db"
        options.out.mkdir(parents=True, exist_ok=True)
        with RetailServer(database, format_instant(replay.first)) as server, server.client() as client:
            define(client)
            play(client, replay, events, live=options.live)
            compare(client, replay, options.file, first)
            draw(server, replay, options.out)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Replay the Online Retail data day by day, and check every day.")
    parser.add_argument("file", type=Path, help="the UCI file as CSV, packed with gzip or not")
    parser.add_argument("--first", default="2010-12-01", help="the first day (default %(default)s)")
    parser.add_argument("--days", type=int, default=10_000, help="how many days at most (default: all)")
    parser.add_argument("--live", action="store_true", help="send each order at its own minute, not the day at dawn")
    parser.add_argument(
        "--out", type=Path, default=Path("replayed"), help="the folder of what is written (%(default)s)"
    )
    parser.add_argument("--db", type=Path, help="keep the database there")
    return parser.parse_args()


def define(client: Client) -> None:
    """The four groups, as segments.yaml has them."""
    defined = {each["id"]: each for each in YAML(typ="safe").load(SEGMENTS)["segments"]}
    for name in GROUPS:
        client.create_segment(
            segment_pb2.Segment(id=name, name=defined[name]["name"], rule=as_struct(defined[name]["rule"]))
        )


def play(client: Client, replay: Replay, events: Sequence[Sequence[profile_pb2.Event]], *, live: bool) -> None:
    """Day by day: the events of the day, the move of the clock to midnight, and who is a member then."""
    began = time.perf_counter()
    for day, todays in enumerate(events):
        for instant, arriving in arrivals(todays, live=live):
            if instant is not None:
                client.advance_clock_to(instant)
            answer = client.ingest_events(arriving)
            stored = profile_service_pb2.INGEST_OUTCOME_STORED
            if any(result.outcome != stored for result in answer.results):
                raise SystemExit(f"events of day {day} were refused: {answer.results}")
        replay.events.update(event.name for event in todays)
        client.advance_clock_to(replay.end_of(day))
        replay.days.append({name: {each.user_id for each in client.members(name)} for name in GROUPS})
        if day % 60 == 0:
            print(f"  {format_instant(replay.end_of(day))[:10]}  {sizes_line(replay.days[-1])}")
    replay.seconds = time.perf_counter() - began


def arrivals(
    events: Sequence[profile_pb2.Event], *, live: bool
) -> Iterator[tuple[Micros | None, list[profile_pb2.Event]]]:
    """The events of a day at once and ahead of their times, from which they count; or live, each instant by itself."""
    if not live:
        if events:
            yield None, list(events)
        return
    for instant, together in groupby(events, key=lambda event: Micros(as_instant(event.event_time))):
        yield instant, list(together)


def sizes_line(groups: Groups) -> str:
    return "  ".join(f"{name} {len(groups[name]):,}" for name in GROUPS)


def compare(client: Client, replay: Replay, file: Path, first: datetime) -> None:
    """Every day in three ways; ends the program at the first difference."""
    for day, expected in enumerate(daily_members(file, first, len(replay.days), GROUPS)):
        if expected != replay.days[day]:
            raise SystemExit(f"at the end of day {day}, SQL finds {sizes_line(expected)}; segmentd {replay.days[day]}")
    moved = MovedGroups.read(client, GROUPS)
    for day, members in enumerate(replay.days):
        moved.advance(replay.end_of(day))
        if moved.members != members:
            raise SystemExit(f"the log does not add up to the members at the end of day {day}")
    asked = check_past(client, replay.days, replay.end_of, random.Random(0), QUESTIONS)
    users = client.status().user_count
    print(
        f"{len(replay.days)} days, {users:,} customers; " + ", ".join(f"{n:,} x {e}" for e, n in replay.events.items())
    )
    print(f"{moved.count:,} transitions: " + ", ".join(f"{n:,} by {cause}" for cause, n in moved.causes.most_common()))
    print(f"replayed in {replay.seconds:.1f} s: {replay.seconds / len(replay.days) * 1000:.0f} ms a day")
    print("sizes and members of every day are those of SQL, and the log adds up to them")
    print(f"{asked:,} questions about the past were answered as they were then")


def draw(server: RetailServer, replay: Replay, out: Path) -> None:
    """sizes.csv, sizes.png, and the matrix of the last half of the time as matrix.png."""
    ends = [replay.end_of(day) for day in range(len(replay.days))]
    with (out / "sizes.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["end_of_day", *GROUPS])
        for end, members in zip(ends, replay.days, strict=True):
            rows.writerow([format_instant(end), *(len(members[name]) for name in GROUPS)])
    daily_plot.draw(ends, replay.days, GROUPS, out / "sizes.png")
    period = ("--from", format_instant(ends[len(ends) // 2]), "--to", format_instant(ends[-1]))
    if len(ends) > 1:
        server.run("migration", *GROUPS, *period, "--image", str(out / "matrix.png"))
    print(f"wrote sizes.csv, sizes.png and matrix.png to {out.resolve()}")


if __name__ == "__main__":
    main()
