"""What was read from the spec is kept beside the byte code of its readers, and by their rules: it is used while neither
the files nor the readers have changed, and not written where Python may not write byte code."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")
READERS = Path(__file__).parent
DIGEST_SIZE = 32


def kept(path: Path, kind: type[T], digest: str, read: Callable[[], T]) -> T:
    """What ``read`` returns, from ``path`` where that was written with the same readers for the files of this digest
    (hexadecimal). Errors are those of ``read`` alone."""
    stamp = _stamp(digest)
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        data = path.read_bytes()
        if data[:DIGEST_SIZE] == stamp:
            return msgspec.msgpack.decode(data[DIGEST_SIZE:], type=kind)
    found = read()
    if not sys.dont_write_bytecode:
        _keep(path, stamp + msgspec.msgpack.encode(found))
    return found


def _stamp(digest: str) -> bytes:
    found = hashlib.sha256(digest.encode())
    for reader in sorted(READERS.glob("*.py")):
        found.update(reader.read_bytes())
    return found.digest()


def _keep(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        new.write_bytes(data)
        new.replace(path)
