"""A simulator in a process of its own, beside a run of the suites or as a device for others."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

START_WAIT = 30.0
STOP_WAIT = 5.0
Ready = Callable[[dict[str, Any]], None]
Serve = Callable[..., Coroutine[Any, Any, None]]


def run_until_stopped(serving: Any, stopped_by: int | None = None) -> None:
    """Run until SIGTERM or SIGINT; with ``stopped_by``, a file descriptor, until that can be read."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(serving)
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        if stopped_by is None:
            loop.add_signal_handler(signal.SIGINT, task.cancel)
        else:
            loop.add_reader(stopped_by, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(run())


class SimulatorProcess:
    """A simulator as a child process; it ends with its parent, because it watches the pipe to it.

    ``serve(declaration, state, ready, *, fault, **addresses)``: the coroutine that runs it. ``fork``: it is forked from
    this very process, which must have no threads, and at once, before sockets are opened.
    """

    def __init__(self, serve: Serve, declaration: Path, fault: str = "", *, fork: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kandian-simulator-")
        context = multiprocessing.get_context("fork") if fork else multiprocessing.get_context("forkserver")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self._pipe if fork else None, serve, declaration, Path(self._folder.name), fault)
        self._process = context.Process(target=_run, args=arguments)
        self._process.start()
        theirs.close()

    def start(self, **addresses: str) -> dict[str, Any]:
        """Start it and wait until it is ready; returns what it says of itself. Raises RuntimeError."""
        try:
            self._pipe.send(addresses)
            if self._pipe.poll(START_WAIT):
                ready: dict[str, Any] = self._pipe.recv()
                return ready
        except (EOFError, OSError):
            pass
        self.stop()
        raise RuntimeError("the simulator did not start")

    def stop(self) -> None:
        """End it; a second time does nothing."""
        self._pipe.close()
        self._process.join(STOP_WAIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._folder.cleanup()


def _run(
    pipe: Connection, other_end: Connection | None, serve: Serve, declaration: Path, state: Path, fault: str
) -> None:
    if other_end is not None:
        other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=os.environ.get("KANDIAN_SIMULATOR_LOG", "ERROR"), stream=sys.stderr, force=True)
    try:
        addresses = pipe.recv()
    except EOFError:
        return
    run_until_stopped(serve(declaration, state, pipe.send, fault=fault, **addresses), pipe.fileno())
