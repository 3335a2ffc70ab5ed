"""How it is written where a server listens."""

from __future__ import annotations

import re
from typing import Final

from segmentd.errors import InvalidInput

LISTEN: Final = "SEGMENTD_LISTEN"
"""Faults stand at the name of the setting, by which operators know it."""
_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")


def check(listen: str) -> None:
    """Raises InvalidInput at SEGMENTD_LISTEN for what is no address; whether it is free is not looked at."""
    if not listen.startswith("unix:"):
        parse(listen)


def parse(listen: str) -> tuple[str, int]:
    """Host, without brackets, and port. Raises InvalidInput at SEGMENTD_LISTEN."""
    found = _ADDRESS.fullmatch(listen)
    if found is None or int(found["port"]) > 65_535:
        raise InvalidInput.at(LISTEN, f"{listen!r} is not HOST:PORT, as in 127.0.0.1:50051 or [::1]:50051")
    return found["six"] or found["host"], int(found["port"])


def path_of(listen: str) -> str:
    """The path of `unix:PATH` or `unix:///PATH`."""
    path = listen.removeprefix("unix:")
    return path.removeprefix("//") if path.startswith("///") else path


def words_of(error: OSError | UnicodeError) -> str:
    """What the operating system says, in small letters, or why it cannot be asked for such a name."""
    return ((isinstance(error, OSError) and error.strerror) or str(error)).lower()


def bracketed(host: str) -> str:
    """The host as it stands before a port."""
    return f"[{host}]" if ":" in host else host
