"""Attributes laid over those of a stored user read like attributes that are stored, by arrays and one by one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentd.population.dataset import Dataset
from segmentd.population.kinds import Kind, Stored
from segmentd.population.overlay import OverlaidUsers
from segmentd.population.views import ColumnsView, UsersView

VALUES: dict[str, tuple[Kind, tuple[Stored, ...]]] = {
    "number": (Kind.NUMBER, (1.0, 0.25, 1e12)),
    "money": (Kind.MONEY, (1, 2**40)),
    "date": (Kind.DATE, (0, 20_000)),
    "instant": (Kind.INSTANT, (1, 1_700_000_000_000_000)),
    "flag": (Kind.FLAG, (0, 1)),
    "category": (Kind.TEXT, ("a", "b", "far")),
    "tags": (Kind.TAGS, (("x",), ("x", "y"), ())),
    "home.latitude": (Kind.NUMBER, (50.5, 0.0)),
    "home.longitude": (Kind.NUMBER, (7.25,)),
}
KINDS = {name: kind for name, (kind, _) in VALUES.items()}
Values = dict[str, Stored | None]
USER: st.SearchStrategy[Values] = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(each) for name, (_, each) in VALUES.items()}
)
OVER: st.SearchStrategy[Values] = st.fixed_dictionaries(
    {}, optional={name: st.none() | st.sampled_from(each) for name, (_, each) in VALUES.items()}
)
NOBODY = np.array([], dtype=np.int64)
AT = np.array([5], dtype=np.int64)


def dataset_of(*users: Values, kinds: Mapping[str, Kind] = KINDS) -> Dataset:
    dataset = Dataset()
    for number, values in enumerate(users):
        typed = {name: None if value is None else (kinds[name], value) for name, value in values.items()}
        dataset.set_attributes(dataset.add_user(f"u{number}"), typed)
    return dataset


def everything(view: ColumnsView) -> dict[str, object]:
    """All that can be read."""
    found: dict[str, object] = {}
    for name, (kind, _) in VALUES.items():
        if kind is Kind.TEXT:
            found[name] = view.category(name).texts()
        elif kind is Kind.TAGS:
            tags = view.tags(name)
            texts = [sorted(tags.vocabulary.texts[code] for code in tags.codes.tolist())]
            found[name] = tags.present.tolist(), texts if len(view) else []
        else:
            values = getattr(view, str(kind))(name)
            found[name] = values.present.tolist(), values.values[values.present].tolist()
    place = view.place("home")
    found["home"] = place.present.tolist(), place.latitude[place.present].tolist()
    return found


def one_by_one(view: UsersView) -> dict[str, object]:
    user = view.one(0)
    return {name: user.columns[name].value(user.row) if name in user.columns else None for name in VALUES}


@given(USER, USER, OVER)
def test_it_reads_as_if_it_were_stored(other: Values, user: Values, over: Values) -> None:
    stored = dataset_of(other, user, other).view(np.array([1]), AT)
    request = dataset_of({name: value for name, value in over.items() if value is not None})
    laid = OverlaidUsers(stored, request.view(slice(0, 1), AT), over.keys())
    expected = dataset_of(other, user | over).view(np.array([1]), AT)
    assert everything(laid) == everything(expected)
    assert everything(laid.only(np.array([0]))) == everything(expected)
    assert everything(laid.only(NOBODY)) == everything(expected.only(NOBODY))
    assert one_by_one(laid) == one_by_one(expected)
    assert laid.user_ids() == ["u1"]
    for name, value in over.items():
        assert laid.kind(name) is (stored.kind(name) if value is None else KINDS[name])


def test_another_kind_is_what_the_request_brings() -> None:
    """As where nobody had a value of the name that was declared since."""
    stored = dataset_of({"x": "a"}, kinds={"x": Kind.TEXT}).view(slice(0, 1), AT)
    request = dataset_of({"x": 1.0}, kinds={"x": Kind.NUMBER})
    laid = OverlaidUsers(stored, request.view(slice(0, 1), AT), {"x"})
    assert laid.kind("x") is Kind.NUMBER
    assert laid.number("x").values.tolist() == [1.0]
    assert laid.layout.kinds["x"] is Kind.NUMBER


def test_ids_and_events_are_those_of_the_stored_user() -> None:
    dataset = dataset_of({}, {})
    table = dataset.tables["E"] = dataset.new_table({})
    table.add(1, 3, {})
    laid = OverlaidUsers(dataset.view(np.array([1]), AT), dataset_of({}).view(slice(0, 1), AT), ())
    assert laid.events("E").times.tolist() == [3]
    assert laid.one(0).owner_row == 1
    assert laid.named(frozenset({"u1"})).tolist() == [True]
    assert not laid.named(frozenset({"u0"})).any()
