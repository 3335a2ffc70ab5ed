"""docs/errors.md has every reason once, with the code that the contract and the server give it."""

from __future__ import annotations

import re
from pathlib import Path

from segmentd.errors import Reason
from segmentd.v1.error_reason_pb2 import ErrorReason

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| `([A-Z_]+)` \| ([A-Z_]+) \| (.+?) \| (.+?) \|$",
    (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
PROTO = (ROOT / "protos" / "segmentd" / "v1" / "error_reason.proto").read_text(encoding="utf-8")


def codes_of_the_contract() -> dict[str, str]:
    """Reason → the code that its comment names."""
    found = {}
    for comment, name in re.findall(r"((?:^  //.*\n)+)  ERROR_REASON_([A-Z_]+) = \d+;", PROTO, re.MULTILINE):
        text = " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())
        code = re.search(r"\bCode ([A-Z_]+)", text)
        if code:
            found[name] = code[1]
    return found


def test_every_reason_is_there_in_the_order_of_the_code() -> None:
    assert [row[0] for row in ROWS] == [reason.value for reason in Reason]


def test_every_reason_of_the_contract_is_there() -> None:
    assert {f"ERROR_REASON_{row[0]}" for row in ROWS} == set(ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


def test_codes_are_those_of_the_contract() -> None:
    assert {row[0]: row[1] for row in ROWS} == codes_of_the_contract()


def test_every_reason_says_what_it_means_and_what_to_do() -> None:
    assert all(len(meaning) > 15 and len(remedy) > 15 for _, _, meaning, remedy in ROWS)
