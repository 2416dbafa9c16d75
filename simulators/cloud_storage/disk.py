"""Buckets and objects on disk: bytes in files, everything else in SQLite, so that a crash never shows half an object.

Bytes go to a draft, are forced to disk and renamed; only then a transaction makes them an object or a part. Files that
no row names are removed at the next start.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.cloud_storage.blobs import Blobs, Draft, Reader, names

__all__ = ["Disk", "Draft", "Stored", "Upload"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, owner TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS settings (bucket TEXT, kind TEXT, body BLOB NOT NULL, PRIMARY KEY (bucket, kind));
CREATE TABLE IF NOT EXISTS objects (bucket TEXT, key BLOB, blob TEXT NOT NULL, size INTEGER NOT NULL,
  etag TEXT NOT NULL, modified REAL NOT NULL, about TEXT NOT NULL, born REAL NOT NULL,
  PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT, key BLOB, begun REAL NOT NULL,
  about TEXT NOT NULL, born REAL NOT NULL);
CREATE TABLE IF NOT EXISTS parts (upload TEXT, number INTEGER, blob TEXT NOT NULL, size INTEGER NOT NULL,
  etag TEXT NOT NULL, modified REAL NOT NULL, about TEXT NOT NULL, PRIMARY KEY (upload, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS completed (upload TEXT PRIMARY KEY, bucket TEXT, key BLOB, etag TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit (at REAL NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL, bucket TEXT, key BLOB);
"""
OBJECT = "key, blob, size, etag, modified, about, born"
UPLOAD = "id, bucket, key, begun, about, born"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object or a part. ``about``: its headers; ``modified``: Unix seconds; ``etag`` without quotes; ``born``:
    when its retention began, on the retention clock."""

    key: str
    blob: str
    size: int
    etag: str
    modified: float
    about: dict[str, str]
    born: float = 0.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload under way."""

    id: str
    bucket: str
    key: str
    begun: float
    about: dict[str, str]
    born: float = 0.0


class Disk:
    """Everything that the storage keeps. Methods on rows are transactions; they return before anybody is told.

    ``retention_clock`` tells from when on an object is retained."""

    def __init__(self, folder: Path) -> None:
        self.files = Blobs(folder / "blobs")
        self.retention_clock: Callable[[], float] = time.time
        self._db = sqlite3.connect(folder / "index.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)
        self._depth = 0
        self._dead: list[str] = []
        rows = self._db.execute("SELECT blob FROM objects UNION SELECT blob FROM parts")
        self.files.sweep({name for (blob,) in rows for name in names(blob)})

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; files go only when their rows are gone. One inside another belongs to that one."""
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._dead.clear()
                self._db.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._db.execute("COMMIT")
            dead, self._dead = self._dead, []
            for blob in dead:
                self.files.unlink(blob)

    def draft(self) -> Draft:
        """A place for new bytes."""
        return Draft(self.files.folder)

    def read(self, blob: str, start: int, count: int) -> Reader:
        """Bytes of a blob in blocks; to be closed."""
        return Reader(self.files, blob, start, count)

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
        with self.transaction():
            for upload in self.uploads(bucket):
                self.remove_upload(upload.id)
            for table in ("settings", "completed"):
                self._db.execute(f"DELETE FROM {table} WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM buckets WHERE name = ?", (bucket,))
        return True

    def setting(self, bucket: str, kind: str) -> bytes | None:
        """A configuration of a bucket; None for none."""
        row = self._db.execute("SELECT body FROM settings WHERE bucket = ? AND kind = ?", (bucket, kind)).fetchone()
        return bytes(row[0]) if row else None

    def settings(self, kind: str) -> list[tuple[str, bytes]]:
        """Every configuration of that kind by bucket."""
        return [
            (name, bytes(body))
            for name, body in self._db.execute("SELECT bucket, body FROM settings WHERE kind = ?", (kind,))
        ]

    def set_setting(self, bucket: str, kind: str, body: bytes | None) -> None:
        """Put a configuration in force; None removes it."""
        if body is None:
            self._db.execute("DELETE FROM settings WHERE bucket = ? AND kind = ?", (bucket, kind))
        else:
            self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", (bucket, kind, body))

    def used(self, bucket: str) -> tuple[int, int]:
        """Objects and bytes of a bucket."""
        row = self._db.execute("SELECT COUNT(*), TOTAL(size) FROM objects WHERE bucket = ?", (bucket,)).fetchone()
        return int(row[0]), int(row[1])

    def usage(self, owner: str) -> int:
        """Bytes that an account has stored, parts of uploads included."""
        whole = "SELECT TOTAL(size) FROM objects WHERE bucket IN (SELECT name FROM buckets WHERE owner = ?)"
        parts = (
            "SELECT TOTAL(parts.size) FROM parts JOIN uploads ON upload = id "
            "WHERE bucket IN (SELECT name FROM buckets WHERE owner = ?)"
        )
        return sum(int(self._db.execute(query, (owner,)).fetchone()[0]) for query in (whole, parts))

    # objects

    def find(self, bucket: str, key: str) -> Stored | None:
        """An object."""
        query = f"SELECT {OBJECT} FROM objects WHERE bucket = ? AND key = ?"
        return _stored(self._db.execute(query, (bucket, _bytes(key))).fetchone())

    def put(self, bucket: str, key: str, blob: str, size: int, etag: str, at: float, about: dict[str, str]) -> None:
        """Make bytes an object; the one before goes."""
        old = self.find(bucket, key)
        row = (bucket, _bytes(key), blob, size, etag, at, json.dumps(about), self.retention_clock())
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            if old is not None:
                self._dead.append(old.blob)

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object, if it is there."""
        old = self.find(bucket, key)
        if old is None:
            return
        with self.transaction():
            self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, _bytes(key)))
            self._dead.append(old.blob)

    def objects(self, bucket: str, prefix: str, after: bytes) -> Iterator[Stored]:
        """Objects whose key begins with ``prefix`` and is greater than ``after``, in order of bytes."""
        start = _bytes(prefix)
        query = f"SELECT {OBJECT} FROM objects WHERE bucket = ? AND key > ? AND key >= ? ORDER BY key"
        cursor = self._db.execute(query, (bucket, after, start))
        try:
            for row in cursor:
                if not bytes(row[0]).startswith(start):
                    return
                found = _stored(row)
                assert found is not None
                yield found
        finally:
            cursor.close()

    def born_until(self, bucket: str, prefix: str, until: float, most: int) -> list[Stored]:
        """Objects whose retention began no later than ``until``."""
        start = _bytes(prefix)
        query = (
            f"SELECT {OBJECT} FROM objects WHERE bucket = ? AND key >= ? AND born <= ? "
            "AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?"
        )
        rows = self._db.execute(query, (bucket, start, until, len(start), start, most)).fetchall()
        return [found for row in rows if (found := _stored(row)) is not None]

    def note(self, at: float, account: str, action: str, bucket: str, key: str) -> None:
        """A line of the audit record."""
        self._db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", (at, account, action, bucket, _bytes(key)))

    def audit(self, bucket: str) -> list[tuple[float, str, str, str]]:
        """Time, account, action and key of what was deleted from a bucket."""
        rows = self._db.execute("SELECT at, account, action, key FROM audit WHERE bucket = ? ORDER BY rowid", (bucket,))
        return [(at, account, action, _text(key)) for at, account, action, key in rows]

    # multipart

    def add_upload(self, bucket: str, key: str, at: float, about: dict[str, str]) -> str:
        """Begin one; returns its id."""
        row = (uuid.uuid4().hex, bucket, _bytes(key), at, json.dumps(about), self.retention_clock())
        self._db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)", row)
        return row[0]

    def upload(self, name: str) -> Upload | None:
        """One that is under way."""
        row = self._db.execute(f"SELECT {UPLOAD} FROM uploads WHERE id = ?", (name,)).fetchone()
        return _upload(row) if row else None

    def uploads(self, bucket: str) -> list[Upload]:
        """Those of a bucket, by key and begin."""
        query = f"SELECT {UPLOAD} FROM uploads WHERE bucket = ? ORDER BY key, begun, id"
        return [_upload(row) for row in self._db.execute(query, (bucket,))]

    def put_part(
        self, upload: str, number: int, blob: str, size: int, etag: str, at: float, about: dict[str, str] | None = None
    ) -> None:
        """Make bytes a part; the one before of this number goes."""
        query = "SELECT blob FROM parts WHERE upload = ? AND number = ?"
        old = self._db.execute(query, (upload, number)).fetchone()
        row = (upload, number, blob, size, etag, at, json.dumps(about or {}))
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            if old:
                self._dead.append(old[0])

    def parts(self, upload: str) -> dict[int, Stored]:
        """Parts by number."""
        query = "SELECT number, blob, size, etag, modified, about FROM parts WHERE upload = ? ORDER BY number"
        return {
            n: Stored("", blob, size, etag, at, json.loads(about))
            for n, blob, size, etag, at, about in self._db.execute(query, (upload,))
        }

    def remove_upload(self, upload: str, kept: frozenset[str] = frozenset()) -> None:
        """Forget an upload and its parts; the files of ``kept`` stay."""
        with self.transaction():
            self._dead += [part.blob for part in self.parts(upload).values() if part.blob not in kept]
            self._db.execute("DELETE FROM parts WHERE upload = ?", (upload,))
            self._db.execute("DELETE FROM uploads WHERE id = ?", (upload,))

    def set_completed(self, upload: Upload, etag: str) -> None:
        """Remember what came of an upload, for clients that ask again."""
        self._db.execute(
            "INSERT OR REPLACE INTO completed VALUES (?, ?, ?, ?)", (upload.id, upload.bucket, _bytes(upload.key), etag)
        )

    def completed(self, upload: str, bucket: str, key: str) -> str | None:
        """The ETag that an upload of that key has come to; None for none."""
        query = "SELECT etag FROM completed WHERE upload = ? AND bucket = ? AND key = ?"
        row = self._db.execute(query, (upload, bucket, _bytes(key))).fetchone()
        return str(row[0]) if row else None


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _text(key: bytes) -> str:
    return bytes(key).decode("utf-8", "surrogateescape")


def _stored(row: Any) -> Stored | None:
    if row is None:
        return None
    key, blob, size, etag, modified, about, born = row
    return Stored(_text(key), blob, size, etag, modified, json.loads(about), born)


def _upload(row: Any) -> Upload:
    name, bucket, key, begun, about, born = row
    return Upload(name, bucket, _text(key), begun, json.loads(about), born)
