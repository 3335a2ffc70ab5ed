"""The services of segmentd by their full names, as the generated code has them."""

from __future__ import annotations

from typing import Final

from segmentd.v1 import (
    admin_service_pb2,
    consumer_service_pb2,
    evaluation_service_pb2,
    exclusive_group_service_pb2,
    history_service_pb2,
    membership_service_pb2,
    profile_service_pb2,
    segment_service_pb2,
    user_list_service_pb2,
)

SERVICES: Final = tuple(
    service.full_name
    for module in (
        admin_service_pb2,
        consumer_service_pb2,
        evaluation_service_pb2,
        exclusive_group_service_pb2,
        history_service_pb2,
        membership_service_pb2,
        profile_service_pb2,
        segment_service_pb2,
        user_list_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)
