"""Collects every fault of a request, so that its sender learns all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segmentd import limits
from segmentd.errors import FieldViolation, InvalidInput


class Faults:
    """The faults found so far. Each method returns what it checked; `raise_any` ends the check."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.found: list[FieldViolation] = []

    def add(self, field: str, fault: str | None) -> None:
        """Notes a fault of `field`; None is no fault."""
        if fault is not None:
            self.found.append(FieldViolation(self._prefix + field, fault))

    def raise_any(self) -> None:
        """Raises InvalidInput with all faults, where there are any."""
        if self.found:
            raise InvalidInput(self.found)

    def id(self, text: str, field: str) -> str:
        """A user id, segment id, event name or the like; required."""
        fault = limits.id_fault(text)
        if fault is not None:
            self.add(field, fault)
        return text

    def ids(self, texts: Iterable[str], field: str) -> list[str]:
        """Ids, each required; their number is not checked here."""
        return [self.id(text, f"{field}[{index}]") for index, text in enumerate(texts)]

    def text(self, text: str, field: str, limit: int = limits.MAX_TEXT_BYTES) -> str:
        """Text for people, of at most `limit` bytes; may be empty."""
        self.add(field, limits.text_fault(text, limit))
        return text

    def message_id(self, text: str, field: str) -> str:
        """A message id; may be empty."""
        fault = limits.message_id_fault(text)
        if fault is not None:
            self.add(field, fault)
        return text

    def labels(self, labels: Mapping[str, str], field: str = "labels") -> dict[str, str]:
        """Labels: at most 64, keys like ids, values of at most 256 bytes."""
        if len(labels) > limits.MAX_LABELS:
            self.add(field, f"it has {len(labels)} labels; {limits.MAX_LABELS} are the most")
            return {}
        for key, value in sorted(labels.items()):
            self.add(f"{field}.{key}", limits.id_fault(key) or limits.text_fault(value, limits.MAX_ID_BYTES))
        return dict(labels)

    def min_revision(self, revision: int, field: str = "min_revision") -> int:
        """A revision to wait for; 0 is the newest."""
        self.add(field, "it is negative" if revision < 0 else None)
        return revision

    def page_size(self, size: int, default: int, most: int, field: str = "page_size") -> int:
        """How many items a page has: `default` for 0, never more than `most`."""
        self.add(field, "it is negative" if size < 0 else None)
        return min(size, most) or default
