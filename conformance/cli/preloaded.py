"""Imported by the fork server alone: everything that a run against an embedded simulator will need."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from pathlib import Path

import hypothesis
import pytest

from conformance.cli.roles import ROLES
from conformance.plugin import PLUGINS
from conformance.plugin.suite_files import named_in
from simulators.faults.registry import load_mutants
from specs.loader import load_catalogue
from specs.messages import load_message_table

LIBRARIES = (hypothesis, pytest, *map(importlib.import_module, PLUGINS))

for _role in ROLES.values():
    importlib.import_module(f"{_role.simulator}.embedded")
    _package = importlib.import_module(_role.suite_package)
    for _found in pkgutil.walk_packages(_package.__path__, f"{_role.suite_package}."):
        named_in(Path(str(importlib.import_module(_found.name).__file__)))
load_mutants()
load_catalogue()
load_message_table()
gc.collect()
gc.freeze()  # what is loaded here lives as long as every fork: none has to go through it again
