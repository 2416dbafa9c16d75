"""What a request costs our SOAP client and onvif-zeep, on the same device in the same run.

Both ask the golden camera, which serves from its own process, for GetProfiles with a fresh UsernameToken each time, on
kept connections. Ours keeps and reads every byte as in a test. A few requests are always in flight, ours as tasks of
one loop, those of onvif-zeep in as many threads with a client each: with one at a time a slow device would hide what a
client costs. The ratio is that of requests a second by the clock; the second line tells those of the client's own
processor time. Rounds alternate, and the best of each side counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from conformance.peers.bench import bench_limits
from conformance.peers.onvif.client import OnvifClient
from conformance.peers.onvif.zeep_client import ZeepClient
from conformance.protocols.onvif_media import read_profiles
from conformance.wire import LiveWire
from simulators.camera.declarations import ONVIF
from specs.declaration import load_declaration
from specs.loader import load_catalogue

KANDIAN = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
REQUESTS, IN_FLIGHT, ROUNDS, GOAL = 240, 4, 6, 3.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second: of processor time, and by the clock."""

    cpu: float
    clock: float

    def better(self, other: Rate) -> Rate:
        """The best of both, each by itself."""
        return Rate(max(self.cpu, other.cpu), max(self.clock, other.clock))


NONE = Rate(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Device:
    """Where the device service is, and who may ask."""

    url: str
    user: str
    password: str


@contextlib.contextmanager
def golden_camera() -> Iterator[Device]:
    """The golden camera with an ONVIF face, in a process of its own."""
    declared = load_declaration(ONVIF, load_catalogue().vocabulary)
    assert declared.declaration.onvif is not None
    command = [*KANDIAN, "simulate", "camera", "--declaration", str(ONVIF)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["onvif_url"]
            yield Device(url, declared.declaration.onvif.username, declared.onvif_password)
        finally:
            process.terminate()
            process.wait(20)


class Timer:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self.cpu, self.clock = time.process_time(), time.perf_counter()

    def rate(self) -> Rate:
        """Of all requests since then."""
        return Rate(REQUESTS / (time.process_time() - self.cpu), REQUESTS / (time.perf_counter() - self.clock))


def ours(device: Device, seed: int) -> Rate:
    """Our client. ``seed``: another for each round, as a device remembers nonces."""
    limits = bench_limits(load_catalogue(), 1.0)

    async def asked() -> Rate:
        async with LiveWire(seed=seed) as wire:
            client = OnvifClient(wire, device.url, device.user, device.password, limits)
            await client.synchronize()
            await client.find_services()
            await ask(client, IN_FLIGHT)
            timer = Timer()
            await asyncio.gather(*(ask(client, REQUESTS // IN_FLIGHT) for _ in range(IN_FLIGHT)))
            found = timer.rate()
            client.close()
            return found

    return asyncio.run(asked())


async def ask(client: OnvifClient, count: int) -> None:
    """So many requests, one after the other."""
    for _ in range(count):
        answer = await client.call("media", "GetProfiles")
        if not answer.ok or answer.body is None or not read_profiles(answer.body):
            raise SystemExit(f"our client is refused: {answer.summary}")


def zeep(device: Device) -> Rate:
    """onvif-zeep, without the time that it takes to be made."""
    clients = [ZeepClient(device.url, device.user, device.password) for _ in range(IN_FLIGHT)]
    for client in clients:
        for step in client.steps().values():
            step()

    def ask_with(client: ZeepClient) -> None:
        for _ in range(REQUESTS // IN_FLIGHT):
            if not client.profiles():
                raise SystemExit("onvif-zeep gets no profiles")

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        timer = Timer()
        list(pool.map(ask_with, clients))
        return timer.rate()


def measured(device: Device) -> tuple[Rate, Rate]:
    """Ours and onvif-zeep."""
    own = other = NONE
    for number in range(ROUNDS):
        other = other.better(zeep(device))
        own = own.better(ours(device, number + 1))
    return own, other


def main() -> int:
    """Print the ratio; exit 1 below the goal."""
    with golden_camera() as device:
        own, other = measured(device)
    ratio = own.clock / other.clock
    print(f"onvif_client ratio={ratio:.2f} peer=onvif-zeep ours={own.clock:.0f}/s zeep={other.clock:.0f}/s")  # noqa: T201
    print(f"  of processor time: ours {own.cpu:.0f}/s, zeep {other.cpu:.0f}/s ({own.cpu / other.cpu:.2f})")  # noqa: T201
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
