"""A small run of the embedded camera, certified once for all tests that look at it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def kandian(*arguments: object, code: int = 0) -> str:
    """Run the command line; returns what it printed. The exit code has to be ``code``."""
    command = [sys.executable, "-c", "from conformance.cli.main import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def certify(folder: Path) -> str:
    """Certify with a key of a vendor: ``out``, ``run.kandian``, ``vendor.key`` in the folder. Returns what was said."""
    kandian("keys", "new", folder / "vendor.key", "--role", "vendor", "--owner", "Kandian")
    return kandian(
        *("certify", "--req", "IF-REG-01", "--req", "IF-AHL-02", "--out", folder / "out"),
        *("--bundle", folder / "run.kandian", "--key", folder / "vendor.key", "--role", "vendor", "--lang", "en"),
    )
