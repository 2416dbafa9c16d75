"""Transactions a second and core of our device peers, against SIPp's REGISTER on the same machine in the same run.

Ours: the fleet (`conformance/peers/platform/fleet.py`), each device on a TCP connection of its own, before a server
that only answers (`fleet_sink.py`). Theirs: SIPp (Debian: sip-tester) as UAC with a REGISTER scenario, before a UAS.
Each client and each server is a process of its own; processor time (user and system) of the client's process alone is
counted. Transactions per core = transactions / processor seconds. Every side gets the same tries, in turns, and its
best one counts.

A device has a socket of its own; what compares is SIPp with one per call: a heartbeat without login beside a REGISTER
by UDP (``-t un``), the full way in (REGISTER by HTTP, connection, LOGIN, ABILITYUP) beside a REGISTER with
its TCP connection (``-t tn``). SIPp is faster where all calls share one socket (``-t u1``, its default, and ``t1``);
those ratios are printed too. Exit status 1 when the first ratio is below 1.0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.peers.platform.fleet import Fleet
from conformance.peers.platform.fleet_order import FleetOrder
from conformance.peers.platform.fleet_samples import Outcome, Sample, What, of_kind
from conformance.wire import LiveWire

HERE = Path(__file__).parent
SINK = HERE / "fleet_sink.py"
UAC, UAS = HERE / "sipp_uac.xml", HERE / "sipp_uas.xml"
WANTED = 1.0
RATES = (5000, 10000)
ROUNDS, SECONDS, SETTLE = 2, 3.0, 0.5
ENTRIES_PER_SECOND = 5000.0
SIPP_PORT = 25060
CONNECTING_RATES = (300,)
MOST_SOCKETS = "4000"
GOOD_EXIT = 0


@dataclass(frozen=True, slots=True)
class Transport:
    """A way in which SIPp sends: options of UAC and UAS, rates that it is tried at, what it is called."""

    uac: str
    uas: str
    rates: tuple[int, ...]
    text: str


OF_ITS_OWN = Transport("un", "u1", RATES, "UDP, a socket per call")
SHARED = Transport("u1", "u1", RATES, "UDP, one socket for all, the default")
SHARED_TCP = Transport("t1", "t1", RATES, "TCP, one connection for all")
CONNECTING = Transport("tn", "t1", CONNECTING_RATES, "TCP, a connection per call")
TRANSPORTS = (OF_ITS_OWN, SHARED, SHARED_TCP, CONNECTING)


@dataclass(frozen=True, slots=True)
class Try:
    """One measurement: transactions, processor seconds of the client, failures."""

    count: int
    cpu: float
    failed: int = 0

    @property
    def per_core(self) -> float:
        """Transactions a second and core; 0 where something failed."""
        return self.count / self.cpu if self.cpu and not self.failed else 0.0


def _order(port: int, devices: int) -> FleetOrder:
    return FleetOrder(
        members=devices,
        prefix="KDN7",
        digits=7,
        key="0123456789abcdef",
        model="GC-1",
        version="V1.0.0_20130601",
        province_url=f"http://127.0.0.1:{port}/lcms",
        interval=1000.0,
        answer_wait=5.0,
        unanswered=4,
        lost_pause=(1.0, 10.0),
        longest_pause=300.0,
        registration_pause=(5.0, 14.0),
        refusal_pause=(300.0, 359.0),
    )


@contextlib.contextmanager
def _sink() -> Iterator[int]:
    with subprocess.Popen([sys.executable, str(SINK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


async def _ours(devices: int) -> tuple[list[Try], Try]:
    """Heartbeats at each rate, and the full way in."""
    with _sink() as port:
        async with LiveWire() as wire, Fleet(wire, _order(port, devices)) as fleet:
            entered = await fleet.attach(0, devices, per_second=ENTRIES_PER_SECOND, within=30.0)
            before = entered.before.cpu if entered.before else 0.0
            full = Try(entered.state.online, entered.state.cpu - before, devices - entered.state.online)
            tries = []
            for rate in RATES:
                await fleet.pace(devices / rate)
                await fleet.hold(SETTLE)
                held = await fleet.hold(SECONDS)
                beats = list(of_kind(held.samples, What.HEARTBEAT))
                assert held.before is not None
                tries.append(Try(len(beats), held.state.cpu - held.before.cpu, _failed(beats)))
    return tries, full


def _failed(samples: list[Sample]) -> int:
    return sum(sample.outcome is not Outcome.OK for sample in samples)


@contextlib.contextmanager
def _answering_sipp(folder: str, transport: str) -> Iterator[None]:
    command = ["sipp", "-sf", str(UAS), "-i", "127.0.0.1", "-p", str(SIPP_PORT), "-t", transport, "-nostdin"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(SETTLE)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _theirs(folder: str, transport: Transport) -> list[Try]:
    """REGISTER at each rate; SIPp says by its exit status whether every call succeeded."""
    tries = []
    with _answering_sipp(folder, transport.uas):
        for rate in transport.rates:
            calls = int(rate * SECONDS)
            command = ["sipp", "-sf", str(UAC), "-i", "127.0.0.1", "-t", transport.uac, "-r", str(rate)]
            command += ["-m", str(calls), "-max_socket", MOST_SOCKETS, "-nostdin", "-timeout", "60"]
            command.append(f"127.0.0.1:{SIPP_PORT}")
            process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            failed = int(process.returncode != GOOD_EXIT)
            tries.append(Try(calls, usage.ru_utime + usage.ru_stime, failed))
    return tries


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    options = parser.parse_args()
    if shutil.which("sipp") is None:
        _say("fleet skipped: SIPp (Debian package sip-tester) is not installed")
        return 0
    beats: list[Try] = []
    entries: list[Try] = []
    registers: dict[Transport, list[Try]] = {transport: [] for transport in TRANSPORTS}
    with tempfile.TemporaryDirectory(prefix="kandian-bench-") as folder:
        for _ in range(ROUNDS):
            tries, full = asyncio.run(_ours(options.devices))
            beats += tries
            entries.append(full)
            for transport in TRANSPORTS:
                registers[transport] += _theirs(folder, transport)
    return _tell(beats, entries, registers)


def _tell(beats: list[Try], entries: list[Try], registers: dict[Transport, list[Try]]) -> int:
    beat, entry = _best(beats), _best(entries)
    theirs = {transport: _best(tries) for transport, tries in registers.items()}
    ratio = _ratio(beat, theirs[OF_ITS_OWN])
    _say(f"fleet ratio={ratio:.2f} peer=sipp ours={beat:.0f}/s theirs={theirs[OF_ITS_OWN]:.0f}/s per core")
    _say(f"  heartbeat without login, a socket per device; SIPp: {OF_ITS_OWN.text}")
    for transport in (SHARED, SHARED_TCP):
        found = theirs[transport]
        _say(f"  heartbeat against SIPp by {transport.text} ({found:.0f}/s): ratio={_ratio(beat, found):.2f}")
    for transport in (CONNECTING, SHARED):
        found = theirs[transport]
        _say(f"  full login {entry:.0f}/s against {transport.text} ({found:.0f}/s): ratio={_ratio(entry, found):.2f}")
    return 0 if ratio >= WANTED else 1


def _ratio(ours: float, theirs: float) -> float:
    return ours / theirs if theirs else 0.0


def _best(tries: list[Try]) -> float:
    return max((found.per_core for found in tries), default=0.0)


def _say(text: str) -> None:
    print(text)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
