"""Webhooks: membership changes as signed HTTP requests to the endpoints of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from segmentd.api import Consumer, hookimpl
from segmentd_webhooks.endpoint import Endpoint
from segmentd_webhooks.endpoints_file import read_endpoints

FILE: Final = "SEGMENTD_WEBHOOKS"


@hookimpl
def segmentd_memberships_changed(environment: Mapping[str, str]) -> Sequence[Consumer]:
    """The endpoints of the file that SEGMENTD_WEBHOOKS names; none where it is not set."""
    file = environment.get(FILE, "")
    if not file:
        return ()
    try:
        found = read_endpoints(Path(file), environment)
    except ValueError as error:
        raise ValueError(f"{FILE}: {error}") from error
    return [Endpoint(each) for each in found]
