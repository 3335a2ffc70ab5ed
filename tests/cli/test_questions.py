from __future__ import annotations

from tests.cli.running import START, Commands


def test_check_says_member_and_until_when(shop: Commands) -> None:
    assert shop.fine("check", "ada", "vip").out == "ada is a member of vip, at least until 2026-01-06T00:00:00Z\n"
    answer = shop.fine("check", "ada", "vip", "--json").json
    assert (answer["membership"], answer["holds_until_time"], answer["user_known"]) == (
        "MEMBER",
        "2026-01-06T00:00:00Z",
        True,
    )


def test_check_of_a_non_member_exits_with_0(shop: Commands) -> None:
    assert shop.fine("check", "bob", "vip").out.startswith("bob is not a member of vip")
    assert shop.fine("check", "bob", "vip", "--json").json["membership"] == "NOT_MEMBER"
    assert "nothing is known" in shop.fine("check", "nobody", "vip").out


def test_an_unknown_segment_is_one_line_with_its_reason(shop: Commands) -> None:
    for command in (["check", "ada", "none"], ["members", "none"], ["explain", "ada", "none", "--json"]):
        outcome = shop(*command)
        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err.startswith("error: ")
        assert outcome.err.endswith("(SEGMENT_NOT_FOUND)\n")
        assert outcome.err.count("\n") == 1


def test_user_lists_its_segments_and_when_it_leaves(shop: Commands) -> None:
    out = shop.fine("user", "ada").out
    assert "Spenders [all]" in out
    assert out.count("2026-01-06T00:00:00Z") == 2
    answer = shop.fine("user", "ada", "--json").json
    assert [each["segment_id"] for each in answer["segments"]] == ["spenders", "vip"]
    assert answer["segments"][0]["leaves_time"] == "2026-01-06T00:00:00Z"
    assert shop.fine("user", "bob").out == "bob is in no segment\n"
    assert shop.fine("user", "nobody", "--json").json["user_known"] is False
    assert "nothing is known" in shop.fine("user", "nobody").out


def test_members_are_one_a_line(shop: Commands) -> None:
    assert sorted(shop.fine("members", "vip").out.split()) == ["ada", "always"]
    assert sorted(each["user_id"] for each in shop.fine("members", "vip", "--json").lines) == ["ada", "always"]


def test_explain_shows_observed_and_threshold_at_each_leaf(shop: Commands) -> None:
    out = shop.fine("explain", "bob", "vip").out
    assert "✗ points: 20, asked for at_least 100" in out
    assert "✗ segment spenders" in out
    assert "ada leaves vip: 2026-01-06T00:00:00Z" in shop.fine("explain", "ada", "vip").out
    answer = shop.fine("explain", "bob", "vip", "--json").json
    assert (answer["membership"], answer["explanation"]["kind"]) == ("NOT_MEMBER", "SEGMENT")
    assert "nothing is known" in shop.fine("explain", "nobody", "vip").out


def test_explain_names_the_list_that_decides(shop: Commands) -> None:
    assert "✓ in include: always a member" in shop.fine("explain", "always", "vip").out
    assert "✗ in exclude: never a member" in shop.fine("explain", "bob", "vip").out
    assert "in exclude" not in shop.fine("explain", "ada", "vip").out


def test_listings(shop: Commands) -> None:
    assert "Spenders [all]" in shop.fine("segments").out
    segments = {each["id"]: each for each in shop.fine("segments", "--json").lines}
    assert (segments["vip"]["state"], segments["vip"]["size"]) == ("ACTIVE", 2)
    assert "points" in shop.fine("attributes").out
    kinds = {each["name"]: each for each in shop.fine("attributes", "--json").lines}
    assert (kinds["points"]["kind"], kinds["points"]["source"]) == ("NUMBER", "DECLARED")
    assert "pro" in shop.fine("profile", "ada").out
    assert shop.fine("profile", "ada", "--json").json["attributes"] == {"plan": "pro", "points": 120}
    assert shop("profile", "nobody").err.endswith("(USER_NOT_FOUND)\n")
    status = shop.fine("status", "--json").json
    assert (status["user_count"], status["event_count"], status["clock_frozen"]) == (3, 1, True)
    assert START[:10] in shop.fine("status").out


def test_types_show_parameters_and_schema(shop: Commands) -> None:
    assert "behavioral" in shop.fine("types").out
    assert "rfm" in [each["name"] for each in shop.fine("types", "--json").lines]
    assert '"additionalProperties": false' in shop.fine("types", "attribute").out + shop.fine("types", "list").out
    assert shop.fine("types", "list", "--json").json["parameters_schema"]["type"] == "object"
    assert shop("types", "none").code == 1


def test_refit_needs_a_model(shop: Commands) -> None:
    outcome = shop("refit", "vip")
    assert outcome.code == 1
    assert "(INVALID_REQUEST)" in outcome.err
