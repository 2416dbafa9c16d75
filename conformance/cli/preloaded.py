"""Imported by the fork server alone: everything that a run against an embedded simulator will need."""

from __future__ import annotations

import gc
import importlib

import hypothesis
import pytest

from conformance.cli.roles import ROLES
from conformance.cli.suite_files import files_about
from conformance.plugin import PLUGINS
from simulators.faults.registry import load_mutants
from specs.loader import load_catalogue
from specs.messages import load_message_table

LIBRARIES = (hypothesis, pytest, *map(importlib.import_module, PLUGINS))

for _role in ROLES.values():
    importlib.import_module(f"{_role.simulator}.embedded")
    files_about(_role, ["*"])
load_mutants()
load_catalogue()
load_message_table()
gc.collect()
gc.freeze()  # what is loaded here lives as long as every fork: none has to go through it again
