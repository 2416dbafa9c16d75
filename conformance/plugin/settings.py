"""Command line options of the plugin, and what follows from them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.model.plan import Choice, Plan, make_plan
from specs.declaration import LoadedDeclaration, load_declaration, target_declaration
from specs.loader import Catalogue, load_catalogue

DEFAULT_OUT = "certify-out"
MEDIA_PROFILE = "media"
CAMERA_PROFILE = "camera"


@dataclass(frozen=True)
class Settings:
    """Everything a run is determined by."""

    catalogue: Catalogue
    loaded: LoadedDeclaration
    plan: Plan
    choice: Choice
    out: Path
    language: str
    seed: int
    embedded: bool


def add_options(parser: pytest.Parser) -> None:
    """Register the options; `kandian certify` has the same names."""
    group = parser.getgroup("kandian", "Kandian conformance suites")
    add = group.addoption
    add("--declaration", metavar="FILE", help="declaration (ICS) of the device under test")
    add("--target", metavar="URL", help="rtsp:// URL of a stream-only device; needs no declaration")
    add("--profile", metavar="ID", help="certification profile (default: camera; media with --target)")
    add("--edition", metavar="ID", help="edition of the spec (default: the newest)")
    add("--out", metavar="DIR", default=DEFAULT_OUT, help="folder for plan, results, evidence and reports")
    add("--lang", choices=("zh", "en"), default="zh", help="language of what is printed")
    add("--req", action="append", default=[], metavar="GLOB", help="only requirements that fit (may be repeated)")
    add("--level", action="append", default=[], choices=("MUST", "SHOULD", "MAY"), help="only these levels")
    add("--allow-destructive", action="store_true", help="also run tests that can harm a device")
    add("--claims", default="", metavar="DIR", help="share the tests with other runs that name the same folder")
    add("--seed", type=int, default=None, help="seed of everything random (default: random, printed)")


def read_settings(config: pytest.Config) -> Settings:
    """Load spec and declaration and make the plan.

    Raises SourceError, UnknownName or ValueError for what the user got wrong.
    """
    option = config.option
    catalogue = load_catalogue()
    loaded = _declaration(config, catalogue)
    default = MEDIA_PROFILE if loaded.features.get("tykd") is False else CAMERA_PROFILE
    profile = catalogue.profile(option.profile or default)
    edition = option.edition or catalogue.editions[-1].id
    choice = Choice(tuple(option.req), tuple(option.level), option.allow_destructive)
    return Settings(
        catalogue=catalogue,
        loaded=loaded,
        plan=make_plan(catalogue, profile, edition, loaded, choice),
        choice=choice,
        out=Path(option.out),
        language=option.lang,
        seed=secrets.randbits(32) if option.seed is None else option.seed,
        embedded=not (option.declaration or option.target),
    )


def _declaration(config: pytest.Config, catalogue: Catalogue) -> LoadedDeclaration:
    option = config.option
    if option.declaration and option.target:
        raise ValueError("--declaration and --target exclude each other")
    if option.target:
        return target_declaration(option.target)
    if option.declaration:
        return load_declaration(Path(option.declaration), catalogue.vocabulary)
    embedded: Any = config.hook.pytest_kandian_declaration(config=config)
    if embedded is None:
        raise ValueError("say which device: --declaration FILE or --target rtsp://...")
    return load_declaration(Path(embedded), catalogue.vocabulary)
