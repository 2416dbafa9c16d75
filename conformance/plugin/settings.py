"""Command line options of the plugin, and what follows from them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.model.plan import Choice, Plan, make_plan
from conformance.model.subject import check_address, choose_subject
from specs.declaration import LoadedDeclaration
from specs.loader import Catalogue, load_catalogue

DEFAULT_OUT = "certify-out"


@dataclass(frozen=True)
class Settings:
    """Everything a run is determined by. ``shared``: other runs, one command with this one, test the same device;
    ``mask_key``: what placeholders of secrets are made with, the same in all of them."""

    catalogue: Catalogue
    loaded: LoadedDeclaration
    plan: Plan
    choice: Choice
    out: Path
    language: str
    seed: int
    embedded: bool
    shared: bool
    mask_key: bytes = b""


#: Settings that whoever starts pytest hands in, in place of what the options say.
GIVEN_SETTINGS = pytest.StashKey[Settings]()


def add_options(parser: pytest.Parser) -> None:
    """Register the options; `kandian certify` has the same names."""
    group = parser.getgroup("kandian", "Kandian conformance suites")
    add = group.addoption
    add("--declaration", metavar="FILE", help="declaration (ICS) of the device under test")
    add("--target", metavar="URL", help="rtsp:// URL of a stream-only device, http:// URL of a storage")
    add("--profile", metavar="ID", help="certification profile (default: camera; media with --target)")
    add("--edition", metavar="ID", help="edition of the spec (default: the newest)")
    add("--out", metavar="DIR", default=DEFAULT_OUT, help="folder for plan, results, evidence and reports")
    add("--lang", choices=("zh", "en"), default="zh", help="language of what is printed")
    add("--req", action="append", default=[], metavar="GLOB", help="only requirements that fit (may be repeated)")
    add("--level", action="append", default=[], choices=("MUST", "SHOULD", "MAY"), help="only these levels")
    add("--allow-destructive", action="store_true", help="also run tests that can harm a device")
    add("--claims", default="", metavar="DIR", help="share the tests with other runs that name the same folder")
    add("--mask-key", default="", metavar="HEX", help="makes placeholders of secrets the same in runs that share tests")
    add("--seed", type=int, default=None, help="seed of everything random (default: random, printed)")


def read_settings(config: pytest.Config) -> Settings:
    """Load spec and declaration and make the plan.

    Raises SourceError, UnknownName or ValueError for what the user got wrong.
    """
    option = config.option
    catalogue = load_catalogue()

    def embedded(role: str, profile: str) -> Path | None:
        found: Path | None = config.hook.pytest_kandian_declaration(config=config)
        return found

    path = Path(option.declaration) if option.declaration else None
    loaded, profile = choose_subject(catalogue, path, option.target, option.profile, embedded)
    if path or option.target:
        check_address(loaded)
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
        shared=bool(option.claims),
        mask_key=bytes.fromhex(option.mask_key),
    )
