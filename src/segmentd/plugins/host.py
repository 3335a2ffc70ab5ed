"""Finds plugins through the entry-point group and pluggy, and refuses what cannot work."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Protocol, TypeVar

import pluggy

from segmentd.errors import PluginBroken
from segmentd.plugins import hookspecs
from segmentd.plugins.consumer import Consumer, consumer_fault
from segmentd.plugins.derivation import Derivation
from segmentd.plugins.segment_type import SegmentType

_log = logging.getLogger(__name__)
GROUP = "segmentd.plugins"
_NOTHING: Final[Mapping[str, Any]] = {}


class _Named(Protocol):
    name: str


N = TypeVar("N", bound=_Named)


@dataclass(frozen=True, slots=True)
class Plugins:
    """All that the plugins brought, by name, and who brought it."""

    segment_types: Mapping[str, SegmentType[Any]]
    derivations: tuple[Derivation, ...]
    origins: Mapping[str, str]
    """The plugin of each segment type."""
    consumers: Mapping[str, Consumer] = field(default_factory=dict)
    consumer_origins: Mapping[str, str] = field(default_factory=dict)
    """The plugin of each consumer."""

    def derivation_signature(self) -> str:
        """Changes when a derivation comes, goes or gets a new version."""
        return ",".join(sorted(f"{each.name}:{each.version}" for each in self.derivations))


def load_plugins(
    disabled: Collection[str] = (),
    extra: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Plugins:
    """Load every entry point of the group but the `disabled` ones, and `extra` plugins by name.

    Consumers are made with the variables of `environment`. Raises PluginBroken where a plugin cannot be imported,
    misspells a hook, adds a name that is taken, or cannot make its consumers.
    """
    host = pluggy.PluginManager(hookspecs.PROJECT)
    host.add_hookspecs(hookspecs)
    for point in _points(disabled):
        plugin = _import(point)
        host.register(plugin, name=point.name)
        if not host.get_hookcallers(plugin):
            _log.warning("plugin %s (%s) implements no hook: is @hookimpl missing?", point.name, point.value)
    for name, plugin in (extra or {}).items():
        host.register(plugin, name=name)
    _check(host)
    types: tuple[dict[str, SegmentType[Any]], dict[str, str]] = _collect(
        host.hook.segmentd_segment_types, "segment type"
    )
    derivations = tuple(each for found in host.hook.segmentd_derivations() for each in found)
    consumers: tuple[dict[str, Consumer], dict[str, str]] = _collect(
        host.hook.segmentd_memberships_changed, "consumer", {"environment": environment or {}}
    )
    for name, consumer in consumers[0].items():
        _check_consumer(name, consumer, consumers[1][name])
    return Plugins(types[0], tuple(sorted(derivations, key=lambda each: each.name)), types[1], *consumers)


def _points(disabled: Collection[str]) -> Iterable[EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    unknown = set(disabled) - {point.name for point in points}
    if unknown:
        known = ", ".join(dict.fromkeys(point.name for point in points))
        raise PluginBroken(
            f"SEGMENTD_DISABLED_PLUGINS: no plugin is called {', '.join(sorted(unknown))}; there are {known}"
        )
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


def _collect(
    hook: pluggy.HookCaller, kind: str, arguments: Mapping[str, Any] = _NOTHING
) -> tuple[dict[str, N], dict[str, str]]:
    """What all plugins bring by one hook, by name, and the plugin of each."""
    found: dict[str, N] = {}
    origins: dict[str, str] = {}
    for call in hook.get_hookimpls():
        for each in _brought(call, kind, arguments):
            if each.name in found:
                raise PluginBroken(
                    f"{kind} {each.name} comes from both plugin {origins[each.name]} and plugin {call.plugin_name}; "
                    f"disable one of them"
                )
            found[each.name], origins[each.name] = each, call.plugin_name
    return found, origins


def _brought(call: pluggy.HookImpl, kind: str, arguments: Mapping[str, Any]) -> Sequence[Any]:
    try:
        # Any, because pluggy's own type is object.
        brought: Any = call.function(*(arguments[name] for name in call.argnames))
        named = list(brought)
    except ValueError as error:
        raise PluginBroken(f"plugin {call.plugin_name}: {error}") from error
    except Exception as error:  # whatever a stranger's plugin does, the start must name the stranger
        raise PluginBroken(
            f"plugin {call.plugin_name} cannot make its {kind}s: {type(error).__name__}: {error}"
        ) from error
    for each in named:
        if not hasattr(each, "name"):
            raise PluginBroken(f"plugin {call.plugin_name} brings a {kind} without a name: {each!r}")
    return named


def _check_consumer(name: str, consumer: Consumer, plugin: str) -> None:
    fault = consumer_fault(consumer)
    if fault is not None:
        raise PluginBroken(f"consumer {name!r} of plugin {plugin}: {fault}")
