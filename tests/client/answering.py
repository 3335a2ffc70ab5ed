"""Servers that answer as a test says, and one that answers nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc


@contextmanager
def answering(add: Callable[[grpc.Server], None], port: int = 0) -> Iterator[str]:
    """The address of a server to which handlers were added; others may have the same port."""
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 1)])
    add(server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        server.stop(None).wait()


@contextmanager
def mute_server(asked: threading.Event) -> Iterator[str]:
    """A server that answers nothing before the test has ended."""
    over = threading.Event()

    def answer(_request: bytes, _context: grpc.ServicerContext) -> bytes:
        asked.set()
        over.wait()
        return b""

    class Mute(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
            return grpc.unary_unary_rpc_method_handler(answer)

    with answering(lambda server: server.add_generic_rpc_handlers((Mute(),))) as address:
        try:
            yield address
        finally:
            over.set()
