"""Twenty behavioral rules of a shop, and the names of the events that they read."""

from __future__ import annotations

from typing import Any, Final

EVENTS: Final = ("Application Opened", "Product Viewed", "Product Added", "Order Completed")
_DAYS: Final = (1, 3, 7, 14, 30)
RULES: Final[dict[str, dict[str, Any]]] = {
    f"{event.lower().replace(' ', '-')}-{days}d": {
        "behavioral": {"event": event, "within": f"{days}d", "count": {"at_least": 1 + days // 7}}
    }
    for event in EVENTS
    for days in _DAYS
}
"""By segment id: one to five events of a name in 1 to 30 days."""
