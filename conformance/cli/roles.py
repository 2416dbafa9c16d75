"""What belongs to each role under test: its suites, its golden simulator and the declarations shipped with it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUITES = Path(__file__).parent.parent / "suites"


@dataclass(frozen=True, slots=True)
class Role:
    """One role. ``simulator``: package of its golden simulator, with ``declarations`` (``DEFAULT``, ``SHIPPED``) and
    ``embedded.EMBEDDED``, a pytest plugin made from a declaration and the id of a fault; ``null_profile`` and
    ``null_scheme``: how a null device is put in the place of a device of this role; ``one_for_all``: the device serves
    several runs at once, because each test works on objects of its own; ``shares``: runs side by side."""

    name: str
    simulator: str
    null_profile: str
    null_scheme: str
    one_for_all: bool = False
    shares: int = 12

    @property
    def suites(self) -> Path:
        """Folder of the suites."""
        return SUITES / self.name

    @property
    def suite_package(self) -> str:
        """The package that the suites are."""
        return f"conformance.suites.{self.name}"

    def shipped(self) -> dict[str, Path]:
        """The declarations of the golden simulator by name, variants last; the first is the default."""
        module = importlib.import_module(f"{self.simulator}.declarations")
        files: tuple[Path, ...] = (*module.SHIPPED, *getattr(module, "VARIANTS", ()))
        return {path.stem: path for path in files}

    def embedded(self, declaration: Path | None = None, fault: str = "", *, fork: bool = False) -> Any:
        """The golden simulator, or a mutant of it, as a pytest plugin."""
        plugin = importlib.import_module(f"{self.simulator}.embedded").EMBEDDED
        return plugin(declaration or next(iter(self.shipped().values())), fault, fork=fork)


ROLES = {
    role.name: role
    for role in (
        Role("camera", "simulators.camera", null_profile="media", null_scheme="rtsp"),
        Role(
            "cloud_storage",
            "simulators.cloud_storage",
            null_profile="cloud-storage",
            null_scheme="http",
            one_for_all=True,
            shares=6,
        ),
        Role("platform", "simulators.platform", null_profile="platform", null_scheme="http", shares=8),
        Role("streams", "simulators.streams", null_profile="stream-urls", null_scheme="http", shares=4),
    )
}


def golden_declaration(role: str, profile: str = "") -> Path:
    """The declaration of the golden simulator of a role: the one for a profile, where it has one of its own."""
    module = importlib.import_module(f"{ROLES[role].simulator}.declarations")
    by_profile: dict[str, Path] = getattr(module, "BY_PROFILE", {})
    return by_profile.get(profile) or next(iter(ROLES[role].shipped().values()))
