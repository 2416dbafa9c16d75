"""Keys of an account of the cloud storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Witness = Callable[[Callable[[], str]], str]


def _computed(find: Callable[[], str]) -> str:
    return find()


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's keys. ``token``: session token of temporary keys, else empty; ``witness``: is handed every
    computation with the secret key and answers in its place, so that it can be recorded."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    witness: Witness = field(default=_computed, repr=False, compare=False)
