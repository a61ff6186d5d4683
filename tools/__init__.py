"""What a brain may call: look up, or propose."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .desk import Desk

__all__ = [
    "Desk",
]

__getattr__ = door(
    __name__,
    {
        "Desk": "desk",
    },
)
