"""What a thread may take of a core that others want too."""

from __future__ import annotations

import os
import sys
import threading


def yield_to_others(niceness: int) -> None:
    """Give this thread, and those that it starts from now on, a niceness: 0 is usual, at 19 all others go first.

    Nothing happens on other systems than Linux: there it would be the niceness of the whole process.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
