"""The engine's thread: questions hold up neither deadlines nor edits, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from segmentd.errors import MovesWait, Unavailable
from segmentd.service.engine_thread import EngineThread, Outcome
from segmentd.times import FOREVER, FrozenClock, Micros


class Machine:
    """Counts what it is asked to do."""

    def __init__(self, deadline: int = FOREVER) -> None:
        self.deadline = deadline
        self.ticks = self.closed = 0

    def write_group(self, items: Sequence[Any]) -> Outcome:
        return Outcome([], 0)

    def step(self) -> None:
        self.ticks += 1

    def next_deadline(self) -> int:
        return self.deadline

    def recover(self) -> None:
        raise AssertionError

    def close(self) -> None:
        self.closed += 1


class Wave(Machine):
    """Has moves to make at 5 that take some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(deadline=5)
        self._steps = steps

    def step(self) -> None:
        super().step()
        if self.ticks == self._steps:
            self.deadline = FOREVER


def test_questions_without_end_do_not_hold_up_a_deadline() -> None:
    machine = Wave(steps=2)
    thread = EngineThread(machine, FrozenClock(Micros(10)))
    seen = [thread.call(lambda: machine.ticks) for _ in range(200)]
    thread.start()
    answers = [each.result() for each in seen]
    thread.stop()
    assert answers == sorted(answers)
    assert (answers[0], answers[-1]) == (0, 2)


def test_a_question_waits_for_one_step_of_a_wave_and_a_write_for_the_whole_wave() -> None:
    machine = Wave(steps=5)
    thread = EngineThread(machine, FrozenClock(Micros(10)))
    asked: list[int] = []
    machine_step = machine.step

    def step_and_ask() -> None:
        machine_step()
        thread.call(lambda: asked.append(machine.ticks))

    machine.step = step_and_ask  # type: ignore[method-assign]  # a question comes in each step
    written = thread.change(lambda: (machine.ticks, list(asked)))
    thread.start()
    assert written.result() == (5, [1, 2, 3, 4, 5])
    thread.stop()


class Stream(Machine):
    """Has a move to make at every instant, and each takes so long that others are due by then."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(deadline=0)
        self._clock = clock

    def step(self) -> None:
        super().step()
        self.deadline = self._clock.now() + 1
        self._clock.move_to(Micros(self._clock.now() + 3))


def test_deadlines_without_end_do_not_hold_up_writes_and_edits() -> None:
    clock = FrozenClock(Micros(10))
    machine = Stream(clock)
    thread = EngineThread(machine, clock)

    def steps() -> Generator[None, None, int]:
        yield
        return machine.ticks

    edited, written = thread.background(steps()), [thread.change(lambda: machine.ticks) for _ in range(3)]
    thread.start()
    assert [each.result(30) for each in written] == [2, 3, 4]
    assert edited.result(30) <= 4
    thread.stop()


def test_questions_without_end_do_not_hold_up_an_edit() -> None:
    made: list[int] = []

    def steps() -> Generator[None, None, str]:
        for step in range(3):
            made.append(step)
            yield
        return "done"

    thread = EngineThread(Machine(), FrozenClock(Micros(10)))
    task = thread.background(steps())
    seen = [thread.call(lambda: len(made)) for _ in range(400)]
    thread.start()
    answers = [each.result() for each in seen]
    assert (answers[0], answers[-1]) == (0, 3)
    assert task.result() == "done"
    thread.stop()


def test_what_was_cancelled_before_its_turn_is_left_out() -> None:
    machine = Machine()
    thread = EngineThread(machine, FrozenClock(Micros(10)))
    called, written = thread.call(lambda: 1), thread.write([])
    assert called.cancel()
    assert written.cancel()
    after = thread.write([])
    thread.start()
    assert after.result().revision == 0
    thread.stop()
    assert machine.closed == 1


def test_nothing_is_taken_on_once_it_stops() -> None:
    thread = EngineThread(Machine(), FrozenClock(Micros(10)))
    thread.start()
    thread.stop()
    for refused in (lambda: thread.call(int), lambda: thread.write([]), lambda: thread.background(iter(()))):  # type: ignore[arg-type]  # never begun
        with pytest.raises(Unavailable):
            refused()


def test_who_waits_when_it_stops_is_told() -> None:
    def endless() -> Generator[None, None, int]:
        while True:
            yield

    thread = EngineThread(Machine(), FrozenClock(Micros(10)))
    task = thread.background(endless())
    thread.start()
    thread.stop()
    with pytest.raises(Unavailable):
        task.result()


class SetBack(FrozenClock):
    """A clock that somebody sets back."""

    def set_back(self, to: int) -> None:
        self._now = Micros(to)


def test_a_clock_that_is_set_back_during_a_step_holds_up_no_write() -> None:
    clock = SetBack(Micros(10))
    machine = Machine(deadline=5)
    machine.step = lambda: clock.set_back(3)  # type: ignore[method-assign]  # and nothing is due any more
    thread = EngineThread(machine, clock)
    written = thread.change(lambda: "written")
    thread.start()
    assert written.result(30) == "written"
    thread.stop()


def test_a_refusal_because_moves_wait_for_room_loads_nothing_anew() -> None:
    def refuse(items: Sequence[Any] = ()) -> Outcome:
        raise MovesWait("the disk is full")

    machine = Machine()  # it would not survive `recover`
    machine.write_group = refuse  # type: ignore[method-assign]
    thread = EngineThread(machine, FrozenClock(Micros(10)))
    refused = thread.change(refuse), thread.write([])
    thread.start()
    for each in refused:
        with pytest.raises(MovesWait):
            each.result(30)
    assert thread.call(lambda: "goes on").result(30) == "goes on"
    thread.stop()
