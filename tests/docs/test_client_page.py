"""The examples of docs/client.md run as they stand there, one after another against one server."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.cli.bounded import run
from tests.cli.running import serving

from segmentd.client.channel import DEFAULT_CONNECTIONS, DEFAULT_TIMEOUT
from segmentd.client.local.replica import DEFAULT_STALENESS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
PRINTED = [
    "True\n['ada']\nTrue False",
    "True False ['ada']",
    "(FieldFault(field='events[1].user_id', description='it is empty'),)\n1",
    "True ['ada'] ['loyal']\n(2, 2) frozenset({'bob'}) SEGMENT_NOT_FOUND",
    "True False ()",
    "True False",
]


def test_its_examples_print_what_they_should(tmp_path: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with serving(tmp_path) as address:
        for example, wanted in zip(examples, PRINTED, strict=True):
            done = run([sys.executable, "-W", "error", "-c", example.replace("localhost:50051", address)])
            assert (done.returncode, done.stdout.strip()) == (0, wanted), done.stderr


def test_its_defaults_are_those_of_the_code() -> None:
    assert DEFAULT_TIMEOUT == 30
    assert "30 seconds if nothing else is said" in PAGE
    assert DEFAULT_CONNECTIONS == 4
    assert "A client has four connections" in PAGE
    assert DEFAULT_STALENESS == 1
    assert "(1 if nothing else is" in PAGE
