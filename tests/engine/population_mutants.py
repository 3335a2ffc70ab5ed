"""Faults planted in verdicts, views and event tables."""

from __future__ import annotations

from typing import Final

from tests.engine.mutant import Mutant

POPULATION: Final = (
    Mutant(
        "population/verdict.py",
        "earliest = np.minimum(self.holds_until, other.holds_until)",
        "earliest = np.maximum(self.holds_until, other.holds_until)",
        "a conjunction that is true is trusted until the last of its ends",
    ),
    Mutant(
        "population/verdict.py",
        "_unless(self.member, self.holds_until), _unless(other.member, other.holds_until)",
        "_unless(other.member, self.holds_until), _unless(self.member, other.holds_until)",
        "a false conjunction is trusted as long as its true operand",
    ),
    Mutant(
        "population/verdict.py",
        "return Verdict(~self.member, self.holds_until)",
        "return Verdict(~self.member, np.full_like(self.holds_until, FOREVER))",
        "NOT forgets until when it holds",
    ),
    Mutant(
        "population/views.py",
        "hidden = times > (at[0] if at.strides == (0,) else np.repeat(at, np.diff(offsets)))",
        "hidden = times >= (at[0] if at.strides == (0,) else np.repeat(at, np.diff(offsets)))",
        "an event at the instant itself is hidden",
    ),
    Mutant(
        "population/views.py",
        "np.minimum.at(self.first_hidden, rows[hidden], times[hidden])",
        "np.maximum.at(self.first_hidden, rows[hidden], times[hidden])",
        "nobody notes when a hidden event appears",
    ),
    Mutant(
        "population/event_table.py",
        'np.searchsorted(self._times[start : start + length], time, side="right"))',
        "length)",
        "events stand in order of arrival instead of time",
    ),
    Mutant(
        "population/event_table.py",
        "data[new : new + length] = data[old : old + length]",
        "data[new : new + length - 1] = data[old : old + length - 1]",
        "a row that moves to a larger room leaves its last event behind",
    ),
    Mutant(
        "population/one_verdict.py",
        "return deciding, latest",
        "return deciding, earliest",
        "one by one, a decided answer is trusted as long as the operands that do not decide",
    ),
)
