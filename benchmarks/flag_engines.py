"""A hundred attribute rules in the forms of segmentd, flagsmith-flag-engine and GrowthBook, which say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flag_engine.context.types import EvaluationContext, SegmentContext
from flag_engine.engine import get_evaluation_result
from growthbook.core import evalCondition

COUNTRIES: Final = ("DE", "AT", "CH", "FR", "NL", "BE", "GB", "IE", "US", "JP")
PLANS: Final = ("free", "plus", "pro")
PEERS: Final = ("flagsmith-flag-engine", "growthbook")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Three conditions, all of which must hold."""

    points: int
    countries: tuple[str, ...]
    plan: str

    def rule(self) -> dict[str, Any]:
        return {
            "attribute": {
                "loyaltyPoints": {"at_least": self.points},
                "country": {"in": list(self.countries)},
                "plan": {"not_equals": self.plan},
            }
        }

    def condition(self) -> dict[str, Any]:
        return {
            "loyaltyPoints": {"$gte": self.points},
            "country": {"$in": list(self.countries)},
            "plan": {"$ne": self.plan},
        }

    def segment(self, name: str) -> SegmentContext[Any, Any]:
        return {
            "key": name,
            "name": name,
            "rules": [
                {
                    "type": "ALL",
                    "conditions": [
                        {"property": "loyaltyPoints", "operator": "GREATER_THAN_INCLUSIVE", "value": str(self.points)},
                        {"property": "country", "operator": "IN", "value": list(self.countries)},
                        {"property": "plan", "operator": "NOT_EQUAL", "value": self.plan},
                    ],
                }
            ],
        }


def wanted(size: int) -> dict[str, Wanted]:
    """By segment id."""
    return {
        f"a{number:04d}": Wanted(5 * number, COUNTRIES[: 1 + number % 10], PLANS[number % 3]) for number in range(size)
    }


class Flagsmith:
    """Its engine evaluates a context that has all segments."""

    def __init__(self, segments: dict[str, Wanted]) -> None:
        self._segments = {name: each.segment(name) for name, each in segments.items()}

    def matches(self, user_id: str, traits: dict[str, Any]) -> set[str]:
        context: EvaluationContext[Any, Any] = {
            "environment": {"key": "bench", "name": "bench"},
            "identity": {"identifier": user_id, "key": user_id, "traits": traits},
            "segments": self._segments,
        }
        return {segment["name"] for segment in get_evaluation_result(context)["segments"]}


class GrowthBook:
    """Its SDK evaluates one condition after another."""

    def __init__(self, segments: dict[str, Wanted]) -> None:
        self._conditions = {name: each.condition() for name, each in segments.items()}

    def matches(self, _user_id: str, traits: dict[str, Any]) -> set[str]:
        return {name for name, condition in self._conditions.items() if evalCondition(traits, condition)}
