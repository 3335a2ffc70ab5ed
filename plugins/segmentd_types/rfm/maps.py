"""Maps from scores to named groups. A map is a table of 125 cells, so its groups are disjoint and total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import AfterValidator, Field

from segmentd.api import Mask, Params

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

NEVER_PURCHASED: Final = "never purchased"
"""The group of those who have no order and so no scores; every map has it."""
OTHERS: Final = "Others"


def ascending(given: list[int]) -> list[int]:
    """Two scores, the lower first. Raises ValueError."""
    if given[0] > given[1]:
        raise ValueError("the lower score comes first")
    return given


def group_name(name: str) -> str:
    """A name that a map may give. Raises ValueError."""
    if name == NEVER_PURCHASED:
        raise ValueError(f"{NEVER_PURCHASED!r} is the group of those without an order")
    return name


GroupName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(group_name)]
ScoreRange = Annotated[
    list[Annotated[int, Field(ge=1, le=5)]], Field(min_length=2, max_length=2), AfterValidator(ascending)
]


class Group(Params):
    """A named group: closed ranges of scores, [lowest, highest]."""

    name: GroupName
    r: ScoreRange = Field([1, 5], description="Recency scores, 5 is the most recent.")
    f: ScoreRange = Field([1, 5], description="Frequency scores.")
    m: ScoreRange = Field([1, 5], description="Monetary scores.")


@dataclass(frozen=True, slots=True, eq=False)
class GroupMap:
    """Group numbers int64 (5, 5, 5) by the scores less 1, into `names`."""

    names: tuple[str, ...]
    cells: NDArray[np.int64]
    by_money: bool = True
    """Whether the monetary score matters; where not, it need not be computed."""

    def cells_of(self, wanted: Iterable[str]) -> Mask:
        """Which cells belong to one of these groups, bool (5, 5, 5)."""
        numbers = [self.names.index(name) for name in wanted if name in self.names]
        return np.isin(self.cells, numbers)


def from_groups(groups: Sequence[Group], otherwise: str = OTHERS) -> GroupMap:
    """The first group that fits a cell has it; `otherwise` has the rest."""
    names = tuple(dict.fromkeys([*(group.name for group in groups), otherwise]))
    cells = np.full((5, 5, 5), names.index(otherwise), dtype=np.int64)
    for group in reversed(groups):
        r, f, m = (slice(low - 1, high) for low, high in (group.r, group.f, group.m))
        cells[r, f, m] = names.index(group.name)
    return GroupMap(names, cells)


def from_grid(rows: Sequence[Sequence[str]]) -> GroupMap:
    """Rows R5 to R1, columns F1 to F5; the monetary score does not matter."""
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    plane = np.array([[names.index(name) for name in row] for row in rows], dtype=np.int64)[::-1]
    return GroupMap(names, np.repeat(plane[:, :, np.newaxis], 5, axis=2), by_money=False)


def _groups(text: str) -> list[Group]:
    """Lines of `name | r-r,f-f,m-m`."""
    groups = []
    for line in text.strip().splitlines():
        name, ranges = line.split("|")
        r, f, m = ([int(bound) for bound in part.split("-")] for part in ranges.strip().split(","))
        groups.append(Group(name=name.strip(), r=r, f=f, m=m))
    return groups


COMPATIBLE_GROUPS: Final = _groups("""
    Champions          | 5-5,5-5,5-5
    Potential Loyalist | 3-5,3-5,2-5
    Loyal Customers    | 2-4,2-4,2-4
    Promising          | 3-4,1-3,3-5
    New Customers      | 4-5,1-3,1-5
    Can't Lose Them    | 1-2,3-4,4-5
    At Risk            | 1-2,2-5,4-5
    Need Attention     | 1-3,3-5,3-5
    About To Sleep     | 2-3,1-3,1-4
    Lost               | 1-1,1-5,1-5
""")
"""The groups in the documentation of the R package rfm (rsquaredacademy/rfm), in the order of their matching."""

CLEVERTAP_GRID: Final = [
    ["New", "PotentialLoyalist", "PotentialLoyalist", "Champions", "Champions"],
    ["Promising", "PotentialLoyalist", "PotentialLoyalist", "Loyal", "Loyal"],
    ["AboutToSleep", "AboutToSleep", "NeedAttention", "Loyal", "Loyal"],
    ["Hibernating", "Hibernating", "AtRisk", "AtRisk", "CantLose"],
    ["Hibernating", "Hibernating", "AtRisk", "AtRisk", "CantLose"],
]
"""The common naming of the grid of R and F (docs.clevertap.com/rfm): rows R5 to R1, columns F1 to F5."""

COMPATIBLE: Final = from_groups(COMPATIBLE_GROUPS)
CLEVERTAP: Final = from_grid(CLEVERTAP_GRID)
