"""Users and their attributes from the database, in batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from segmentd.errors import StorageFailed
from segmentd.population.filling import put_attributes
from segmentd.service.live import Live
from segmentd.storage import Store
from segmentd.storage.bulk_reads import ProfileBatch, ahead


def load_users(live: Live, store: Store) -> None:
    """Add the users behind those that are there: then there are all of them, and nothing else yet."""
    for keys, ids in ahead(store.user_batches(live.next_user_key - 1)):
        live.add_users(ids, keys)
    live.users.fit()
    live.next_user_key = max(live.next_user_key, store.next_user_key())


def load_profiles(live: Live, batches: Iterable[ProfileBatch]) -> None:
    """Set the attributes of the users of these profiles, who are there already."""
    for batch in batches:
        rows = live.rows_of(batch.user_keys)
        profiles: list[dict[str, Any]] = orjson.loads(batch.attributes)
        if batch.derived is not None:
            derived = orjson.loads(batch.derived)
            profiles = [{**less, **more} if less else more for less, more in zip(derived, profiles, strict=True)]
        if not len(rows) == len(profiles) == len(batch.user_keys):
            raise StorageFailed("the database has profiles of users who are not there")
        put_attributes(live.users, rows, profiles, live.schema.attribute)
