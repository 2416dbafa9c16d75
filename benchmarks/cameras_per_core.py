"""Simulated cameras per core at 4 Mb/s: ours against gst-rtsp-server with the same work, in turns.

Each side serves a few cameras of one process, each watched by one viewer over TCP, in real time; CPU time of the
serving process (user and system) is read over the same span. Cameras per core = cameras x seconds / CPU seconds. The
viewers are in this process and not counted. Prints one line ``cameras_per_core ratio=R peer=gst-rtsp-server ours=...
theirs=...`` and the rate that the viewers measured, so that nobody wins by sending less.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.peers.player import Player
from conformance.wire import LiveWire

SERVERS = Path(__file__).parent / "camera_servers.py"
SYSTEM_PYTHON = "/usr/bin/python3"
COMMANDS = {"ours": sys.executable, "gst": SYSTEM_PYTHON}
ROUNDS, SETTLE = 2, 1.5
LEAST_MBIT_S = 3.6


@dataclass(frozen=True, slots=True)
class Round:
    """What one run of one side took. cameras_per_core: see above. mbit_s: of each stream, the slowest."""

    cameras_per_core: float
    mbit_s: float


def main() -> int:
    """Run the benchmark; exit status 1 when a side of it did not deliver its rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args()
    probe = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        _say("cameras_per_core skipped: gst-rtsp-server is not installed")
        return 0
    best: dict[str, Round] = {}
    for _ in range(ROUNDS):
        for side in COMMANDS:
            run = asyncio.run(measure(side, options.cameras, options.seconds))
            if side not in best or run.cameras_per_core > best[side].cameras_per_core:
                best[side] = run
    ours, theirs = best["ours"], best["gst"]
    ratio = ours.cameras_per_core / theirs.cameras_per_core
    _say(
        f"cameras_per_core ratio={ratio:.2f} peer=gst-rtsp-server "
        f"ours={ours.cameras_per_core:.1f} theirs={theirs.cameras_per_core:.1f}"
    )
    _say(f"  slowest stream: ours {ours.mbit_s:.2f} Mb/s, theirs {theirs.mbit_s:.2f} Mb/s")
    return int(min(ours.mbit_s, theirs.mbit_s) < LEAST_MBIT_S)


async def measure(side: str, cameras: int, seconds: float) -> Round:
    """One run of one side."""
    with served(side, cameras) as (process, urls):
        async with LiveWire(seed=1) as wire:
            players = [Player(wire, url, answer_wait=10, connect_wait=10) for url in urls]
            for player in players:
                await player.start("tcp", kinds=("video",))
            await wire.sleep(SETTLE)
            started, spent = wire.now(), cpu_seconds(process)
            before = [received(player) for player in players]
            await wire.sleep(seconds)
            span, spent = wire.now() - started, cpu_seconds(process) - spent
            slowest = min(received(player) - count for player, count in zip(players, before, strict=True))
            for player in players:
                await player.close()
    return Round(cameras * span / spent, slowest * 8 / span / 1e6)


@contextmanager
def served(side: str, cameras: int) -> Iterator[tuple[int, list[str]]]:
    """Process id and URLs of one side; it ends with the block."""
    command = [COMMANDS[side], str(SERVERS), side, str(cameras)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.pid, process.stdout.readline().split()
        finally:
            process.stdin.close()
            process.wait(20)


def cpu_seconds(process: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def received(player: Player) -> int:
    """Bytes of RTP so far."""
    return sum(len(data) for track in player.tracks for _, data in track.rtp)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
