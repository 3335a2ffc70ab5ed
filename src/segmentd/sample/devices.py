"""What the shop is used on, the user agents these devices send, and how versions of the app roll out."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Device(NamedTuple):
    """`type` is the platform as the Segment spec has it; `agent` a template of `{app}`."""

    type: str
    manufacturer: str
    model: str
    os: str
    os_version: str
    agent: str
    weight: int


_WEBKIT: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"


def _iphone(model: str, os_version: str, weight: int) -> Device:
    cpu = os_version.replace(".", "_")
    agent = f"Mozilla/5.0 (iPhone; CPU iPhone OS {cpu} like Mac OS X) {_WEBKIT} Mobile/15E148 ShopApp/{{app}}"
    return Device("ios", "Apple", model, "iOS", os_version, agent, weight)


def _ipad(model: str, os_version: str, weight: int) -> Device:
    cpu = os_version.replace(".", "_")
    agent = f"Mozilla/5.0 (iPad; CPU OS {cpu} like Mac OS X) {_WEBKIT} Mobile/15E148 ShopApp/{{app}}"
    return Device("ios", "Apple", model, "iPadOS", os_version, agent, weight)


def _android(manufacturer: str, model: str, os_version: str, chrome: int, weight: int) -> Device:
    agent = (
        f"Mozilla/5.0 (Linux; Android {os_version}; {model}; wv) {_BLINK} "
        f"Version/4.0 Chrome/{chrome}.0.0.0 Mobile Safari/537.36 ShopApp/{{app}}"
    )
    return Device("android", manufacturer, model, "Android", os_version, agent, weight)


def _desktop(os_name: str, os_version: str, agent: str, weight: int) -> Device:
    return Device("web", "", "", os_name, os_version, agent, weight)


_WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"

DEVICES: Final = (
    _iphone("iPhone 17", "26.1", 12),
    _iphone("iPhone 16 Pro", "26.0", 11),
    _iphone("iPhone 15", "18.6", 9),
    _iphone("iPhone 13", "17.6", 5),
    _iphone("iPhone 11", "16.7", 2),
    _ipad("iPad Air", "18.6", 4),
    _android("Samsung", "SM-S931B", "16", 142, 9),
    _android("Samsung", "SM-A556B", "15", 141, 9),
    _android("Google", "Pixel 9", "16", 142, 6),
    _android("Xiaomi", "23021RAAEG", "14", 138, 6),
    _android("Motorola", "moto g84 5G", "13", 131, 3),
    _desktop("Windows", "10", f"{_WINDOWS} {_BLINK} Chrome/142.0.0.0 Safari/537.36", 11),
    _desktop("Windows", "10", f"{_WINDOWS} {_BLINK} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", 4),
    _desktop("Windows", "10", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0", 2),
    _desktop("Mac OS X", "10.15.7", f"{_MAC} {_WEBKIT} Version/18.6 Safari/605.1.15", 5),
    _desktop("Linux", "", f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK} Chrome/142.0.0.0 Safari/537.36", 2),
)

RELEASE_EVERY_DAYS: Final = 21
_RELEASES_PER_MINOR: Final = 3


def release_of(days_since_start: NDArray[np.int64], lag_days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the newest release that a device has: users install each one `lag_days` after it came out."""
    releases: NDArray[np.int64] = np.maximum(days_since_start - lag_days, 0) // RELEASE_EVERY_DAYS
    return releases


def version_name(release: int) -> str:
    """Release 0 is 3.0.0, release 4 is 3.1.1."""
    minor, patch = divmod(release, _RELEASES_PER_MINOR)
    return f"3.{minor}.{patch}"


@cache
def context_of(device: int, release: int) -> dict[str, Any]:
    """The `context` of an event in the Segment spec. One object for all events that share it: do not change it."""
    found = DEVICES[device]
    version = version_name(release)
    context: dict[str, Any] = {
        "userAgent": found.agent.format(app=version),
        "app": {"name": "Shop", "version": version},
        "os": {"name": found.os, "version": found.os_version} if found.os_version else {"name": found.os},
        "device": {"type": found.type},
    }
    if found.model:
        context["device"] |= {"manufacturer": found.manufacturer, "model": found.model}
    return context
