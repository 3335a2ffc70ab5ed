"""What segments learn from everybody, and when they learn it anew, as the oracle has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.engine.chronicle import means_of
from tests.movement.timeline import Timeline
from tests.movement.world import World

EVERY = 1_000_000
"""After how many microseconds a model with a schedule is learned anew."""


class Learning(Timeline):
    """Models by the attribute that they are learned from: the mean of those who have it, and how many these are."""

    def step(self) -> None:
        """A part of what is judged aside: deadlines are met before it."""
        if self.next_user > 1:
            self.tick()

    def refit_doubled(self, attributes: Sequence[str]) -> None:
        """Learn anew where the number of people has doubled; one switch each, in the order in which is looked."""
        for attribute in attributes:
            known = self._known(attribute)
            size = self.world.means[attribute][1] if attribute in self.world.means else 0
            if known and known >= 2 * size and attribute in self._learning():
                self.refit([attribute])

    def refit_scheduled(self) -> None:
        """Learn anew what has a schedule and is due; where there is nobody to learn from, at the next time."""
        due = []
        for attribute in self._learning(every=True) & self.world.means.keys():
            if max(self.fits[attribute], self.tried.get(attribute, self.fits[attribute])) + EVERY <= self.clock:
                self.tried[attribute] = self.clock
                due.append(attribute)
        self.refit(due)

    def refit(self, attributes: Collection[str]) -> None:
        """Learn these anew, where there is somebody to learn from."""
        means = self._means(attributes)
        if means:
            using = {name for name in self.world.segments if set(means) & self.world.learned_from(name)}
            self._again(using, means, "MODEL")

    def _learning(self, *, every: bool = False) -> set[str]:
        """The attributes that some segment learns from; with `every` those that are learned by a schedule."""
        leaves = [below for name in self.world.segments for key, below in self.world.leaves(name) if key == "richer"]
        return {below["attribute"] for below in leaves if "refit" in below or not every}

    def _known(self, attribute: str) -> int:
        return sum(attribute in person.attributes for person in self.world.people.values())

    def _learned(self, ahead: World, names: set[str]) -> dict[str, tuple[int, int]]:
        """What has to be learned before these and their dependants can be judged, where that is possible.

        What was learned for segments that are gone is learned anew.
        """
        wanted = {each for name in ahead.dependants(names) for each in ahead.learned_from(name)}
        return self._means(wanted - (ahead.means.keys() & self._learning()))

    def _means(self, attributes: Collection[str]) -> dict[str, tuple[int, int]]:
        return means_of([person.attributes for person in self.world.people.values()], attributes)

    def _again(self, names: set[str], means: dict[str, tuple[int, int]], cause: str) -> None:
        self.fits |= dict.fromkeys(means, self.now)
        self.step()
        ahead = self.world.copy()
        ahead.means |= means
        self._commit(ahead, {}, ahead.dependants(names), cause)
