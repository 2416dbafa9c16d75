"""Mutants: a golden simulator with one behaviour broken, each naming the requirement that it violates."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

C = TypeVar("C", bound=type[Any])


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant. ``id``: name of its class; ``simulator``: the class, which has the ``role`` of its golden simulator;
    ``declaration``: name of the shipped declaration it runs under, empty for
    the first under which the requirement applies."""

    id: str
    violates: str
    simulator: type[Any]
    zh: str
    en: str
    declaration: str = ""

    @property
    def role(self) -> str:
        """The role of the device that it plays."""
        return str(self.simulator.role)


_REGISTERED: dict[str, Mutant] = {}


def mutant(violates: str, *, declaration: str = "") -> Callable[[C], C]:
    """Register a simulator's class as a mutant. Its docstring tells the fault in English, ``zh`` in Chinese."""

    def register(simulator: C) -> C:
        name = simulator.__name__
        if name in _REGISTERED and _REGISTERED[name].simulator.__module__ != simulator.__module__:
            raise ValueError(f"two mutants are named {name}")
        text = " ".join((simulator.__doc__ or "").split())
        zh = str(getattr(simulator, "zh", ""))
        if not text or not zh:
            raise ValueError(f"the mutant {name} does not tell its fault in both languages")
        _REGISTERED[name] = Mutant(name, violates, simulator, zh, text, declaration)
        return simulator

    return register


def load_mutants() -> dict[str, Mutant]:
    """Every mutant of this package and those below it, by id, in order of requirement and id."""
    package = importlib.import_module("simulators.faults")
    for module in pkgutil.walk_packages(package.__path__, "simulators.faults."):
        importlib.import_module(module.name)
    return dict(sorted(_REGISTERED.items(), key=lambda item: (item[1].violates, item[0])))


def mutant_list() -> dict[str, Any]:
    """Every mutant as JSON data (``specs/schema/mutant_list.schema.json``)."""
    return {
        "kandian": "mutants/1",
        "mutants": [
            {"id": m.id, "violates": m.violates, "declaration": m.declaration, "fault": {"zh": m.zh, "en": m.en}}
            for m in load_mutants().values()
        ],
    }
