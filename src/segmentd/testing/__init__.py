"""For the tests of plugins: users from plain values, and the kit that tries the contract on a type."""

from segmentd.population.build import GivenEvent, GivenUser
from segmentd.testing.given import event, instant, population, user
from segmentd.testing.judge import fit, judge
from segmentd.testing.kit import check_segment_type
from segmentd.testing.trial import Oracle

__all__ = [
    "GivenEvent",
    "GivenUser",
    "Oracle",
    "check_segment_type",
    "event",
    "fit",
    "instant",
    "judge",
    "population",
    "user",
]
