"""The file of endpoints: what it may say, and that every fault is named with file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.webhooks.receiver import SECRET

from segmentd.api import DAY, HOUR, MINUTE, SECOND, Retries
from segmentd.errors import PluginBroken
from segmentd.plugins.host import load_plugins
from segmentd_webhooks import FILE
from segmentd_webhooks.endpoints_file import read_endpoints

FULL = f"""
endpoints:
  - name: crm
    url: https://user:pass@crm.example.com/hooks?tenant=1
    secret: {SECRET}
    segments: [vip, "17"]
    batch_size: 500
    timeout: 20s
    headers: {{X-Team: crm}}
    retry: {{attempts: 8, first_delay: 1s, maximal_delay: 10m, give_up_after: 2d}}
  - name: mail
    url: http://localhost:8080
    secret_env: MAIL_SECRET
"""
OLD = "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "webhooks.yaml"


def fault(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(ValueError, match=r".") as seen:
        read_endpoints(file, {})
    return str(seen.value)


def test_a_full_file(file: Path) -> None:
    file.write_text(FULL)
    crm, mail = read_endpoints(file, {"MAIL_SECRET": f"{SECRET} {OLD}"})
    assert (crm.name, crm.segments, crm.batch_size, crm.timeout) == ("crm", ["vip", "17"], 500, 20 * SECOND)
    assert (crm.secret, crm.headers) == ([SECRET], {"X-Team": "crm"})
    assert crm.retry.retries() == Retries(8, 1 * SECOND, 10 * MINUTE, 2 * DAY)  # type: ignore[arg-type]
    assert (mail.segments, mail.batch_size, mail.timeout, mail.secret) == (None, 100, 15 * SECOND, [SECRET, OLD])
    assert mail.retry.retries() == Retries(None, 5 * SECOND, 1 * HOUR, 3 * DAY)  # type: ignore[arg-type]
    assert SECRET not in repr(crm)


def test_endpoints_become_consumers(file: Path) -> None:
    file.write_text(FULL)
    plugins = load_plugins(environment={FILE: str(file), "MAIL_SECRET": SECRET})
    assert plugins.consumer_origins == {"crm": "webhooks", "mail": "webhooks"}
    assert plugins.consumers["crm"].segments == frozenset({"vip", "17"})


def test_a_bad_file_stops_the_start_with_one_line(file: Path) -> None:
    with pytest.raises(PluginBroken, match=f"^plugin webhooks: SEGMENTD_WEBHOOKS: {file}: no such file or directory$"):
        load_plugins(environment={FILE: str(file)})


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("https://user", "ftp://user", "line 4: endpoints[0].url: is no web address"),
        ("http://localhost:8080", "http://", "line 12: endpoints[1].url: is no web address"),
        ("http://localhost:8080", "http://x:notaport", "line 12: endpoints[1].url: is no web address"),
        ("user:pass@", "user:pass/word@", "line 4: endpoints[0].url: is no web address"),
        ("user:pass@", "user:pass#word@", "line 4: endpoints[0].url: is no web address"),
        (SECRET, "whsec_short", "line 5: endpoints[0].secret: what follows whsec_ is no base64"),
        ("secret: ", "secret_env: NONE\n    secret: ", "line 3: endpoints[0]: give either secret or secret_env"),
        ("secret_env: MAIL_SECRET", "batch_size: 1", "line 11: endpoints[1]: give either secret or secret_env"),
        ("MAIL_SECRET", "NO_SUCH", "line 11: endpoints[1]: secret_env: the variable NO_SUCH is not set"),
        ('[vip, "17"]', "[]", "line 6: endpoints[0].segments: must have at least 1 item"),
        ('[vip, "17"]', "[vip, vip]", "line 6: endpoints[0].segments: names a segment twice"),
        ('[vip, "17"]', "[vip, 17]", "line 6: endpoints[0].segments[1]: write text"),
        ("batch_size: 500", "batch_size: 10001", "line 7: endpoints[0].batch_size: must be less than or equal"),
        ("timeout: 20s", "timeout: 20", "line 8: endpoints[0].timeout: write a length as text"),
        ("timeout: 20s", "timeout: 1mo", "line 8: endpoints[0].timeout: 1mo has no fixed length"),
        (
            "timeout: 20s",
            "timeouts: 20s",
            "line 8: endpoints[0].timeouts: is not a name that can stand here; there are name, url, secret,",
        ),
        ("X-Team", "webhook-id", "line 9: endpoints[0].headers: webhook-id is set by segmentd"),
        ("X-Team", "Host", "line 9: endpoints[0].headers: Host is set by segmentd"),
        ("X-Team", '"X Team"', "line 9: endpoints[0].headers: 'X Team' is no name of a header"),
        ("X-Team: crm", 'X-Team: "a\\r\\nb"', "line 9: endpoints[0].headers: the value of X-Team is not printable"),
        ("attempts: 8", "attempts: 0", "line 10: endpoints[0].retry.attempts: must be greater than or equal"),
        ("first_delay: 1s", "first_delay: 1h", "line 10: endpoints[0].retry: maximal_delay is shorter than first"),
        ("name: mail", "name: crm", "line 2: endpoints: two endpoints have the name crm"),
        ("name: mail", "name: {a: b}", "line 11: endpoints[1].name: write text"),
    ],
)
def test_a_fault_is_named_with_line_and_field(file: Path, before: str, after: str, wanted: str) -> None:
    assert before in FULL
    file.write_text(FULL.replace(before, after, 1))
    with pytest.raises(ValueError, match=r".") as seen:
        read_endpoints(file, {"MAIL_SECRET": SECRET})
    message = str(seen.value)
    assert message.startswith(f"{file}, {wanted}")
    assert "whsec_" not in message.replace("what follows whsec_", "")
    assert "pass" not in message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "line 1: the file: write names and values, such as {endpoints: …}; there are endpoints"),
        ("- a", "line 1: the file: write names and values"),
        ("endpoints: 5", "line 1: endpoints: write a list"),
        ("endpoints: [5]", "line 1: endpoints[0]: write names and values, such as {name: …}; there are name, url"),
        ("endpoints:\n  - {a: 1\n", "line 3: "),
        ("endpoints:\nendpoints:\n", "line 2: found duplicate key"),
        ("a: !!python/object:os.system {}", "line 1: "),
    ],
)
def test_what_is_no_such_file_is_refused(file: Path, text: str, wanted: str) -> None:
    assert fault(file, text).startswith(f"{file}, {wanted}")


def test_a_secret_that_is_given_twice_is_not_repeated(file: Path) -> None:
    twice = FULL.replace(f"secret: {SECRET}", f"secret: {SECRET}\n    secret: {OLD}")
    assert fault(file, twice) == f'{file}, line 6: found duplicate key "secret"'


def test_a_file_that_cannot_be_read_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"it is not UTF-8 text|it is no YAML"):
        read_endpoints(file, {})
    with pytest.raises(ValueError, match="is a directory"):
        read_endpoints(file.parent, {})
