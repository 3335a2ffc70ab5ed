"""Exceptions that nobody raised on purpose: logged whole, told to the client by number only."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from segmentd.errors import Internal, MovesWait, Reason, SegmentdError, StorageFailed

_LOG: Final = logging.getLogger(__name__)


def as_segmentd_error(error: Exception, where: str) -> SegmentdError:
    """The error itself, or an Internal with an incident id under which the log has the traceback.

    The text of an unexpected exception may hold data of users, so it is never shown. `where` is the method called.
    """
    if isinstance(error, SegmentdError):
        if isinstance(error, Internal) and not isinstance(error, MovesWait):  # that they wait was told when it began
            # SQLite's words say it all, and a full disk is not to be filled with tracebacks.
            traceback = None if isinstance(error, StorageFailed) else error
            _LOG.error("%s failed: %s", where, error.message, exc_info=traceback)
        return error
    incident = secrets.token_hex(8)
    _LOG.error("incident %s in %s", incident, where, exc_info=error)
    message = f"internal error; the log of the server has it as incident {incident}"
    return Internal(Reason.INTERNAL, message, {"incident": incident})
