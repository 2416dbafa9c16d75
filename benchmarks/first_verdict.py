"""How long a user waits for the first verdict of the ONVIF profile, against onvif-zeep's first answer, in the same run.

Both begin as new processes and ask the same golden camera, which serves from its own process. Ours: ``kandian certify
--profile onvif --target ...`` until the first verdict stands in the results; it loads specs and suites, looks at the
device before the first test and writes evidence. onvif-zeep: a program that asks for GetDeviceInformation. Rounds
alternate; the median of each side counts, the first round, which may have to write byte code, does not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.onvif_client import KANDIAN, Device, golden_camera

ZEEP = """
import sys
from urllib.parse import urlsplit
from onvif import ONVIFCamera
parts = urlsplit(sys.argv[1])
print(ONVIFCamera(parts.hostname, parts.port, *sys.argv[2:]).devicemgmt.GetDeviceInformation())
"""
ROUNDS, GOAL, LONGEST, LOOK = 7, 1.0, 30.0, 0.002


def first_verdict(device: Device) -> float:
    """Seconds from the start of the process to the first line of a test."""
    environment = {**os.environ, "KANDIAN_ONVIF_USER": device.user, "KANDIAN_ONVIF_PASSWORD": device.password}
    with tempfile.TemporaryDirectory() as folder:
        command = [*KANDIAN, "certify", "--profile", "onvif", "--target", device.url, "--out", folder]
        began = time.perf_counter()
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            try:
                while time.perf_counter() - began < LONGEST:
                    if tested(Path(folder) / "results.jsonl"):
                        return time.perf_counter() - began
                    time.sleep(LOOK)
            finally:
                run.terminate()
    raise SystemExit(f"no verdict within {LONGEST:g} s")


def tested(results: Path) -> bool:
    """Whether a test has its line."""
    lines = results.read_text("utf-8").splitlines(keepends=True) if results.exists() else []
    return any(line.endswith("\n") and json.loads(line)["kind"] == "test" for line in lines)


def first_answer(device: Device) -> float:
    """Seconds from the start of the process to its end."""
    began = time.perf_counter()
    command = [sys.executable, "-c", ZEEP, device.url, device.user, device.password]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    """Print the ratio; exit 1 above the goal."""
    with golden_camera() as device:
        rounds = [(first_answer(device), first_verdict(device)) for _ in range(ROUNDS + 1)][1:]
    zeep, ours = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"first_verdict ratio={zeep / ours:.2f} peer=onvif-zeep ours={ours:.2f} s zeep={zeep:.2f} s")  # noqa: T201
    return 0 if ours <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
