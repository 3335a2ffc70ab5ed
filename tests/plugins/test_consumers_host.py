"""Consumers that plugins bring: found like segment types, and refused where they cannot work."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from segmentd.api import Batch, Consumer, Retries, hookimpl
from segmentd.errors import PluginBroken
from segmentd.plugins.host import load_plugins


class Listener(Consumer):
    def __init__(self, name: str, **attributes: Any) -> None:
        self.name = name
        for key, value in attributes.items():
            setattr(self, key, value)

    def deliver(self, batch: Batch) -> None:
        """Never called here."""


def plugin_of(*consumers: object) -> SimpleNamespace:
    return SimpleNamespace(segmentd_memberships_changed=hookimpl(lambda: consumers))


def test_consumers_come_with_the_name_of_their_plugin() -> None:
    crm = Listener("crm")
    plugins = load_plugins(extra={"ours": plugin_of(crm, Listener("mail"))})
    assert plugins.consumers["crm"] is crm
    assert plugins.consumer_origins == {"crm": "ours", "mail": "ours"}
    assert load_plugins().consumers == {}


def test_a_plugin_that_asks_for_the_environment_gets_it() -> None:
    @hookimpl
    def segmentd_memberships_changed(environment: Mapping[str, str]) -> list[Consumer]:
        return [Listener(environment["WHO"])]

    plugin = SimpleNamespace(segmentd_memberships_changed=segmentd_memberships_changed)
    assert list(load_plugins(extra={"ours": plugin}, environment={"WHO": "crm"}).consumers) == ["crm"]
    with pytest.raises(PluginBroken, match="plugin ours cannot make its consumers: KeyError: 'WHO'"):
        load_plugins(extra={"ours": plugin})


def test_two_consumers_of_one_name_are_refused_with_both_plugins_named() -> None:
    both = {"first": plugin_of(Listener("crm")), "second": plugin_of(Listener("crm"))}
    with pytest.raises(PluginBroken, match=r"(?=consumer crm comes from both)(?=.*plugin first)(?=.*plugin second)"):
        load_plugins(extra=both)


@pytest.mark.parametrize(
    ("consumer", "fault"),
    [
        (Listener(""), "consumer '' of plugin ours: its name: it is empty"),
        (Listener("a\nb"), "control character"),
        (Listener("crm", batch_size=0), "consumer 'crm' of plugin ours: batch_size is 0; 1 to 10,000"),
        (Listener("crm", segments="vip"), "segments is text"),
        (Listener("crm", retries=Retries(attempts=0)), "attempts is 0"),
        (Listener("crm", retries=Retries(maximal_delay=1)), "maximal_delay is shorter than first_delay"),  # type: ignore[arg-type]
        (object(), "plugin ours brings a consumer without a name"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(consumer: object, fault: str) -> None:
    with pytest.raises(PluginBroken, match=fault):
        load_plugins(extra={"ours": plugin_of(consumer)})
