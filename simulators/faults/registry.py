"""Mutants: a golden simulator with one behaviour broken, each naming the requirement that it violates."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from simulators.camera.camera import Camera

C = TypeVar("C", bound=type[Camera])


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant. ``id``: name of its class; ``declaration``: name of the shipped declaration it runs under, empty for
    the first under which the requirement applies."""

    id: str
    violates: str
    camera: type[Camera]
    zh: str
    en: str
    declaration: str = ""


_REGISTERED: dict[str, Mutant] = {}


def mutant(violates: str, *, declaration: str = "") -> Callable[[C], C]:
    """Register a camera class as a mutant. Its docstring tells the fault in English, ``zh`` in Chinese."""

    def register(camera: C) -> C:
        name = camera.__name__
        if name in _REGISTERED and _REGISTERED[name].camera.__module__ != camera.__module__:
            raise ValueError(f"two mutants are named {name}")
        text = " ".join((camera.__doc__ or "").split())
        zh = str(getattr(camera, "zh", ""))
        if not text or not zh:
            raise ValueError(f"the mutant {name} does not tell its fault in both languages")
        _REGISTERED[name] = Mutant(name, violates, camera, zh, text, declaration)
        return camera

    return register


def load_mutants() -> dict[str, Mutant]:
    """Every mutant of this package, by id, in order of requirement and id."""
    package = importlib.import_module("simulators.faults")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"simulators.faults.{module.name}")
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
