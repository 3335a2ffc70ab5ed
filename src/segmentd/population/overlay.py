"""One view's ids and events under another view's attributes: judged once for a request, never stored."""

from __future__ import annotations

from segmentd.population.one_user import OneUser
from segmentd.population.typed import Mask
from segmentd.population.views import EventsView, UsersView


class OverlaidUsers(UsersView):
    """The attributes of the users of `attributes`, the ids and events of those of `events`, row by row."""

    def __init__(self, attributes: UsersView, events: UsersView) -> None:
        super().__init__(attributes.dataset, attributes.positions, attributes.at)
        self._source = events

    def user_ids(self) -> list[str]:
        """The id of each user."""
        return self._source.user_ids()

    def named(self, ids: frozenset[str]) -> Mask:
        """Which of the users are among `ids`."""
        return self._source.named(ids)

    def one(self, place: int) -> OneUser:
        """One of the users, by its place among them."""
        user, source = super().one(place), self._source.one(place)
        user.owner, user.owner_row = source.owner, source.owner_row
        return user

    def events(self, name: str) -> EventsView:
        """The events of this name."""
        return self._source.events(name)
