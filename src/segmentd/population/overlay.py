"""One view's events under another view's attributes: judged once for a request, never stored."""

from __future__ import annotations

from segmentd.population.views import EventsView, UsersView


class OverlaidUsers(UsersView):
    """The attributes and ids of the users of `attributes`, the events of those of `events`, row by row."""

    def __init__(self, attributes: UsersView, events: UsersView) -> None:
        super().__init__(attributes.dataset, attributes.positions, attributes.at)
        self._source = events

    def events(self, name: str) -> EventsView:
        """The events of this name."""
        return self._source.events(name)
