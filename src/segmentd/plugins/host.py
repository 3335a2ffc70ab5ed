"""Finds plugins through the entry-point group and pluggy, and refuses what cannot work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from segmentd.errors import PluginBroken
from segmentd.plugins import hookspecs
from segmentd.plugins.derivation import Derivation
from segmentd.plugins.segment_type import SegmentType

GROUP = "segmentd.plugins"


@dataclass(frozen=True, slots=True)
class Plugins:
    """All that the plugins brought, by name, and who brought it."""

    segment_types: Mapping[str, SegmentType[Any]]
    derivations: tuple[Derivation, ...]
    origins: Mapping[str, str]

    def derivation_signature(self) -> str:
        """Changes when a derivation comes, goes or gets a new version."""
        return ",".join(sorted(f"{each.name}:{each.version}" for each in self.derivations))


def load_plugins(disabled: Collection[str] = (), extra: Mapping[str, object] | None = None) -> Plugins:
    """Load every entry point of the group but the `disabled` ones, and `extra` plugins by name.

    Raises PluginBroken where a plugin cannot be imported, misspells a hook, or adds a name that is taken.
    """
    host = pluggy.PluginManager(hookspecs.PROJECT)
    host.add_hookspecs(hookspecs)
    for point in _points(disabled):
        host.register(_import(point), name=point.name)
    for name, plugin in (extra or {}).items():
        host.register(plugin, name=name)
    _check(host)
    types, origins = _collect(host)
    derivations = tuple(each for found in host.hook.segmentd_derivations() for each in found)
    return Plugins(types, tuple(sorted(derivations, key=lambda each: each.name)), origins)


def _points(disabled: Collection[str]) -> Iterable[EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    unknown = set(disabled) - {point.name for point in points}
    if unknown:
        raise PluginBroken(f"settings disable {', '.join(sorted(unknown))}, but no such plugin is installed")
    return {(point.name, point.value): point for point in points if point.name not in disabled}.values()


def _import(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:  # whatever a stranger's import does, the start must name the stranger
        raise PluginBroken(
            f"plugin {point.name} ({point.value}) cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _check(host: pluggy.PluginManager) -> None:
    try:
        host.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginBroken(f"a plugin has a hook that segmentd does not know: {error}") from error


def _collect(host: pluggy.PluginManager) -> tuple[dict[str, SegmentType[Any]], dict[str, str]]:
    types: dict[str, SegmentType[Any]] = {}
    origins: dict[str, str] = {}
    for call in host.hook.segmentd_segment_types.get_hookimpls():
        brought: Sequence[SegmentType[Any]] = call.function()  # type: ignore[assignment]  # pluggy's own type is object
        for segment_type in brought:
            name = segment_type.name
            if name in types:
                raise PluginBroken(
                    f"segment type {name} comes from both plugin {origins[name]} and plugin {call.plugin_name}; "
                    f"disable one of them"
                )
            types[name], origins[name] = segment_type, call.plugin_name
    return types, origins
