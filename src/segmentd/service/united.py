"""Two profiles made one, by a stated precedence."""

from __future__ import annotations

from enum import StrEnum

from segmentd.population.kinds import Json
from segmentd.service.profile_drafts import Draft, date_undated, differs
from segmentd.times import Micros


class Precedence(StrEnum):
    """Whose attribute counts where both profiles have one."""

    SURVIVOR_WINS = "survivor_wins"
    LATEST_WINS = "latest_wins"


def unite(into: Draft, absorbed: Draft, precedence: Precedence, now: Micros) -> None:
    """Bring the attributes of `absorbed` into a draft; the earlier creation counts. What is derived is left as it is.

    SURVIVOR_WINS: those that `into` does not have. LATEST_WINS: those written later, be it that they were removed;
    at equal times the survivor's.
    """
    date_undated(into)
    date_undated(absorbed)
    before = dict(into.given)
    for name in absorbed.given.keys() | absorbed.times.keys():
        if precedence is Precedence.SURVIVOR_WINS:
            wins = name not in into.given and name in absorbed.given
        else:
            wins = name not in into.times or absorbed.times[name] > into.times[name]
        if wins:
            _take(into, absorbed, name)
    into.create_time = min(into.create_time, absorbed.create_time)
    into.touched = True
    if _changed(before, into.given):
        into.update_time = now


def _take(into: Draft, absorbed: Draft, name: str) -> None:
    into.times[name] = absorbed.times[name]
    if name in absorbed.given:
        into.given[name] = absorbed.given[name]
    else:
        into.given.pop(name, None)


def _changed(before: dict[str, Json], after: dict[str, Json]) -> bool:
    return any(differs(before.get(name), after.get(name)) for name in before.keys() | after.keys())
