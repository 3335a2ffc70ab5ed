"""A server process with webhooks: killed, stopped while an endpoint hangs, and looked after by commands."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import urllib.request
from itertools import pairwise
from pathlib import Path

import pytest
from tests.cli.running import Commands
from tests.webhooks.receiver import SECRET, hang, receiving, status
from tests.webhooks.running import serving, write_endpoints

KILLS = int(os.environ.get("SEGMENTD_KILLS", "3"))


def test_nothing_is_lost_and_the_order_is_kept_when_the_server_is_killed_again_and_again(tmp_path: Path) -> None:
    draw = random.Random(5)
    users: list[str] = []
    with receiving() as receiver:
        write_endpoints(tmp_path, crm={"url": receiver.url, "batch_size": 3})
        with serving(tmp_path) as server:
            server.define()
        for run in range(KILLS + 1):
            with serving(tmp_path) as server:
                new = [f"r{run}-{i:02}" for i in range(20)]
                users += new
                server.enter(*new)
                for _ in range(draw.randrange(1, 8)):
                    receiver.next()
                if run < KILLS:
                    server.end(signal.SIGKILL)
        with serving(tmp_path) as server:
            server.enter("last")
            users.append("last")
            while "last" not in {change["user_id"] for change in receiver.next().changes}:
                pass
    told = [(change["revision"], change["user_id"]) for request in receiver.seen for change in request.changes]
    assert list(dict.fromkeys(user for _, user in told)) == users
    # Going back happens only where the server was started again: there a few batches come twice.
    assert sum(later <= earlier for (earlier, _), (later, _) in pairwise(told)) <= KILLS + 1


def test_a_server_stops_although_an_endpoint_hangs_and_tells_it_all_again(tmp_path: Path) -> None:
    with receiving() as receiver:
        write_endpoints(tmp_path, crm={"url": receiver.url, "timeout": "1h"})
        receiver.script.append(hang)
        with serving(tmp_path) as server:
            server.define()
            server.enter("ada")
            receiver.next()
        assert not receiver.released.is_set()
        with serving(tmp_path):
            assert receiver.next().moves == [("ada", "vip", "ENTERED")]


def test_commands_show_and_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with receiving() as receiver:
        write_endpoints(tmp_path, crm={"url": receiver.url, "retry": {"attempts": 1}}, mail={"url": receiver.url})
        with serving(tmp_path, SEGMENTD_DISABLED_PLUGINS="webhooks") as server:
            segmentd = Commands(server.address, capsys)
            assert segmentd.fine("webhooks").out.startswith("there are no webhook endpoints")
            server.define()
        receiver.usual = status(500)
        with serving(tmp_path) as server:
            segmentd = Commands(server.address, capsys)
            server.enter("ada")
            while not segmentd.fine("webhooks", "dead-letters", "crm", "--json").out:
                pass  # the first attempt is under way
            (letter,) = segmentd.fine("webhooks", "dead-letters", "crm", "--json").lines
            assert (letter["error"], letter["changes"][0]["user_id"]) == ("HTTP 500 Internal Server Error", "ada")
            assert "ada entered vip" in segmentd.fine("webhooks", "dead-letters", "crm").out
            assert segmentd.fine("webhooks", "dead-letters", "mail").out == "mail has no dead letters\n"
            shown = segmentd.fine("webhooks").out
            assert re.search(r"^crm +active .* 1 +given up: HTTP 500", shown, re.MULTILINE)
            failed = segmentd("webhooks", "replay", "crm", str(letter["id"]))
            assert (failed.code, failed.out) == (1, "0 delivered, 1 left\n")
            assert failed.err == f"dead letter {letter['id']}: HTTP 500 Internal Server Error\n"
            receiver.usual = status(200)
            assert segmentd.fine("webhooks", "replay", "crm", "--all").out == "1 delivered, 0 left\n"
            segmentd.fine("webhooks", "resume", "mail")
            crm, mail = segmentd.fine("webhooks", "--json").lines
            assert (crm["name"], crm["plugin"], crm["dead_letter_count"], crm["lag"]) == ("crm", "webhooks", 0, "0s")
            assert (mail["name"], mail["failed_attempt_count"] > 0) == ("mail", True)
            assert re.search(r"^crm +active +all +1 +0 +0s +0", segmentd.fine("webhooks").out, re.MULTILINE)
            assert segmentd.fine("webhooks", "discard", "crm", "--all", "--json").json["discarded_count"] == 0
            for words, code, message in (
                (("replay", "crm"), 2, "give ids of dead letters, or --all"),
                (("replay", "crm", "1", "--all"), 2, "give ids of dead letters, or --all"),
                (("replay", "crm", "999"), 1, "DEAD_LETTER_NOT_FOUND"),
                (("replay", "moon", "--all"), 1, "CONSUMER_NOT_FOUND"),
                (("resume", "moon"), 1, "CONSUMER_NOT_FOUND"),
                (("dead-letters", "moon"), 1, "CONSUMER_NOT_FOUND"),
                (("discard", "moon", "x"), 2, "[ID]"),
            ):
                outcome = segmentd("webhooks", *words)
                assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
                assert message in outcome.err


def test_metrics_are_served_where_the_setting_says(tmp_path: Path) -> None:
    with receiving() as receiver:
        write_endpoints(tmp_path, crm={"url": receiver.url})
        with serving(tmp_path, SEGMENTD_METRICS="127.0.0.1:0"):
            found = re.search(r"metrics are at port (\d+)", (tmp_path / "server.log").read_text())
            assert found
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/metrics", timeout=30) as answer:
                assert b'segmentd_consumer_lag_seconds{consumer="crm"} 0.0' in answer.read()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SEGMENTD_WEBHOOKS": "nowhere.yaml"}, "SEGMENTD_WEBHOOKS: nowhere.yaml: no such file or directory"),
        ({"SEGMENTD_METRICS": "9464"}, "SEGMENTD_METRICS: '9464' is not HOST:PORT"),
        ({"SEGMENTD_METRICS": "192.0.2.1:1"}, "SEGMENTD_METRICS: cannot listen on 192.0.2.1:1: "),
    ],
)
def test_a_bad_setting_ends_the_start_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    line = [sys.executable, "-m", "segmentd", "serve", "--db", "db", "--listen", "127.0.0.1:0"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert [each for each in done.stderr.splitlines() if words in each] == done.stderr.splitlines()[-1:]


def test_no_secret_is_written_anywhere(tmp_path: Path) -> None:
    with receiving() as receiver:
        write_endpoints(tmp_path, crm={"url": receiver.url.replace("http://", "http://me:hidden@")})
        receiver.script.append(status(500))
        with serving(tmp_path, SEGMENTD_LOG_LEVEL="debug") as server:
            server.define()
            server.enter("ada")
            assert len({receiver.next().headers["webhook-id"] for _ in range(2)}) == 1
            views = json.dumps([str(each) for each in server.client.list_consumers()])
        written = (tmp_path / "server.log").read_text() + views
        assert SECRET.removeprefix("whsec_") not in written
        assert "hidden" not in written
