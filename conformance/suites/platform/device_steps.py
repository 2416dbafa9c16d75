"""Steps that the suites with a device in front of the platform share."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_connection import Heard
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone
from specs.declared_platform import ProvisionedDevice

#: Share of the declared time to offline after which a quiet device is heard again.
BEATS = 0.2


def provisioned(platform: PlatformBench, *, owner: str = "", number: int = 0) -> ProvisionedDevice | None:
    """A declared camera of one channel; of a user where ``owner`` is given."""
    found = [d for d in platform.loaded.devices if d.channels == 1 and (d.owner == owner if owner else d.owner)]
    return found[number] if number < len(found) else None


def offline_time(platform: PlatformBench) -> float:
    """Seconds after which the platform says that it shows a silent device offline, under its timer scale."""
    return platform.declared.offline_within * platform.loaded.declaration.timers.scale


def a_device(platform: PlatformBench, check: Checks, *requirements: str, owner: str = "") -> DevicePeer | None:
    """A device that has not done anything yet; without a declared one the requirements cannot be judged."""
    found = provisioned(platform, owner=owner)
    if found is None:
        for requirement in requirements:
            check.inconclusive(requirement, say("声明中没有已开通的摄像机", "the declaration names no camera"))
        return None
    return platform.devices.new(DeviceIdentity.of(found))


async def online(platform: PlatformBench, check: Checks, device: DevicePeer, server: int = 0) -> bool:
    """A control leg: a good device comes online and stays so."""
    there = await device.come_online(server)
    device.beat(offline_time(platform) * BEATS)
    return check.control(there, say(f"设备 {device.identity.dev_id} 上线", f"{device.identity.dev_id} comes online"))


async def shown_online(phone: Phone, dev_id: str) -> object:
    """What the client interface says of a device."""
    return (await phone.call("terminalShow", terminal=dev_id)).at("online")


async def until_shown(phone: Phone, dev_id: str, state: bool, within: float, step: float) -> float | None:
    """Seconds until the client interface shows that state, looked at every ``step`` seconds; None when it does not."""
    wire, begun = phone.wire, phone.wire.now()
    while True:
        if await shown_online(phone, dev_id) is state:
            return wire.now() - begun
        if wire.now() - begun > within:
            return None
        await wire.sleep(step)


def told(heard: Heard | None) -> str:
    """One line on an answer."""
    return "-" if heard is None else f"{heard.message.root} Result {heard.message.get('Result', '-')}"


def result(heard: Heard | None) -> int | None:
    """The Result of an answer, None where none came."""
    return None if heard is None else heard.message.result
