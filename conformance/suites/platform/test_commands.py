"""IF-PAR-09, IF-CTL-04, IF-MNT-10: what a phone asks for reaches the device, and what the device says comes back."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_connection import Heard
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, refused
from conformance.suites.platform.device_steps import BEATS, offline_time
from conformance.suites.platform.test_anti_hotlink import camera_of
from conformance.suites.platform.test_login import served

MAIN, SUB = 1, 2
ELEMENTS = {
    "frameSize": "FrameSize",
    "frameRate": "FrameRate",
    "rateType": "RateType",
    "bitRate": "BitRate",
    "audio": "AudioInput",
}
SETTINGS: tuple[tuple[int, dict[str, Any]], ...] = (
    (MAIN, {"bitRate": 10}),
    (SUB, {"frameRate": 5}),
    (MAIN, {"rateType": 1}),
    (SUB, {"frameSize": 3, "bitRate": 4, "audio": False}),
)
DIRECTIONS = {"up": 1, "down": 2, "left": 3, "right": 4, "stop": 0}
OTHER = 255


def asked(heard: Heard) -> dict[str, str]:
    """The elements of a command besides DevID that are not empty."""
    return {name: str(text) for name, text in heard.message.values.items() if name != "DevID" and text != ""}


async def audited(phones: Phones, dev_id: str, action: str) -> int | None:
    """How many records of an action the operator is shown; None where no operator is declared."""
    operator = phones.of_role("operator")
    if operator is None:
        return None
    phone = await phones.logged_in(operator)
    reply = await phone.call("audit", query={"terminal": dev_id, "action": action, "size": 1})
    total = reply.at("total")
    return total if isinstance(total, int) else 0


def judge_audit(check: Checks, requirement: str, before: int | None, after: int | None) -> None:
    """There is more on record than before."""
    if before is not None and after is not None:
        expected = say("审计日志增加", "more in the audit log")
        check.true(requirement, after > before, expected, say(f"{before} 到 {after}", f"{before} to {after}"))


@verifies("IF-PAR-09")
async def test_parameters(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks) -> None:
    """Set, read back, refuse, be silent, be away."""
    device = await camera_of(platform, check, owner, "IF-PAR-09")
    if device is None or device.connection is None:
        return
    dev_id = device.identity.dev_id
    before = await audited(phones, dev_id, "video")
    check.step("s1")
    for stream, body in SETTINGS:
        start = len(device.heard)
        reply = await owner.call("setVideo", body, query={"channel": 0, "stream": stream}, terminal=dev_id)
        accepted(check, "IF-PAR-09", reply, str(body))
        got = [asked(heard) for heard in device.heard[start:] if heard.name == "SET_CHANNEL"]
        wanted = {ELEMENTS[name]: str(int(value)) for name, value in body.items()}
        expected = [{"ChannelNo": "0", "StreamType": str(stream), **wanted}]
        check.equal("IF-PAR-09", got, expected, say("设备收到的设置", "what the device received"))
    check.step("s2")
    for number, stream in enumerate((MAIN, SUB), 7):
        device.state.video.setdefault((0, stream), {})["BitRate"] = number
        reply = await owner.call("video", query={"channel": 0, "stream": stream}, terminal=dev_id)
        shown = {ELEMENTS[name]: int(reply.at(name) or 0) for name in ELEMENTS}
        check.equal("IF-PAR-09", shown, device.state.picture(0, stream), say("查询所得", "what the query gives"))
    check.step("s3")
    await not_a_success(check, owner, device)
    check.step("s4")
    judge_audit(check, "IF-PAR-09", before, await audited(phones, dev_id, "video"))


async def not_a_success(check: Checks, owner: Phone, device: DevicePeer) -> None:
    """The device refuses, then does not answer, then is away."""
    dev_id = device.identity.dev_id
    for about, name in (("refuses", "device_refused"), ("is silent", "device_timeout"), ("is away", "device_offline")):
        device.refusing = OTHER if about == "refuses" else 0
        device.automatic = about != "is silent"
        if about == "is away":
            device.leave()
            await device.wire.sleep(device.limits["settle_pause"].seconds)
        query = {"channel": 0, "stream": MAIN}
        reply = await owner.call("setVideo", {"bitRate": 5}, query=query, terminal=dev_id)
        if name == "device_timeout" and reply.http is None:
            expected = say("不报告成功", "no success is reported")
            check.true("IF-PAR-09", not reply.ok, expected, reply.summary, f"the device {about}")
            continue
        refused(check, "IF-PAR-09", reply, name, about=f"the device {about}")
    device.refusing, device.automatic = 0, True


@verifies("IF-CTL-04")
async def test_pan_and_tilt(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks) -> None:
    """The owner may, a viewer of the same account may not."""
    device = await camera_of(platform, check, owner, "IF-CTL-04")
    if device is None:
        return
    dev_id = device.identity.dev_id
    before = await audited(phones, dev_id, "ptz")
    check.step("s1")
    start = len(device.heard)
    for direction in DIRECTIONS:
        reply = await owner.call("ptz", {"channel": 0, "direction": direction}, terminal=dev_id)
        accepted(check, "IF-CTL-04", reply, direction)
    expected = [{"ChannelNo": "0", "PtzDirection": str(code)} for code in DIRECTIONS.values()]
    got = [asked(heard) for heard in device.heard[start:] if heard.name == "VIDEO_PTZ"]
    check.equal("IF-CTL-04", got, expected, say("设备收到的命令", "what the device received"))
    check.step("s2")
    viewer = next((user for user in phones.users if user.role == "viewer"), None)
    if viewer is not None:
        clerk = await phones.logged_in(viewer)
        start = len(device.heard)
        for direction in DIRECTIONS:
            reply = await clerk.call("ptz", {"channel": 0, "direction": direction}, terminal=dev_id)
            refused(check, "IF-CTL-04", reply, "forbidden", about=direction)
        got = [asked(heard) for heard in device.heard[start:] if heard.name == "VIDEO_PTZ"]
        check.equal("IF-CTL-04", got, [], say("被拒的命令不到达设备", "refused commands do not reach the device"))
    check.step("s3")
    judge_audit(check, "IF-CTL-04", before, await audited(phones, dev_id, "ptz"))


@verifies("IF-MNT-10")
async def test_reboot(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """The device restarts at once and comes back by itself."""
    device = await camera_of(platform, check, owner, "IF-MNT-10")
    if device is None or device.connection is None:
        return
    dev_id, settle = device.identity.dev_id, limits("IF-MNT-10").settle
    before = await audited(phones, dev_id, "reboot")
    check.step("s1")
    reply = await owner.call("reboot", terminal=dev_id)
    accepted(check, "IF-MNT-10", reply)
    await platform.wire.sleep(platform.limits["settle_pause"].seconds)
    check.equal("IF-MNT-10", device.state.reboots, 1, say("设备收到的 REBOOT", "REBOOT at the device"))
    check.step("s2")
    back = await device.come_online()
    device.beat(offline_time(platform) * BEATS)
    if check.true("IF-MNT-10", back, say("设备重新登录", "the device logs in again")):
        await served(check, "IF-MNT-10", owner, device, settle, "after the reboot")
    check.equal("IF-MNT-10", device.state.reboots, 1, say("此后无第二次 REBOOT", "no second REBOOT afterwards"))
    check.step("s3")
    judge_audit(check, "IF-MNT-10", before, await audited(phones, dev_id, "reboot"))
