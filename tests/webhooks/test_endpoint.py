"""One endpoint against a real HTTP server that fails in every way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.webhooks.receiver import (
    SECRET,
    Behaviour,
    Receiver,
    close_at_once,
    close_in_body,
    close_in_headers,
    endless_body,
    garbage,
    hang,
    receiving,
    status,
)

from segmentd.api import Batch, MembershipChange, Micros, Refused, TryAgain, parse_instant
from segmentd_webhooks.endpoint import Endpoint
from segmentd_webhooks.settings import EndpointSettings
from segmentd_webhooks.signing import secret_fault, signature_headers

AT = parse_instant("2026-11-21T10:00:00.000001Z")
ADA = MembershipChange("vip", 2, "ada", 17, True, AT, Micros(AT + 1), "EVENT", "m1", 5, "p1")
ERASED = MembershipChange("vip", 2, "", 18, False, AT, Micros(AT + 2), "ERASURE", "", 6, "p2")
BATCH = Batch("msg_1", [ADA, ERASED])


def endpoint(url: str, **more: Any) -> Endpoint:
    return Endpoint(EndpointSettings.model_validate({"name": "crm", "url": url, "secret": SECRET, **more}))


def delivered(receiver: Receiver, *behaviours: Behaviour, **more: Any) -> None:
    """One delivery to a receiver that behaves so."""
    receiver.script += behaviours
    consumer = endpoint(receiver.url, **more)
    try:
        consumer.deliver(BATCH)
    finally:
        consumer.close()


def test_a_batch_is_one_signed_request() -> None:
    with receiving() as receiver:
        delivered(receiver, headers={"X-Team": "crm"})
        request = receiver.next()
    assert json.loads(request.body) == {
        "type": "memberships.changed",
        "timestamp": "2026-11-21T10:00:00.000003Z",
        "data": {
            "changes": [
                {
                    "position": "p1",
                    "revision": 5,
                    "segment_id": "vip",
                    "segment_version": 2,
                    "user_id": "ada",
                    "user_key": 17,
                    "move": "ENTERED",
                    "effective_time": "2026-11-21T10:00:00.000001Z",
                    "recorded_time": "2026-11-21T10:00:00.000002Z",
                    "cause": "EVENT",
                    "message_id": "m1",
                },
                {
                    "position": "p2",
                    "revision": 6,
                    "segment_id": "vip",
                    "segment_version": 2,
                    "user_id": "",
                    "user_key": 18,
                    "move": "LEFT",
                    "effective_time": "2026-11-21T10:00:00.000001Z",
                    "recorded_time": "2026-11-21T10:00:00.000003Z",
                    "cause": "ERASURE",
                    "message_id": "",
                },
            ]
        },
    }
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["webhook-id"], request.headers["x-team"]) == ("msg_1", "crm")
    assert Webhook(SECRET).verify(request.body, request.headers)
    signed = b".".join([b"msg_1", request.headers["webhook-timestamp"].encode(), request.body])
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{mac}"


def test_the_vector_of_the_specifications_own_tests() -> None:
    headers = signature_headers([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_secrets_are_exchanged_either_verifies() -> None:
    old = "whsec_" + base64.b64encode(b"o" * 24).decode()
    now = datetime.now(UTC).timestamp()
    headers = dict(signature_headers([SECRET, old], "msg_1", now, b"{}"))
    assert Webhook(SECRET).verify(b"{}", headers) == Webhook(old).verify(b"{}", headers) == {}


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("whsec_???", "no base64"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "this one has 23"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "this one has 65"),
    ],
)
def test_a_secret_that_the_specification_does_not_allow_is_refused(secret: str, fault: str) -> None:
    assert fault in (secret_fault(secret) or "")
    assert secret_fault(SECRET) is None


@pytest.mark.parametrize("behaviour", [status(200), status(204), status(299), close_in_body, endless_body])
def test_a_status_of_2xx_is_all_that_counts(behaviour: Behaviour) -> None:
    with receiving() as receiver:
        delivered(receiver, behaviour)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (status(500, b"ada is unknown"), "HTTP 500 Internal Server Error"),
        (status(404), "HTTP 404 Not Found"),
        (status(400), "HTTP 400 Bad Request"),
        (status(599), "HTTP 599"),
        (garbage, "the answer is no HTTP, or ended early (RemoteProtocolError)"),
        (close_at_once, "the answer is no HTTP, or ended early (RemoteProtocolError)"),
        (close_in_headers, "the answer is no HTTP, or ended early (RemoteProtocolError)"),
        (hang, "no answer within 1 seconds"),
    ],
)
def test_anything_else_is_tried_again_and_nothing_of_the_answer_is_repeated(behaviour: Behaviour, message: str) -> None:
    with receiving() as receiver, pytest.raises(TryAgain) as seen:
        delivered(receiver, behaviour, timeout="1s")
    assert (str(seen.value), seen.value.after) == (message, None)


def test_a_redirect_is_not_followed() -> None:
    with receiving() as receiver, receiving() as other:
        with pytest.raises(TryAgain, match="HTTP 302 Found"):
            delivered(receiver, status(302, Location=other.url))
        assert other.requests.empty()


def test_an_endpoint_that_is_down_is_tried_again() -> None:
    with receiving() as receiver:
        url = receiver.url
    consumer = endpoint(url)
    with pytest.raises(TryAgain, match="cannot connect"):
        consumer.deliver(BATCH)
    consumer.close()


def test_a_certificate_that_is_none_is_a_failure() -> None:
    with receiving() as receiver:
        consumer = endpoint(receiver.url.replace("http://", "https://"))
        with pytest.raises(TryAgain, match="cannot connect"):
            consumer.deliver(BATCH)
        consumer.close()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/hook"))
        consumer = endpoint("http://crm.invalid/segments")
        consumer.deliver(BATCH)
        consumer.close()
        assert proxy.next().path == "http://crm.invalid/segments"


def test_gone_disables() -> None:
    with receiving() as receiver, pytest.raises(Refused) as seen:
        delivered(receiver, status(410))
    assert seen.value.disable


@pytest.mark.parametrize(
    ("header", "micros"),
    [
        ("120", 120_000_000),
        ("0", 0),
        ("-5", None),
        ("soon", None),
        ("9" * 400, 10**9 * 1_000_000),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30_000_000),
        ("Wed, 21 Oct 2015 07:27:30 GMT", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_honoured(code: int, header: str, micros: int | None) -> None:
    with receiving() as receiver:
        receiver.script.append(status(code, Retry_After=header))
        settings = EndpointSettings.model_validate({"name": "crm", "url": receiver.url, "secret": SECRET})
        consumer = Endpoint(settings, now=lambda: datetime(2015, 10, 21, 7, 28, tzinfo=UTC).timestamp())
        with pytest.raises(TryAgain) as seen:
            consumer.deliver(BATCH)
        consumer.close()
    assert seen.value.after == micros


def test_a_request_that_hangs_ends_at_once_when_the_server_stops() -> None:
    with receiving() as receiver:
        receiver.usual = hang
        consumer = endpoint(receiver.url, timeout="1h")
        failures: list[TryAgain] = []

        def deliver() -> None:
            with pytest.raises(TryAgain) as seen:
                consumer.deliver(BATCH)
            failures.append(seen.value)

        thread = threading.Thread(target=deliver)
        thread.start()
        receiver.next()
        consumer.interrupt()
        thread.join(30)
        assert [str(each) for each in failures] == ["the server is shutting down"]
        with pytest.raises(TryAgain, match="shutting down"):
            consumer.deliver(BATCH)
        consumer.close()


def test_a_connection_is_used_again() -> None:
    with receiving() as receiver:
        consumer = endpoint(receiver.url)
        receiver.script.append(status(200, b"fine", Set_Cookie="a=b"))
        for _ in range(3):
            consumer.deliver(BATCH)
        consumer.close()
        assert [each.headers.get("cookie") for each in receiver.seen] == [None] * 3
