"""For the tests of plugins: users, changes and batches from plain values, and kits that try the contracts."""

from segmentd.population.build import GivenEvent, GivenUser
from segmentd.testing.consuming import batch, change, check_consumer
from segmentd.testing.given import event, instant, population, user
from segmentd.testing.judge import fit, judge
from segmentd.testing.kit import check_segment_type
from segmentd.testing.trial import Oracle

__all__ = [
    "GivenEvent",
    "GivenUser",
    "Oracle",
    "batch",
    "change",
    "check_consumer",
    "check_segment_type",
    "event",
    "fit",
    "instant",
    "judge",
    "population",
    "user",
]
