"""The page of settings names every setting with its default and its meaning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from segmentd.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)


def shown(default: Any) -> str:
    return f"`{default}`" if default not in ((), {}) else "none"


def test_the_page_has_every_setting_in_order() -> None:
    assert [
        (PREFIX + name.upper(), shown(field.get_default(call_default_factory=True)), field.description)
        for name, field in Settings.model_fields.items()
    ] == ROWS


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "DATABASE": "x.db",
        "LISTEN": "[::1]:0",
        "DISABLED_PLUGINS": "rfm, list,",
        "BASE_CURRENCY": "EUR",
        "CURRENCY_RATES": "USD=0.93, GBP=1.17",
        "DRAIN_GRACE": "1.5",
        "LOG_LEVEL": "debug",
    }
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = Settings()
    assert values.keys() == {name.upper() for name in Settings.model_fields}
    assert settings.disabled_plugins == ("rfm", "list")
    assert {name: str(rate) for name, rate in settings.currency_rates.items()} == {"USD": "0.93", "GBP": "1.17"}
    assert (settings.database, settings.listen) == (Path("x.db"), "[::1]:0")
    assert (settings.base_currency, settings.drain_grace, settings.log_level) == ("EUR", 1.5, "debug")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CURRENCY_RATES", "EUR"),
        ("CURRENCY_RATES", "EUR=0"),
        ("CURRENCY_RATES", "euro=1"),
        ("BASE_CURRENCY", "euro"),
        ("DRAIN_GRACE", "-1"),
        ("LOG_LEVEL", "chatty"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ValidationError) as seen:
        Settings()
    assert seen.value.errors()[0]["loc"][0] == name.lower()
