from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def test_a_client_in_another_language_works_from_the_protos_alone() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("the packages of the Node client are not installed: make node-test")
    environment = {name: value for name, value in os.environ.items() if name != "SEGMENTD_SERVER"}
    done = subprocess.run(
        [node, FOLDER / "client.mjs"],
        env={**environment, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "is in node-buyers" in done.stdout
