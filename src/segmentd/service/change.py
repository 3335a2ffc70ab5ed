"""What a commit does besides walking deadlines."""

from __future__ import annotations

from abc import ABC, abstractmethod

from segmentd.engine.catalogue import Catalogue
from segmentd.engine.stage import Stage
from segmentd.service.written import Written
from segmentd.storage import Store
from segmentd.times import Micros


class Change(ABC):
    """A change of what is stored. Where nothing follows from it and segments stay as they were, `write` is all."""

    @abstractmethod
    def write(self, store: Store, instant: Micros) -> Written:
        """Change database and columns, inside the transaction and after the walk; say which rows were written."""

    def judged(self, store: Store, stage: Stage, revision: int, instant: Micros) -> None:  # noqa: B027  (mostly nothing)
        """Add to the transaction what follows from the judged stage, besides the transitions."""

    def published(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue of the new revision; called under the lock, after COMMIT and with the new bits in place."""
        return catalogue
