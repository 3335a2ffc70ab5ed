"""`userAgent` gives the system, the browser and the class of the device."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentd.api import Kind
from segmentd.population.kinds import encode
from segmentd.population.schema import KNOWN_ATTRIBUTES
from segmentd_types.user_agent import MAX_LENGTH, UserAgentDerivation

AGENTS = Path(__file__).parents[3] / "shared" / "data" / "user_agents"
DERIVE = UserAgentDerivation().derive
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Mobile/15E148 Safari/604.1"
)
ANDROID = "Mozilla/5.0 (Linux; Android 14; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0{} Safari/537.36"


def expectations(name: str) -> list[dict[str, str]]:
    file = AGENTS / f"test_{name}.csv"
    if not file.exists():
        pytest.skip("../shared/data is not here")
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(("file", "prefix"), [("os", "os"), ("ua", "browser")])
def test_family_and_version_are_what_the_parser_expects(file: str, prefix: str) -> None:
    wrong = []
    for row in expectations(file):
        derived = DERIVE({"userAgent": row["user_agent_string"]})
        parts = [row[part] for part in ("major", "minor", "patch", "patch_minor") if row[part]]
        version = str(derived.get(f"{prefix}.version", ""))
        # The expectations of browsers do not state a fourth part everywhere that one is found.
        unstated = len(parts) == 3 and version.startswith(".".join(parts) + ".") and file == "ua"
        right = (derived.get(f"{prefix}.name", "Other"), version) == (row["family"], ".".join(parts))
        if not right and not (unstated and derived[f"{prefix}.name"] == row["family"]):
            wrong.append((row, derived))
    assert wrong == []


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (IPHONE, "phone"),
        (IPHONE.replace("iPhone;", "iPad;"), "tablet"),
        (ANDROID.format("Pixel 8", " Mobile"), "phone"),
        (ANDROID.format("CUBOT X30", " Mobile"), "phone"),
        (ANDROID.format("SM-X210", ""), "tablet"),
        (ANDROID.format("BRAVIA 4K VH2", ""), "tv"),
        (ANDROID.format("AFTT Build/LMY47O", ""), "tv"),
        ("Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F Build/PPR1.180610.011)", "phone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36", "desktop"),
        ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; Tablet PC 2.0)", "desktop"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.1 Safari/605.1.15",
            "desktop",
        ),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "desktop"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36", "bot"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/94.0.4606.128 Safari/537.36", "tv"),
        ("Roku/DVP-12.0 (12.0.0.4182)", "tv"),
        ("BBCNewsUKWatchApp/4.3.0 (Watch1,2; watchOS 3.2.2)", "watch"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 (KHTML, like Gecko)", None),
        ("aws-sdk-cpp/1.0.64 Linux/4.4.0-66-generic x86_64", None),
        ("okhttp/3.4.2", None),
    ],
)
def test_the_class_of_a_device(agent: str, expected: str | None) -> None:
    assert DERIVE({"userAgent": agent}).get("device.class") == expected


def test_an_iphone_in_full() -> None:
    assert DERIVE({"userAgent": IPHONE}) == {
        "os.name": "iOS",
        "os.version": "17.2.1",
        "browser.name": "Mobile Safari",
        "browser.version": "17.2",
        "device.class": "phone",
    }


@pytest.mark.parametrize("values", [{}, {"userAgent": None}, {"userAgent": 5}, {"userAgent": ""}, {"other": IPHONE}])
def test_nothing_follows_from_nothing(values: dict[str, Any]) -> None:
    assert DERIVE(values) == {}


def test_only_the_beginning_of_a_long_agent_is_looked_at() -> None:
    assert DERIVE({"userAgent": IPHONE + " x" * 32_000}) == DERIVE({"userAgent": IPHONE})
    assert DERIVE({"userAgent": " " * MAX_LENGTH + IPHONE}) == {}


@pytest.mark.parametrize("piece", ["A", "(", "; ", "Mozilla/5.0 ", "Android ", "\x00", "\ud800", "🙂", "1.", "bot "])
def test_64_kib_of_anything_are_safe(piece: str) -> None:
    DERIVE({"userAgent": (piece * 65_536)[:65_536]})


@given(st.text(max_size=200) | st.from_regex(r"(Mozilla/5\.0|Opera/\d) \((Linux|Windows|iPhone).{0,40}\).{0,40}"))
def test_whatever_comes_in_what_comes_out_can_be_stored(agent: str) -> None:
    derivation = UserAgentDerivation()
    for name, value in derivation.derive({"userAgent": agent}).items():
        assert derivation.outputs[name] is Kind.TEXT is KNOWN_ATTRIBUTES[name]
        encode(Kind.TEXT, value)
        assert str(value).encode()
        assert value != ""


def test_what_is_derived_cannot_be_changed_from_outside() -> None:
    first = dict(DERIVE({"userAgent": IPHONE}))
    DERIVE({"userAgent": IPHONE}).clear()  # type: ignore[attr-defined]  # a Mapping to readers, a dict to vandals
    assert DERIVE({"userAgent": IPHONE}) == first
