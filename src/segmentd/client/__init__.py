"""Typed clients of segmentd: a blocking one, and one of asyncio with the same calls.

>>> with Client("localhost:50051") as client:
...     at_risk = client.is_member("u17", "at-risk-shoppers")

>>> async with AsyncClient("localhost:50051") as client:
...     at_risk = await client.is_member("u17", "at-risk-shoppers")

Answers are the messages of the contract. Every failed call raises CallFailed, and one after `close` ClientClosed.
"""

from segmentd.client.arguments import ArgumentOutOfRange, ArgumentRefused
from segmentd.client.async_client import AsyncClient
from segmentd.client.async_watching import AsyncWatch
from segmentd.client.client import Client
from segmentd.client.consumers import Consumers
from segmentd.client.errors import CallFailed, ClientClosed, FieldFault, ItemFault, item_fault
from segmentd.client.exclusive_groups import ExclusiveGroups
from segmentd.client.history import History
from segmentd.client.instants import Instant, as_instant, as_timestamp
from segmentd.client.local.awaiting import AsyncLocalMemberships
from segmentd.client.local.blocking import LocalMemberships
from segmentd.client.member_table import MemberTable, NoAnswer
from segmentd.client.pending import Pending
from segmentd.client.profiles import Profiles
from segmentd.client.questions import Questions
from segmentd.client.segments import Segments
from segmentd.client.user_lists import UserLists
from segmentd.client.values import Json, as_json, as_struct, as_value_json
from segmentd.client.watch_course import position_of
from segmentd.client.watching import Watch, Watches

__all__ = [
    "ArgumentOutOfRange",
    "ArgumentRefused",
    "AsyncClient",
    "AsyncLocalMemberships",
    "AsyncWatch",
    "CallFailed",
    "Client",
    "ClientClosed",
    "Consumers",
    "ExclusiveGroups",
    "FieldFault",
    "History",
    "Instant",
    "ItemFault",
    "Json",
    "LocalMemberships",
    "MemberTable",
    "NoAnswer",
    "Pending",
    "Profiles",
    "Questions",
    "Segments",
    "UserLists",
    "Watch",
    "Watches",
    "as_instant",
    "as_json",
    "as_struct",
    "as_timestamp",
    "as_value_json",
    "item_fault",
    "position_of",
]
