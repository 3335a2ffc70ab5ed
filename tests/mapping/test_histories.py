"""Whatever happens to users, definitions and the process: a reader says what the engine says, or leaves it to it.

The histories are those of tests/movement; SEGMENTD_HISTORIES sets how many are tried.
"""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from tests.mapping.digests import of_few_values
from tests.mapping.full_disk import Disk
from tests.mapping.same_answers import compare, compare_known, outcome
from tests.movement.drawing import USERS
from tests.movement.machine import Movement

from segmentd.mapping.elsewhere import Why
from segmentd.mapping.hashing import Digest, default_digest
from segmentd.service.engine import Engine
from segmentd.service.mapped_memberships import MappedMemberships
from segmentd.service.mapped_publication import MappedPublication
from segmentd.service.memberships import Memberships

ASKED = int(os.environ.get("SEGMENTD_HISTORIES", "0"))
STEPS = int(os.environ.get("SEGMENTD_STEPS", "25"))


class Mapped(Movement):
    """A reader looks after every step."""

    digest: Digest = staticmethod(default_digest)
    _engine: Engine | None = None
    _mapped: MappedMemberships

    @invariant()
    def a_reader_says_what_the_engine_says(self) -> None:
        """Every user and segment, one by one and together."""
        engine = self.site.engine
        if engine is not self._engine:
            directory = self.folder / "mapped"
            MappedPublication(engine.live, engine.clock, directory, self.digest)
            self._engine, self._mapped = engine, MappedMemberships(directory, engine.clock, self.digest)
        self._ask(engine)

    def _ask(self, engine: Engine) -> None:
        compare(engine.live, Memberships(engine), self._mapped, engine.clock.now(), USERS)

    def _clock(self, by: int) -> None:
        super()._clock(by)
        self.site.engine.live.publication.set_clock(self.site.clock)


class Colliding(Mapped):
    """Four people have three hashes."""

    digest: Digest = staticmethod(of_few_values(3))

    def _ask(self, engine: Engine) -> None:
        compare_known(engine.live, Memberships(engine), self._mapped, USERS)


class Starved(Mapped):
    """The disk is full at times, for any of the files: then the reader leaves everything to the engine."""

    @rule(files=st.integers(0, 6))
    def so_many_files_fit(self, files: int) -> None:
        """And no more, until there is room again."""
        self._disk().left = files

    @rule()
    def there_is_room(self) -> None:
        """For as many files as are needed."""
        self._disk().left = None

    def _disk(self) -> Disk:
        if self._full is None:
            self._full = Disk(self.patch)
        return self._full

    _full: Disk | None = None

    def _ask(self, engine: Engine) -> None:
        publication = engine.live.publication
        publication.try_again()
        assert isinstance(publication, MappedPublication)
        if publication._suspended:
            assert self._disk().left == 0
            for user in USERS:
                assert {outcome(self._mapped.check(user, each)) for each in ("s", "t")} == {Why.TORN}
        else:
            super()._ask(engine)


TestMapped = Mapped.TestCase
TestMapped.settings = settings(max_examples=ASKED or max(settings().max_examples // 4, 1), stateful_step_count=STEPS)
TestColliding = Colliding.TestCase
TestColliding.settings = settings(
    max_examples=ASKED or max(settings().max_examples // 10, 1), stateful_step_count=STEPS
)
TestStarved = Starved.TestCase
TestStarved.settings = settings(max_examples=ASKED or max(settings().max_examples // 10, 1), stateful_step_count=STEPS)
