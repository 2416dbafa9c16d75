"""`kandian qualify` in a process of its own, beside the other tests: it mostly waits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

QUALIFY = [sys.executable, "-c", "from conformance.cli.main import main; main()", "qualify"]
GOLDEN = ("camera", "onvif", "aws", "platform", "streams")
#: A sample of the mutants: all of them, with all goldens, are for `make qualify`.
EVERY = 6
#: Few enough, and yielding enough, to leave the other tests their time.
WORKERS, YIELDING = 12, 5
LONGEST = 1500


class QualificationRun:
    """Begins when made. ``file``: what it writes for machines."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "qualification.json"
        self._log = folder / "printed.txt"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *QUALIFY,
                    f"--workers={WORKERS}",
                    f"--every={EVERY}",
                    "--json",
                    str(self.file),
                    *(f"--golden={name}" for name in GOLDEN),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, YIELDING)

    def end(self) -> tuple[int, str]:
        """Wait for its end: exit code and what it printed."""
        code = self._process.wait(LONGEST)
        return code, self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        """It is not needed any more."""
        self._process.terminate()
        self._process.wait(LONGEST)
