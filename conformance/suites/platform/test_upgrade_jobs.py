"""IF-MNT-07, IF-MNT-09: upgrade jobs, judged by what devices log in with."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_identity import VERSION, DeviceIdentity
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, refused
from conformance.suites.platform.device_steps import online, provisioned
from conformance.suites.platform.test_anti_hotlink import camera_of
from conformance.suites.platform.test_commands import asked

NEW, OLD = "V1.3.0_20131001", "V1.1.0_20130101"
SOURCE = "ftp://fetch:image-7d1@127.0.0.1:2121/camera.bin"
WANTED = {
    "NewDevVer": NEW,
    "FtpIP": "127.0.0.1",
    "FtpPort": "2121",
    "FtpAccount": "fetch",
    "FtpPassword": "image-7d1",
    "FtpFileName": "camera.bin",
}
DOWNLOAD_FAILED = 11


def job_of(*devices: DevicePeer, **more: Any) -> dict[str, Any]:
    """The body of a new job."""
    return {"version": NEW, "source": SOURCE, "terminals": [device.identity.dev_id for device in devices], **more}


async def states(owner: Phone, job: str) -> tuple[str, dict[str, str]]:
    """The state of a job, and of each of its devices."""
    reply = await owner.call("upgradeJobShow", job=job)
    devices = reply.at("terminals") or []
    return str(reply.at("state")), {str(d.get("terminal")): str(d.get("state")) for d in devices}


async def becomes(owner: Phone, job: str, device: DevicePeer, wanted: str, within: float) -> str:
    """The state of a device in a job, once it is the wanted one or the time is over."""
    until = owner.wire.now() + within
    while True:
        found = (await states(owner, job))[1].get(device.identity.dev_id, "")
        if found == wanted or owner.wire.now() > until:
            return found
        await owner.wire.sleep(within / 50)


async def failed_download(device: DevicePeer) -> None:
    """EXCEPTION_NOTIFY."""
    values = {"DevID": device.identity.dev_id, "ChannelNo": 0, "ExceptionType": DOWNLOAD_FAILED}
    await device.ask("EXCEPTION_NOTIFY", {**values, "ExceptionDesc": "download failed"})


async def comes_back(device: DevicePeer, version: str) -> bool:
    """Log in again with a version."""
    device.leave()
    device.identity = device.identity.but(version=version)
    return await device.come_online()


@verifies("IF-MNT-09")
async def test_outcome(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The answer 0 is no success, nor is a login with the old version."""
    limit = limits("IF-MNT-09")
    device = await camera_of(platform, check, owner, "IF-MNT-09")
    if device is None:
        return
    check.step("s1")
    started = await owner.call("upgradeJobStart", job_of(device))
    if not accepted(check, "IF-MNT-09", started):
        return
    job = str(started.at("id"))
    heard = await device.command("UPGRADE")
    expected = say("设备收到 UPGRADE 的元素", "the elements of UPGRADE at the device")
    check.equal("IF-MNT-09", asked(heard) if heard else {}, WANTED, expected)
    check.step("s2")
    check.control(await comes_back(device, VERSION), say("以旧版本登录", "login with the old version"))
    found = await becomes(owner, job, device, "done", limit.watch.seconds)
    check.true("IF-MNT-09", found != "done", say("尚未成功", "no success yet"), found)
    check.step("s3")
    check.control(await comes_back(device, NEW), say("以新版本登录", "login with the new version"))
    found = await becomes(owner, job, device, "done", limit.settle.seconds)
    check.equal("IF-MNT-09", found, "done", say("新版本登录之后", "after the login with the new version"))
    check.step("s4")
    again = await owner.call("upgradeJobStart", job_of(device, downgrade=True))
    if accepted(check, "IF-MNT-09", again):
        await device.command("UPGRADE")
        await failed_download(device)
        found = await becomes(owner, str(again.at("id")), device, "failed", limit.settle.seconds)
        check.equal("IF-MNT-09", found, "failed", say("设备报告失败之后", "after the device reported a failure"))
    await comes_back(device, VERSION)


@verifies("IF-MNT-07")
async def test_stages(platform: PlatformBench, owner: Phone, check: Checks) -> None:
    """Half of the devices first; the only one of that half fails."""
    name = owner.user.name if owner.user else ""
    found = [provisioned(platform, owner=name, number=number) for number in range(2)]
    devices = [platform.devices.new(DeviceIdentity.of(one)) for one in found if one is not None]
    if len(devices) < len(found):
        check.inconclusive("IF-MNT-07", say("需要两台设备", "two devices are needed"))
        return
    for device in devices:
        if not await online(platform, check, device):
            return
    check.step("s1")
    started = await owner.call("upgradeJobStart", job_of(*devices, stages=[50, 100], highestFailure=0.1))
    if not accepted(check, "IF-MNT-07", started):
        return
    await devices[0].command("UPGRADE")
    await failed_download(devices[0])
    check.step("s2")
    await becomes(owner, str(started.at("id")), devices[1], "skipped", platform.limits["answer_wait"].seconds)
    state, each = await states(owner, str(started.at("id")))
    check.equal("IF-MNT-07", state, "stopped", say("任务的状态", "the state of the job"))
    first = each.get(devices[0].identity.dev_id)
    check.equal("IF-MNT-07", first, "failed", say("首批设备", "the device of the first stage"))
    sent = [heard.name for heard in devices[1].heard if heard.name == "UPGRADE"]
    check.equal("IF-MNT-07", sent, [], say("第二批未收到命令", "no command at the second stage"))
    check.step("s3")
    down = {"version": OLD}
    refused(check, "IF-MNT-07", await owner.call("upgradeJobStart", {**job_of(devices[0]), **down}), "downgrade")
    marked = {**job_of(devices[0], downgrade=True), **down}
    accepted(check, "IF-MNT-07", await owner.call("upgradeJobStart", marked), "downgrade")
