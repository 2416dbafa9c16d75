"""Buckets and objects on disk: bytes in files, everything else in SQLite, so that a crash never shows half an object.

Bytes go to a draft, are forced to disk and renamed; only then a transaction makes them an object or a part. Files that
no row names are removed at the next start.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, owner TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS objects (bucket TEXT, key BLOB, blob TEXT NOT NULL, size INTEGER NOT NULL,
  etag TEXT NOT NULL, modified REAL NOT NULL, about TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT, key BLOB, begun REAL NOT NULL,
  about TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS parts (upload TEXT, number INTEGER, blob TEXT NOT NULL, size INTEGER NOT NULL,
  etag TEXT NOT NULL, modified REAL NOT NULL, PRIMARY KEY (upload, number)) WITHOUT ROWID;
"""
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """An object or a part. ``about``: its headers; ``modified``: Unix seconds; ``etag`` without quotes."""

    key: str
    blob: str
    size: int
    etag: str
    modified: float
    about: dict[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload under way."""

    id: str
    bucket: str
    key: str
    begun: float
    about: dict[str, str]


class Draft:
    """Bytes on their way to disk, hashed as they come."""

    def __init__(self, folder: Path) -> None:
        self.name = uuid.uuid4().hex
        self.size = 0
        self.md5, self.sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self._path, self._draft = folder / self.name, folder / f"{self.name}.draft"
        self._file = self._draft.open("wb")

    def write(self, data: bytes) -> None:
        """Append."""
        self.size += len(data)
        self.md5.update(data)
        self.sha256.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Bring the bytes to disk under their name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self._path)

    def drop(self) -> None:
        """Leave nothing."""
        self._file.close()
        self._draft.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


class Disk:
    """Everything that the storage keeps. Methods on rows are transactions; they return before anybody is told."""

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "index.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)
        self._sweep()

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _sweep(self) -> None:
        named = {row[0] for row in self._db.execute("SELECT blob FROM objects UNION SELECT blob FROM parts")}
        for path in self.blobs.iterdir():
            if path.name not in named:
                path.unlink()

    def draft(self) -> Draft:
        """A place for new bytes."""
        return Draft(self.blobs)

    # buckets

    def owner(self, bucket: str) -> str | None:
        """Whose bucket it is; None for none."""
        row = self._db.execute("SELECT owner FROM buckets WHERE name = ?", (bucket,)).fetchone()
        return str(row[0]) if row else None

    def buckets(self, owner: str) -> list[tuple[str, float]]:
        """Names and times of creation."""
        return list(self._db.execute("SELECT name, created FROM buckets WHERE owner = ? ORDER BY name", (owner,)))

    def add_bucket(self, bucket: str, owner: str, at: float) -> None:
        """A new bucket."""
        self._db.execute("INSERT INTO buckets VALUES (?, ?, ?)", (bucket, owner, at))

    def remove_bucket(self, bucket: str) -> bool:
        """Remove it unless it holds objects."""
        if self._db.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (bucket,)).fetchone():
            return False
        for upload in self.uploads(bucket):
            self.remove_upload(upload.id)
        self._db.execute("DELETE FROM buckets WHERE name = ?", (bucket,))
        return True

    # objects

    def find(self, bucket: str, key: str) -> Stored | None:
        """An object."""
        columns = "key, blob, size, etag, modified, about"
        query = f"SELECT {columns} FROM objects WHERE bucket = ? AND key = ?"
        return _stored(self._db.execute(query, (bucket, _bytes(key))).fetchone())

    def put(self, bucket: str, key: str, blob: str, size: int, etag: str, at: float, about: dict[str, str]) -> None:
        """Make bytes an object; the one before goes."""
        old = self.find(bucket, key)
        row = (bucket, _bytes(key), blob, size, etag, at, json.dumps(about))
        self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        if old is not None:
            (self.blobs / old.blob).unlink(missing_ok=True)

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object, if it is there."""
        old = self.find(bucket, key)
        self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, _bytes(key)))
        if old is not None:
            (self.blobs / old.blob).unlink(missing_ok=True)

    def objects(self, bucket: str, prefix: str, after: bytes) -> Iterator[Stored]:
        """Objects whose key begins with ``prefix`` and is greater than ``after``, in order of bytes."""
        columns = "key, blob, size, etag, modified, about"
        start = _bytes(prefix)
        query = f"SELECT {columns} FROM objects WHERE bucket = ? AND key > ? AND key >= ? ORDER BY key"
        for row in self._db.execute(query, (bucket, after, start)):
            if not bytes(row[0]).startswith(start):
                return
            found = _stored(row)
            assert found is not None
            yield found

    def read(self, blob: str, start: int, count: int) -> Iterator[bytes]:
        """Bytes of a file in blocks."""
        with (self.blobs / blob).open("rb") as stream:
            stream.seek(start)
            while count > 0 and (data := stream.read(min(BLOCK, count))):
                count -= len(data)
                yield data

    # multipart

    def add_upload(self, bucket: str, key: str, at: float, about: dict[str, str]) -> str:
        """Begin one; returns its id."""
        name = uuid.uuid4().hex
        self._db.execute(
            "INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", (name, bucket, _bytes(key), at, json.dumps(about))
        )
        return name

    def upload(self, name: str) -> Upload | None:
        """One that is under way."""
        row = self._db.execute("SELECT id, bucket, key, begun, about FROM uploads WHERE id = ?", (name,)).fetchone()
        return _upload(row) if row else None

    def uploads(self, bucket: str) -> list[Upload]:
        """Those of a bucket, by key and begin."""
        query = "SELECT id, bucket, key, begun, about FROM uploads WHERE bucket = ? ORDER BY key, begun"
        return [_upload(row) for row in self._db.execute(query, (bucket,))]

    def put_part(self, upload: str, number: int, blob: str, size: int, etag: str, at: float) -> None:
        """Make bytes a part; the one before of this number goes."""
        old = self._db.execute("SELECT blob FROM parts WHERE upload = ? AND number = ?", (upload, number)).fetchone()
        self._db.execute(
            "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)", (upload, number, blob, size, etag, at)
        )
        if old:
            (self.blobs / old[0]).unlink(missing_ok=True)

    def parts(self, upload: str) -> dict[int, Stored]:
        """Parts by number."""
        query = "SELECT number, blob, size, etag, modified FROM parts WHERE upload = ? ORDER BY number"
        return {
            n: Stored("", blob, size, etag, at, {}) for n, blob, size, etag, at in self._db.execute(query, (upload,))
        }

    def remove_upload(self, upload: str) -> None:
        """Forget an upload and its parts."""
        blobs = [part.blob for part in self.parts(upload).values()]
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM parts WHERE upload = ?", (upload,))
        self._db.execute("DELETE FROM uploads WHERE id = ?", (upload,))
        self._db.execute("COMMIT")
        for blob in blobs:
            (self.blobs / blob).unlink(missing_ok=True)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _text(key: bytes) -> str:
    return bytes(key).decode("utf-8", "surrogateescape")


def _stored(row: Any) -> Stored | None:
    if row is None:
        return None
    key, blob, size, etag, modified, about = row
    return Stored(_text(key), blob, size, etag, modified, json.loads(about))


def _upload(row: Any) -> Upload:
    name, bucket, key, begun, about = row
    return Upload(name, bucket, _text(key), begun, json.loads(about))
