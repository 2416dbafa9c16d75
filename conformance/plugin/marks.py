"""Marks that suites put on their tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])


def verifies(*requirement_ids: str) -> Callable[[F], F]:
    """Bind a test to the requirements that it judges. Each needs at least one check in the test.

    Ids are looked up at collection; an unknown id fails the collection.
    """

    def bind(function: F) -> F:
        marked: F = pytest.mark.verifies(*requirement_ids)(function)
        return marked

    return bind
