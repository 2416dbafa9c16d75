"""What a bucket has to hold after any sequence of operations: a dict is the specification."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Held:
    """One object. ``note``: its only metadata."""

    body: bytes
    note: str


@dataclass(slots=True)
class Upload:
    """A multipart upload that has neither been completed nor aborted."""

    key: str
    id: str
    note: str
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """A whole listing: keys and folders in order; ``optional``: folders of which a part lies before the start."""

    keys: list[str]
    folders: list[str]
    optional: frozenset[str]


@dataclass(slots=True)
class BucketModel:
    """Objects by key, and uploads in the order in which they were begun."""

    objects: dict[str, Held] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)

    def listing(self, prefix: str = "", delimiter: str = "", after: str = "") -> Expected:
        """What a listing has to tell, in UTF-8 order: everything behind ``after``, folders by ``delimiter``."""
        keys: list[str] = []
        folders: dict[str, bool] = {}
        for key in sorted(self.objects, key=str.encode):
            if not key.startswith(prefix) or key.encode() <= after.encode():
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                keys.append(key)
            else:
                folder = key[: cut + len(delimiter)]
                folders[folder] = after.startswith(folder)
        return Expected(keys, list(folders), frozenset(name for name, partly in folders.items() if partly))
