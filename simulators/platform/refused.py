"""Why the platform does not do what it is asked: one code each, whatever the interface."""

from __future__ import annotations


class Refused(Exception):
    """A coded refusal. ``code``: its name in the error list of the client interface; ``detail``: which field."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code} {detail}".strip())
