"""The kinds of values as they come in: known ones are enforced, first values decide, money is converted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

from segmentd.errors import FieldViolation, InvalidInput, Reason
from segmentd.population.kinds import MAX_TEXT, Json, Kind, Stored, encode, kind_of
from segmentd.population.schema import Schema
from segmentd.records import KindRecord

MAX_KNOWN_NAMES: Final = 10_000
"""How many attributes, and how many properties of one event, there may be."""
AS_THEY_ARE: Final = frozenset([Kind.NUMBER, Kind.TEXT])
"""The kinds whose values of sound form are stored as they came."""
_TEXT, _NUMBER, _MONEY, _FLAG = Kind.TEXT, Kind.NUMBER, Kind.MONEY, Kind.FLAG
_WHOLE: Final = 2**53
_MUCH: Final = 10**10
"""So much money is far from what cannot be counted."""
Typed: TypeAlias = dict[str, tuple[Kind, Stored]]
"""Values with their kinds, by name."""


@dataclass(frozen=True, slots=True)
class Currencies:
    """The base currency and what one unit of each other one is worth in it."""

    base: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def rate(self, currency: Json) -> Decimal | None:
        """The rate to convert by; None for the base currency. Raises InvalidInput where there is none."""
        if currency is None or currency == self.base:
            return None
        rate = self.rates.get(currency) if isinstance(currency, str) else None
        if rate is None:
            raise InvalidInput(
                [FieldViolation("properties.currency", f"there is no rate from {currency!r} to {self.base}")],
                Reason.UNKNOWN_CURRENCY,
                {"currency": str(currency)},
            )
        return rate


class ValueTypes:
    """Types values by the schema, and by the first values of this commit group; `new` is what to record.

    An item that is refused leaves nothing behind: call `settle` after each.
    """

    def __init__(self, schema: Schema, currencies: Currencies) -> None:
        self._schema = schema
        self._currencies = currencies
        self.new: dict[tuple[str, str], Kind] = {}
        self._fresh: dict[tuple[str, str], Kind] = {}
        self._counts: Counter[str] = Counter()

    def attributes(self, values: Mapping[str, Json], field_name: str) -> Typed:
        """Attributes with kinds and stored forms, None values apart. Raises InvalidInput with every fault."""
        present = {name: value for name, value in values.items() if value is not None}
        return self._typed("", present, field_name, None)

    def check_attributes(self, values: Mapping[str, Json], field_name: str) -> None:
        """The same without the values, for attributes that are nearly always of the kinds that are known."""
        if not self._all_sound(self._schema.attribute_kinds(), values):
            self.attributes(values, field_name)

    def properties(self, event: str, values: Mapping[str, Json]) -> tuple[Typed, Decimal | None]:
        """An event's properties, those that rules can use; and the rate by which money was converted."""
        currency = values.get("currency")
        rate = None
        if currency not in (None, self._currencies.base) and self._has_money(event, values):
            rate = self._currencies.rate(currency)
        return self._typed(event, values, "properties", rate), rate

    def checked(self, event: str, values: Mapping[str, Json]) -> Decimal | None:
        """The same without the values, for events that are nearly always of the kinds that are known: the rate."""
        if self._all_sound(self._schema.event_properties(event), values):
            return None
        return self.properties(event, values)[1]

    def settle(self, *, kept: bool) -> None:
        """The item is stored, and its first values decide kinds; or it is refused, and they do not."""
        if kept and self._fresh:
            self.new.update(self._fresh)
            self._counts.update(scope for scope, _ in self._fresh)
        self._fresh = {}

    def records(self) -> list[KindRecord]:
        """The kinds that first values decided."""
        return [KindRecord(scope, name, kind, declared=False) for (scope, name), kind in self.new.items()]

    def _all_sound(self, known: Mapping[str, Kind], values: Mapping[str, Json]) -> bool:
        """Whether `encode` takes all values for sure, and money, where there is any, is of the base currency.

        In one loop without calls, since it is run for each value of each event.
        """
        for name, value in values.items():
            kind, given = known.get(name), type(value)
            if kind is _TEXT:
                if given is not str or len(value) > MAX_TEXT:  # type: ignore[arg-type]  # it is a str
                    return False
            elif kind is _NUMBER or kind is _MONEY:
                # NaN is neither more nor less than anything.
                most = _WHOLE if kind is _NUMBER else _MUCH
                if (given is not float and given is not int) or not -most <= value <= most:  # type: ignore[operator]
                    return False
            elif kind is not _FLAG or given is not bool:
                return False
        return values.get("currency") in (None, self._currencies.base)

    def _typed(self, scope: str, values: Mapping[str, Json], field_name: str, rate: Decimal | None) -> Typed:
        typed: Typed = {}
        fresh: dict[tuple[str, str], Kind] = {}
        faults: list[FieldViolation] = []
        metadata: dict[str, str] = {}
        for name, value in values.items():
            known = self._kind(scope, name)
            kind = known or kind_of(value)
            if kind is None:
                if scope == "":
                    faults.append(FieldViolation(f"{field_name}.{name}", "is neither a value nor a list of text"))
                continue
            try:
                typed[name] = kind, encode(kind, value, rate)
            except ValueError as error:
                expected = f" ({name} is {kind})" if known else ""
                metadata = metadata or {"name": name, "kind": kind, "given": str(kind_of(value) or "other")}
                faults.append(FieldViolation(f"{field_name}.{name}", f"{error}{expected}"))
            if known is None:
                fresh[scope, name] = kind
        self._check_room(scope, fresh, field_name, faults)
        if faults:
            raise InvalidInput(faults, Reason.WRONG_TYPE, metadata)
        self._fresh.update(fresh)
        return typed

    def _has_money(self, event: str, names: Iterable[str]) -> bool:
        return any(self._kind(event, name) is Kind.MONEY for name in names)

    def _kind(self, scope: str, name: str) -> Kind | None:
        known = self._schema.event_property(scope, name) if scope else self._schema.attribute(name)
        return known or self.new.get((scope, name)) or self._fresh.get((scope, name))

    def _check_room(
        self, scope: str, fresh: Mapping[tuple[str, str], Kind], field_name: str, faults: list[FieldViolation]
    ) -> None:
        if fresh and self._schema.count(scope) + self._counts[scope] + len(fresh) > MAX_KNOWN_NAMES:
            what = f"properties of {scope}" if scope else "attributes"
            faults.append(
                FieldViolation(field_name, f"there are {MAX_KNOWN_NAMES:,} {what} already, the most there may be")
            )


def sound_text(value: Json) -> bool:
    """Whether a value is text that is kept as it is."""
    return type(value) is str and len(value) <= MAX_TEXT
