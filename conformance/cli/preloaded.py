"""Imported by the fork server alone: everything that a run against an embedded simulator will need."""

from __future__ import annotations

import importlib
import pkgutil

import hypothesis
import pytest

from conformance.cli.roles import ROLES
from conformance.plugin import PLUGINS
from simulators.faults.registry import load_mutants
from specs.loader import load_catalogue
from specs.messages import load_message_table

LIBRARIES = (hypothesis, pytest, *map(importlib.import_module, PLUGINS))

for _role in ROLES.values():
    importlib.import_module(f"{_role.simulator}.embedded")
    _suites = importlib.import_module(_role.suite_package)
    for _suite in pkgutil.iter_modules(_suites.__path__, f"{_role.suite_package}."):
        importlib.import_module(_suite.name)
load_mutants()
load_catalogue()
load_message_table()
