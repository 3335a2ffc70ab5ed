"""A typed synchronous client of segmentd.

>>> with Client("localhost:50051") as client:
...     answer = client.check("u17", "at-risk-shoppers")

Answers are the messages of the contract. Every failed call raises CallFailed.
"""

from segmentd.client.arguments import ArgumentOutOfRange
from segmentd.client.client import Client
from segmentd.client.consumers import Consumers
from segmentd.client.errors import CallFailed, FieldFault, ItemFault, item_fault
from segmentd.client.exclusive_groups import ExclusiveGroups
from segmentd.client.history import History
from segmentd.client.instants import Instant, as_instant, as_timestamp
from segmentd.client.profiles import Profiles
from segmentd.client.questions import Questions
from segmentd.client.segments import Segments
from segmentd.client.user_lists import UserLists
from segmentd.client.values import Json, as_json, as_struct, as_value_json
from segmentd.client.watching import Watch, Watches, position_of

__all__ = [
    "ArgumentOutOfRange",
    "CallFailed",
    "Client",
    "Consumers",
    "ExclusiveGroups",
    "FieldFault",
    "History",
    "Instant",
    "ItemFault",
    "Json",
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
