"""The class of a device: phone, tablet, desktop, tv, watch or bot. Our own rules, in this order; the first wins.

1. bot: ua-parser's device is `Spider`, or the text names a bot, a crawler, a spider or a headless browser.
2. none: consoles, headsets and cars.
3. tv: a television's system or device (tvOS, Roku, Chromecast, Google TV, HbbTV, Web0S), or the text names one.
4. watch: watchOS, Wear OS, or a watch by name.
5. tablet: an iPad, a Kindle, a tablet by name, or Android in a browser whose agent lacks `Mobile`.
6. phone: a system of phones (iOS, Android, Windows Phone, KaiOS, Symbian, ...), or the text says `Mobile`.
7. desktop: a system of desktops (Windows, macOS, Chrome OS, BSD, ...), or a browser on Linux.
8. none: anything else, such as a library that fetches pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Seen:
    """What ua-parser made of a user agent (families, empty where unknown), and its text."""

    text: str
    os: str
    device: str


_BOT = re.compile(r"(?<!cu)bot\b|crawler|spider|slurp|HeadlessChrome|PhantomJS|Lighthouse", re.IGNORECASE)
_OTHER = re.compile(r"PlayStation|Nintendo|Xbox|OculusBrowser|\bQuest\b|Tesla|QtCarBrowser")
_TV = re.compile(
    r"smart-?tv|hbbtv|apple ?tv|google ?tv|android ?tv|web0s|netcast|viera|bravia|crkey|\baft[a-z]|roku|inettvbrowser"
    r"|pov_tv|\bdtv\b|\bmitv|tizen.*\btv\b|nettv|opera tv",
    re.IGNORECASE,
)
_WATCH = re.compile(r"apple ?watch|watchos|wear ?os|galaxy watch|\bsm-r\d{3}", re.IGNORECASE)
_TABLET = re.compile(r"\bipad|\btablet\b(?! pc)|playbook|touchpad|wetab|\bkindle|\bkf[a-z]{2,4}\b", re.IGNORECASE)
_PHONE = re.compile(r"\bmobile\b|\bphone\b|iphone|ipod|iemobile|opera mini|\bmidp\b|\bmobi\b|nokia", re.IGNORECASE)
_TV_SYSTEMS: Final = frozenset(["tvOS", "ATV OS X", "Roku", "GoogleTV", "WebTV", "Web0S", "FireHbbTV"])
_PHONE_SYSTEMS: Final = (
    *("iOS", "Android", "HarmonyOS", "Windows Phone", "Windows Mobile", "KaiOS", "Firefox OS", "BlackBerry", "Symbian"),
    *("Nokia", "Bada", "MeeGo", "Maemo", "Sailfish", "BREW", "Brew", "webOS", "Tizen"),
)
_DESKTOP_SYSTEMS: Final = (
    "Windows",
    "Mac OS",
    "Chrome OS",
    "FreeBSD",
    "OpenBSD",
    "NetBSD",
    "BSD",
    "Solaris",
    "SerenityOS",
)
_LINUX_SYSTEMS: Final = (
    *("Linux", "Ubuntu", "Kubuntu", "Debian", "Fedora", "Red Hat", "CentOS", "SUSE", "Slackware", "Gentoo"),
    *("Mandriva", "Arch Linux", "PCLinuxOS"),
)
_BROWSERS: Final = ("Mozilla/", "Opera/")


def _is_bot(seen: Seen) -> bool:
    return seen.device == "Spider" or _BOT.search(seen.text) is not None


def _is_other(seen: Seen) -> bool:
    return _OTHER.search(seen.text) is not None


def _is_tv(seen: Seen) -> bool:
    return seen.os in _TV_SYSTEMS or seen.os.startswith("Chromecast") or _TV.search(seen.text) is not None


def _is_watch(seen: Seen) -> bool:
    return seen.os == "WatchOS" or _WATCH.search(seen.text) is not None


def _is_tablet(seen: Seen) -> bool:
    if seen.device == "Generic Tablet" or seen.os == "BlackBerry Tablet OS" or _TABLET.search(seen.text):
        return True
    return seen.os == "Android" and seen.text.startswith(_BROWSERS) and "Mobile" not in seen.text


def _is_phone(seen: Seen) -> bool:
    return seen.os.startswith(_PHONE_SYSTEMS) or _PHONE.search(seen.text) is not None


def _is_desktop(seen: Seen) -> bool:
    browser = seen.text.startswith(_BROWSERS)
    return seen.os.startswith(_DESKTOP_SYSTEMS) or (browser and seen.os.startswith(_LINUX_SYSTEMS))


_RULES: Final[tuple[tuple[str | None, Callable[[Seen], bool]], ...]] = (
    ("bot", _is_bot),
    (None, _is_other),
    ("tv", _is_tv),
    ("watch", _is_watch),
    ("tablet", _is_tablet),
    ("phone", _is_phone),
    ("desktop", _is_desktop),
)


def device_class(seen: Seen) -> str | None:
    """The class by the first rule that applies; None where none does."""
    return next((name for name, applies in _RULES if applies(seen)), None)
