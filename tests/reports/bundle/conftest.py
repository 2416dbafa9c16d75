"""A bundle of a failing run signed by a lab, and the keys around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_corpus import Workshop
from bundle_sample import make_key, pack, sign, write_run
from certified_run import certify


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder: Path = tmp_path_factory.mktemp("workshop")
    device = write_run(folder / "run", failing=True)
    good = folder / "good.kandian"
    pack(folder / "run", good, device)
    shop = Workshop(
        good,
        lab=make_key(folder, "lab", "lab"),
        vendor=make_key(folder, "vendor", "vendor"),
        stranger=make_key(folder, "stranger", "lab"),
        short_lived=make_key(folder, "short", "lab", days=1),
    )
    sign(good, shop.lab)
    return shop


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of the embedded camera signed by a vendor, and what the command printed."""
    folder = tmp_path_factory.mktemp("certified")
    return folder, certify(folder)
