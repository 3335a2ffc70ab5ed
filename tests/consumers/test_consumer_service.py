"""ConsumerService over gRPC: state, dead letters, and the orders of operators."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from tests.consumers.listening import Listener, SteppedPace, listened, settle
from tests.server.live import LISTEN, run
from tests.server.served import Client, refusal

from segmentd.api import Consumer, Refused, TryAgain
from segmentd.errors import InvalidInput
from segmentd.server.metrics import MetricsServer
from segmentd.server.serve import server_of
from segmentd.server.status_metrics import StatusCollector
from segmentd.service.service import Service
from segmentd.v1 import admin_service_pb2, transition_pb2
from segmentd.v1 import consumer_service_pb2 as pb


async def scraped(service: Service, *collectors: StatusCollector) -> tuple[dict[str, str], list[str]]:
    """The value of each sample, and the lines that describe them, as Prometheus gets them."""
    metrics = MetricsServer("127.0.0.1:0", service.consumers, collectors)
    try:
        lines = await asyncio.to_thread(_lines_at, metrics.port)
    finally:
        metrics.close()
    described = [line for line in lines if line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines if line not in described), described


def _lines_at(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
    return text.splitlines()


VIP = {"attribute": {"vip": {"equals": True}}}


@asynccontextmanager
async def serving(
    path: Path | str, *consumers: Consumer, pace: SteppedPace | None = None
) -> AsyncIterator[tuple[Client, Service]]:
    service = listened(path, *consumers, pace=pace)
    try:
        server = server_of(service)
        bound = await server.start(LISTEN)
        async with grpc.aio.insecure_channel(bound) as channel:
            yield Client(channel), service
        await server.drain(0)
    finally:
        service.close()


async def bury(client: Client, service: Service, *users: str) -> list[pb.DeadLetter]:
    await client.define("vip", VIP)
    for user in users:
        await client.upsert({user: {"vip": True}})
    settle(service, "crm")
    return list((await client.consumers.ListDeadLetters(pb.ListDeadLettersRequest(consumer="crm"))).dead_letters)


def refusing(count: int) -> Listener:
    return Listener("crm", *[Refused("no")] * count, batch_size=1, segments=frozenset({"vip", "mail"}))


def test_consumers_are_listed_with_all_there_is_to_know() -> None:
    async def check() -> None:
        pace = SteppedPace()
        pace.held = True
        crm, mail = Listener("crm", TryAgain("HTTP 500")), Listener("mail", segments=frozenset({"b", "a"}))
        async with serving(":memory:", crm, mail, pace=pace) as (client, service):
            await client.define("vip", VIP)
            await client.upsert({"ada": {"vip": True}})
            settle(service, "crm", lambda: service.consumers.look()[0].record.attempts == 1)
            await client.advance(2_500_000)
            settle(service, "mail")
            first, second = (await client.consumers.ListConsumers(pb.ListConsumersRequest())).consumers
            assert (first.name, first.plugin, first.state) == ("crm", "listeners", pb.CONSUMER_STATE_RETRYING)
            assert (first.lag_transition_count, first.lag.ToMicroseconds() // 1_000_000) == (1, 2)
            assert (first.delivered_count, first.failed_attempt_count, first.attempt_count) == (0, 1, 1)
            assert (first.error, first.dead_letter_count) == ("HTTP 500", 0)
            assert first.HasField("next_attempt_time")
            assert not first.HasField("loss_time")
            assert (second.name, second.state, second.error) == ("mail", pb.CONSUMER_STATE_ACTIVE, "")
            assert list(second.segment_ids) == ["a", "b"]
            assert second.lag_transition_count == 0
            assert not second.HasField("next_attempt_time")
            answer = await client.consumers.ResumeConsumer(pb.ResumeConsumerRequest(consumer="crm"))
            assert answer.consumer.name == "crm"
            assert [user for user, _, _ in crm.moves(1)] == ["ada"]

    run(check())


def test_dead_letters_are_listed_in_pages_with_their_changes() -> None:
    async def check() -> None:
        async with serving(":memory:", refusing(3)) as (client, service):
            letters = await bury(client, service, "ada", "bob", "cyd")
            assert [each.changes[0].user_id for each in letters] == ["ada", "bob", "cyd"]
            (change,) = letters[0].changes
            assert (change.segment_id, change.move) == ("vip", transition_pb2.MOVE_ENTERED)
            assert (letters[0].error, letters[0].attempt_count, letters[0].change_count) == ("no", 1, 1)
            request = pb.ListDeadLettersRequest(consumer="crm", page_size=2)
            page = await client.consumers.ListDeadLetters(request)
            assert ([each.id for each in page.dead_letters], page.total_size) == ([1, 2], 3)
            request.page_token = page.next_page_token
            page = await client.consumers.ListDeadLetters(request)
            assert ([each.id for each in page.dead_letters], page.next_page_token) == ([3], "")
            request.consumer = "mail"
            assert (await refusal(client.consumers.ListDeadLetters(request))).reason == "PAGE_TOKEN_MISMATCH"

    run(check())


def test_dead_letters_are_replayed_and_discarded() -> None:
    async def check() -> None:
        crm = refusing(4)
        async with serving(":memory:", crm) as (client, service):
            letters = await bury(client, service, "ada", "bob", "cyd", "dan")
            some = pb.ReplayDeadLettersRequest(consumer="crm", dead_letter_ids=[letters[1].id])
            answer = await client.consumers.ReplayDeadLetters(some)
            assert (answer.delivered_count, answer.left_count, list(answer.failures)) == (1, 3, [])
            assert [user for user, _, _ in crm.moves(1)] == ["bob"]
            crm.script = [Refused("still no"), TryAgain("HTTP 500")]
            every = pb.ReplayDeadLettersRequest(consumer="crm", all=True)
            answer = await client.consumers.ReplayDeadLetters(every)
            assert [(each.dead_letter_id, each.error) for each in answer.failures] == [
                (letters[0].id, "still no"),
                (letters[2].id, "HTTP 500"),
            ]
            one = pb.DiscardDeadLettersRequest(consumer="crm", dead_letter_ids=[letters[0].id])
            gone = await client.consumers.DiscardDeadLetters(one)
            assert (gone.discarded_count, gone.left_count) == (1, 2)
            rest = await client.consumers.DiscardDeadLetters(pb.DiscardDeadLettersRequest(consumer="crm", all=True))
            assert (rest.discarded_count, rest.left_count) == (2, 0)

    run(check())


def test_what_makes_no_sense_is_refused_by_name() -> None:
    async def check() -> None:
        async with serving(":memory:", Listener("crm")) as (client, _):
            stub = client.consumers
            for call, request in (
                (stub.ResumeConsumer, pb.ResumeConsumerRequest(consumer="moon")),
                (stub.ListDeadLetters, pb.ListDeadLettersRequest(consumer="moon")),
                (stub.ReplayDeadLetters, pb.ReplayDeadLettersRequest(consumer="moon", all=True)),
                (stub.DiscardDeadLetters, pb.DiscardDeadLettersRequest(consumer="moon", all=True)),
            ):
                seen = await refusal(call(request))
                assert (seen.code, seen.reason) == (grpc.StatusCode.NOT_FOUND, "CONSUMER_NOT_FOUND")
                assert seen.metadata == {"consumer": "moon"}
                request.consumer = "a\nb"
                assert "consumer" in (await refusal(call(request))).violations
            for request in (
                pb.ReplayDeadLettersRequest(consumer="crm"),
                pb.ReplayDeadLettersRequest(consumer="crm", all=True, dead_letter_ids=[1]),
            ):
                assert "dead_letter_ids" in (await refusal(stub.ReplayDeadLetters(request))).violations
            many = pb.DiscardDeadLettersRequest(consumer="crm", dead_letter_ids=range(10_001))
            assert (await refusal(stub.DiscardDeadLetters(many))).reason == "BATCH_TOO_LARGE"
            for key in (7, 0, -1, 2**63 - 1, -(2**63)):
                one = pb.ReplayDeadLettersRequest(consumer="crm", dead_letter_ids=[key])
                seen = await refusal(stub.ReplayDeadLetters(one))
                assert seen.reason == "DEAD_LETTER_NOT_FOUND"
                assert seen.metadata == {"consumer": "crm", "dead_letter_id": str(key)}
            negative = pb.ListDeadLettersRequest(consumer="crm", page_size=-1)
            assert "page_size" in (await refusal(stub.ListDeadLetters(negative))).violations

    run(check())


def test_metrics_of_what_the_server_holds(tmp_path: Path) -> None:
    async def check() -> None:
        async with serving(tmp_path / "db") as (client, service):
            await client.define("vip", VIP)
            await client.upsert({"ada": {"vip": True}, "bob": {}})
            status = await client.admin.GetStatus(admin_service_pb2.GetStatusRequest())
            samples, _ = await scraped(service, StatusCollector(service.look))
            assert samples == {
                "segmentd_users": "2.0",
                "segmentd_events": "0.0",
                "segmentd_revision": f"{status.revision:.1f}",
                "segmentd_clock_ahead_seconds": "0.0",
                "segmentd_overdue_seconds": "0.0",
                'segmentd_segments{state="active"}': "1.0",
                'segmentd_segments{state="failed"}': "0.0",
                'segmentd_segments{state="pending"}': "0.0",
            }
            page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
            assert all(f"`{re.sub('{.*', '', name)}" in page for name in samples)

    run(check())


def test_metrics_are_text_for_prometheus(tmp_path: Path) -> None:
    async def check() -> None:
        async with serving(tmp_path / "db", refusing(1), Listener("mail")) as (client, service):
            await bury(client, service, "ada")
            settle(service, "mail")
            samples, described = await scraped(service)
            assert samples == {
                'segmentd_consumer_delivered_changes_total{consumer="crm"}': "0.0",
                'segmentd_consumer_delivered_changes_total{consumer="mail"}': "1.0",
                'segmentd_consumer_failed_attempts_total{consumer="crm"}': "1.0",
                'segmentd_consumer_failed_attempts_total{consumer="mail"}': "0.0",
                'segmentd_consumer_dead_letters{consumer="crm"}': "1.0",
                'segmentd_consumer_dead_letters{consumer="mail"}': "0.0",
                'segmentd_consumer_lag_transitions{consumer="crm"}': "0.0",
                'segmentd_consumer_lag_transitions{consumer="mail"}': "0.0",
                'segmentd_consumer_lag_seconds{consumer="crm"}': "0.0",
                'segmentd_consumer_lag_seconds{consumer="mail"}': "0.0",
                'segmentd_consumer_attempts{consumer="crm"}': "0.0",
                'segmentd_consumer_attempts{consumer="mail"}': "0.0",
                'segmentd_consumer_disabled{consumer="crm"}': "0.0",
                'segmentd_consumer_disabled{consumer="mail"}': "0.0",
                'segmentd_consumer_loss_timestamp_seconds{consumer="crm"}': "0.0",
                'segmentd_consumer_loss_timestamp_seconds{consumer="mail"}': "0.0",
            }
            assert "# TYPE segmentd_consumer_delivered_changes_total counter" in described

    run(check())


def test_an_address_that_cannot_serve_metrics_is_named() -> None:
    service = listened(":memory:")
    try:
        taken = MetricsServer("127.0.0.1:0", service.consumers)
        with pytest.raises(InvalidInput, match=r"SEGMENTD_METRICS: cannot listen on .*: address already in use"):
            MetricsServer(f"127.0.0.1:{taken.port}", service.consumers)
        taken.close()
        with pytest.raises(InvalidInput, match="SEGMENTD_METRICS: '9464' is not HOST:PORT"):
            MetricsServer("9464", service.consumers)
    finally:
        service.close()
