"""JSON as plain values, by the standard reader: it shows a key that is there twice, of which orjson keeps the last."""

from __future__ import annotations

import json
from typing import NoReturn

from segmentd.cli.definitions.located import Located, Plain, Unreadable
from segmentd.cli.faults import Fault


def read_json(text: str) -> Located:
    """The value of `text`. Raises Unreadable; lines are known of faults of form only."""
    faults: list[Fault] = []

    def once(pairs: list[tuple[str, Plain]]) -> dict[str, Plain]:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            faults.append(Fault(f"the key {', '.join(twice)} is there twice in one object"))
        return values

    try:
        value: Plain = json.loads(text, object_pairs_hook=once, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise Unreadable([Fault(f"it is no JSON: {error.msg} (column {error.colno})", line=error.lineno)]) from None
    except ValueError as error:
        raise Unreadable([Fault(str(error))]) from None
    except RecursionError:
        raise Unreadable([Fault("it is nested too deeply")]) from None
    if faults:
        raise Unreadable(faults)
    return Located(value)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that can be compared")
