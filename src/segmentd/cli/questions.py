"""Commands that ask about memberships."""

from __future__ import annotations

from typing import Any

from segmentd.cli import show_answers
from segmentd.cli.connection import connect
from segmentd.cli.message_json import message_json
from segmentd.cli.options import DEFAULT_SERVER, JsonOption, SegmentArgument, ServerOption, UserArgument
from segmentd.cli.output import show, show_json, show_json_lines
from segmentd.cli.show_explanation import explanation_tree
from segmentd.v1 import membership_pb2, membership_service_pb2


def check(
    user: UserArgument, segment: SegmentArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER
) -> None:
    """Say whether a user is in a segment, and until when that holds. Exit code 0 either way."""
    with connect(server) as client:
        answer = client.check(user, segment)
    if as_json:
        show_json({"user_id": user, "segment_id": segment, **message_json(answer)})
    else:
        show(show_answers.check_line(user, segment, answer))


def user(user: UserArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """List the segments of a user, and when it leaves each if nothing is written."""
    with connect(server) as client:
        pages = list(client.user_segments(user, with_leaves_time=True))
    segments = [each for page in pages for each in page.segments]
    errors = [each for page in pages for each in page.errors]
    if as_json:
        show_json(_user_json(user, pages))
    elif not pages[0].user_known:
        show(f"nothing is known about {user}")
    elif segments or errors:
        show(show_answers.user_table(segments, errors))
    else:
        show(f"{user} is in no segment")


def members(segment: SegmentArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER) -> None:
    """List the users who are in a segment, one a line, all of them."""
    with connect(server) as client:
        found = client.members(segment)
        if as_json:
            show_json_lines(message_json(member) for member in found)
        else:
            for member in found:
                print(member.user_id)


def explain(
    user: UserArgument, segment: SegmentArgument, as_json: JsonOption = False, server: ServerOption = DEFAULT_SERVER
) -> None:
    """Say why a user is in a segment or not: the rule as a tree, with what was found at each leaf."""
    with connect(server) as client:
        answer = client.explain(user, segment, with_leaves_time=True)
    if as_json:
        show_json({"user_id": user, "segment_id": segment, **message_json(answer)})
    elif not answer.user_known:
        show(f"{user} is not a member of {segment}: nothing is known about this user")
    else:
        show(explanation_tree(answer.explanation), *_leaving(user, segment, answer))


def _leaving(user: str, segment: str, answer: membership_service_pb2.ExplainMembershipResponse) -> list[str]:
    if answer.membership != membership_pb2.MEMBERSHIP_MEMBER:
        return []
    return [f"{user} leaves {segment}: {show_answers.leaves(answer)}"]


def _user_json(user: str, pages: list[membership_service_pb2.ListUserSegmentsResponse]) -> dict[str, Any]:
    """All pages as one, as of the last one."""
    last = message_json(pages[-1])
    return {
        "user_id": user,
        "user_known": pages[0].user_known,
        "segments": [message_json(each) for page in pages for each in page.segments],
        "errors": [message_json(each) for page in pages for each in page.errors],
        "revision": last["revision"],
        "evaluate_time": last["evaluate_time"],
    }
