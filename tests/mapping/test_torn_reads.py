"""What is read while the engine publishes is read again; where that never ends, the engine answers."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mapping.digests import of_few_values
from tests.mapping.page import Page, reader_of

from segmentd.mapping import head, index, reader, view
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.mapping.reader import Reader
from segmentd.times import FOREVER

Asking = Callable[[Reader[int, str]], object]
ASKINGS: dict[str, Asking] = {
    "check": lambda each: each.check("u", "s"),
    "see": lambda each: each.see(["u", "v"]),
    "revision": lambda each: each.revision,
    "refresh": lambda each: each.refresh(),
}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """One member, "u", is published. Nobody sleeps."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    page = Page(tmp_path / "mapped")
    page.add("u", member=True)
    page.publish()
    return page


def meanwhile(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[int], None]) -> None:
    """Something happens each time when a reader has looked into the index; it is told how often that was before."""
    original: Callable[..., Any] = getattr(index, name)
    looks = 0

    def looking(*arguments: Any) -> Any:
        nonlocal looks
        found = original(*arguments)
        looks += 1
        happens(looks - 1)
        return found

    monkeypatch.setattr(reader, name, looking)


def once(happens: Callable[[], None]) -> Callable[[int], None]:
    """The first time only."""
    return lambda times: happens() if times == 0 else None


@pytest.mark.parametrize("name", ASKINGS)
def test_nobody_reads_while_the_engine_publishes_or_after_it_died_there(page: Page, name: str) -> None:
    found = reader_of(page.publisher.directory)
    page.begin()
    with pytest.raises(Elsewhere) as torn:
        ASKINGS[name](found)
    assert torn.value.why is Why.TORN
    page.begin()  # who starts again from disk begins again
    page.publish()
    ASKINGS[name](found)


@pytest.mark.parametrize("name", ASKINGS)
def test_a_publication_that_does_not_end_is_waited_for_once(
    page: Page, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, slept = reader_of(page.publisher.directory), list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    for _ in range(2):  # each publication by itself
        page.begin()
        with pytest.raises(Elsewhere):
            found.check("u", "s")
        waited = len(slept)
        assert waited > 0
        with pytest.raises(Elsewhere):
            ASKINGS[name](found)
        assert len(slept) == waited
        slept.clear()
        page.publish()
        assert found.check("u", "s")[1] == page.revision


@pytest.mark.parametrize("name", ASKINGS)
def test_a_reader_that_comes_while_nothing_is_published_reads_what_comes_then(page: Page, name: str) -> None:
    page.begin()
    found = reader_of(page.publisher.directory)
    with pytest.raises(Elsewhere) as torn:
        ASKINGS[name](found)
    assert torn.value.why is Why.TORN
    page.publish()
    ASKINGS[name](found)
    assert found.check("u", "s")[:2] == (True, page.revision)


def refresh_in_vain(found: Reader[int, str]) -> None:
    """While a publication is under way."""
    with pytest.raises(Elsewhere) as torn:
        found.refresh()
    assert torn.value.why is Why.TORN


def test_files_are_given_up_where_a_publication_does_not_end(page: Page) -> None:
    found = reader_of(page.publisher.directory)
    assert found._view.words.size == 64
    page.begin()
    refresh_in_vain(found)
    refresh_in_vain(found)
    assert found._view.words.size == 1
    page.publish()
    assert found.check("u", "s")[0]


def test_files_stay_mapped_where_publications_are_slow(page: Page) -> None:
    found = reader_of(page.publisher.directory)
    mapped = found._view
    for _ in range(3):  # each publication is another
        page.begin()
        with pytest.raises(Elsewhere):
            found.check("u", "s")
        refresh_in_vain(found)
        page.publish()
        assert found.check("u", "s")[:2] == (True, page.revision)
    page.begin()
    refresh_in_vain(found)
    page.publish()
    found.refresh()
    page.begin()
    refresh_in_vain(found)
    assert found._view is mapped


@pytest.mark.parametrize("name", ["check", "see", "refresh"])
@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOMEM])
@pytest.mark.parametrize("failing", ["read_manifest", "map_array", "read_segments"])
def test_files_that_cannot_be_mapped_leave_all_to_the_engine(
    page: Page, monkeypatch: pytest.MonkeyPatch, name: str, code: int, failing: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    found = reader_of(page.publisher.directory)
    page.grow()
    page.publish()
    with monkeypatch.context() as patch:
        patch.setattr(view, failing, fails)
        for each in (found, reader_of(page.publisher.directory)):
            with pytest.raises(Elsewhere) as unmapped:
                ASKINGS[name](each)
            assert unmapped.value.why is Why.UNMAPPED
    assert found.check("u", "s")[:2] == (True, page.revision)


def test_a_check_that_is_overtaken_is_of_the_later_revision(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    found = reader_of(page.publisher.directory)

    def leaves() -> None:
        page.words[0, 0] = 0
        page.publish()

    before = page.revision
    meanwhile(monkeypatch, "find", once(leaves))
    assert found.check("u", "s") == (False, before + 1, 100, FOREVER, True, "s")


@pytest.mark.parametrize(("name", "asking"), [("find", "check"), ("find_many", "see")])
def test_who_is_overtaken_again_and_again_asks_the_engine(
    page: Page, monkeypatch: pytest.MonkeyPatch, name: str, asking: str
) -> None:
    found = reader_of(page.publisher.directory)

    def changes(_: int) -> None:
        page.publisher.lead([], 0)
        page.publish()

    meanwhile(monkeypatch, name, changes)
    with pytest.raises(Elsewhere) as torn:
        ASKINGS[asking](found)
    assert torn.value.why is Why.TORN


def _another(page: Page) -> None:
    page.add("v", member=True)


def _moves(page: Page) -> None:
    page.publisher.lead(["u"], page.add("w", member=False))


def _forgotten(page: Page) -> None:
    page.publisher.forget(["u"])


def _grows(page: Page) -> None:
    page.grow()
    for number in range(70):
        page.add(f"more-{number}", member=False)


CHANGES: dict[str, tuple[Callable[[Page], None], list[int], list[int]]] = {
    "nothing": (lambda _: None, [0, -1], [1, 0]),
    "a user comes": (_another, [0, 1], [1, 1]),
    "an id leads to another row": (_moves, [1, -1], [0, 0]),
    "an id leads nowhere": (_forgotten, [-1, -1], [0, 0]),
    "the arrays grow": (_grows, [0, -1], [1, 0]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_batch_that_is_overtaken_is_of_the_later_revision(
    page: Page, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, rows, bits = CHANGES[name]
    found, before = reader_of(page.publisher.directory), page.revision

    def changes() -> None:
        change(page)
        page.publish()

    meanwhile(monkeypatch, "find_many", once(changes))
    answers = found.see(["u", "v"])
    assert answers.revision == before + 1
    assert answers.rows.tolist() == rows
    assert answers.words[:, 0].tolist() == bits
    checks = [found.check(user, "s") for user in ("u", "v")]
    assert [check[0] for check in checks] == [bool(bit) for bit in bits]


def test_what_was_found_stands_if_only_others_changed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    found, looks = reader_of(page.publisher.directory), []

    def changes(times: int) -> None:
        looks.append(times)
        page.publish()

    meanwhile(monkeypatch, "find_many", changes)
    assert found.see(["u"]).revision == page.revision
    assert looks == [0]


def test_a_user_is_nobody_until_the_row_is_published(page: Page) -> None:
    found = reader_of(page.publisher.directory)
    page.add("v", member=True)
    assert found.check("v", "s") == (False, page.revision, 100, FOREVER, False, None)
    assert found.see(["v"]).rows.tolist() == [-1]
    page.publish()
    assert found.check("v", "s") == (True, page.revision, 100, FOREVER, True, "s")


def test_a_head_that_is_torn_may_tell_of_more_rows_than_are_mapped(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    found = reader_of(page.publisher.directory)
    page.publisher.enter(["far"], np.array([1_000]))
    original = head.read_head
    torn: list[int] = []

    def read(words: memoryview) -> tuple[int, ...]:
        sequence, generation, revision, instant, frozen, _, epoch = original(words)
        if len(torn) < 2:
            torn.append(sequence)
            return sequence - 2, generation, revision, instant, frozen, 10_000, epoch
        return sequence, generation, revision, instant, frozen, page.rows, epoch

    monkeypatch.setattr(reader, "read_head", read)
    assert not found.check("far", "s")[4]
    torn.clear()
    assert found.see(["far"]).rows.tolist() == [-1]


def test_files_that_are_replaced_while_they_are_looked_for_are_looked_for_again(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = reader_of(page.publisher.directory)
    original, times = view.map_view, 0

    def mapping(*arguments: Any) -> Any:
        nonlocal times
        times += 1
        if times < 3:
            page.grow()
            page.publish()
        return original(*arguments)

    monkeypatch.setattr(reader, "map_view", mapping)
    page.grow()
    page.publish()
    assert found.check("u", "s")[:2] == (True, page.revision)
    assert times == 3


def test_ids_that_share_a_hash_are_left_to_the_engine(tmp_path: Path) -> None:
    digest = of_few_values(1)
    page = Page(tmp_path / "mapped", digest)
    page.add("u", member=True)
    page.publish()
    found = reader_of(page.publisher.directory, digest)
    assert found.check("u", "s")[0]
    page.add("v", member=False)
    page.publish()
    for user in ("u", "v"):
        with pytest.raises(Elsewhere) as elsewhere:
            found.check(user, "s")
        assert elsewhere.value.why is Why.COLLISION
    with pytest.raises(Elsewhere):
        found.see(["u"])
    page.publisher.forget(["u"])
    page.publisher.forget(["v"])
    page.publish()
    assert not found.check("u", "s")[4]


def test_only_a_user_whose_own_horizon_has_passed_is_left_to_the_engine(page: Page) -> None:
    found = reader_of(page.publisher.directory)
    page.horizons[page.add("v", member=True)] = 101
    page.publish()
    assert found.check("v", "s") == (True, page.revision, 100, 101, True, "s")
    page.publisher.freeze(101)
    for asking in (lambda: found.check("v", "s"), lambda: found.see(["u", "v"])):
        with pytest.raises(Elsewhere) as elsewhere:
            asking()
        assert elsewhere.value.why is Why.OVERDUE
    assert found.check("u", "s")[0]
    assert found.see(["u", "x"]).at == 101


def test_time_is_that_of_a_frozen_clock_else_the_wall_and_never_before_the_last_revision(page: Page) -> None:
    found = reader_of(page.publisher.directory)
    page.publisher.freeze(1)
    assert found.check("u", "s")[2] == page.revision
    page.publisher.freeze(None)
    assert found.check("u", "s")[2] == page.revision  # the wall stands at 0 here
    page.publisher.freeze(50)
    assert found.check("u", "s")[2] == 50


def test_where_loads_may_change_places_they_are_fenced(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (head, reader):
        monkeypatch.setattr(module, "WEAK_ORDER", True)
    found = reader_of(page.publisher.directory)
    page.publish()
    assert found.check("u", "s")[:2] == (True, page.revision)
    assert found.see(["u"]).revision == page.revision


def test_another_format_is_refused(page: Page) -> None:
    path = page.publisher.directory / head.NAME
    content = bytearray(path.read_bytes())
    content[8 * head._MAGIC] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="format"):
        reader_of(page.publisher.directory)
