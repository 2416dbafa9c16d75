"""Bad input becomes one clear line and exit code 4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from specs.loader import UnknownName
from specs.yaml_source import SourceError


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn errors of the user's files and names into click errors (exit code 4)."""
    try:
        yield
    except (SourceError, UnknownName, ValueError) as error:
        raise click.ClickException(str(error)) from None
