"""Consumers' positions and dead letters in the database."""

from __future__ import annotations

from segmentd.records import LoggedTransition, Position, TransitionRecord
from segmentd.storage import Store
from segmentd.storage.consumers import ConsumerRecord, DeadLetterRecord
from segmentd.times import Micros


def change(offset: int, message_id: str | None = None) -> LoggedTransition:
    return LoggedTransition(
        3, offset, Micros(50), TransitionRecord(7, 1, 100 + offset, True, Micros(40), "EVENT", message_id)
    )


def test_a_consumer_is_where_it_was_left(store: Store) -> None:
    full = ConsumerRecord("crm", Position(3, 4), 5, True, 6, Micros(7), 8, "HTTP 500", Micros(9), 1, 2)
    with store.transaction():
        store.write_consumers([ConsumerRecord("mail", Position(0, 0)), ConsumerRecord("crm", Position(1, 1))])
    with store.transaction():
        store.write_consumers([full])
    assert store.consumers() == [full, ConsumerRecord("mail", Position(0, 0))]


def test_dead_letters_keep_keys_and_no_message_ids(store: Store) -> None:
    with store.transaction():
        key = store.add_dead_letter("crm", Micros(60), 2, "HTTP 500", [change(0, "secret-message"), change(1)])
    assert store.dead_letters("crm", 0, 10) == [
        DeadLetterRecord(key, "crm", Micros(60), 2, "HTTP 500", [change(0), change(1)])
    ]
    with store.transaction():
        store.write_dead_letter_attempt(key, "HTTP 503")
    (letter,) = store.dead_letters("crm", 0, 10)
    assert (letter.attempts, letter.error) == (3, "HTTP 503")


def test_dead_letters_are_listed_by_consumer_and_their_keys_are_never_used_again(store: Store) -> None:
    with store.transaction():
        keys = [store.add_dead_letter(name, Micros(0), 1, "", [change(0)]) for name in ("crm", "mail", "crm", "crm")]
        assert store.dead_letter_counts() == {"crm": 3, "mail": 1}
        assert [each.key for each in store.dead_letters("crm", 0, 2)] == [keys[0], keys[2]]
        assert [each.key for each in store.dead_letters("crm", keys[0], 2)] == [keys[2], keys[3]]
        store.delete_dead_letters([keys[3], 999])
        assert store.add_dead_letter("crm", Micros(0), 1, "", [change(0)]) > keys[3]
