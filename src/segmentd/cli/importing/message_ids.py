"""Message ids for events that have none: the same import gives the same ids, so it stores nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import orjson

_BYTES: Final = 16


class MessageIds:
    """Ids from the content of an event and from how many equal ones came before it in the same import.

    Neither the name of the file nor the place of a row counts: a file may be split, joined, packed or sorted.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._repeated: dict[bytes, int] = {}

    def of(self, content: Sequence[Any]) -> str:
        """`import-` with a hash, and from the second equal one on with its number."""
        digest = blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=_BYTES).digest()
        if digest not in self._seen:
            self._seen.add(digest)
            return f"import-{digest.hex()}"
        number = self._repeated.get(digest, 1) + 1
        self._repeated[digest] = number
        return f"import-{digest.hex()}-{number}"
