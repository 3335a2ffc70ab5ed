"""Reads the YAML file of endpoints; what is wrong with it is said with file, line and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from segmentd_webhooks.settings import ENVIRONMENT, EndpointSettings, EndpointsFile
from segmentd_webhooks.words import in_words


def read_endpoints(file: Path, environment: Mapping[str, str]) -> Sequence[EndpointSettings]:
    """The endpoints of a file. Raises ValueError that names the file, and line and field of every fault."""
    document = _load(file)
    try:
        return EndpointsFile.model_validate(document, context={ENVIRONMENT: environment}).endpoints
    except ValidationError as error:
        raise ValueError("; ".join(_faults(file, document, error))) from None


def _load(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{file}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: it is not UTF-8 text") from error
    try:
        return YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # A key that is there twice is told with both its values, which may be secrets.
        problem = str(error.problem).partition(" with value ")[0]
        raise ValueError(f"{file}, line {line}: {problem}") from None
    except YAMLError as error:
        raise ValueError(f"{file}: it is no YAML: {str(error).splitlines()[0]}") from error


def _faults(file: Path, document: Any, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        place = fault["loc"]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
        yield f"{file}, line {_line(document, place)}: {path or 'the file'}: {in_words(fault)}"


def _line(document: Any, place: Sequence[str | int]) -> int:
    """The line, from 1, of the value at a place, or of the closest one above it."""
    line = 1
    for part in place:
        if isinstance(document, CommentedMap) and part in document:
            line = document.lc.key(part)[0] + 1
        elif isinstance(document, CommentedSeq) and isinstance(part, int) and part < len(document):
            line = document.lc.item(part)[0] + 1
        else:
            break
        document = document[part]
    return line
