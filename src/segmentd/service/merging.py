"""Merging users: one commit that unites the profiles and events of several, and leads their ids to who survives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from segmentd.engine.catalogue import Catalogue
from segmentd.engine.stage import Stage
from segmentd.errors import SegmentdError
from segmentd.plugins.derivation import Derivation
from segmentd.population.kinds import Json, Kind
from segmentd.population.listed import LIST_PREFIX
from segmentd.records import ProfileRecord
from segmentd.service.change import Change
from segmentd.service.event_loading import load_row
from segmentd.service.ingest import typed_attributes
from segmentd.service.items import check_id
from segmentd.service.leaving import unanswered_moves
from segmentd.service.live import Live
from segmentd.service.profile_drafts import Draft, derive_all, differs
from segmentd.service.united import Precedence, unite
from segmentd.service.written import Cause, Written
from segmentd.storage import Store
from segmentd.times import MIN_INSTANT, Micros


class MergeOutcome(StrEnum):
    """What a merge did."""

    MERGED = "merged"
    ALIASED = "aliased"
    ALREADY_MERGED = "already_merged"
    SAME_ID = "same_id"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class UserMerge:
    """Let one user be absorbed by another."""

    from_user_id: str
    into_user_id: str
    precedence: Precedence = Precedence.SURVIVOR_WINS


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What became of one merge, the id of who survives, and the one under which who was absorbed was known till then.

    `absorbed_id` is empty where nobody was absorbed; `error` says why the merge was refused.
    """

    outcome: MergeOutcome
    survivor_id: str = ""
    absorbed_id: str = ""
    error: SegmentdError | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """What is left to do, between ids that lead to no other at that moment."""

    absorbed_id: str
    survivor_id: str
    precedence: Precedence


class Merge(Change):
    """Looks on construction at what each merge comes to, one after the other; `write` does it.

    `results` has one entry for each merge, in order.
    """

    def __init__(self, live: Live, derivations: Sequence[Derivation], merges: Sequence[UserMerge], now: Micros) -> None:
        self._live = live
        self._derivations = derivations
        self._now = now
        self._leads: dict[str, str] = {}
        self._made: set[str] = set()
        self._steps: list[_Step] = []
        self._absorbed: list[int] = []
        self.results = [self._result(each) for each in merges]

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not self._steps

    def write(self, store: Store, instant: Micros) -> Written:
        """Change database and columns; who is absorbed becomes nobody."""
        written = Written()
        for step in self._steps:
            into = self._row(store, step.survivor_id, written, profile=True)
            row = self._row(store, step.absorbed_id, written, profile=False)
            self._unite(store, row, into, step.precedence)
            # Who came with this very commit was never anybody.
            self._hand_over(store, row, into, MIN_INSTANT if written.row(row).new else instant)
            written.row(row).removed = Cause.MERGE
            written.row(into).merged = True
            self._absorbed.append(row)
        return written

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:
        """The absorbed users also leave those segments, by the log, that answer nothing at present."""
        keys = {row: [self._live.user_key(row)] for row in self._absorbed}
        store.append_transitions(revision, unanswered_moves(self._live, store, stage, keys, instant, Cause.MERGE))

    def published(self, catalogue: Catalogue) -> Catalogue:
        """From now on the ids lead to who survives. The segments are as they were."""
        users = self._live.users
        for survivor in {users.merged[users.user_ids[row]] for row in self._absorbed}:
            ids = users.ids_of(survivor)
            users.index.update(dict.fromkeys(ids, survivor))
            self._live.publication.lead(ids, survivor)
            self._live.led_ids.lead(ids[1:], ids[0])
        return catalogue

    def _result(self, merge: UserMerge) -> MergeResult:
        try:
            check_id("from_user_id", merge.from_user_id)
            check_id("into_user_id", merge.into_user_id)
            self._live.tombstones.check((merge.from_user_id, merge.into_user_id), self._now)
        except SegmentdError as error:
            return MergeResult(MergeOutcome.REFUSED, error=error)
        source, target = self._root(merge.from_user_id), self._root(merge.into_user_id)
        if source == target:
            same = merge.from_user_id == merge.into_user_id
            return MergeResult(MergeOutcome.SAME_ID if same else MergeOutcome.ALREADY_MERGED, target)
        known = source in self._made or self._live.users.row_of(source) is not None
        self._steps.append(_Step(source, target, merge.precedence))
        self._leads[source] = target
        self._made |= {source, target}
        return MergeResult(MergeOutcome.MERGED, target, source) if known else MergeResult(MergeOutcome.ALIASED, target)

    def _root(self, user_id: str) -> str:
        """The id of who answers for this one, after the steps so far."""
        row = self._live.users.row_of(user_id)
        name = self._live.users.user_ids[row] if row is not None else user_id
        while name in self._leads:
            name = self._leads[name]
        return name

    def _row(self, store: Store, user_id: str, written: Written, *, profile: bool) -> int:
        """The row of an id; a new user where there is none, an alias having no profile."""
        row = self._live.users.row_of(user_id)
        if row is not None:
            return row
        key = self._live.next_user_key
        store.insert_users([(key, user_id)])
        if profile:
            store.write_profiles([ProfileRecord(key, create_time=self._now, update_time=self._now)])
        row = self._live.add_user(user_id, key)
        written.row(row).new = True
        return row

    def _unite(self, store: Store, row: int, into: int, precedence: Precedence) -> None:
        live = self._live
        keys = live.user_key(row), live.user_key(into)
        profiles = store.read_profiles(keys)
        if keys[0] not in profiles:
            return
        absorbed, survivor = Draft.of(profiles[keys[0]]), Draft.of(profiles[keys[1]])
        before = survivor.effective()
        unite(survivor, absorbed, precedence, self._now)
        derive_all(survivor, self._derivations)
        store.write_profiles([survivor.record()])
        live.users.set_attributes(into, typed_attributes(live, _changes(before, survivor.effective())))
        lists = [name for name, column in live.users.columns.items() if name.startswith(LIST_PREFIX)]
        listed = [name for name in lists if int(live.users.columns[name].data[row]) > 0]
        live.users.set_attributes(into, dict.fromkeys(listed, (Kind.FLAG, 1)))

    def _hand_over(self, store: Store, row: int, into: int, merge_time: Micros) -> None:
        """Give events, lists and ids of one row to the other."""
        live = self._live
        theirs = [name for name, table in live.users.tables.items() if table.count(row)]
        store.merge_user(live.user_key(row), live.user_key(into), merge_time)
        live.users.merge_row(row, into)
        for name in theirs:
            load_row(live, store, name, into)


def _changes(before: dict[str, Json], after: dict[str, Json]) -> dict[str, Json]:
    names = before.keys() | after.keys()
    return {name: after.get(name) for name in names if differs(before.get(name), after.get(name))}
