"""Imported by the fork server alone: everything that a run against an embedded simulator will need."""

from __future__ import annotations

import importlib
import pkgutil

import hypothesis
import pytest

import conformance.plugin.fixtures
import conformance.suites.camera
import simulators.camera.embedded
from simulators.faults.registry import load_mutants
from specs.loader import load_catalogue
from specs.messages import load_message_table

LIBRARIES = (hypothesis, pytest, conformance.plugin.fixtures, simulators.camera.embedded)

for _suite in pkgutil.iter_modules(conformance.suites.camera.__path__, "conformance.suites.camera."):
    importlib.import_module(_suite.name)
load_mutants()
load_catalogue()
load_message_table()
