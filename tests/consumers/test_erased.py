"""Who was erased is named to nobody any more: not in what waits, not in dead letters, not to those who resume."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.consumers.listening import Listener, SteppedPace, define, listened, set_flags, settle

from segmentd.api import Json, MembershipChange, Refused, TryAgain
from segmentd.service.items import EventWrite
from segmentd.service.segment_info import SegmentSpec


def said(changes: list[MembershipChange]) -> list[tuple[str, str, bool, str]]:
    return [(each.user_id, each.message_id, each.entered, each.cause) for each in changes]


def test_a_batch_that_waits_loses_the_name(tmp_path: Path) -> None:
    pace = SteppedPace()
    pace.held = True
    crm = Listener("crm", TryAgain("HTTP 500"))
    service = listened(tmp_path / "db", crm, pace=pace)
    try:
        rule: Json = {"behavioral": {"event": "Seen"}}
        asyncio.run(service.segments.create(SegmentSpec("seen", rule=rule), "", ""))
        asyncio.run(service.profiles.ingest([EventWrite("ada", "Seen", "ada-1")]))
        settle(service, "crm", lambda: bool(service.consumers.look()[0].record.attempts))
        (before,) = crm.attempts
        assert said(list(before.changes)) == [("ada", "ada-1", True, "EVENT")]
        asyncio.run(service.identity.erase("ada"))
        asyncio.run(service.consumers.resume("crm"))
        found = [*crm.next().changes, *crm.next().changes]
        assert said(found) == [("", "", True, "EVENT"), ("", "", False, "ERASURE")]
        assert {each.user_key for each in found} == {before.changes[0].user_key}
    finally:
        service.close()


def test_a_dead_letter_is_replayed_without_the_name(tmp_path: Path) -> None:
    crm = Listener("crm", Refused("no"), batch_size=1)
    service = listened(tmp_path / "db", crm)
    try:
        asyncio.run(define(service, "vip"))
        asyncio.run(set_flags(service, "ada", vip=True))
        settle(service, "crm")
        asyncio.run(service.identity.erase("ada"))
        assert said(list(crm.next().changes)) == [("", "", False, "ERASURE")]
        (letter,), _ = asyncio.run(service.consumers.dead_letters("crm", 0, 1))
        assert [each.user_id for each in letter.changes] == [""]
        asyncio.run(service.consumers.replay("crm", None))
        (change,) = crm.next().changes
        assert (change.user_id, change.user_key) == ("", crm.attempts[0].changes[0].user_key)
    finally:
        service.close()


def test_who_comes_back_later_is_told_of_the_erasure_alone(tmp_path: Path) -> None:
    service = listened(tmp_path / "db", Listener("crm"))
    asyncio.run(define(service, "vip"))
    service.close()
    service = listened(tmp_path / "db")
    asyncio.run(set_flags(service, "ada", vip=True))
    asyncio.run(set_flags(service, "bob", vip=True))
    asyncio.run(service.identity.erase("ada"))
    service.close()
    crm = Listener("crm")
    service = listened(tmp_path / "db", crm)
    try:
        settle(service, "crm")
        changes = [change for batch in crm.attempts for change in batch.changes]
        assert said(changes) == [("bob", "", True, "ATTRIBUTE"), ("", "", False, "ERASURE")]
    finally:
        service.close()
