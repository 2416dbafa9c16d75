"""IF-LOG-09, IF-LOG-10: devices at the backup server, and devices that come back."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.device_steps import BEATS, a_device, offline_time, online, until_shown
from specs.model import Limit

PRIMARY, BACKUP = 0, 1
LOOKS = 50
#: A query that every device answers.
QUERY = "storage"
COMMAND = "STORE_QUERY"


async def served(check: Checks, requirement: str, owner: Phone, device: DevicePeer, settle: Limit, about: str) -> None:
    """The device is shown online, and a query of its owner reaches it on its present connection."""
    dev_id, connection = device.identity.dev_id, device.connection
    assert connection is not None
    seen = await until_shown(owner, dev_id, True, settle.seconds, settle.seconds / LOOKS)
    check.true(requirement, seen is not None, say("显示在线", "shown online"), "", about)
    before = len(connection.commands)
    reply = await owner.call(QUERY, terminal=dev_id)
    here = any(heard.name == COMMAND for heard in connection.commands[before:])
    expected = say("查询到达设备的当前连接且成功", "the query arrives on the present connection and succeeds")
    check.true(requirement, here and reply.ok, expected, reply.summary, about)


@verifies("IF-LOG-09")
async def test_backup(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The primary goes down and comes back."""
    limit = limits("IF-LOG-09")
    device = a_device(platform, check, "IF-LOG-09", owner=owner.user.name if owner.user else "")
    if device is None:
        return
    check.step("s1")
    answer = await device.register()
    check.control(answer.result == 0, say(f"注册 {answer.summary}", f"REGISTER: {answer.summary}"))
    if len(device.servers) <= BACKUP:
        check.not_applicable("IF-LOG-09", say("注册应答没有备用接入服务器", "the answer names no backup access server"))
        return
    await platform.control.do("outage", part="primary", state="down")
    try:
        refused = not await device.connect(PRIMARY)
        check.control(refused, say("主用拒绝连接", "the primary refuses connections"))
        check.step("s2")
        if await online(platform, check, device, BACKUP):
            await served(check, "IF-LOG-09", owner, device, limit.settle, "backup")
    finally:
        await platform.control.do("outage", part="primary", state="up")
    check.step("s3")
    device.leave()
    if await online(platform, check, device, PRIMARY):
        await served(check, "IF-LOG-09", owner, device, limit.settle, "primary")


@verifies("IF-LOG-10")
async def test_return(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """After a proper end, after a reset, and while the old connection is half-open."""
    limit = limits("IF-LOG-10")
    device = a_device(platform, check, "IF-LOG-10", owner=owner.user.name if owner.user else "")
    if device is None or not await online(platform, check, device):
        return
    for number, about in enumerate(("closed", "reset", "half-open"), 1):
        check.step(f"s{number}")
        device.rest()
        assert device.connection is not None
        if about == "closed":
            device.connection.close()
        elif about == "reset":
            device.connection.abort()
        back = await logged_in_again(device, answers=about != "half-open")
        expected = say("平台接受再次登录", "the platform takes the new login")
        if not check.true("IF-LOG-10", back, expected, "", about):
            return
        device.beat(offline_time(platform) * BEATS)
        await served(check, "IF-LOG-10", owner, device, limit.settle, about)


async def logged_in_again(device: DevicePeer, *, answers: bool) -> bool:
    """Connect and log in without a new registration. ``answers`` False: the old connection stays and says nothing."""
    device.automatic = answers
    try:
        return await device.come_online()
    finally:
        device.automatic = True
