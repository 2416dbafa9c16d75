"""IF-REG-04, IF-REG-09, IF-OPN-03: who may come in, what a refusal says, and two devices under one id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer, StepAnswer
from conformance.peers.platform.device_connection import Heard
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.device_steps import a_device, online, result, told
from conformance.wire import Expired

NOBODY = "KDN99999998"
#: Made without looking at the right key, of which no part may stand in a recording.
WRONG = "0" * 16
OLD = "V0.0.1_20000101"
NO_MAKER, NO_MODEL = "ZZZ", "NONE-1"
PLAIN = ("Result", "DevID")
ADDRESS = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|https?://|ftp://", re.IGNORECASE)
UNKNOWN, WRONG_KEY, TOO_OLD = 1, 2, 3


def disclosed(values: Mapping[str, Any], body: bytes) -> list[str]:
    """What a refusal says beyond Result and DevID: elements with a text, and anything like an address."""
    named = [name for name, value in values.items() if name not in PLAIN and value]
    return named + [found.decode() for found in ADDRESS.findall(body)]


def judge_step(check: Checks, requirement: str, answer: StepAnswer, codes: tuple[int, ...], about: str) -> None:
    """A refused HTTP step: one of the codes, and nothing else in it."""
    wanted = " / ".join(map(str, codes))
    expected = say(f"Result {wanted}", f"Result {wanted}")
    check.true(requirement, answer.result in codes, expected, answer.summary, about)
    if answer.message is not None:
        found = disclosed(answer.message.values, answer.body)
        check.equal(requirement, found, [], say(f"{about}: 应答中不含地址与账号", f"{about}: no address, no account"))


def judge_login(check: Checks, requirement: str, answer: Heard | None, codes: tuple[int, ...], about: str) -> None:
    """The same for a LOGIN."""
    wanted = " / ".join(map(str, codes))
    check.true(requirement, result(answer) in codes, say(f"Result {wanted}", f"Result {wanted}"), told(answer), about)
    if answer is not None and answer.message.result:
        found = disclosed(answer.message.values, answer.xml)
        check.equal(requirement, found, [], say(f"{about}: 应答中不含地址与账号", f"{about}: no address, no account"))


async def admitted(platform: PlatformBench, check: Checks, device: DevicePeer) -> bool:
    """Control leg: the right device is redirected and registered."""
    if platform.group_url:
        found = await device.redirect()
        check.control(found.result == 0, say(f"重定向 {found.summary}", f"REDIRECT: {found.summary}"))
    found = await device.register()
    there = found.result == 0 and bool(device.servers)
    return check.control(there, say(f"正确的设备注册成功 {found.summary}", f"the right device: {found.summary}"))


@verifies("IF-REG-04")
async def test_refusals(platform: PlatformBench, check: Checks) -> None:
    """Unknown id and wrong key at every door; an old firmware at LOGIN, which alone tells the version."""
    device = a_device(platform, check, "IF-REG-04")
    if device is None or not await admitted(platform, check, device):
        return
    right = device.identity
    cases = (
        ("unknown DevID", right.but(dev_id=NOBODY), UNKNOWN),
        ("wrong DevKey", right.but(key=WRONG), WRONG_KEY),
        ("DevKey with more behind it", right.but(key=right.key + "0"), WRONG_KEY),
    )
    for about, identity, code in cases:
        stranger = platform.devices.new(identity)
        check.step("s1")
        if platform.group_url:
            judge_step(check, "IF-REG-04", await stranger.redirect(), (code,), f"REDIRECT, {about}")
        judge_step(check, "IF-REG-04", await stranger.register(), (code,), f"REGISTER, {about}")
        stranger.servers = device.servers
        if check.control(await stranger.connect(), say("接入服务器接受连接", "the access server accepts connections")):
            judge_login(check, "IF-REG-04", await stranger.login(), (code,), f"LOGIN, {about}")
    check.step("s2")
    old = platform.devices.new(right.but(version=OLD))
    old.servers = device.servers
    if await old.connect():
        judge_login(check, "IF-REG-04", await old.login(), (TOO_OLD,), f"LOGIN, {OLD}")
        assert old.connection is not None
        beat = await old.connection.ask("HEARTBEAT", right.heartbeat(), platform.limits["settle_pause"].seconds)
        expected = say("被拒后心跳得不到时间应答", "no heartbeat is answered after a refusal")
        check.true("IF-REG-04", beat is None or not beat.message.get("Time"), expected, told(beat))
    await online(platform, check, device)


@verifies("IF-OPN-03")
async def test_models(platform: PlatformBench, check: Checks) -> None:
    """An unknown maker or model is answered, with a code of the table."""
    device = a_device(platform, check, "IF-OPN-03")
    if device is None or not await admitted(platform, check, device):
        return
    codes = tuple(code for code in platform.table.results if code)
    for about, changes in (("ManufacturerNo", {"maker": NO_MAKER}), ("Mode", {"model": NO_MODEL})):
        stranger = platform.devices.new(device.identity.but(**changes))
        check.step("s1")
        answer = await stranger.register()
        check.step("s2")
        judge_step(check, "IF-OPN-03", answer, codes, f"REGISTER, {about} {next(iter(changes.values()))}")


@verifies("IF-REG-09")
async def test_one_id_twice(
    platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits
) -> None:
    """Both live devices answer; one is kept, and the owner or the operator is told."""
    limit = limits("IF-REG-09")
    first = a_device(platform, check, "IF-REG-09", owner=owner.user.name if owner.user else "")
    if first is None or not await online(platform, check, first):
        return
    dev_id = first.identity.dev_id
    before = await clones(owner, phones, dev_id)
    check.step("s1")
    second = platform.devices.new(first.identity)
    second.servers = first.servers
    if not check.control(await second.connect(), say("第二台设备连接成功", "the second device connects")):
        return
    later = await second.login()
    taken = result(later) == 0
    if taken:
        await second.report()
    check.step("s2")
    loser, winner = (first, second) if taken else (second, first)
    if taken:
        assert loser.connection is not None
        left = await loser.connection.ended(limit.noticed_within.seconds)
        expected = say("先登录的连接被结束", "the connection of the earlier one is ended")
        check.true(
            "IF-REG-09",
            left,
            expected,
            say("仍然打开" if not left else "已结束", "still open" if not left else "ended"),
        )
    beat = await winner.heartbeat()
    kept = beat is not None and bool(beat.message.get("Time"))
    check.true("IF-REG-09", kept, say("保留的设备继续得到应答", "the one that is kept is answered"), told(beat))
    seen = await clone_told(platform, owner, phones, dev_id, before, limit.noticed_within.seconds)
    expected = say("消息或审计日志中有克隆事件", "a clone event among the messages or in the audit log")
    check.true("IF-REG-09", seen, expected, say("有" if seen else "没有", "there" if seen else "none"))


async def clones(owner: Phone, phones: Phones, dev_id: str) -> int:
    """How many clone events are on record for a device."""
    messages = (await owner.call("messages", query={"size": 100})).items
    found = len([item for item in messages if (item.get("kind"), item.get("terminal")) == ("clone", dev_id)])
    operator = phones.of_role("operator")
    if operator is not None:
        phone = await phones.logged_in(operator)
        query = {"terminal": dev_id, "action": "clone", "size": 100}
        found += len((await phone.call("audit", query=query)).items)
    return found


async def clone_told(
    platform: PlatformBench, owner: Phone, phones: Phones, dev_id: str, before: int, within: float
) -> bool:
    """Wait for one more of them."""
    step = platform.limits["settle_pause"].seconds
    try:
        async with platform.wire.timeout(within, "the clone event"):
            while await clones(owner, phones, dev_id) <= before:
                await platform.wire.sleep(step)
    except Expired:
        return False
    return True
