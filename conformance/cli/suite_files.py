"""Which files of the suites hold tests of a requirement, so that a run about few does not collect them all."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from conformance.cli.roles import Role


def suite_modules(role: Role) -> Iterator[ModuleType]:
    """Every module of the suites of a role, imported."""
    package = importlib.import_module(role.suite_package)
    for found in pkgutil.walk_packages(package.__path__, f"{role.suite_package}."):
        yield importlib.import_module(found.name)


def files_about(role: Role, patterns: Sequence[str]) -> list[Path]:
    """The files with tests of a requirement that fits one of the globs; all of them when there is no glob."""
    if not patterns:
        return [role.suites]
    return [file for file, ids in _verified(role).items() if any(fnmatch.filter(ids, p) for p in patterns)]


@cache
def _verified(role: Role) -> dict[Path, frozenset[str]]:
    return {
        Path(str(module.__file__)): frozenset(i for test in _tests(module) for i in _ids(test.pytestmark))
        for module in suite_modules(role)
    }


def _tests(module: ModuleType) -> list[Any]:
    found = [value for name, value in vars(module).items() if name.startswith("test_")]
    return [value for value in found if hasattr(value, "pytestmark")]


def _ids(marks: Iterable[Any]) -> Iterator[str]:
    """Ids named by the marks of a test and of its parameters."""
    for mark in marks:
        if mark.name == "verifies":
            yield from mark.args
        elif mark.name == "parametrize":
            for value in mark.args[1]:
                yield from _ids(getattr(value, "marks", ()))
