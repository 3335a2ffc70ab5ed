"""User lists: uploaded as a whole, changed one by one, looked at, and deleted once nothing refers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from segmentd.engine.catalogue import State
from segmentd.engine.compile import conditions, reads_of
from segmentd.errors import FailedPrecondition, FieldViolation, InvalidInput, NotFound, Reason, ResourceExhausted
from segmentd.limits import id_fault
from segmentd.population.kinds import MAX_TEXT
from segmentd.records import UserKeys, UserListRecord
from segmentd.service.change import Change
from segmentd.service.engine import Engine
from segmentd.service.list_change import ListChange, ListDeletion, ListWrites, listed, survivors
from segmentd.service.upload import IdFault, Mode, Phase, Upload, UploadSpec
from segmentd.service.upload_identities import Identities
from segmentd.times import Micros

T = TypeVar("T")
CHUNK: Final = 65_536
"""The most users of one revision of an upload."""
NEW: Final = 4
"""As how many of them a user counts who has to be created, since that takes so much longer."""
MAX_LISTS: Final = 1_000
"""A list takes one byte for every user in memory."""
MAX_WAITING_IDS: Final = 20_000_000
"""The most ids of all uploads that are under way."""


@dataclass(frozen=True, slots=True)
class UserListView:
    """A list as it stands, with the uploads to it that are under way."""

    record: UserListRecord
    size: int
    referenced_by: tuple[str, ...]
    uploads: tuple[Upload, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class ListMembersPage:
    """Some users of a list by ascending key; `after` is where the next page begins, None on the last one."""

    user_ids: list[str]
    total: int
    revision: int
    after: int | None


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change of a list came to; users are counted once each, however often they were named.

    `unchanged` were named and are in the list already, or not in it where they were to be removed.
    """

    view: UserListView
    added: int
    removed: int
    created: int
    unchanged: int
    skipped: int = 0
    faults: Sequence[IdFault] = ()


class UserLists:
    """The use cases of UserListService."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._live = engine.live
        self._uploads: list[Upload] = []

    async def get(self, list_id: str) -> UserListView:
        """One list. Raises NotFound."""
        return await self._on_engine(lambda: self._view(list_id))

    async def select(self, after: str, limit: int) -> tuple[list[UserListView], int, int]:
        """At most `limit` lists whose id is beyond `after`, how many there are in all, and the revision."""
        return await self._on_engine(lambda: self._select(after, limit))

    async def members(self, list_id: str, after: int, limit: int) -> ListMembersPage:
        """At most `limit` users of a list whose key is beyond `after`. Raises NotFound."""
        return await self._on_engine(lambda: self._members(list_id, after, limit))

    async def update(self, spec: UploadSpec, add: Sequence[str], remove: Sequence[str]) -> Applied:
        """Add and remove single users in one revision; users nobody has written about are created by adding.

        What `spec` says of mode and bad ids is passed over: bad ids are refused.
        """
        check_spec(spec)
        _check_ids(add, remove)
        return await asyncio.wrap_future(self._engine.thread.change(lambda: self._update(spec, add, remove)))

    @contextmanager
    def receiving(self, spec: UploadSpec) -> Iterator[Upload]:
        """An upload that takes ids, to be applied inside of the block; nothing is changed before that.

        Raises InvalidInput, and NotFound for a list that is neither there nor to be created.
        """
        check_spec(spec)
        self._check_room(spec)
        upload = Upload(self._live, spec, self._now())
        self._uploads.append(upload)
        try:
            yield upload
        finally:
            if upload.phase is Phase.RECEIVING:
                self._uploads.remove(upload)

    async def take(self, upload: Upload, user_ids: Sequence[str]) -> None:
        """Check and keep some more ids. Raises InvalidInput, and ResourceExhausted where too many wait already."""
        waiting = sum(each.received for each in tuple(self._uploads))
        if waiting + len(user_ids) > MAX_WAITING_IDS:
            raise ResourceExhausted(Reason.OVERLOADED, f"{waiting:,} ids are being uploaded already; try again later")
        await asyncio.to_thread(upload.take, user_ids)

    async def apply(self, upload: Upload) -> Applied:
        """Apply what was collected, in revisions of some users each and in turns with other writes.

        What was begun is finished, whoever has stopped waiting. Raises InvalidInput where the list would be emptied,
        and that is not allowed.
        """
        upload.check_filled()
        upload.phase = Phase.APPLYING
        try:
            future = self._engine.thread.background(self._applied(upload))
        except BaseException:
            self._uploads.remove(upload)
            raise
        future.add_done_callback(lambda _: self._uploads.remove(upload))
        return await asyncio.wrap_future(future)

    async def delete(self, list_id: str) -> int:
        """Delete a list; returns the revision. Raises NotFound, and FailedPrecondition where segments refer to it."""
        # Behind edits that are being judged: they may refer to the list.
        return await asyncio.wrap_future(self._engine.thread.background(self._deleted(list_id)))

    async def _on_engine(self, run: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.thread.call(run))

    def _view(self, list_id: str, ended: Upload | None = None) -> UserListView:
        live = self._live
        record = live.lists.get(list_id)
        if record is None:
            raise unknown_list(list_id)
        uploads = tuple(each for each in tuple(self._uploads) if each.spec.list_id == list_id and each is not ended)
        return UserListView(record, len(self._keys(list_id)), self._referenced_by(list_id), uploads, live.revision)

    def _select(self, after: str, limit: int) -> tuple[list[UserListView], int, int]:
        names = sorted(self._live.lists)
        page = [name for name in names if name > after][:limit]
        return [self._view(name) for name in page], len(names), self._live.revision

    def _members(self, list_id: str, after: int, limit: int) -> ListMembersPage:
        live = self._live
        if list_id not in live.lists:
            raise unknown_list(list_id)
        keys = self._keys(list_id)
        start = int(np.searchsorted(keys, after, side="right"))
        page = keys[start : start + limit]
        ids = [live.users.user_ids[row] for row in live.rows_of(page).tolist()]
        more = start + limit < len(keys)
        return ListMembersPage(ids, len(keys), live.revision, int(page[-1]) if more else None)

    def _keys(self, list_id: str) -> UserKeys:
        """The keys of the users of a list, ascending."""
        return self._live.user_keys(np.flatnonzero(listed(self._live, list_id, slice(None))))

    def _referenced_by(self, list_id: str) -> tuple[str, ...]:
        entries = self._live.catalogue.entries.items()
        return tuple(
            sorted(
                name
                for name, entry in entries
                if entry.state is not State.ARCHIVED
                and any(list_id in reads_of(each).lists for each in conditions(entry.definition.rule))
            )
        )

    def _update(self, spec: UploadSpec, add: Sequence[str], remove: Sequence[str]) -> Applied:
        self._check_room(spec)
        live = self._live
        live.tombstones.check(add, self._now())
        adding, removing = ({live.users.index.get(each, each) for each in ids} for ids in (add, remove))
        if adding & removing:
            raise InvalidInput.at("remove_user_ids", "one of these users is to be added too, by another of its ids")
        rows = sorted(each for each in removing if isinstance(each, int))
        keys = live.user_keys(np.array(rows, dtype=np.int64))
        change = ListChange(live, spec.list_id, ListWrites(add_ids=add, remove=keys, description=spec.description))
        self._commit_change(change)
        unchanged = len(adding) - change.added + len(removing) - change.removed
        return Applied(self._view(spec.list_id), change.added, change.removed, change.created, unchanged)

    def _applied(self, upload: Upload) -> Generator[None, None, Applied]:
        spec = upload.spec
        self._check_room(spec)
        yield from upload.drop_erased(self._now())
        known, ids = self._resolved(upload)
        named = survivors(self._live, np.union1d(upload.keys(), known))
        current = self._keys(spec.list_id) if spec.list_id in self._live.lists else named[:0]
        unchanged = 0
        if spec.mode is Mode.REMOVE:  # nobody else is in any list
            unchanged, ids = len(ids), []
        add, remove = _differences(spec.mode, named, current)
        upload.total = len(add) + len(ids) + len(remove)
        added = removed = created = 0
        identities = Identities(self._live, named if spec.mode is Mode.REPLACE else named[:0], ids)
        for writes in _chunks(add, ids, remove, spec.description):
            change = ListChange(self._live, spec.list_id, identities.followed(writes, upload, self._now()))
            self._commit_change(change)
            upload.applied += len(writes.add) + len(writes.add_ids) + len(writes.remove)
            added, removed, created = added + change.added, removed + change.removed, created + change.created
            yield
        unchanged += len(named) - len(remove if spec.mode is Mode.REMOVE else add)
        view = self._view(spec.list_id, ended=upload)
        return Applied(view, added, removed, created, unchanged, upload.skipped, upload.faults)

    def _now(self) -> Micros:
        return self._live.present(self._engine.clock.now())

    def _resolved(self, upload: Upload) -> tuple[UserKeys, list[str]]:
        """Of the ids that were unknown when they came in: the keys of those known by now, and the others."""
        live = self._live
        index = live.users.index
        unknown = upload.unknown_ids()
        rows = sorted({index[user_id] for user_id in unknown if user_id in index})
        return live.user_keys(np.array(rows, dtype=np.int64)), [each for each in unknown if each not in index]

    def _deleted(self, list_id: str) -> Generator[None, None, int]:
        users = self._view(list_id).referenced_by
        if users:
            raise FailedPrecondition(
                Reason.LIST_REFERENCED,
                f"user list {list_id} is referred to by {', '.join(users)}",
                {"list_id": list_id, "referenced_by": ",".join(users)},
            )
        self._commit(ListDeletion(self._live, self._live.lists[list_id]))
        yield
        return self._live.revision

    def _commit_change(self, change: ListChange) -> None:
        if not change.idle():
            self._commit(change)

    def _commit(self, change: Change) -> None:
        engine = self._engine
        engine.committer.commit(change, engine.committer.next_instant())
        engine.revisions.publish(self._live.revision)

    def _check_room(self, spec: UploadSpec) -> None:
        if spec.list_id in self._live.lists:
            return
        if not spec.create:
            raise unknown_list(spec.list_id)
        if len(self._live.lists) >= MAX_LISTS:
            raise InvalidInput.at("list_id", f"there are {MAX_LISTS:,} user lists already, the most there may be")


def unknown_list(list_id: str) -> NotFound:
    """The error for an id that no user list has."""
    return NotFound(Reason.LIST_NOT_FOUND, f"there is no user list {list_id!r}", {"list_id": list_id})


def _differences(mode: Mode, named: UserKeys, current: UserKeys) -> tuple[UserKeys, UserKeys]:
    """Who is to be added and who is to be removed."""
    if mode is Mode.REMOVE:
        return named[:0], np.intersect1d(named, current, assume_unique=True)
    added = np.setdiff1d(named, current, assume_unique=True)
    return added, np.setdiff1d(current, named, assume_unique=True) if mode is Mode.REPLACE else named[:0]


def _chunks(add: UserKeys, ids: list[str], remove: UserKeys, description: str | None) -> Iterator[ListWrites]:
    """The writes of each revision, at least one; the first one has the description."""
    middle = len(add)
    last = middle + NEW * len(ids)
    for start in range(0, max(1, last + len(remove)), CHUNK):
        stop = start + CHUNK
        first_id, end_id = (max(0, -(-(place - middle) // NEW)) for place in (start, stop))
        yield ListWrites(
            add[start:stop],
            ids[first_id:end_id],
            remove[max(0, start - last) : max(0, stop - last)],
            None if start else description,
        )


def check_spec(spec: UploadSpec) -> None:
    """The form of a header. Raises InvalidInput."""
    faults = []
    if (fault := id_fault(spec.list_id)) is not None:
        faults.append(FieldViolation("list_id", fault))
    if spec.description is not None and len(spec.description) > MAX_TEXT:
        faults.append(FieldViolation("description", f"has more than {MAX_TEXT:,} characters"))
    if faults:
        raise InvalidInput(faults)


def _check_ids(add: Sequence[str], remove: Sequence[str]) -> None:
    faults = [
        FieldViolation(f"{name}[{index}]", fault)
        for name, user_ids in (("add_user_ids", add), ("remove_user_ids", remove))
        for index, user_id in enumerate(user_ids)
        if (fault := id_fault(user_id)) is not None
    ]
    both = set(add) & set(remove)
    if both:
        faults.append(FieldViolation("remove_user_ids", f"{min(both)!r} is to be added too"))
    if faults:
        raise InvalidInput(faults)
