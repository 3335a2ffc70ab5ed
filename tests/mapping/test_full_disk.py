"""Where no mapped file can be made, readers leave everything to the engine, which is right, until there is room."""

from __future__ import annotations

import errno
import gc
import os
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.mapping.full_disk import Disk
from tests.mapping.same_answers import outcome
from tests.mapping.site import PRO, Site

from segmentd.engine.catalogue import State
from segmentd.engine.memberships import BLOCK, Memberships
from segmentd.errors import StorageFailed
from segmentd.mapping.elsewhere import Why
from segmentd.mapping.hashing import default_digest
from segmentd.mapping.publisher import Publisher
from segmentd.service.mapped_memberships import MappedMemberships
from segmentd.service.merging import UserMerge
from segmentd.service.united import Precedence
from segmentd.times import FOREVER, MINUTE, SECOND, FrozenClock, Micros

USERS = ("a", "b", "c", "d")
MANY = tuple(f"more-{number}" for number in range(BLOCK + 1))
ASKED = (*USERS, MANY[0], MANY[-1])


class Walking(FrozenClock):
    """A clock that is nobody's to move but the test's, and passes for that of the wall."""

    frozen = False


@pytest.fixture
def disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """That of the site, which has room so far."""
    return Disk(monkeypatch)


def define(site: Site) -> None:
    """One segment more than there are slots, so that the rows become wider."""
    site.engine.live.memberships._free.clear()
    site.define("other")


def recover(site: Site) -> None:
    """As after a commit that failed."""
    site.engine.thread.call(site.engine.recover).result()


def fail(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit fails, as on a full disk."""

    def full(*_: object) -> None:
        raise StorageFailed("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(site.engine.store, "advance", full)
        with pytest.raises(StorageFailed, match="is full"):
            site.write("b", plan="free")


HAPPENINGS: dict[str, tuple[Callable[[Site], None], set[str]]] = {
    "grow": (lambda site: site.write(*MANY), {"words", "horizons", "index", "manifest", ""}),
    "define": (define, {"words", "segments", "manifest", ""}),
    "recover": (recover, {"words", "horizons", "index", "segments", "manifest", ""}),
}
"""What happens, and the files that are made then; the empty name stands for all."""


def unread(site: Site) -> bool:
    """Whether readers leave everybody to the engine; those who come now too."""
    readers = site.mapped, MappedMemberships(site.directory)
    return all(outcome(each.check(user, "pro")) is Why.TORN for each in readers for user in ASKED)


def members(site: Site) -> list[bool]:
    """Who is in the segment, by the engine."""
    return [site.do(site.service.memberships.check(user, "pro")).member for user in USERS]


@pytest.mark.parametrize("happening", HAPPENINGS)
@pytest.mark.parametrize("refused", ["words", "horizons", "index", "segments", "manifest", ""])
def test_whatever_cannot_be_made_the_engine_goes_on_and_answers(
    site: Site, disk: Disk, happening: str, refused: str
) -> None:
    site.define("pro")
    site.write("a", "b")
    disk.refused = (refused,)
    happen, made = HAPPENINGS[happening]
    happen(site)
    assert unread(site) == (refused in made)
    if unread(site):
        site.write("c")  # and tries again, in vain
        assert unread(site)
    assert members(site)[:2] == [True, True]
    site.do(site.service.identity.merge([UserMerge("a", "b", Precedence.LATEST_WINS)]))
    site.write("a", plan="free")
    assert members(site)[:2] == [False, False]
    disk.refused = ()
    site.write("d")
    assert {each.state for each in site.engine.live.catalogue.entries.values()} == {State.ACTIVE}
    site.compare(ASKED)
    site.write(*MANY)
    site.define("last")
    site.compare(ASKED)


@pytest.mark.parametrize("happening", HAPPENINGS)
@pytest.mark.parametrize("failing", ["zeros", "enter", "describe", "end"])
def test_no_error_of_the_files_ends_the_engine(
    site: Site, monkeypatch: pytest.MonkeyPatch, happening: str, failing: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    site.define("pro")
    site.write("a", "b")
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, failing, fails)
        HAPPENINGS[happening][0](site)
        site.write("c")
        assert members(site) == [True, True, True, False]
    site.write("d")
    site.compare(ASKED)


def test_a_failed_commit_on_a_full_disk_is_refused_and_ends_nothing(
    site: Site, disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.define("pro")
    site.write("a", "b")
    disk.left = 0
    for _ in range(3):
        fail(site, monkeypatch)
        assert unread(site)
        assert members(site) == [True, True, False, False]
    disk.left = None
    site.write("c")
    site.compare(USERS)
    assert sum("leave all questions to the engine" in each for each in caplog.messages) == 1


def test_a_failed_commit_keeps_no_file_mapped(site: Site, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    site.define("pro")
    site.write("a")
    mapped = weakref.ref(site.engine.live.memberships.words.base)
    gc.disable()
    try:
        fail(site, monkeypatch)
    finally:
        gc.enable()
    assert mapped() is None
    site.compare(USERS)


@pytest.mark.parametrize("left", range(4))
def test_nothing_is_kept_of_what_was_made_in_vain(site: Site, disk: Disk, left: int) -> None:
    site.define("pro")
    site.write("a")
    disk.left = 0
    recover(site)
    disk.left = left
    site.write("b")
    assert {each.name for each in site.directory.iterdir()} == {"head"}
    assert site.engine.live.memberships.words.base is None


def _foresee_the_first(memberships: Memberships) -> None:
    memberships.make_room_to_foresee()
    memberships.foresee(np.array([0]), memberships.words[:1], np.array([FOREVER]))


@pytest.mark.parametrize("refused", ["words", "horizons", "index"])
def test_what_is_in_memory_stays_where_it_is_while_it_is_tried_in_vain(site: Site, disk: Disk, refused: str) -> None:
    site.define("pro")
    site.write("a")
    disk.refused = ("segments",)
    site.define("other")
    memberships, publication = site.engine.live.memberships, site.engine.live.publication
    assert isinstance(memberships.words.base, np.memmap)  # it moves at the first retry
    disk.refused = (refused,)
    site.engine.thread.call(publication.try_again).result()
    assert memberships.words.base is memberships.horizons.base is None
    site.engine.thread.call(lambda: _foresee_the_first(memberships)).result()
    before = memberships.words, memberships.horizons, memberships.foreseen
    for _ in range(3):
        site.engine.thread.call(publication.try_again).result()
        assert unread(site)
    after = memberships.words, memberships.horizons, memberships.foreseen
    assert [id(each) for each in before] == [id(each) for each in after]
    disk.refused = ()
    site.write("b")
    site.compare(USERS)


def test_without_commits_it_is_tried_again_after_ever_longer_pauses(
    site: Site, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = site.engine
    clock = Walking(engine.clock.now())
    monkeypatch.setattr(engine.live.publication, "_clock", clock)
    site.define("pro")
    site.write("a")
    assert engine.live.publication.next_try() == FOREVER
    disk.left = 0
    recover(site)
    pauses = []
    for _ in range(8):
        due = engine.next_deadline()
        engine.thread.call(engine.step).result()
        assert engine.next_deadline() == due  # before, nothing is tried
        pauses.append((due - clock.now()) // SECOND)
        clock.move_to(Micros(due))
        engine.thread.call(engine.step).result()
    assert pauses == [3, 6, 12, 24, 48, 60, 60, 60]
    clock._now = Micros(clock.now() - 60 * MINUTE)  # set back
    assert engine.next_deadline() <= clock.now()
    disk.left = None
    engine.thread.call(engine.step).result()
    assert engine.live.publication.next_try() == FOREVER
    site.compare(USERS)


def test_a_start_on_a_full_disk_is_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Site(tmp_path)
    first.define("pro")
    first.write("a")
    first.service.close()
    disk = Disk(monkeypatch)
    disk.refused = ("words",)
    second = Site(tmp_path)
    assert unread(second)
    assert members(second) == [True, False, False, False]
    disk.refused = ()
    second.write("b")
    second.compare(USERS)
    second.service.close()


def test_nothing_is_left_of_whom_is_erased_meanwhile(site: Site, disk: Disk) -> None:
    site.define("pro")
    site.write("a", "b")
    print_of_a = default_digest(b"a", site.mapped._reader._seed)[:8]

    def kept() -> bool:
        return any(print_of_a in each.read_bytes() for each in site.directory.iterdir())

    assert kept()
    disk.refused = ("segments",)
    site.define("other")
    assert unread(site)
    site.do(site.service.identity.erase("a"))
    assert not kept()
    disk.refused = ()
    site.write("c")
    site.compare(USERS)
    assert not kept()


def test_without_its_directory_the_engine_goes_on(site: Site) -> None:
    site.define("pro", PRO)
    site.write("a")
    for each in site.directory.iterdir():
        each.unlink()
    site.directory.rmdir()
    site.write(*MANY)
    assert unread_by(site.mapped)
    assert members(site) == [True, False, False, False]


def unread_by(reader: MappedMemberships) -> bool:
    """Whether a reader that is there leaves a question to the engine."""
    return outcome(reader.check("a", "pro")) is Why.TORN
