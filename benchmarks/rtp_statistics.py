"""RTP statistics of a capture of a million packets: ours against ``tshark -q -z rtp,streams`` on the same file.

Prints one line ``rtp_statistics ratio=R peer=tshark ours=... theirs=...`` (wall time, seconds), then what was done
to the streams and what each counted. Neither is told which ports carry RTP. Ours is timed inside this process, tshark
as a process; each has the best of its rounds, taken in turns, with the file in memory. Ours runs three times a turn,
because in a run of less than half a second one disturbance of the machine weighs ten times as much.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.rtp_capture import Truth, write_capture
from conformance.media.rtp_statistics import CaptureStream, capture_statistics

_Result = TypeVar("_Result")
ROUNDS, OURS_A_ROUND = 4, 3
_LINE = re.compile(r"0x(?P<ssrc>[0-9A-F]{8})\s+\S+\s+(?P<packets>\d+)\s+(?P<lost>-?\d+) \(", re.MULTILINE)


def main() -> int:
    """Run the benchmark; exit status 1 when a count of ours is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tshark = shutil.which("tshark")
    if tshark is None:
        _say("rtp_statistics skipped: tshark is not installed")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "rtp.pcap"
        truths = write_capture(capture, options.packets, options.seed)
        command = [tshark, "-n", "-q", "-r", str(capture), "--enable-heuristic", "rtp_udp", "-z", "rtp,streams"]
        ours = theirs = float("inf")
        for _ in range(ROUNDS):
            for _ in range(OURS_A_ROUND):
                _warm(capture)
                ours, streams = _faster(ours, lambda: capture_statistics(capture))
            _warm(capture)
            theirs, table = _faster(theirs, lambda: _output(command))
    return _report(truths, streams, table, ours, theirs)


def _warm(capture: Path) -> None:
    """Read the file once, so that both find it in memory."""
    with capture.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass


def _faster(best: float, work: Callable[[], _Result]) -> tuple[float, _Result]:
    """The wall time of this round if it is the best so far, and the result."""
    start = time.perf_counter()
    result = work()
    return min(best, time.perf_counter() - start), result


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _report(truths: list[Truth], streams: tuple[CaptureStream, ...], table: str, ours: float, theirs: float) -> int:
    _say(f"rtp_statistics ratio={theirs / ours:.1f} peer=tshark ours={ours:.3f}s theirs={theirs:.3f}s")
    found = {stream.ssrc: stream.statistics for stream in streams}
    tshark = {int(m["ssrc"], 16): (int(m["packets"]), int(m["lost"])) for m in _LINE.finditer(table)}
    columns = ("packets", "lost", "duplicates", "reordered")
    true = [sum(getattr(truth, name) for truth in truths) for name in columns]
    mine = [sum(getattr(figures, name) for figures in found.values()) for name in columns]
    its = [sum(pair[place] for pair in tshark.values()) for place in (0, 1)]
    _say(f"{'':8}" + "".join(f"{name:>12}" for name in columns))
    for name, numbers in (("truth", true), ("ours", mine), ("tshark", its)):
        shown = [*numbers, "-", "-"][: len(columns)]
        _say(f"{name:8}" + "".join(f"{number:>12}" for number in shown))
    _say("tshark has no duplicates or reordering; its lost is expected minus received, so a duplicate hides a loss")
    wrong = [t.ssrc for t in truths if _counts(found.get(t.ssrc)) != (t.packets, t.lost, t.duplicates, t.reordered)]
    exact = sum(tshark.get(truth.ssrc, (0, -1)) == (truth.packets, truth.lost) for truth in truths)
    _say(f"streams with exact counts: ours {len(truths) - len(wrong)} of {len(truths)}, tshark {exact}")
    return int(bool(wrong))


def _counts(figures: object) -> tuple[int, ...]:
    return tuple(getattr(figures, name, -1) for name in ("packets", "lost", "duplicates", "reordered"))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
