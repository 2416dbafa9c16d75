"""Processes that start warm: a fork server loads tool, specs, suites and simulators once, and every run is its fork."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import BaseContext


def warm_context() -> BaseContext:
    """The context to make processes with. Its fork server is single-threaded, which forks have to be taken from."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["conformance.cli.preloaded"])
    return context
