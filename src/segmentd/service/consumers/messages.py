"""Why a delivery failed, in words that may be kept."""

from __future__ import annotations

from typing import Final

from segmentd.plugins.consumer import Refused, TryAgain

_LONGEST: Final = 500


def message_of(error: Exception) -> str:
    """The text of TryAgain and Refused, on one line and not too long; of any other error its class alone.

    The text of an error that was not made for this may name users, and what is kept here outlives them.
    """
    if not isinstance(error, TryAgain | Refused):
        return type(error).__name__
    text = "".join(character if character.isprintable() else " " for character in str(error))
    return text[:_LONGEST] or type(error).__name__
