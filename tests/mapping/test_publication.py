"""What the engine publishes reaches the mapped files with the very revision, whatever it is."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.mapping.same_answers import outcome, run
from tests.mapping.site import PRO, Site
from tests.service.opened import opened

from segmentd.engine.catalogue import State
from segmentd.engine.judging import EvaluationFailed, Pass
from segmentd.engine.memberships import BLOCK
from segmentd.engine.plan import Plan
from segmentd.engine.stage import Stage
from segmentd.mapping.elsewhere import Elsewhere, Why
from segmentd.mapping.hashing import default_digest
from segmentd.population.verdict import Verdict
from segmentd.service.items import EventWrite
from segmentd.service.merging import UserMerge
from segmentd.service.publication import Publication
from segmentd.service.segment_info import SegmentSpec
from segmentd.service.united import Precedence
from segmentd.times import DAY, Micros

USERS = ("a", "b", "c", "d")
RECENT: Any = {"behavioral": {"event": "Buy", "within": "7d", "count": {"at_least": 1}}}
BEST: Any = {"rfm": {"segment": ["Champions"]}}


def files(site: Site, kind: str) -> set[str]:
    """The files of one kind."""
    return {each.name for each in site.directory.iterdir() if each.name.startswith(kind)}


def test_without_workers_nothing_is_mapped(tmp_path: Path) -> None:
    service = opened(tmp_path / "test.db")
    try:
        live = service._engine.live
        assert type(live.publication) is Publication
        assert live.memberships.words.base is None
        assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == []
    finally:
        service.close()


def test_what_was_there_before_is_published_too(tmp_path: Path) -> None:
    first = Site(tmp_path)
    first.define("pro")
    first.write(*USERS)
    first.do(first.service.identity.merge([UserMerge("a", "b", Precedence.LATEST_WINS)]))
    first.do(first.service.identity.erase("c"))
    first.compare(USERS)
    first.service.close()
    second = Site(tmp_path)
    second.compare(USERS)
    assert second.mapped.check_now("a", "pro").member
    second.service.close()


def test_many_users_at_once(site: Site) -> None:
    site.define("pro")
    before = {kind: files(site, kind) for kind in ("words", "horizons", "index")}
    site.write("a", *(f"more-{number}" for number in range(BLOCK + 1)))
    assert all(files(site, kind).isdisjoint(names) for kind, names in before.items())
    site.compare([*USERS, "more-0", "more-1", f"more-{BLOCK - 1}", f"more-{BLOCK}"])
    site.write("b")
    site.compare(USERS)


def test_more_segments_than_a_word_has_bits(site: Site) -> None:
    site.write("a", "b")
    site.engine.live.memberships._free[:] = [1, 0]
    for number in range(3):
        site.define(f"pro-{number}")
    assert site.engine.live.memberships.words.shape[1] == 2
    site.write("c")
    site.compare(USERS)


def test_segments_as_they_stand(site: Site) -> None:
    site.write("a")
    site.define("pro")
    site.define("same", {"segment": "pro"})
    spec = SegmentSpec("pro", name="Paying", labels={"team": "growth"}, rule=PRO)
    site.do(site.service.segments.update(spec, {"name", "labels"}, "", "", ""))
    site.compare(USERS)
    with pytest.raises(Elsewhere):
        run(site.mapped.user_segments("a", {}, "", 10, with_leaves=True))
    found = run(site.mapped.user_segments("a", {"team": "growth"}, "", 10, with_leaves=False))
    assert [(plan.segment_id, spec.name) for plan, spec in found.members] == [("pro", "Paying")]
    site.do(site.service.segments.archive("same", ""))
    site.compare(USERS)
    assert outcome(site.mapped.check("a", "same"))[1] == "SEGMENT_ARCHIVED"
    site.do(site.service.segments.delete("same"))
    site.compare(USERS)
    assert outcome(site.mapped.check("a", "same"))[1] == "SEGMENT_NOT_FOUND"


def test_segments_that_wait_say_so_and_answers_name_their_models(site: Site) -> None:
    site.define("best", BEST)
    site.define("not-best", {"not": {"segment": "best"}})
    site.write("a")
    assert site.engine.live.catalogue.entries["best"].state is State.PENDING
    site.compare(USERS)
    now, versions = site.engine.clock.now(), []
    for number, user in enumerate(USERS):
        order = EventWrite(user, "Order Completed", user, now, {"revenue": 10 * number, "order_id": user})
        site.do(site.service.profiles.ingest([order]))
        site.do(site.service.segments.refit("best"))
        site.compare(USERS)
        versions.append([each.version for each in site.mapped.check_now("a", "not-best").models])
    assert all(first < second for first, second in pairwise(versions))


def test_segments_that_fail_say_why(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.define("pro")
    site.define("same", {"segment": "pro"})
    site.write("a")
    pro = site.engine.live.catalogue.entries["pro"].plan
    verdict = Pass.verdict

    def fails(self: Pass, plan: Plan) -> Verdict:
        if plan is pro:
            raise EvaluationFailed(plan, ValueError("planned"))
        return verdict(self, plan)

    monkeypatch.setattr(Pass, "verdict", fails)
    site.write(*(f"more-{number}" for number in range(100)))
    assert {each.state for each in site.engine.live.catalogue.entries.values()} == {State.FAILED}
    site.compare(USERS)


def test_a_frozen_clock_and_who_is_overdue(site: Site) -> None:
    site.define("recent", RECENT)
    now = site.engine.clock.now()
    site.do(site.service.profiles.ingest([EventWrite("a", "Buy", "1", now), EventWrite("b", "Buy", "2", now)]))
    site.compare(USERS)
    site.do(site.service.advance_clock(by=Micros(DAY)))
    assert site.mapped.check_now("a", "recent").at == now + DAY
    site.compare(USERS)
    site.do(site.service.advance_clock(by=Micros(7 * DAY)))
    assert not site.mapped.check_now("a", "recent").member
    site.compare(USERS)


def test_a_revision_that_is_not_there_yet(site: Site) -> None:
    site.write("a")
    revision = site.engine.live.revision
    run(site.mapped.at_least(revision))
    with pytest.raises(Elsewhere) as elsewhere:
        run(site.mapped.at_least(revision + 1))
    assert elsewhere.value.why is Why.REVISION


def test_nothing_is_left_of_an_erased_user(site: Site) -> None:
    site.define("pro")
    site.write(*USERS)
    site.do(site.service.identity.merge([UserMerge("a", "b", Precedence.LATEST_WINS)]))
    seed = site.mapped._reader._seed
    prints = {user: default_digest(user.encode(), seed)[:8] for user in USERS}

    def kept() -> set[str]:
        content = b"".join((site.directory / name).read_bytes() for name in files(site, "index"))
        return {user for user, each in prints.items() if each in content}

    assert kept() == set(USERS)
    site.do(site.service.identity.erase("b"))
    assert kept() == {"c", "d"}
    site.compare(USERS)


def test_after_a_start_from_disk_everything_is_published_anew(site: Site) -> None:
    site.define("pro")
    site.write(*USERS)
    site.do(site.service.identity.erase("a"))
    site.engine.thread.call(site.engine.recover).result()
    assert site.engine.live.users.index == {"b": 0, "c": 1, "d": 2}
    site.compare(USERS)
    site.write("e")
    site.compare([*USERS, "e"])


def test_readers_wait_for_an_engine_that_failed_while_it_published(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.define("pro")
    site.write("a")
    seen: list[object] = []
    publish, recover = Stage.publish, site.engine.recover

    def fails(self: Stage, total: int) -> None:
        publish(self, total)
        raise RuntimeError("planned")

    def recovers() -> None:
        seen.append(outcome(site.mapped.check("a", "pro")))
        monkeypatch.setattr(Stage, "publish", publish)
        recover()

    monkeypatch.setattr(Stage, "publish", fails)
    monkeypatch.setattr(site.engine, "recover", recovers)
    with pytest.raises(RuntimeError, match="planned"):
        site.write("a", "b", plan="free")
    site.do(site.service.status())
    assert seen == [Why.TORN]
    site.compare(USERS)


def test_the_directory_goes_with_the_service(site: Site, tmp_path: Path) -> None:
    other = opened(tmp_path / "other.db")
    other.map_to(tmp_path / "other")
    assert (tmp_path / "other").is_dir()
    other.close()
    assert not (tmp_path / "other").exists()


def test_slots_are_cleared_before_another_segment_has_them(site: Site) -> None:
    site.write("a")
    site.define("pro")
    site.do(site.service.segments.delete("pro"))
    site.define("nobody", {"attribute": {"plan": {"equals": "none"}}})
    assert not site.mapped.check_now("a", "nobody").member
    site.compare(USERS)
    assert site.engine.live.memberships.counts.sum() == 0
