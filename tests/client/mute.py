"""A server that answers nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc


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

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Mute()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        over.set()
        server.stop(None)
