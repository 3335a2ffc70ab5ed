"""The segment type `list`: users named one by one, a list that was uploaded, and a stable percentage of all users.

    list: {users: [u17, u4]}
    list: {uploaded: beta-testers}
    list: {percentage: {salt: holdout-2026, from: 0, to: 1000}}      # the first 10 %, in basis points

A user's bucket is `(murmur3_x86_32(salt + ":" + user_id as UTF-8, seed 0) · 10,000) >> 32`, a whole number from
0 to 9,999. It depends on nothing else, so it never changes; ranges of one salt that do not overlap never share
a user, and other salts deal anew. After a merge the bucket is that of the surviving id.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import mmh3
import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from segmentd.api import (
    ALWAYS,
    NEVER,
    Instants,
    JudgeOne,
    Mask,
    Model,
    Params,
    Population,
    Readers,
    Reads,
    Reason,
    SegmentType,
    Verdict,
    all_or_none,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BUCKETS: Final = 10_000
MAX_USERS: Final = 1_000_000


def whole(value: object) -> object:
    """A whole number that came as 1000.0 (numbers of a protobuf Struct have decimals)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


BasisPoints = Annotated[int, Field(ge=0, le=BUCKETS), BeforeValidator(whole)]


class Percentage(Params):
    """The users whose bucket lies in [from, to)."""

    salt: str = Field(min_length=1, max_length=256, description="What deals the buckets; another one deals anew.")
    from_: BasisPoints = Field(0, alias="from", description="The first bucket, in basis points (100 are 1 %).")
    to: BasisPoints = Field(description="Behind the last bucket, in basis points; 10000 is everybody.")

    @model_validator(mode="after")
    def _has_a_width(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("from must be less than to")
        return self


class ListParams(Params):
    """Users by name, an uploaded list, a percentage of all users, or (with several) those who are in each of them."""

    users: list[Annotated[str, Field(min_length=1)]] | None = Field(
        None, min_length=1, max_length=MAX_USERS, description="The ids of the users."
    )
    uploaded: str | None = Field(
        None, min_length=1, description="The id of a user list: its users, as they are added and removed."
    )
    percentage: Percentage | None = Field(None, description="A stable share of all users.")

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.users is None and self.uploaded is None and self.percentage is None:
            raise ValueError("write users, uploaded, percentage, or several of them")
        return self

    @cached_property
    def named(self) -> frozenset[str]:
        """The users as a set."""
        return frozenset(self.users or ())


class ListType(SegmentType[ListParams]):
    """Membership that depends on the user's id, or on a list of ids that was uploaded, and on nothing else."""

    name = "list"
    Params = ListParams

    def reads(self, params: ListParams) -> Reads:
        """The uploaded list; else nothing but ids, which never change."""
        return Reads() if params.uploaded is None else Reads(lists=frozenset([params.uploaded]))

    def evaluate(self, params: ListParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        """Named, in the uploaded list, and in the percentage, as far as each is given; until something is written."""
        member = np.ones(len(at), dtype=np.bool_)
        if params.users is not None:
            member &= users.named(params.named)
        if params.uploaded is not None:
            member &= users.listed(params.uploaded)
        if params.percentage is not None:
            member &= _inside(params.percentage, buckets(params.percentage.salt, users.user_ids()))
        return Verdict.forever(member)

    def for_one(self, params: ListParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        judges: list[JudgeOne] = []
        if params.users is not None:
            named, ids = params.named, readers.ids()
            judges.append(lambda user: NEVER if named.isdisjoint(ids(user)) else ALWAYS)
        if params.uploaded is not None:
            listed = readers.listed(params.uploaded)
            judges.append(lambda user: ALWAYS if listed(user) else NEVER)
        if params.percentage is not None:
            share, own = params.percentage, readers.user_id()
            judges.append(lambda user: ALWAYS if share.from_ <= bucket_of(share.salt, own(user)) < share.to else NEVER)
        return all_or_none(judges)

    def explain(self, params: ListParams, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        """A reason for the names, one for the uploaded list and one for the percentage."""
        reasons = []
        ids = users.user_ids()
        if params.users is not None:
            member = bool(users.named(params.named)[0])
            count = len(params.named)
            reasons.append(Reason("user", "in", ids[0], f"{count:,} user{'s' * (count != 1)}", member))
        if params.uploaded is not None:
            member = bool(users.listed(params.uploaded)[0])
            reasons.append(Reason("user", "in", ids[0], f"the user list {params.uploaded}", member))
        share = params.percentage
        if share is not None:
            bucket = buckets(share.salt, ids)
            member = bool(_inside(share, bucket)[0])
            reasons.append(Reason("bucket", "between", str(bucket[0]), f"[{share.from_}, {share.to})", member))
        return tuple(reasons)


def buckets(salt: str, user_ids: Sequence[str]) -> NDArray[np.int64]:
    """The bucket of each user, int64 (n,), 0 to 9,999."""
    prefix = f"{salt}:"
    hashes = (mmh3.hash(prefix + user_id, 0, signed=False) for user_id in user_ids)
    return (np.fromiter(hashes, dtype=np.int64, count=len(user_ids)) * BUCKETS) >> 32


def bucket_of(salt: str, user_id: str) -> int:
    """The same of one user."""
    return (mmh3.hash(f"{salt}:{user_id}", 0, signed=False) * BUCKETS) >> 32


def _inside(share: Percentage, bucket: NDArray[np.int64]) -> Mask:
    return np.asarray((bucket >= share.from_) & (bucket < share.to))


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """One type: list."""
    return (ListType(),)
