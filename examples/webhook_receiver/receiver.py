"""Receives segmentd's webhooks with Python alone: verifies each request, takes each change once, keeps who is where.

WEBHOOK_SECRET=whsec_… python examples/webhook_receiver/receiver.py --port 8080
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, HTTPServer

TOLERANCE = 5 * 60  # seconds; an older request may be one that somebody recorded
REMEMBERED = 100_000  # changes; what comes again after a crash are the last few batches


def verified(secret: str, headers: dict[str, str], body: bytes, now: float) -> bool:
    """Whether the request comes from somebody who knows the secret, and is not an old one."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body  # the body as it came, before any parsing
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # One signature for each secret, while the secret is being exchanged.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted.encode(), each.encode()) for each in given)


class Memberships:
    """Who is in which segment, by user key, as far as the changes tell. A real receiver keeps this in its database."""

    def __init__(self) -> None:
        self.members: dict[str, set[int]] = defaultdict(set)
        self.seen: dict[str, None] = {}
        self.revisions: dict[tuple[str, int], int] = {}

    def take(self, change: dict) -> bool:
        """Apply one change; False for one that was here before, and for one that is overtaken by a later one."""
        place = change["segment_id"], change["user_key"]
        if change["position"] in self.seen or change["revision"] < self.revisions.get(place, 0):
            return False
        self.remember(change["position"])
        self.revisions[place] = change["revision"]
        members = self.members[change["segment_id"]]
        if change["move"] == "ENTERED":
            members.add(change["user_key"])
        else:
            members.discard(change["user_key"])
        return True

    def remember(self, position: str) -> None:
        self.seen[position] = None
        if len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not verified(self.server.secret, headers, body, time.time()):
            self.answer(401)
            return
        message = json.loads(body)
        if message["type"] == "memberships.changed":
            for change in message["data"]["changes"]:
                self.take(change)
        self.answer(204)  # only now: what is not acknowledged comes again

    def take(self, change: dict) -> None:
        if not self.server.memberships.take(change):
            return
        user = change["user_id"] or f"an erased user ({change['user_key']})"
        size = len(self.server.memberships.members[change["segment_id"]])
        print(f"{change['effective_time']} {user} {change['move'].lower()} {change['segment_id']}: {size}", flush=True)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The changes are enough to read."""


class Receiver(HTTPServer):
    def __init__(self, port: int, secret: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.secret = secret
        self.memberships = Memberships()


def main() -> None:
    parser = argparse.ArgumentParser(description="Receive segmentd's webhooks and show them.")
    parser.add_argument("--port", type=int, default=8080)
    receiver = Receiver(parser.parse_args().port, os.environ["WEBHOOK_SECRET"])
    print(f"listening on http://127.0.0.1:{receiver.server_port}", flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        receiver.server_close()


if __name__ == "__main__":
    main()
