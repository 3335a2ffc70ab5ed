"""The commands of the README are run as they stand there: server, first segment, Node and Python."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NODE_MODULES = ROOT / "tests" / "node" / "node_modules"
SERVE = "segmentd serve --db first.db"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Desk:
    """A folder, the environment of its terminals, and what the first segment's commands printed."""

    folder: Path
    environment: dict[str, str]
    address: str
    printed: str

    def run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=cwd or self.folder, env=self.environment, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The README's server on a free port, and all blocks of its other terminal run after one another."""
    folder = tmp_path_factory.mktemp("readme")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SEGMENTD_LISTEN": "127.0.0.1:0", "PYTHONIOENCODING": "utf-8"}
    first, server, *others = blocks("sh")
    assert (first, server.strip()) == ("make setup\n. .venv/bin/activate\n", SERVE)
    serving = subprocess.Popen(
        SERVE.split(), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    with serving as process:
        try:
            assert process.stdout is not None
            found = re.search(r"listens on ([0-9.:]+), database", process.stdout.readline())
            assert found, process.stderr and process.stderr.read()
            environment["SEGMENTD_SERVER"] = found[1]
            desk = Desk(folder, environment, found[1], "")
            yield Desk(folder, environment, found[1], desk.run("bash", "-euo", "pipefail", "-c", "\n".join(others)))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()  # where a command failed, the server must not be waited for
    assert (folder / "first.db").exists()
    assert not (folder / "first.db-wal").exists(), "after a clean stop the file is complete by itself"


def test_the_first_segment_has_its_member(desk: Desk) -> None:
    assert "ada is a member of regulars, at least until 20" in desk.printed


def test_it_prints_what_the_readme_shows(desk: Desk) -> None:
    shown = README.split("`explain` shows the rule as a tree:\n\n```\n")[1].split("```")[0]
    assert without_instants(shown) in without_instants(desk.printed)


def test_the_python_example_runs(desk: Desk) -> None:
    example = next(block for block in blocks("python") if "Client(" in block)
    printed = desk.run(sys.executable, "-c", example.replace("localhost:50051", desk.address))
    assert printed == "True\n"


@pytest.mark.skipif(
    not (shutil.which("node") and NODE_MODULES.is_dir()), reason="node or tests/node/node_modules is not here"
)
def test_the_node_example_runs(desk: Desk) -> None:
    (desk.folder / "node_modules").symlink_to(NODE_MODULES)
    example = desk.folder / "example.mjs"
    example.write_text(blocks("js")[0].replace("localhost:50051", desk.address), encoding="utf-8")
    assert desk.run("node", str(example), cwd=ROOT).startswith("MEMBERSHIP_MEMBER")


def without_instants(text: str) -> str:
    return re.sub(r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "INSTANT", text)
