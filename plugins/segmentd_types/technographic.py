"""`technographic`: what a user's device, operating system, browser and app are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segmentd.api import AttributeParameter as Of
from segmentd.api import Catalogue, Kind, SegmentType, hookimpl

_VERSION = "Compare with above, at_least, below, at_most, between and version_equals; equals compares the text."
_NUMBER = (Kind.NUMBER,)
_FLAG = (Kind.FLAG,)


class Technographic(Catalogue):
    """Device, operating system, browser and app. Text compares exactly, case included; `ignore_case` folds."""

    name = "technographic"
    parameters = (
        Of("os", "Operating system, such as iOS, Android or Windows.", "os.name"),
        Of("os_version", f"Its version. {_VERSION}", "os.version"),
        Of("device_type", "Class of the device: phone, tablet, desktop, tv, watch or bot.", "device.class"),
        Of("platform", "Platform as the SDK names it, such as ios or android.", "device.type"),
        Of("device_model", "Model of the device, such as iPhone15,2.", "device.model"),
        Of("device_version", f"Version of the device. {_VERSION}", "device.version"),
        Of("manufacturer", "Who made the device.", "device.manufacturer"),
        Of("browser", "Browser, such as Chrome or Mobile Safari.", "browser.name"),
        Of("browser_version", f"Its version. {_VERSION}", "browser.version"),
        Of("app", "Name of the app.", "app.name"),
        Of("app_version", f"Its version. {_VERSION}", "app.version"),
        Of("app_build", f"Its build. {_VERSION}", "app.build"),
        Of("carrier", "Mobile network operator.", "network.carrier"),
        Of("cellular", "Whether the connection is cellular.", "network.cellular", kinds=_FLAG),
        Of("wifi", "Whether the connection is Wi-Fi.", "network.wifi", kinds=_FLAG),
        Of("screen_width", "Width of the screen in points.", "screen.width", kinds=_NUMBER),
        Of("screen_height", "Height of the screen in points.", "screen.height", kinds=_NUMBER),
        Of("screen_density", "Pixels of the screen for each point.", "screen.density", kinds=_NUMBER),
        Of("user_agent", "The user agent as it was sent.", "userAgent"),
    )


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The catalogue of devices."""
    return [Technographic()]
