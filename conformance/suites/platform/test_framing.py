"""IF-FRM-09, IF-LOG-11: frames in pieces, damaged frames, messages before LOGIN and in another name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_connection import Heard
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.tykd_frame import DIGEST_SIZE
from conformance.suites.platform.device_steps import a_device, online, provisioned, result, told
from conformance.suites.platform.token_steps import LIVE, Asked, a_token

PIECES = 7
JOINED = 5
MOTION = 1
GARBAGE = (b"GET / HTTP/1.1\r\n\r\n", bytes(range(64)), b"\xfa\xf5\x33\x00\x01\x00\xff\xff" + b"x" * 40)


@dataclass(frozen=True, slots=True)
class Company:
    """Those who look on while somebody misbehaves: a device and its owner."""

    device: DevicePeer
    owner: Phone

    async def alarms(self) -> int:
        """How many alarms of the device its owner is shown."""
        found = (await self.owner.call("alarms", query={"terminal": self.device.identity.dev_id, "size": 1})).at(
            "total"
        )
        return found if isinstance(found, int) else 0


def alarm_of(dev_id: str) -> dict[str, Any]:
    """ALARM_NOTIFY_REQ."""
    return {"DevID": dev_id, "ChannelNo": 0, "AlarmType": MOTION, "AlarmDesc": "motion raised"}


async def company(platform: PlatformBench, check: Checks, owner: Phone, requirement: str) -> Company | None:
    """A device online, its owner, and the control leg that its alarms are listed."""
    device = a_device(platform, check, requirement, owner=owner.user.name if owner.user else "")
    if device is None or not await online(platform, check, device):
        return None
    found = Company(device, owner)
    before = await found.alarms()
    await device.ask("ALARM_NOTIFY", alarm_of(device.identity.dev_id))
    await platform.wire.sleep(platform.limits["settle_pause"].seconds)
    listed = await found.alarms() > before
    return (
        found if check.control(listed, say("设备本人的告警被收到", "an alarm of the device itself is listed")) else None
    )


async def stranger_at(platform: PlatformBench, like: DevicePeer, identity: DeviceIdentity) -> DevicePeer:
    """Another device with a connection, not logged in."""
    other = platform.devices.new(identity)
    other.servers = like.servers
    await other.connect()
    return other


@verifies("IF-FRM-09")
async def test_frames(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Beside a device that must not notice."""
    seen = await company(platform, check, owner, "IF-FRM-09")
    second = provisioned(platform, owner=owner.user.name if owner.user else "", number=1)
    if seen is None or second is None:
        check.inconclusive("IF-FRM-09", say("需要两台设备", "two devices are needed"))
        return
    settle = limits("IF-FRM-09").settle.seconds
    check.step("s1")
    odd = await stranger_at(platform, seen.device, DeviceIdentity.of(second))
    if not check.control(result(await odd.login()) == 0, say("第二台设备登录", "the second device logs in")):
        return
    abilities, beat = odd.identity.abilities(platform.table), odd.identity.heartbeat()
    for name, values, size in (("ABILITYUP", abilities, 1), ("ABILITYUP", abilities, PIECES), ("HEARTBEAT", beat, 1)):
        heard = await in_pieces(odd, name, values, size)
        told_of = say(f"{name}，每段 {size} 字节", f"{name} in pieces of {size}")
        check.true("IF-FRM-09", heard is not None, say("得到应答", "an answer"), told(heard), told_of)
    check.equal("IF-FRM-09", await joined(odd, settle), JOINED, say("粘连心跳的应答数", "answers to joined heartbeats"))
    check.step("s2")
    before = await seen.alarms()
    assert odd.connection is not None
    frame = odd.connection.frame("ALARM_NOTIFY", alarm_of(seen.device.identity.dev_id))
    own = odd.connection.frame("ALARM_NOTIFY", alarm_of(odd.identity.dev_id))
    damaged = own[:-DIGEST_SIZE] + bytes(DIGEST_SIZE)
    mine = Company(odd, owner)
    count = await mine.alarms()
    for about, data in (
        ("wrong MD5", damaged),
        *(("garbage", bytes_) for bytes_ in GARBAGE),
        ("cut short", frame[:20]),
    ):
        wild = await stranger_at(platform, seen.device, odd.identity)
        if result(await wild.login()) == 0:
            assert wild.connection is not None
            wild.connection.send(data)
            await wild.connection.ended(platform.limits["settle_pause"].seconds)
        nothing = say(f"损坏的帧不产生告警 ({about})", f"a damaged frame raises no alarm ({about})")
        check.equal("IF-FRM-09", await mine.alarms(), count, nothing)
    check.step("s3")
    check.equal(
        "IF-FRM-09", await seen.alarms(), before, say("另一设备的告警不变", "the alarms of the other are unchanged")
    )
    heard = await seen.device.heartbeat()
    check.true(
        "IF-FRM-09", heard is not None, say("另一设备的心跳得到应答", "the other device is answered"), told(heard)
    )


async def in_pieces(device: DevicePeer, name: str, values: dict[str, Any], size: int) -> Heard | None:
    """Send one request in pieces of so many bytes, and wait for its answer."""
    connection = device.connection
    if connection is None:
        return None
    waiting = connection.expect(name)
    data = connection.frame(name, values, sequence=connection.sequence)
    for start in range(0, len(data), size):
        connection.send(data[start : start + size])
        await device.wire.sleep(0)
    return await connection.answer_to(waiting, device.answer_wait)


async def joined(device: DevicePeer, settle: float) -> int:
    """How many of several heartbeats in one piece are answered."""
    connection = device.connection
    if connection is None:
        return 0
    before = len(connection.answers)
    beats = [connection.frame("HEARTBEAT", device.identity.heartbeat()) for _ in range(JOINED)]
    numbers = range(connection.sequence - JOINED + 1, connection.sequence + 1)
    connection.send(b"".join(beats))
    await device.wire.sleep(settle)
    return len({heard.sequence for heard in connection.answers[before:]} & set(numbers))


@verifies("IF-LOG-11")
async def test_other_names(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """A good token in the hands of a connection that is not the device's."""
    seen = await company(platform, check, owner, "IF-LOG-11")
    second = provisioned(platform, owner=owner.user.name if owner.user else "", number=1)
    if seen is None or second is None:
        check.inconclusive("IF-LOG-11", say("需要两台设备", "two devices are needed"))
        return
    settle = limits("IF-LOG-11").settle.seconds
    dev_id = seen.device.identity.dev_id
    token = await a_token(check, owner, dev_id)
    if token is None:
        return
    before = await seen.alarms()
    asked = Asked(dev_id, token=token)
    for number, logged_in in enumerate((False, True), 1):
        check.step(f"s{number}")
        wild = await stranger_at(platform, seen.device, DeviceIdentity.of(second))
        if logged_in and not check.control(
            result(await wild.login()) == 0, say("另一设备登录", "the other one logs in")
        ):
            return
        for name, values in ((LIVE, asked.values()), ("ALARM_NOTIFY", alarm_of(dev_id))):
            assert wild.connection is not None
            heard = await wild.connection.ask(name, values, settle)
            about = f"{name}, {'another login' if logged_in else 'no login'}"
            expected = say("非 0 或无应答", "a Result other than 0, or no answer")
            check.true("IF-LOG-11", result(heard) != 0, expected, told(heard), about)
    check.step("s3")
    check.equal("IF-LOG-11", await seen.alarms(), before, say("业主所见的告警数", "alarms that the owner is shown"))
    verdict = await seen.device.verdict(LIVE, **asked.elements())
    expected = say("令牌仍可由设备本人使用", "the token is still good for the device itself")
    check.equal("IF-LOG-11", verdict, 0, expected)
