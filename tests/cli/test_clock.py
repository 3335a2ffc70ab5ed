from __future__ import annotations

import pytest
from tests.cli.running import Commands


def test_the_clock_moves_and_the_user_leaves_at_the_exact_instant(shop: Commands) -> None:
    assert shop.fine("clock", "show", "--json").json["clock_frozen"] is True
    moved = shop.fine("clock", "advance", "--to", "2026-01-05T23:59:59.999999Z", "--json").json
    assert (moved["clock_time"], moved["transition_count"]) == ("2026-01-05T23:59:59.999999Z", 0)
    assert shop.fine("check", "ada", "vip", "--json").json["membership"] == "MEMBER"
    assert "2 memberships changed" in shop.fine("clock", "advance", "--by", "1s").out
    assert shop.fine("check", "ada", "vip", "--json").json["membership"] == "NOT_MEMBER"
    assert shop.fine("clock", "show").out == "2026-01-06T00:00:00.999999Z (frozen)\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "either --to or --by"),
        (("--to", "2026-02-01T00:00:00Z", "--by", "1d"), 2, "either --to or --by"),
        (("--by", "3mo"), 2, "no fixed length"),
        (("--by", "fast"), 2, "--by"),
        (("--to", "2026-02-01"), 2, "no offset from UTC"),
        (("--to", "2020-01-01T00:00:00Z"), 1, "INVALID_REQUEST"),
    ],
)
def test_what_is_no_move_is_refused(segmentd: Commands, arguments: tuple[str, ...], code: int, words: str) -> None:
    outcome = segmentd("clock", "advance", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    assert words in outcome.err
