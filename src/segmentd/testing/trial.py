"""One condition on some users: what the rules of the contract are tried on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from segmentd.plugins.segment_type import Model, Reads, SegmentType
from segmentd.population.build import GivenUser
from segmentd.population.guard import GuardedPopulation
from segmentd.testing.judge import cut
from segmentd.times import Instants, Micros, format_instant

if TYPE_CHECKING:
    from segmentd.population.dataset import Dataset
    from segmentd.population.kinds import Json
    from segmentd.population.verdict import Verdict
    from segmentd.population.views import UsersView

Oracle: TypeAlias = Callable[[Any, Model | None, GivenUser, Micros], bool]
"""Whether a user is a member, slowly and obviously: (params, model, user, at).

The user has only the events visible at that instant, oldest first, equal times in order of arrival.
"""
Positions: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Cohort:
    """Users as plain values and as columns; user i is row i and is judged at `at[i]`."""

    name: str
    users: tuple[GivenUser, ...]
    dataset: Dataset
    at: Instants

    @cached_property
    def rows(self) -> Positions:
        """All rows, int64 (n,)."""
        return np.arange(len(self.users))

    def everyone(self) -> UsersView:
        """All users, each at its own instant."""
        return self.dataset.view(self.rows, self.at)


@dataclass(frozen=True)
class Trial:
    """Judges, and complains with the type, the parameters, the rule and the row."""

    segment_type: SegmentType[Any]
    example: Json
    params: Any
    reads: Reads
    cohort: Cohort
    model: Model | None
    oracle: Oracle | None

    def verdict(self, rule: str, rows: Positions | slice, at: Instants) -> Verdict:
        """What `evaluate` returns, unchanged; an exception or a warning breaks `rule`."""
        users = self.cohort.dataset.view(rows, at)
        judge = partial(self.segment_type.evaluate, self.params, self.model, self.locked(users), at)
        return cast("Verdict", self.guard(rule, judge))

    def kept(self, rule: str, rows: Positions, at: Instants) -> Verdict:
        """The verdict as the engine keeps it: cut where a hidden event appears."""
        users = self.cohort.dataset.view(rows, at)
        return cut(self.segment_type, self.params, users, self.verdict(rule, rows, at))

    def locked(self, users: UsersView) -> GuardedPopulation:
        """The population with everything locked that `reads` did not declare."""
        return GuardedPopulation(users, self.reads, self.segment_type.name)

    def guard(self, rule: str, call: Callable[[], Any]) -> Any:
        """The result of `call`; whatever it raises or warns of breaks `rule`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return call()
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            self.broken(rule, f"{type(error).__name__}: {error}", cause=error)

    def broken(
        self,
        rule: str,
        detail: str,
        row: int | None = None,
        at: int | None = None,
        cause: Exception | None = None,
    ) -> NoReturn:
        """Raise the AssertionError that names the rule, the parameters, and the row."""
        name, cohort = self.segment_type.name, self.cohort.name
        where = f"{name} breaks the rule '{rule}' with {self.example!r} ({cohort})"
        if row is not None:
            when = format_instant(Micros(int(self.cohort.at[row] if at is None else at)))
            where += f", row {row} at {when}: {self.cohort.users[row]!r}"
        raise AssertionError(f"{where}: {detail}") from cause

    def all_equal(self, rule: str, ours: Verdict, expected: Verdict, rows: Positions, detail: str) -> None:
        """Break `rule` at the first row where two verdicts differ."""
        for name in ("member", "holds_until"):
            different = np.flatnonzero(getattr(ours, name) != getattr(expected, name))
            if len(different):
                first = int(different[0])
                now, then = getattr(ours, name)[first], getattr(expected, name)[first]
                self.broken(rule, f"{name} is {now} {detail}, and {then} with all", int(rows[first]))


def frozen_copy(array: NDArray[np.int64]) -> Instants:
    """A copy that cannot be written."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy
