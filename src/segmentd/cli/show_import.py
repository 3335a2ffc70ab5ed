"""What came of an import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segmentd.cli.importing.tally import Tally
from segmentd.cli.output import counted


def import_lines(tally: Tally, counted_by: str) -> Iterator[str]:
    """A sum, and a line for each reason with its first case; `counted_by` as in Source."""
    counts = ", ".join(f"{tally.outcomes[name]:,} {name}" for name in _names(tally))
    yield f"{counted(tally.read, 'row')}: {counts}"
    for reason, number in tally.reasons.most_common():
        sample = tally.samples[reason]
        detail = "" if sample.detail == reason else f": {sample.detail}"
        yield f"  {number:,} x {reason} (first at {counted_by} {sample.position:,}{detail})"
    if tally.reasons:
        yield f"  refused rows are in {tally.path}"


def import_json(tally: Tally) -> dict[str, Any]:
    """The same as one document."""
    return {
        "rows": tally.read,
        **{name: tally.outcomes[name] for name in _names(tally)},
        "reasons": dict(tally.reasons.most_common()),
        "rejects_file": str(tally.path) if tally.reasons else None,
        "revision": tally.revision,
    }


def _names(tally: Tally) -> list[str]:
    """The outcomes that items of this kind can have."""
    taken = ["created", "merged"] if tally.kind == "profiles" else ["stored", "duplicate"]
    return [*taken, "refused"]
