"""One run per device: a file lock that the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from conformance.wire.errors import DeviceBusy, EvidenceError

STATE_VARIABLE = "KANDIAN_STATE_DIR"


def state_directory() -> Path:
    """Where locks lie: $KANDIAN_STATE_DIR, else $XDG_STATE_HOME/kandian, else ~/.local/state/kandian."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "kandian"


class DeviceLock:
    """``with DeviceLock("KDN00000001", "192.0.2.7:554"):`` holds the device under each of its names.

    Names are device ids and addresses, compared without regard to case. Raises DeviceBusy with process id and start
    of the holder when another run has one of them, EvidenceError when the state directory cannot be written.
    """

    def __init__(self, *names: str, directory: Path | None = None) -> None:
        if not names:
            raise ValueError("a device needs a name to be locked")
        self.names = tuple(sorted({name.strip().lower() for name in names}))
        self._directory = directory or state_directory() / "locks"
        self._held: list[int] = []

    def acquire(self) -> None:
        """Take all names or none."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for name in self.names:
                self._held.append(self._take(name))
        except OSError as error:
            self.release()
            raise EvidenceError(self._directory, error.strerror or str(error)) from error
        except DeviceBusy:
            self.release()
            raise

    def release(self) -> None:
        """Let go. Harmless when nothing is held."""
        while self._held:
            os.close(self._held.pop())

    def path(self, name: str) -> Path:
        readable = re.sub(r"[^a-z0-9._-]+", "_", name)[:40]
        return self._directory / f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"

    def _take(self, name: str) -> int:
        descriptor = os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, since = _holder(descriptor)
            os.close(descriptor)
            raise DeviceBusy(name, pid, since) from None
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode(), 0)
        return descriptor

    def __enter__(self) -> DeviceLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _holder(descriptor: int) -> tuple[int, str]:
    """Who holds the lock, as far as the file tells."""
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
        told = json.loads(os.pread(descriptor, 4096, 0))
        return int(told["pid"]), str(told["since"])
    return 0, "?"
