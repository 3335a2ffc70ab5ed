"""Two peers' own test suites: where our operators say the same, our answers are theirs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.conditions import peer_growthbook, peer_unleash

from segmentd.population.views import UsersView
from segmentd.testing import judge, population, user
from segmentd_types.attribute import Attribute

CASES = Path(__file__).parents[4] / "shared" / "data" / "peer_cases"
Tree = dict[str, Any]
EXPLAINED = {
    "version a.b.c.d.e.f > 1.2.3": "what is no version satisfies no comparison",
    "version 1-2-3 == 1.2.3": "semver.org reads -2-3 as a pre-release",
    "version 1-2-3 == 1-2.3+build99": "semver.org reads -2-3 as a pre-release",
    "version 1-2-3 == v1.2.3": "semver.org reads -2-3 as a pre-release",
    "version 1.2.3.4 == 1.2.3-4": "versions have numbers of any length",
    "F8.invalidSemverWithLeadingV - invalid semver resolves to false": "a leading v is dropped",
}
"""Cases on which we differ on purpose."""


def cases(name: str) -> list[Tree]:
    file = CASES / name
    if not file.exists():
        pytest.skip("../shared/data is not here")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def member(tree: Tree, users: UsersView) -> bool:
    ((key, below),) = tree.items()
    match key:
        case "all":
            return all(member(each, users) for each in below)
        case "any":
            return any(member(each, users) for each in below)
        case "not":
            return not member(below, users)
    return bool(judge(Attribute(), below, users).member[0])


def compare(given: list[Tree], answer: Callable[[Tree], bool]) -> tuple[int, Counter[str], list[str]]:
    """How many agree, why others were left out, and which differ."""
    agreed, left_out, differing = 0, Counter[str](), []
    for case in given:
        if case["name"] in EXPLAINED:
            left_out[EXPLAINED[case["name"]]] += 1
            continue
        try:
            found = answer(case)
        except (peer_growthbook.Untranslated, peer_unleash.Untranslated) as reason:
            left_out[str(reason)] += 1
        except ValidationError:
            left_out["refused here when it is defined"] += 1
        except ValueError as reason:
            left_out[f"refused here for the kind: {reason}"] += 1
        else:
            agreed += found == case["expected"]
            if found != case["expected"]:
                differing.append(case["name"])
    return agreed, left_out, differing


def growthbook(case: Tree) -> bool:
    flat = {key: value for key, value in (case["user"] or {}).items() if value is not None}
    if not case["definition"]:
        raise peer_growthbook.Untranslated("an empty rule")
    rule = peer_growthbook.tree(case["definition"], flat)
    return member(rule, population([user("u", flat)], 0))


def unleash(case: Tree) -> bool:
    given = peer_unleash.constraints(case)
    answers = []
    for constraint in given:
        rule, kind, name = peer_unleash.rule(constraint), peer_unleash.kind_of(constraint), constraint["contextName"]
        value = peer_unleash.context(case, name, kind)
        values = {} if value is None else {name: value}
        answers.append(member(rule, population([user("u", values)], 0, {name: kind} if kind else {})))
    return all(answers)


def test_growthbook_agrees() -> None:
    agreed, left_out, differing = compare(cases("growthbook_eval_condition.jsonl"), growthbook)
    assert differing == []
    assert (agreed, left_out.total()) == (179, 69), left_out


def test_unleash_agrees() -> None:
    agreed, left_out, differing = compare(cases("unleash.jsonl"), unleash)
    assert differing == []
    assert (agreed, left_out.total()) == (113, 114), left_out
