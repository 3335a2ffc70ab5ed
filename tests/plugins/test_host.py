"""The plugin host: what it finds, what it refuses, and that built-in types come in by the same door."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.plugins.toy_types import Averse, Quiet

from segmentd.api import hookimpl
from segmentd.errors import PluginBroken
from segmentd.plugins.host import GROUP, load_plugins
from segmentd.testing import judge, population, user

ROOT = Path(__file__).parents[2]
TYPES_OF = {"user_agent": set[str]()}
"""The types that a built-in plugin brings, where they are not one of its own name."""

WEEKDAY = '''
"""A segment type of a stranger."""

import numpy as np

from segmentd.api import Params, Reads, Reason, SegmentType, Verdict, hookimpl


class LongNameParams(Params):
    longer_than: int


class LongName(SegmentType[LongNameParams]):
    name = "long_name"
    Params = LongNameParams

    def reads(self, params):
        return Reads()

    def evaluate(self, params, model, users, at):
        lengths = np.array([len(user) for user in users.user_ids()], dtype=np.int64)
        return Verdict.forever(lengths > params.longer_than)


@hookimpl
def segmentd_segment_types():
    return [LongName()]
'''

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a one-module distribution, as pip would lay it out, on a path that ends with the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    installed = []

    def lay_out(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        metadata = tmp_path / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}\n")
        installed.append(name)

    yield lay_out
    for name in installed:
        sys.modules.pop(name, None)


def plugin_of(*types: object) -> SimpleNamespace:
    """A plugin that adds these types."""
    return SimpleNamespace(segmentd_segment_types=hookimpl(lambda: types))


def test_every_built_in_type_has_an_entry_point_of_its_own() -> None:
    points = {point.name: point for point in entry_points(group=GROUP) if point.value.startswith("segmentd_types.")}
    plugins = load_plugins()
    for name in points:
        brought = {each for each, origin in plugins.origins.items() if origin == name}
        assert brought == TYPES_OF.get(name, {name})
    modules = {
        path.name.removesuffix(".py")
        for path in (ROOT / "plugins" / "segmentd_types").iterdir()
        if "segmentd_segment_types" in _source(path) or "segmentd_derivations" in _source(path)
    }
    assert {point.value.rpartition(".")[2] for point in points.values()} == modules


def _source(path: Path) -> str:
    file = path / "__init__.py" if path.is_dir() else path
    return file.read_text() if file.suffix == ".py" and file.exists() and path.name != "__pycache__" else ""


def test_a_strangers_plugin_loads_as_the_built_in_ones_do(install: Install) -> None:
    install("strangers_segments", WEEKDAY)
    plugins = load_plugins()
    assert plugins.origins["long_name"] == "strangers_segments"
    users = population([user("al"), user("alexandra")], "2026-11-21T10:00:00Z")
    verdict = judge(plugins.segment_types["long_name"], {"longer_than": 3}, users)
    assert verdict.member.tolist() == [False, True]


def test_a_plugin_that_is_switched_off_brings_nothing() -> None:
    everything = load_plugins()
    without = load_plugins(disabled=["rfm", "list"])
    assert set(everything.segment_types) - set(without.segment_types) == {"rfm", "list"}


def test_another_type_takes_the_place_of_one_that_is_switched_off() -> None:
    class OwnList(Quiet):
        name = "list"

    own = OwnList()
    plugins = load_plugins(disabled=["list"], extra={"ours": plugin_of(own)})
    assert plugins.segment_types["list"] is own
    assert plugins.origins["list"] == "ours"


def test_switching_off_what_is_not_installed_is_refused() -> None:
    with pytest.raises(PluginBroken, match="SEGMENTD_DISABLED_PLUGINS: no plugin is called moon"):
        load_plugins(disabled=["moon"])


def test_two_types_of_one_name_are_refused_with_both_plugins_named() -> None:
    both = {"first": plugin_of(Quiet(), Averse()), "second": plugin_of(Quiet())}
    with pytest.raises(PluginBroken, match=r"segment type quiet comes from both plugin (first|second) and plugin "):
        load_plugins(extra=both)
    with pytest.raises(PluginBroken, match=r"(?=.*plugin first)(?=.*plugin second)"):
        load_plugins(extra=both)


def test_a_type_that_takes_a_built_in_name_is_refused() -> None:
    class OwnList(Quiet):
        name = "list"

    with pytest.raises(PluginBroken, match=r"(?=.*plugin ours)(?=.*plugin list)"):
        load_plugins(extra={"ours": plugin_of(OwnList())})


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_that_is_nowhere", "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named(install: Install, source: str, reason: str) -> None:
    install("broken_segments", source)
    with pytest.raises(PluginBroken, match=rf"plugin broken_segments \(broken_segments\) cannot be imported: {reason}"):
        load_plugins()


def test_a_broken_plugin_that_is_switched_off_does_no_harm(install: Install) -> None:
    install("broken_segments", "raise RuntimeError")
    assert "list" in load_plugins(disabled=["broken_segments"]).segment_types


def test_a_misspelt_hook_is_refused(install: Install) -> None:
    install("hasty_segments", WEEKDAY.replace("def segmentd_segment_types", "def segmentd_segment_type"))
    with pytest.raises(PluginBroken, match=r"segmentd_segment_type. in plugin .*hasty_segments"):
        load_plugins()


def test_a_module_without_a_marked_hook_is_warned_of(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("unmarked", "def segmentd_segment_types():\n    return []\n")
    load_plugins()
    assert [each.getMessage() for each in caplog.records] == [
        "plugin unmarked (unmarked) implements no hook: is @hookimpl missing?"
    ]


def test_a_plugin_that_is_not_there_cannot_be_disabled_and_those_that_are_there_are_named() -> None:
    with pytest.raises(PluginBroken, match=r"no plugin is called colour; there are attribute, .*user_agent, webhooks"):
        load_plugins({"colour"})
