"""The users of one request, in a dataset of their own: as they would be if what the request brings were stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from segmentd.errors import InvalidInput
from segmentd.plugins.derivation import Derivation
from segmentd.population.dataset import Dataset
from segmentd.population.kinds import Json, Kind, Stored
from segmentd.population.listed import list_attribute
from segmentd.service.ingest import effective_time, typed_attributes
from segmentd.service.items import EventWrite, PreparedEvent, ProfileWrite, prepare_event, prepare_profile
from segmentd.service.list_change import listed
from segmentd.service.live import Live
from segmentd.service.profile_drafts import Draft, derive, derive_all, derives_from
from segmentd.service.value_types import Currencies, Typed, ValueTypes
from segmentd.times import Micros


@dataclass(frozen=True, slots=True)
class GivenProfile:
    """A profile that a request brings, with its events."""

    profile: ProfileWrite
    events: Sequence[EventWrite] = ()


@dataclass(frozen=True, slots=True)
class _TypedEvent:
    event: PreparedEvent
    time: Micros
    properties: Typed


class RequestUsers:
    """Users by row in the order in which they were added; one id may stand for several.

    The first value of a name that nobody has decides its kind for the whole request.
    """

    def __init__(self, live: Live, derivations: Sequence[Derivation], currencies: Currencies, at: Micros) -> None:
        self.dataset = Dataset(live.users.layout)
        self._live = live
        self._derivations = derivations
        self._types = ValueTypes(live.schema, currencies)
        self._at = at

    def add_over(self, user_id: str, attributes: Mapping[str, Json], read: Callable[[], Draft]) -> frozenset[str]:
        """What these attributes would change about a stored user; gives the names of all that may be changed.

        `read` gives the stored profile; it is asked only where something is derived from these attributes. Raises
        InvalidInput where they are of a wrong kind.
        """
        given = self._types.attributes(attributes, "attributes")
        names = set(attributes)
        values = dict[str, tuple[Kind, Stored] | None](given)
        if derives_from(self._derivations, names):
            draft = read()
            draft.given = _without_none({**draft.given, **attributes})
            names = derive(draft, names, self._derivations)
            effective = draft.effective()
            values = typed_attributes(self._live, {each: effective[each] for each in names if each in effective})
            values |= given
        self.dataset.set_attributes(self.dataset.add_user(user_id), values)
        return frozenset(names)

    def add(self, user_id: str, attributes: Mapping[str, Json]) -> None:
        """A user with these attributes and no others. Raises InvalidInput where they are of a wrong kind."""
        given = self._types.attributes(attributes, "attributes")
        draft = Draft(0, _without_none(attributes))
        derive_all(draft, self._derivations)
        values = {**typed_attributes(self._live, draft.effective()), **given, **self._lists_of(user_id)}
        self.dataset.set_attributes(self.dataset.add_user(user_id), values)

    def add_given(self, given: GivenProfile) -> None:
        """A profile with its events. Raises InvalidInput, and leaves nothing behind."""
        try:
            self._add_given(given)
        except InvalidInput:
            self._types.settle(kept=False)
            raise
        self._types.settle(kept=True)

    def _lists_of(self, user_id: str) -> Typed:
        """The user lists that have this id among their users, as attributes."""
        live = self._live
        row = live.users.index.get(user_id)
        names = {list_attribute(name) for name in live.lists if row is not None and listed(live, name, row)}
        return dict.fromkeys(names, (Kind.FLAG, 1))

    def _add_given(self, given: GivenProfile) -> None:
        profile = prepare_profile(given.profile)
        events = [self._event(each, place) for place, each in enumerate(given.events)]
        context: dict[str, Json] = {}
        for each in sorted(events, key=lambda each: min(each.time, self._at)):
            context |= each.event.context
        self.add(profile.user_id, {**context, **profile.attributes})
        seen: set[str] = set()
        for each in events:
            if not each.event.message_id or each.event.message_id not in seen:
                self._put(each)
            seen.add(each.event.message_id)

    def _event(self, write: EventWrite, place: int) -> _TypedEvent:
        try:
            event = prepare_event(write)
            properties, _ = self._types.properties(event.name, event.properties)
        except InvalidInput as error:
            raise error.below(f"events[{place}].") from None
        return _TypedEvent(event, effective_time(event.time, self._at), properties)

    def _put(self, typed: _TypedEvent) -> None:
        """Add an event of the user added last."""
        tables = self.dataset.tables
        table = tables.setdefault(typed.event.name, self.dataset.new_table({}))
        values: dict[str, Stored] = {}
        for name, (kind, value) in typed.properties.items():
            values[name] = value
            if name not in table.columns:
                table.add_column(name, kind)
        table.add(len(self.dataset) - 1, typed.time, values)


def _without_none(attributes: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in attributes.items() if value is not None}
