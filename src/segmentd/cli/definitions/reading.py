"""A file of definitions as values."""

from __future__ import annotations

from pathlib import Path

from segmentd.cli.definitions.json_text import read_json
from segmentd.cli.definitions.located import Located, Unreadable
from segmentd.cli.definitions.yaml_text import read_yaml
from segmentd.cli.faults import CommandFailed, FileFaults


def read_values(path: Path) -> Located:
    """What a file holds: JSON where its name ends in `.json`, else YAML. Raises CommandFailed with every fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandFailed(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{path}: it is not UTF-8 (byte {error.start})") from None
    try:
        return read_json(text) if path.suffix.lower() == ".json" else read_yaml(text)
    except Unreadable as error:
        raise FileFaults(str(path), error.faults) from None
