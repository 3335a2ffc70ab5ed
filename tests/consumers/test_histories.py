"""Random histories of moves, failures and restarts, compared with the log: nothing lost, nothing double, in order."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.consumers.listening import Listener, define, listened, set_flags, settle

from segmentd.api import Batch, Refused, Retries, TryAgain
from segmentd.records import Position

FAILURES: dict[str, Callable[[], Exception]] = {
    "later": lambda: TryAgain("later"),
    "refused": lambda: Refused("never"),
    "broken": lambda: RuntimeError("oops"),
}
STEP = st.one_of(
    st.tuples(st.just("move"), st.integers(1, 4)),
    st.tuples(st.just("fail"), st.lists(st.sampled_from(sorted(FAILURES)), min_size=1, max_size=4)),
    st.just(("restart", None)),
    st.just(("replay", None)),
)


def places(batches: list[Batch]) -> list[tuple[int, str, bool]]:
    return [(each.revision, each.user_id, each.entered) for batch in batches for each in batch.changes]


@given(st.lists(STEP, max_size=12), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=25)
def test_what_was_delivered_and_what_is_a_dead_letter_is_the_log(steps: list, size: int, attempts: int) -> None:  # type: ignore[type-arg]
    async def history(folder: Path) -> None:
        crm = Listener("crm", batch_size=size, retries=Retries(attempts=attempts))
        service = listened(folder / "db", crm)
        arrived: list[Batch] = []
        replayed: list[tuple[int, str, bool]] = []
        user = 0
        await define(service, "vip")
        for step, what in steps:
            if step == "move":
                for _ in range(what):
                    user += 1
                    # Who enters leaves again with the next move, so that there are moves of both kinds.
                    await set_flags(service, f"u{user // 2}", vip=user % 2 == 0)
            elif step == "fail":
                crm.script += [FAILURES[each]() for each in what]
            settle(service, "crm")
            arrived += [crm.batches.get_nowait() for _ in range(crm.batches.qsize())]
            if step == "replay":
                crm.script.clear()
                await service.consumers.replay("crm", None)
                again = [crm.batches.get_nowait() for _ in range(crm.batches.qsize())]
                replayed += places(again)
            if step == "restart":
                service.close()
                crm = Listener("crm", *crm.script, batch_size=size, retries=Retries(attempts=attempts))
                service = listened(folder / "db", crm)
        settle(service, "crm")
        arrived += [crm.batches.get_nowait() for _ in range(crm.batches.qsize())]
        letters, _ = await service.consumers.dead_letters("crm", 0, 1_000)
        dead = [
            (move.logged.revision, move.user_id, move.logged.transition.entered)
            for letter in letters
            for move in letter.changes
        ]
        logged = service._engine.thread.call(
            lambda: service._engine.store.transitions(Position(0, -1), 10_000)
        ).result()
        names = service._engine.live.users.user_ids
        wanted = [(each.revision, names[each.transition.user_key - 1], each.transition.entered) for each in logged]
        assert places(arrived) == sorted(places(arrived))
        assert sorted(places(arrived) + replayed + dead) == wanted
        service.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(history(Path(folder)))
