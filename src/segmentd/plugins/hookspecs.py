"""The hooks that a plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pluggy

from segmentd.plugins.consumer import Consumer
from segmentd.plugins.derivation import Derivation
from segmentd.plugins.segment_type import SegmentType

PROJECT = "segmentd"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The segment types that the plugin adds."""
    return ()


@hookspec
def segmentd_derivations() -> Sequence[Derivation]:
    """The derivations that the plugin adds."""
    return ()


@hookspec
def segmentd_memberships_changed(environment: Mapping[str, str]) -> Sequence[Consumer]:  # noqa: ARG001  (a specification)
    """The consumers that the plugin adds, who are told of every membership that changes.

    `environment` has the variables of the server; an implementation that needs none of them leaves it out.
    """
    return ()
