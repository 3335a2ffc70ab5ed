"""Which kind the values of each attribute and event property have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Final

from segmentd.population.kinds import Kind

_TEXTS: Final = [
    "gender",
    "firstName",
    "lastName",
    "email",
    "phone",
    "title",
    "description",
    "website",
    "username",
    "avatar",
    "address.city",
    "address.country",
    "address.postalCode",
    "address.state",
    "address.street",
    "company.id",
    "company.name",
    "company.industry",
    "company.plan",
    "device.id",
    "device.type",
    "device.manufacturer",
    "device.model",
    "device.name",
    "device.version",
    "device.class",
    "os.name",
    "os.version",
    "app.name",
    "app.version",
    "app.build",
    "browser.name",
    "browser.version",
    "locale",
    "timezone",
    "ip",
    "location.country",
    "location.region",
    "location.city",
    "network.carrier",
    "userAgent",
    "campaign.name",
    "campaign.source",
    "campaign.medium",
    "campaign.term",
    "campaign.content",
]
_NUMBERS: Final = [
    "age",
    "company.employee_count",
    "location.latitude",
    "location.longitude",
    "screen.density",
    "screen.width",
    "screen.height",
]

KNOWN_ATTRIBUTES: Final = MappingProxyType(
    dict.fromkeys(_TEXTS, Kind.TEXT)
    | dict.fromkeys(_NUMBERS, Kind.NUMBER)
    | dict.fromkeys(["network.cellular", "network.wifi"], Kind.FLAG)
    | {"birthday": Kind.DATE, "createdAt": Kind.INSTANT}
)
"""The traits and context fields of the Segment spec, whose kinds are fixed."""

KNOWN_PROPERTIES: Final = MappingProxyType(
    dict.fromkeys(["revenue", "total", "subtotal", "shipping", "tax", "discount"], Kind.MONEY)
    | dict.fromkeys(["order_id", "currency", "coupon", "affiliation", "checkout_id", "cart_id"], Kind.TEXT)
)
"""Properties of the Segment spec's commerce events, whose kinds are fixed in every event."""


class Schema:
    """The kinds known so far: fixed by the Segment spec, declared, or taken from a first value."""

    def __init__(self) -> None:
        self._attributes: dict[str, Kind] = dict(KNOWN_ATTRIBUTES)
        self._properties: dict[tuple[str, str], Kind] = {}
        self._counts: Counter[str] = Counter()
        self._by_event: dict[str, dict[str, Kind]] = {}
        self.lists: set[str] = set()
        """The ids of the user lists that there are."""

    def attribute(self, name: str) -> Kind | None:
        """The kind of an attribute; None where no value was seen or declared."""
        return self._attributes.get(name)

    def event_property(self, event: str, name: str) -> Kind | None:
        """The kind of a property of an event; None where no value was seen or declared."""
        return KNOWN_PROPERTIES.get(name) or self._properties.get((event, name))

    def event_properties(self, event: str) -> Mapping[str, Kind]:
        """The kinds of all properties of an event that are known, by name."""
        return self._by_event.get(event, KNOWN_PROPERTIES)

    def assuming(self, kinds: Mapping[str, Kind]) -> Schema:
        """The same where these attributes have these kinds; not to be written to, since it shares what is known."""
        other = copy(self)
        other._attributes = {**self._attributes, **kinds}  # noqa: SLF001  (its own class)
        return other

    def set_attribute(self, name: str, kind: Kind) -> None:
        """Fix the kind of an attribute."""
        self._attributes[name] = kind

    def set_property(self, event: str, name: str, kind: Kind) -> None:
        """Fix the kind of a property of an event."""
        self._counts[event] += (event, name) not in self._properties
        self._properties[event, name] = kind
        self._by_event.setdefault(event, dict(KNOWN_PROPERTIES))[name] = KNOWN_PROPERTIES.get(name, kind)

    def count(self, scope: str) -> int:
        """How many names are known of an event's properties; of attributes where `scope` is empty."""
        return self._counts[scope] if scope else len(self._attributes)

    def attribute_kinds(self) -> Mapping[str, Kind]:
        """The same for all attributes, as they become known; not to be written to."""
        return self._attributes

    def attributes(self) -> dict[str, Kind]:
        """All attributes with a known kind."""
        return dict(self._attributes)

    def properties(self) -> dict[tuple[str, str], Kind]:
        """All (event, property) pairs whose kind was declared or seen; the fixed ones apart."""
        return dict(self._properties)
