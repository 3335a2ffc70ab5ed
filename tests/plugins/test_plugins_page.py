"""docs/plugins.md: its example works, and every hook has a heading with its signature."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from segmentd.plugins import hookspecs
from segmentd.plugins.host import GROUP, load_plugins
from segmentd.population.kinds import Kind
from segmentd.population.typed import Columns

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
HOOKS = [each for each in vars(hookspecs).values() if hasattr(each, f"{hookspecs.PROJECT}_spec")]


def blocks(language: str) -> list[str]:
    """The fenced blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A module of this environment as a command in a folder."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Example:
    """One package of the page: its entry point, and the texts of its three files."""

    name: str
    module: str
    project: str
    source: str
    test: str


def examples() -> list[Example]:
    """All of them, in the order of the page: each is one block of TOML and two of Python."""
    found = []
    sources = blocks("python")
    for place, project in enumerate(blocks("toml")):
        ((name, module),) = tomllib.loads(project)["project"]["entry-points"][GROUP].items()
        source, test = sources[2 * place : 2 * place + 2]
        found.append(Example(name, module, project, source, test))
    assert len(sources) == 2 * len(found)
    return found


@pytest.fixture(params=examples(), ids=lambda example: example.name)
def example(request: pytest.FixtureRequest) -> Example:
    """One of the page's packages."""
    found: Example = request.param
    return found


@pytest.fixture
def package(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the three files, built and installed by pip."""
    folder = tmp_path / example.name
    folder.mkdir()
    (folder / f"{example.module}.py").write_text(example.source)
    (folder / f"test_{example.module}.py").write_text(example.test)
    (folder / "pyproject.toml").write_text(example.project)
    installed = tmp_path / "installed"
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    pip = run(folder, "pip", "install", *offline, "--target", str(installed), ".")
    assert pip.returncode == 0, pip.stdout + pip.stderr
    assert [each.name for each in installed.glob("*.py")] == [f"{example.module}.py"]
    monkeypatch.syspath_prepend(str(installed))
    return folder


def test_the_example_is_found_and_its_own_tests_pass(example: Example, package: Path) -> None:
    plugins = load_plugins(environment={"JOURNAL_FILE": str(package / "journal")})
    assert example.name in {*plugins.origins.values(), *plugins.consumer_origins.values()}
    done = run(package, "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(package))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_has_a_heading_with_its_exact_signature(hook: object) -> None:
    assert inspect.isfunction(hook)
    shown = str(inspect.signature(hook)).replace("'", "")
    assert f"\n### {hook.__name__}{shown}\n" in PAGE


def test_no_heading_names_a_hook_that_is_not_there() -> None:
    headings = re.findall(r"^### (segmentd_\w+)\(", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(hook.__name__ for hook in HOOKS)


def test_the_page_has_a_reader_for_every_kind() -> None:
    rows = dict(re.findall(r"^\| `Kind\.(\w+)` \| `users\.(\w+)\(name\)` \|", PAGE, re.MULTILINE))
    assert rows.keys() == {kind.name for kind in Kind}
    readers = {name for name in vars(Columns) if not name.startswith("_")} - {"kind", "only", "place"}
    assert set(rows.values()) == readers
