"""Consumers and dead letters, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from segmentd.cli.instants import instant_text
from segmentd.cli.message_json import enum_name
from segmentd.cli.show_answers import add_row, grid
from segmentd.v1 import consumer_service_pb2 as pb
from segmentd.v1 import transition_pb2


def consumers_table(consumers: Iterable[pb.Consumer]) -> Table:
    """Each consumer with state, lag, and what went wrong last."""
    table = grid("name", "state", "segments", "delivered", "waiting", "behind", "dead letters", "next attempt", "error")
    for each in consumers:
        add_row(
            table,
            each.name,
            (enum_name(pb.ConsumerState.DESCRIPTOR, each.state) or "").lower(),
            _segments(each),
            f"{each.delivered_count:,}",
            f"{each.lag_transition_count:,}",
            _length(each.lag.seconds),
            f"{each.dead_letter_count:,}",
            instant_text(each.next_attempt_time) if each.HasField("next_attempt_time") else "",
            _last_error(each),
        )
    return table


def losses(consumers: Iterable[pb.Consumer]) -> Iterator[str]:
    """A line for each consumer that was overtaken by the compaction of the log."""
    for each in consumers:
        if each.HasField("loss_time"):
            yield (
                f"{each.name} has lost the changes after revision {each.lost_after_revision} up to revision "
                f"{each.lost_until_revision}: the log was compacted before ({instant_text(each.loss_time)})"
            )


def dead_letters_table(letters: Iterable[pb.DeadLetter]) -> Table:
    """Each dead letter with its first change."""
    table = grid("id", "given up", "attempts", "changes", "first change", "error")
    for each in letters:
        add_row(
            table,
            str(each.id),
            instant_text(each.create_time),
            f"{each.attempt_count:,}",
            f"{each.change_count:,}",
            _first_change(each),
            each.error,
        )
    return table


def _segments(consumer: pb.Consumer) -> str:
    if consumer.state == pb.CONSUMER_STATE_ABSENT:
        return ""
    return ", ".join(consumer.segment_ids) or "all"


def _last_error(consumer: pb.Consumer) -> str:
    if not consumer.error:
        return ""
    if consumer.attempt_count:
        return f"attempt {consumer.attempt_count}: {consumer.error}"
    # Nothing waits for another attempt, so its batch was given up.
    return f"given up: {consumer.error}"


def _first_change(letter: pb.DeadLetter) -> str:
    if not letter.changes:
        return ""
    first = letter.changes[0]
    verb = "entered" if first.move == transition_pb2.MOVE_ENTERED else "left"
    return f"{first.user_id or f'erased #{first.user_key}'} {verb} {first.segment_id}"


def _length(seconds: int) -> str:
    """`2d 3h`, `5m 10s`, `0s`."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
