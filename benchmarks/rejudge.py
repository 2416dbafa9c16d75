"""Judging a certification again from its tape, against the run itself.

The run is made against several golden simulators side by side. One device is tested test after test: what a run costs
it is the sum of its tests, and that is what judging again is measured against; the shared run is shown as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
ROUNDS = 3
#: How many times faster judging again has to be. A storage answers at once: its run computes as much as a judgement.
LIMITS = {"camera": 20.0, "cloud-storage": 0.0}


def kandian(*arguments: str) -> float:
    """Run the command line; wall seconds. Ends the benchmark when it fails."""
    began = time.perf_counter()
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - began


def device_seconds(folder: Path) -> float:
    """What the tests take one after the other."""
    lines = map(json.loads, (folder / "results.jsonl").read_text("utf-8").splitlines())
    return sum(float(line["duration"]) for line in lines if line["kind"] == "test")


def measure(profile: str, folder: Path) -> float:
    """Print the ratio; returns how many times faster judging again is than the run on one device."""
    shared = kandian("certify", "--profile", profile, "--out", str(folder))
    alone = device_seconds(folder)
    again = min(kandian("rejudge", str(folder)) for _ in range(ROUNDS))
    size = sum(path.stat().st_size for path in folder.rglob("wire.pcapng")) / 1e6
    print(f"rejudge {profile} ratio={alone / again:.1f} peer=certify ours={again:.2f}s theirs={alone:.1f}s")  # noqa: T201
    print(f"  {size:.0f} MB of tape; {shared:.1f} s in shares against several simulators")  # noqa: T201
    return alone / again


def main() -> int:
    """Every profile; 1 when one is below its limit."""
    with tempfile.TemporaryDirectory(prefix="kandian-rejudge-") as folder:
        found = {profile: measure(profile, Path(folder) / profile) for profile in LIMITS}
    return 0 if all(found[profile] >= limit for profile, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
