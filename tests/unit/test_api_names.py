"""`segmentd.api` and `segmentd.testing` say exactly what plugins may import."""

from __future__ import annotations

from types import ModuleType

import pytest

import segmentd.api
import segmentd.testing


@pytest.mark.parametrize("facade", [segmentd.api, segmentd.testing])
def test_all_names_every_public_name_once(facade: ModuleType) -> None:
    public = [
        name for name, value in vars(facade).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert sorted(facade.__all__) == sorted(public)
