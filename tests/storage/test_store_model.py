"""Random histories of writes, failures and reopenings against plain dicts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.storage.stored_events import events_named, insert_events

from segmentd.errors import StorageFailed
from segmentd.records import EventRecord, ProfileRecord, TransitionRecord
from segmentd.storage import Store
from segmentd.times import Micros

USER_IDS = st.sampled_from("abcdef")
MESSAGES = st.none() | st.sampled_from([f"m{n}" for n in range(8)])
SENT = st.lists(st.tuples(USER_IDS, st.integers(0, 5), MESSAGES, st.booleans()), max_size=4)


class StoreAgainstDicts(RuleBasedStateMachine):
    """Every rule is one transaction; the dicts change only when it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store.open(self.folder / "store.db")
        self.users: dict[str, int] = {}
        self.profiles: dict[int, bytes] = {}
        self.sent: list[EventRecord] = []
        self.members: set[int] = set()
        self.given = self.revision = 0

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def _insert(self, events: list[EventRecord]) -> None:
        with self.store.transaction():
            self._advance()
            insert_events(self.store, events)

    def _erase_all_and_fail(self) -> None:
        with self.store.transaction():
            self.store.delete_users(list(self.users.values()))
            self.store.insert_users([(self.store.next_user_key(), "another")])
            self._advance()
            raise ZeroDivisionError

    def _advance(self) -> int:
        state = self.store.state()
        self.store.advance(state.revision + 1, Micros(state.instant + 1))
        return state.revision + 1

    @rule(user_id=USER_IDS, attributes=st.sampled_from([b"{}", b'{"a":1}', b'{"a":"x"}']))
    def write_profile(self, user_id: str, attributes: bytes) -> None:
        """Create the user when it is new, and replace its profile."""
        with self.store.transaction():
            key = self.users.get(user_id) or self.store.next_user_key()
            if user_id not in self.users:
                self.store.insert_users([(key, user_id)])
            self.store.write_profiles([ProfileRecord(key, attributes)])
            self.revision = self._advance()
        self.users[user_id], self.profiles[key] = key, attributes
        self.given = max(self.given, key)

    @rule(sent=SENT)
    def send_events(self, sent: list[tuple[str, int, str | None, bool]]) -> None:
        """A message id that is there already makes the whole transaction fail."""
        events = [
            EventRecord(self.users[user], "Login" if login else "Order", Micros(time), Micros(0), message_id=message)
            for user, time, message, login in sent
            if user in self.users
        ]
        ids = [e.message_id for e in [*self.sent, *events] if e.message_id is not None]
        if len(ids) == len(set(ids)):
            self._insert(events)
            self.sent += events
            self.revision += 1
        else:
            with pytest.raises(StorageFailed):
                self._insert(events)

    @precondition(lambda self: self.users)
    @rule(data=st.data())
    def toggle(self, data: st.DataObject) -> None:
        """One user moves in or out of the one segment."""
        key = data.draw(st.sampled_from(sorted(self.users.values())))
        with self.store.transaction():
            self.revision = self._advance()
            move = TransitionRecord(1, 1, key, key not in self.members, Micros(0), "ATTRIBUTE")
            self.store.append_transitions(self.revision, [move])
        self.members ^= {key}

    @precondition(lambda self: self.users)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """Forget one user."""
        user_id = data.draw(st.sampled_from(sorted(self.users)))
        key = self.users.pop(user_id)
        with self.store.transaction():
            self.store.delete_users([key])
        del self.profiles[key]
        self.sent = [e for e in self.sent if e.user_key != key]

    @rule()
    def give_up(self) -> None:
        """A transaction that writes and then fails."""
        with pytest.raises(ZeroDivisionError):
            self._erase_all_and_fail()

    @rule()
    def reopen(self) -> None:
        """A restart."""
        self.store.close()
        self.store = Store.open(self.folder / "store.db")

    @invariant()
    def everything_is_as_the_dicts_say(self) -> None:
        """All public reads agree with the dicts."""
        store = self.store
        assert {user: key for batch in store.users() for key, user in batch} == self.users
        assert {p.user_key: p.attributes for batch in store.profiles() for p in batch} == self.profiles
        assert store.next_user_key() == self.given + 1
        assert store.state().revision == self.revision
        assert store.members(1).tolist() == sorted(self.members)
        assert store.event_count() == len(self.sent)
        for name in ("Login", "Order"):
            oracle = sorted((e.user_key, e.time) for e in self.sent if e.name == name)
            assert [(user, time) for user, time, _, _ in events_named(store, name)] == oracle
            assert store.event_names().get(name, 0) == len(oracle)
        known = {e.message_id for e in self.sent} - {None}
        assert set(store.find_messages([f"m{n}" for n in range(8)])) == known


TestStoreAgainstDicts = StoreAgainstDicts.TestCase
TestStoreAgainstDicts.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
