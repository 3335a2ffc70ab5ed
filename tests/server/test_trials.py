"""Trials of declarations and groups: what would be refused and who would move, with nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import serving

from segmentd.client import CallFailed, Client, as_struct, item_fault
from segmentd.v1 import exclusive_group_pb2, profile_pb2, segment_pb2
from segmentd.v1 import profile_service_pb2 as profiles
from segmentd.v1 import segment_service_pb2 as segments

RULE = {"behavioral": {"event": "Buy", "within": "91d"}}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path) as address, Client(address) as client:
        yield client


def test_declarations_are_tried_and_not_made(client: Client) -> None:
    client.create_segment(segment_pb2.Segment(id="regulars", rule=as_struct(RULE, "rule")))
    wanted = [profiles.EventDeclaration(name="Buy", keep="12w"), profiles.EventDeclaration(name="Look", keep="1d")]
    short, fine = client.declare_events(wanted, validate_only=True).results
    fault = item_fault(short.error)
    assert fault.message == "Buy cannot be kept for 12w only: regulars looks 91d back"
    assert (fault.reason, fine.HasField("error")) == ("RETENTION_TOO_SHORT", False)
    assert [each.keep for each in client.list_events()] in ([], [""])
    age = profile_pb2.Attribute(name="age", kind=profile_pb2.ATTRIBUTE_KIND_TEXT)
    new = profile_pb2.Attribute(name="shoe", kind=profile_pb2.ATTRIBUTE_KIND_TEXT)
    refused, sound = client.declare_attributes([age, new], validate_only=True).results
    assert (refused.HasField("error"), sound.HasField("error")) == (True, False)
    assert "shoe" not in {each.name for each in client.list_attributes()}


def test_a_segment_is_tried_by_what_is_yet_to_be_declared(client: Client) -> None:
    segment = segment_pb2.Segment(id="regulars", rule=as_struct(RULE, "rule"))
    short = segments.Assumptions(events=[profiles.EventDeclaration(name="Buy", keep="30d")])
    with pytest.raises(CallFailed, match="Buy for 91d, but it is kept for 30d"):
        client.create_segment(segment, validate_only=True, assumptions=short)
    client.declare_events([profiles.EventDeclaration(name="Buy", keep="30d")])
    ever = segments.Assumptions(events=[profiles.EventDeclaration(name="Buy")])
    client.create_segment(segment, validate_only=True, assumptions=ever)
    rule = {"attribute": {"shoe": {"above": 40}}}
    text = profile_pb2.Attribute(name="shoe", kind=profile_pb2.ATTRIBUTE_KIND_TEXT)
    with pytest.raises(CallFailed) as refused:
        client.create_segment(
            segment_pb2.Segment(id="big", rule=as_struct(rule, "rule")),
            validate_only=True,
            assumptions=segments.Assumptions(attributes=[text]),
        )
    assert refused.value.reason == "INVALID_RULE"
    wrong = segments.Assumptions(events=[profiles.EventDeclaration(name="Buy", keep="1mo")])
    with pytest.raises(CallFailed) as unsound:
        client.create_segment(segment, validate_only=True, assumptions=wrong)
    assert [each.field for each in unsound.value.violations] == ["assumptions.events[0].keep"]
    assert not list(client.list_segments())


def test_a_group_is_tried_and_not_made(client: Client) -> None:
    for name, users in (("a", ["u1", "u2"]), ("b", ["u2", "u3"])):
        client.create_segment(segment_pb2.Segment(id=name, include_user_ids=users))
    group = exclusive_group_pb2.ExclusiveGroup(id="g", segment_ids=["a", "b"])
    tried = client.create_exclusive_group(group, validate_only=True, sample_size=1)
    assert [(each.segment_id, each.entering_count, each.size) for each in tried.preview.changes] == [
        ("g/a", 2, 2),
        ("g/b", 1, 1),
    ]
    assert (tried.group.version, tried.group.etag, len(tried.preview.changes[0].entering_user_ids)) == (1, "", 1)
    assert not list(client.list_exclusive_groups())
    client.create_exclusive_group(group)
    assert not client.update_exclusive_group(group, ["*"], validate_only=True).preview.changes
    other = exclusive_group_pb2.ExclusiveGroup(id="g", segment_ids=["b", "a"])
    tried_order = client.update_exclusive_group(other, ["*"], validate_only=True)
    moved = {each.segment_id: (each.entering_count, each.leaving_count) for each in tried_order.preview.changes}
    assert moved == {"g/a": (0, 1), "g/b": (1, 0)}
    assert tried_order.group.version == 2
    assert [list(each.segment_ids) for each in client.list_exclusive_groups()] == [["a", "b"]]
