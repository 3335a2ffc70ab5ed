"""How the channel between workers and engine differs from that of any client."""

from __future__ import annotations

from typing import Final

_METADATA: Final = (
    # What a client may send in metadata fits here too, with what gRPC adds on each connection.
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.absolute_max_metadata_size", 128 * 1024),
)
ENGINE: Final = _METADATA
"""Options of the engine's server."""
CHANNEL: Final = (
    *_METADATA,
    # The size of what comes was judged by the server of the worker, that of what goes by nobody.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)
"""Options of a worker's channel."""
