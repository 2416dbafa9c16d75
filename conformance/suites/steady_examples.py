"""Hypothesis draws the same examples from the same seed, whatever else this process has imported.

It takes literals out of every imported module of the user as interesting values. A second run of a search, from the
tape or with the seed that a report names, has other modules loaded, and would see other examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


@contextmanager
def steady_examples() -> Iterator[None]:
    """Within, literals of imported modules are not used; the general ones of Hypothesis are."""
    before = providers._get_local_constants
    nothing = Constants()
    providers._get_local_constants = lambda: nothing
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = before
        providers.CONSTANTS_CACHE.cache.clear()
