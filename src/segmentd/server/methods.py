"""All methods of a server, each guarded once and found by one look-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from segmentd.server.decode import decoder_for
from segmentd.server.guard import Guard
from segmentd.server.rpc import Handler


class Methods(grpc.GenericRpcHandler):
    """What the generated `add_…_to_server` take for a server.

    An interceptor would be asked for each call again, by a chain of coroutines; here a call costs one look-up.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._added: list[grpc.GenericRpcHandler] = []
        self._guarded: dict[str, Handler] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Take methods in; of two with the same name the first one counts."""
        self._added += generic_rpc_handlers

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Nothing: the same methods are among the generic handlers."""

    def add_raw(self, method: str, handler: Handler) -> None:
        """Take in one method whose handler wants bytes."""
        self._guarded[method] = self._guard.guarded(method, handler, None)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The guarded handler of a method; None where the server has no such method."""
        method = handler_call_details.method
        found = self._guarded.get(method)
        return found if found is not None else self._find(method, handler_call_details)

    def _find(self, method: str, details: grpc.HandlerCallDetails) -> Handler | None:
        for each in self._added:
            handler = each.service(details)
            if handler is not None:
                found = self._guarded[method] = self._guard.guarded(method, handler, decoder_for(method))
                return found
        return None
