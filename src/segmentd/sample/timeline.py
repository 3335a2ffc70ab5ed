"""Lays visits, refunds, mails and notifications out as one stream of events, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from segmentd.sample.behaviours import BEHAVIOURS
from segmentd.sample.cities import noon_offsets
from segmentd.sample.people import People
from segmentd.sample.seasons import EPOCH, sales_between
from segmentd.sample.visits import MOST_ITEMS, Span, Visits
from segmentd.times import DAY, HOUR, MINUTE, SECOND, Instants, Micros


class Happening(IntEnum):
    """What an event is. `detail` is the item looked at, the visit, or the sale that a mail was about."""

    INSTALLED = 0
    OPENED = 1
    VIEWED = 2
    ADDED = 3
    ORDERED = 4
    REFUNDED = 5
    PUSH_RECEIVED = 6
    PUSH_TAPPED = 7
    MAIL_DELIVERED = 8
    MAIL_OPENED = 9


@dataclass(frozen=True, slots=True)
class Timeline:
    """One element an event, sorted by time. `visit` is -1 where there is none; `detail` depends on `what`."""

    at: Instants
    user: NDArray[np.int32]
    what: NDArray[np.int8]
    visit: NDArray[np.int32]
    detail: NDArray[np.int8]


Part = tuple[Happening, Instants, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""(what, at, user, visit, detail) of events of one kind."""


def lay_out(random: np.random.Generator, people: People, visits: Visits, span: Span, until: Micros) -> Timeline:
    """Every event in the span and before `until`; equal instants keep the order of the kinds."""
    parts = [*_visit_parts(random, visits), *_push_parts(random, visits), *_mail_parts(random, people, span)]
    users = np.arange(len(people.group))
    nothing = np.full(len(users), -1)
    parts.append((Happening.INSTALLED, people.joined, users, nothing, nothing))
    at = np.concatenate([part[1] for part in parts])
    user = np.concatenate([part[2] for part in parts])
    kept = np.flatnonzero((at >= span.first_day * DAY) & (at >= people.joined[user]) & (at < until))
    order = kept[np.argsort(at[kept], kind="stable")]
    return Timeline(
        at=at[order],
        user=user[order].astype(np.int32),
        what=np.concatenate([np.full(len(part[1]), part[0], dtype=np.int8) for part in parts])[order],
        visit=np.concatenate([part[3].astype(np.int32) for part in parts])[order],
        detail=np.concatenate([part[4].astype(np.int8) for part in parts])[order],
    )


def _visit_parts(random: np.random.Generator, visits: Visits) -> Iterator[Part]:
    numbers = np.arange(len(visits.user))

    def part(what: Happening, which: NDArray[np.int64], after: Instants, detail: int = -1) -> Part:
        return what, visits.at[which] + after, visits.user[which], which, np.full(len(which), detail)

    yield part(Happening.OPENED, numbers, np.zeros(len(numbers), dtype=np.int64))
    for item in range(MOST_ITEMS):
        which = np.flatnonzero(visits.items[:, item] >= 0)
        pause = random.integers(5 * SECOND, MINUTE, len(which))
        yield part(Happening.VIEWED, which, item * MINUTE + pause, item)
        which = np.flatnonzero(visits.added & (item < np.maximum(visits.bought, 1)))
        yield part(Happening.ADDED, which, 3 * MINUTE + random.integers(0, MINUTE, len(which)), item)
    which = np.flatnonzero(visits.bought > 0)
    yield part(Happening.ORDERED, which, 5 * MINUTE + random.integers(0, 5 * MINUTE, len(which)))
    which = which[random.random(len(which)) < 0.05]
    yield part(Happening.REFUNDED, which, random.integers(3 * DAY, 20 * DAY, len(which)))


def _push_parts(random: np.random.Generator, visits: Visits) -> Iterator[Part]:
    """A fifth of the visits begins with a notification that was tapped; as many more were ignored."""
    chance = random.random(len(visits.user))
    tapped, ignored = np.flatnonzero(chance < 0.2), np.flatnonzero(chance > 0.8)
    pause = random.integers(MINUTE, HOUR, len(tapped))
    none = np.full(len(tapped), -1)
    yield Happening.PUSH_RECEIVED, visits.at[tapped] - pause, visits.user[tapped], tapped, none
    yield Happening.PUSH_TAPPED, visits.at[tapped] - SECOND, visits.user[tapped], tapped, none
    later = visits.at[ignored] + random.integers(DAY, 7 * DAY, len(ignored))
    yield Happening.PUSH_RECEIVED, later, visits.user[ignored], ignored, np.full(len(ignored), -1)


def _mail_parts(random: np.random.Generator, people: People, span: Span) -> Iterator[Part]:
    """A mail at nine in the morning, local time, of the first day of each sale to all who subscribed."""
    offsets = noon_offsets(span.first_day, span.days)
    opens = np.array([behaviour.opens_mail for behaviour in BEHAVIOURS])
    for number, sale in enumerate(sales_between(span.first_day, span.days)):
        day = (sale.first - EPOCH) // timedelta(days=1)
        at = day * DAY + 9 * HOUR - offsets[people.city, day - span.first_day]
        users = np.flatnonzero(people.mail & (people.joined < at))
        delivered = at[users] + random.integers(0, 10 * MINUTE, len(users))
        none, about = np.full(len(users), -1), np.full(len(users), number)
        yield Happening.MAIL_DELIVERED, delivered, users, none, about
        opened = random.random(len(users)) < opens[people.group[users]]
        pause = random.integers(MINUTE, 12 * HOUR, int(opened.sum()))
        yield Happening.MAIL_OPENED, delivered[opened] + pause, users[opened], none[opened], about[opened]
