"""Instants as the text that JSON carries."""

from __future__ import annotations

import numpy as np

from segmentd.times import Instants


def stamps(instants: Instants) -> list[str]:
    """RFC 3339 in UTC to the millisecond, as mobile SDKs send it."""
    texts: list[str] = np.datetime_as_string(instants.astype("datetime64[us]"), unit="ms", timezone="UTC").tolist()
    return texts
