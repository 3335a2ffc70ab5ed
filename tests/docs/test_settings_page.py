"""The page of settings names every setting with its default and its meaning."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from segmentd.plugins.host import GROUP, load_plugins
from segmentd.settings import PREFIX, LogLevel, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)


def shown(default: Any) -> str:
    return f"`{default}`" if default not in ((), {}, None) else "none"


def test_the_page_has_every_setting_in_order() -> None:
    assert [
        (PREFIX + name.upper(), shown(field.get_default(call_default_factory=True)), field.description)
        for name, field in Settings.model_fields.items()
    ] == ROWS


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "DATABASE": "x.db",
        "LISTEN": "[::1]:0",
        "WORKERS": "2",
        "DISABLED_PLUGINS": "rfm, list,",
        "BASE_CURRENCY": "EUR",
        "CURRENCY_RATES": "USD=0.93, GBP=1.17",
        "LOG_KEEP": "90d",
        "LOG_MAX_MOVES": "1000",
        "SNAPSHOTS": "false",
        "ERASURE_REFUSAL": "7d",
        "DRAIN_GRACE": "1.5",
        "WATCH_PATIENCE": "2.5",
        "WEBHOOKS": "hooks.yaml",
        "METRICS": "127.0.0.1:0",
        "LOG_LEVEL": "debug",
    }
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = Settings()
    assert values.keys() == {name.upper() for name in Settings.model_fields}
    assert settings.disabled_plugins == ("rfm", "list")
    assert {name: str(rate) for name, rate in settings.currency_rates.items()} == {"USD": "0.93", "GBP": "1.17"}
    assert (settings.database, settings.listen, settings.workers) == (Path("x.db"), "[::1]:0", 2)
    assert (settings.webhooks, settings.metrics) == (Path("hooks.yaml"), "127.0.0.1:0")
    assert settings.environment({"A": "b"}) == {"A": "b", "SEGMENTD_WEBHOOKS": "hooks.yaml"}
    assert (settings.base_currency, settings.drain_grace, settings.log_level) == ("EUR", 1.5, "debug")
    assert (settings.watch_patience, settings.log_keep, settings.log_max_moves) == (2.5, "90d", 1000)
    assert (settings.erasure_refusal, settings.snapshots) == ("7d", False)


def test_a_variable_that_is_no_setting_is_named_with_the_nearest() -> None:
    variables = dict.fromkeys(
        (
            "SEGMENTD_DATABSE",
            "SEGMENTD_COLOUR",
            "SEGMENTD_SERVER",
            "SEGMENTD_LISTEN",
            "SEGMENTD_PORT",
            "SEGMENTD_PORT_50051_TCP_ADDR",
            "SEGMENTD_SERVICE_PORT_GRPC",
            "PATH",
        ),
        "1",
    )
    assert Settings.unknown(variables) == [
        "SEGMENTD_COLOUR is no setting",
        "SEGMENTD_DATABSE is no setting; is it SEGMENTD_DATABASE?",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CURRENCY_RATES", "EUR"),
        ("CURRENCY_RATES", "EUR=0"),
        ("CURRENCY_RATES", "euro=1"),
        ("CURRENCY_RATES", "EUR=1.08, USD=1"),
        ("BASE_CURRENCY", "euro"),
        ("LOG_KEEP", "90"),
        ("LOG_KEEP", "3mo"),
        ("LOG_KEEP", "0d"),
        ("LOG_MAX_MOVES", "0"),
        ("LOG_MAX_MOVES", "many"),
        ("DRAIN_GRACE", "-1"),
        ("WORKERS", "-1"),
        ("WATCH_PATIENCE", "0"),
        ("LOG_LEVEL", "chatty"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ValidationError) as seen:
        Settings()
    assert seen.value.errors()[0]["loc"][0] == name.lower()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BASE_CURRENCY", "dollars", "'dollars' is not a currency code such as USD"),
        ("CURRENCY_RATES", "EUR=1.08,USD=2", "USD is the base currency; it has no rate"),
    ],
)
def test_a_currency_at_fault_is_explained(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ValidationError) as seen:
        Settings()
    assert [each["msg"] for each in seen.value.errors()] == [f"Value error, {message}"]


def test_the_page_names_every_log_level() -> None:
    meaning = Settings.model_fields["log_level"].description or ""
    assert re.findall(r"`(\w+)`", meaning) == list(get_args(LogLevel))


def test_the_page_is_right_about_the_names_of_plugins() -> None:
    """Every built-in plugin has the name of its type, but those that bring none, and the error lists them all."""
    points = {point.name for point in entry_points(group=GROUP) if point.value.startswith("segmentd_types.")}
    origins = load_plugins().origins
    assert all(name == plugin for name, plugin in origins.items() if plugin in points)
    assert points - set(origins) == {"user_agent"}
