"""Derives operating system, browser and device class from `userAgent`, with ua-parser's expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import ClassVar, Final

from ua_parser import OS, Domain, UserAgent, load_builtins
from ua_parser.regex import Resolver

from segmentd.api import Derivation, Json, Kind, hookimpl
from segmentd_types.device_class import Seen, device_class

MAX_LENGTH: Final = 2_048
"""Characters of a user agent that are looked at; the rest is cut off. Real ones have 500 at most."""
_REMEMBERED: Final = 4_096
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_UNKNOWN: Final = "Other"


@cache
def _resolver() -> Resolver:
    """Built on first use: that takes a moment, and a service without user agents never needs it."""
    return Resolver(load_builtins())


def _cleaned(text: str) -> str:
    """At most MAX_LENGTH characters, spaces for control characters, and nothing that UTF-8 cannot hold."""
    return _SURROGATES.sub("\ufffd", _CONTROL.sub(" ", text[:MAX_LENGTH]))


def _dotted(found: OS | UserAgent) -> str | None:
    """`major.minor.patch.patch_minor`, as far as they are known."""
    parts = (found.major, found.minor, found.patch, found.patch_minor)
    return ".".join(part for part in parts if part) or None


def _named(prefix: str, found: OS | UserAgent | None) -> dict[str, Json]:
    if found is None or found.family == _UNKNOWN:
        return {}
    version = _dotted(found)
    name: dict[str, Json] = {f"{prefix}.name": found.family}
    return name | ({f"{prefix}.version": version} if version else {})


@lru_cache(maxsize=_REMEMBERED)
def _derived(text: str) -> Mapping[str, Json]:
    found = _resolver()(text, Domain.ALL)
    os = found.os.family if found.os else ""
    kind = device_class(Seen(text, os, found.device.family if found.device else ""))
    device: dict[str, Json] = {"device.class": kind} if kind else {}
    return _named("os", found.os) | _named("browser", found.user_agent) | device


class UserAgentDerivation(Derivation):
    """`userAgent` → `os.name`, `os.version`, `browser.name`, `browser.version`, `device.class`."""

    name = "user_agent"
    inputs = ("userAgent",)
    groups = (("os.name", "os.version"), ("browser.name", "browser.version"), ("device.class",))
    outputs: ClassVar[Mapping[str, Kind]] = {name: Kind.TEXT for group in groups for name in group}

    def derive(self, values: Mapping[str, Json]) -> Mapping[str, Json]:
        text = values.get("userAgent")
        return dict(_derived(_cleaned(text))) if isinstance(text, str) else {}


@hookimpl
def segmentd_derivations() -> Sequence[Derivation]:
    """The derivation from user agents."""
    return [UserAgentDerivation()]
