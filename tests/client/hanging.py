"""A way to a server whose connections can be made to hang: they stay open, and nothing passes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Way:
    """Connections through here lead to a server; those that are there when it `hang`s hang, later ones do not."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._server = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.count = 0
        """How many connections there were."""
        self._open: list[socket.socket] = []
        self._passing = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """From now on nothing passes on the connections that are there."""
        self._passing.set()
        self._passing = threading.Event()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
                self.count += 1
                self._open += near, far
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pass, args=(source, target, self._passing), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, hangs: threading.Event) -> None:
    with suppress(OSError):
        while (data := source.recv(65_536)) and not hangs.is_set():
            target.sendall(data)
        if not hangs.is_set():
            target.shutdown(socket.SHUT_WR)


@contextmanager
def way_to(address: str) -> Iterator[Way]:
    way = Way(address)
    try:
        yield way
    finally:
        way.close()
