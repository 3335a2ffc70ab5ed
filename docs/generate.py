"""Writes the generated parts of docs/rules.md from the code; with --check, says whether they are as generated.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""  # noqa: INP001

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import tables

from segmentd.plugins.host import load_plugins

PAGE = Path(__file__).with_name("rules.md")
PART = re.compile(r"(<!-- generated: (?P<name>[a-z_ ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def parts() -> Mapping[str, str]:
    """The text of each part by its name."""
    made: dict[str, Iterable[str]] = {
        "operators": tables.operators(),
        "operands": tables.anniversary_and_size(),
        "kinds": tables.kinds(),
    }
    for name, segment_type in load_plugins(()).segment_types.items():
        made[f"type {name}"] = tables.segment_type(segment_type)
    return {name: "\n".join(lines).strip() + "\n" for name, lines in made.items()}


def generated(page: str) -> str:
    """The page with its parts as the code makes them. Raises SystemExit where page and code name different parts."""
    made = parts()
    found = [match["name"] for match in PART.finditer(page)]
    if sorted(found) != sorted(made):
        raise SystemExit(f"{PAGE.name} has the parts {sorted(found)}, the code makes {sorted(made)}")
    return PART.sub(lambda match: f"{match[1]}\n{made[match['name']]}\n{match[3]}", page)


def main(arguments: list[str]) -> int:
    """Exit code 1 where a check finds a difference, which is printed."""
    before = PAGE.read_text(encoding="utf-8")
    after = generated(before)
    if arguments == ["--check"]:
        lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "rules.md", "generated")
        difference = "".join(lines)
        sys.stdout.write(difference and f"{difference}\nrun `python docs/generate.py`\n")
        return 1 if difference else 0
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
