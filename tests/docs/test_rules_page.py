"""docs/rules.md is what the code says: its tables are generated, its examples are rules."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from segmentd.cli.definitions.segments_file import read_segments
from segmentd.client import as_json
from segmentd.conditions.operators import OPERATORS
from segmentd.engine.rule import MAX_DEPTH, MAX_NODES, parse_rule
from segmentd.plugins.host import load_plugins
from segmentd_types.rfm.maps import CLEVERTAP, COMPATIBLE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
TYPES = load_plugins(()).segment_types
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RULES = [line for block in BLOCKS[1:] for line in block.splitlines()]


def test_the_generated_parts_are_as_the_code_makes_them() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_operator_has_a_row_with_its_meaning_for_missing_values() -> None:
    table = PAGE.split("generated: operators")[1].split("<!-- end -->")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", table, re.MULTILINE))
    for name in OPERATORS:
        assert "missing" in rows[name].lower() or "no value" in rows[name], name


def test_every_type_has_a_section_with_an_example() -> None:
    headings = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    assert headings == set(TYPES)
    used = {key for line in RULES for key in as_mapping(line)}
    assert set(TYPES) <= used


@pytest.mark.parametrize("line", RULES)
def test_every_example_is_a_rule(line: str) -> None:
    parse_rule(as_mapping(line), TYPES)


def test_the_example_of_a_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "segments.yaml"
    path.write_text(BLOCKS[0], encoding="utf-8")
    file = read_segments(path)
    assert [each.name for each in file.attributes] == ["loyalty_points"]
    parse_rule(as_json(file.definitions[0].segment.rule), TYPES)  # type: ignore[arg-type]  # the same values


def test_limits_are_those_of_the_code() -> None:
    assert f"at most {MAX_DEPTH} levels and {MAX_NODES:,} nodes" in PAGE


@pytest.mark.parametrize("name", sorted({*CLEVERTAP.names, *COMPATIBLE.names}))
def test_every_group_of_the_maps_is_named(name: str) -> None:
    assert name in " ".join(PAGE.split())


def as_mapping(line: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(line)
    return loaded
