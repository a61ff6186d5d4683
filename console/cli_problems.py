"""Lines of a file that cannot be read: the first of them in full, and how many more there are."""

from ..core.errors import BadInput
from .cli_output import Output

SHOWN = 10
"""How many are told in full; a file that is wrong in every line needs no more."""


class Problems:
    """Tells the problems of one file on standard error."""

    def __init__(self, out: Output) -> None:
        self.count = 0
        self._out = out

    def add(self, text: object) -> None:
        """One line that cannot be read."""
        self.count += 1
        if self.count <= SHOWN:
            self._out.say(f"error {BadInput.code}: {text}")

    def close(self) -> None:
        """Say how many were not told in full."""
        left = self.count - SHOWN
        if left > 0:
            self._out.say(f"error {BadInput.code}: and {left} more line{'' if left == 1 else 's'} that cannot be read.")
