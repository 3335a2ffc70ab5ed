"""make demo: from an empty database to memberships that end at their exact microsecond.

It starts a real server, imports the sample shop over gRPC, defines the segments of segments.yaml, and asks.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from server_process import ServerProcess, WatchProcess
from showing import Screen

from segmentd.client import Client, as_instant, as_struct, as_timestamp
from segmentd.sample import Shop, draw_shop, write_shop
from segmentd.times import DAY, Micros, format_instant, parse_instant
from segmentd.v1 import membership_pb2, membership_service_pb2, profile_pb2

NOW = parse_instant("2026-11-16T09:00:00Z")
SEGMENTS = Path(__file__).with_name("segments.yaml")
ENTERED = "weekly-regulars"
COMPOSED = "win-back"
OPENED = "Application Opened"


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a small shop app and show memberships coming and going.")
    parser.add_argument("--users", type=int, default=3_000, help="how many customers (default %(default)s)")
    users = parser.parse_args().users
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that server and files go with the demo
    began = time.perf_counter()
    screen = Screen()
    screen.title("segmentd", "Which segments is this user in, right now?")
    with tempfile.TemporaryDirectory(prefix="segmentd-demo-") as name:
        folder = Path(name)
        candidates = generate(screen, folder, users)
        screen.step("Start a server on an empty database, with a clock that stands still", "segmentd serve --clock …")
        with ServerProcess(folder, format_instant(NOW)) as server, Client(server.address) as client:
            screen.line(f"listens on {server.address}; the clock says {format_instant(NOW)}")
            bring_in(screen, server, folder)
            define(screen, server, client)
            user = liveliest(client, candidates)
            show_one_user(screen, client, user)
            explain(screen, client, user)
            with watching(screen, server, user) as watch:
                enter(screen, client, user, watch)
                leave(screen, client, user, watch)
            screen.step("Stop the server with SIGTERM and remove its database")
    screen.line(f"done in {time.perf_counter() - began:.0f} s")


def generate(screen: Screen, folder: Path, users: int) -> list[str]:
    """Users who opened the app exactly twice in the last 7 days: one more opening, and they are regulars."""
    screen.step("Draw a small shop app: customers, and a year of events with seasons and sales")
    shop = draw_shop(NOW, users)
    profiles, events = write_shop(shop, folder)
    screen.line(f"{profiles:,} profiles and {events:,} events; the same every time")
    return [user for user, times in openings(shop).items() if times == 2]


def bring_in(screen: Screen, server: ServerProcess, folder: Path) -> None:
    screen.step("Import them through gRPC; what is acknowledged is durable", "segmentd import events …")
    for kind in ("profiles", "events"):
        began = time.perf_counter()
        rejects = str(folder / "rejects.jsonl")
        answer = server.run("import", kind, str(folder / f"{kind}.jsonl"), "--strict", "--rejects", rejects)
        seconds = time.perf_counter() - began
        screen.line(f"{answer['rows']:,} {kind} in {seconds:.1f} s ({answer['rows'] / seconds:,.0f} a second)")


def define(screen: Screen, server: ServerProcess, client: Client) -> None:
    screen.step("Define segments in YAML; each is judged for every user at once", "segmentd apply segments.yaml")
    began = time.perf_counter()
    server.run("apply", str(SEGMENTS))
    seconds = time.perf_counter() - began
    segments = list(client.list_segments(with_size=True))
    users = client.status().user_count
    screen.line(f"{len(segments)} segments over {users:,} users in {seconds:.1f} s")
    screen.segments(segments, users)


def show_one_user(screen: Screen, client: Client, user: str) -> None:
    screen.step("One user: its segments, and when it leaves each", f"segmentd user {user}")
    show_memberships(screen, client, user)


def explain(screen: Screen, client: Client, user: str) -> None:
    screen.step("Why? The rule as a tree, with what was found at each leaf", f"segmentd explain {user} {ENTERED}")
    for segment in (ENTERED, COMPOSED):
        screen.explanation(client.explain(user, segment).explanation)


def watching(screen: Screen, server: ServerProcess, user: str) -> WatchProcess:
    screen.step(
        "Watch the user's moves from now on, in a terminal of its own", f"segmentd watch --snapshot --user {user}"
    )
    return WatchProcess(server, user)


def enter(screen: Screen, client: Client, user: str, watch: WatchProcess) -> None:
    screen.watched(watch.until("these were the members"))
    screen.step(f"{user} opens the app a third time: one event moves the user in", f"segmentd check {user} {ENTERED}")
    opened = profile_pb2.Event(user_id=user, name=OPENED, event_time=as_timestamp(NOW), properties=as_struct({}))
    before = client.check(user, ENTERED)
    began = time.perf_counter()
    client.ingest_events([opened])
    acknowledged = time.perf_counter()
    after = client.check(user, ENTERED)
    answered = time.perf_counter()
    verdict(screen, before, "before the event")
    verdict(screen, after, "after it")
    screen.line(
        f"acknowledged as durable after {1000 * (acknowledged - began):.1f} ms; "
        f"the changed answer was there {1000 * (answered - acknowledged):.1f} ms later"
    )
    screen.watched(watch.until("entered", ENTERED))
    show_memberships(screen, client, user)


def leave(screen: Screen, client: Client, user: str, watch: WatchProcess) -> None:
    screen.step(
        "Nothing more is written; the clock moves, and the user leaves at the exact instant", "segmentd clock advance"
    )
    leaves = leaves_at(client, user)
    last = Micros(leaves - 1)
    moved = client.advance_clock_to(last).transition_count
    still = client.check(user, ENTERED)
    client.advance_clock_to(leaves)
    gone = client.check(user, ENTERED)
    verdict(screen, still, "one microsecond before")
    verdict(screen, gone, "the first of the three is 7 days old")
    screen.watched(watch.until("left", ENTERED))
    screen.line(f"on the way {moved:,} other memberships changed, each at an instant of its own")
    if not (is_member(still) and as_instant(still.evaluate_time) == last):
        raise SystemExit("the user left too early")
    if is_member(gone) or as_instant(gone.evaluate_time) != leaves:
        raise SystemExit("the user left too late")


def openings(shop: Shop) -> Counter[str]:
    """How often each user opened the app in the last 7 days."""
    since = format_instant(Micros(NOW - 7 * DAY))
    return Counter(each["userId"] for each in shop.events() if each["event"] == OPENED and each["timestamp"] > since)


def liveliest(client: Client, users: list[str]) -> str:
    """The user who is in most segments, above all in such that end by themselves."""

    def score(user: str) -> tuple[int, int]:
        found = [each for page in client.user_segments(user, with_leaves_time=True) for each in page.segments]
        return sum(each.HasField("leaves_time") for each in found), len(found)

    return max(users, key=score)


def show_memberships(screen: Screen, client: Client, user: str) -> None:
    for page in client.user_segments(user, with_leaves_time=True):
        screen.memberships(page.segments, Micros(as_instant(page.evaluate_time)))


def leaves_at(client: Client, user: str) -> Micros:
    return Micros(as_instant(client.explain(user, ENTERED, with_leaves_time=True).leaves_time))


def verdict(screen: Screen, answer: membership_service_pb2.CheckMembershipResponse, note: str) -> None:
    screen.verdict(Micros(as_instant(answer.evaluate_time)), member=is_member(answer), note=note)


def is_member(answer: membership_service_pb2.CheckMembershipResponse) -> bool:
    return answer.membership == membership_pb2.MEMBERSHIP_MEMBER


if __name__ == "__main__":
    main()
