"""A request that is answered with a Result other than 0."""

from __future__ import annotations

FOREIGN_DEVICE = 1
REFUSED = 255


class Refusal(Exception):
    """``result``: what the answer says; the text is for the log."""

    def __init__(self, result: int = REFUSED, why: str = "") -> None:
        self.result = result
        super().__init__(why)
