"""Hooks by which a device that lives beside the run (an embedded simulator) takes part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.hookspec(firstresult=True)
def pytest_kandian_declaration(config: pytest.Config) -> Path | None:
    """The declaration file of the device when the command line names none."""


@pytest.hookspec(firstresult=True)
def pytest_kandian_start_device(addresses: dict[str, Any]) -> dict[str, Any] | None:
    """The bench listens at ``addresses`` (group_url, province_url): start the device.

    Returns what the bench must know of it: ``controls`` (endpoint) and ``media_url`` where there are any.
    """


@pytest.hookspec
def pytest_kandian_stop_device() -> None:
    """The run is over: stop the device."""
