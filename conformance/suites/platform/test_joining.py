"""BIZ-PNP-05, BIZ-PNP-08: a device that nobody had before, and one that has changed hands."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import HIDDEN, accepted, other_owner, refused
from conformance.suites.platform.device_steps import online, provisioned
from conformance.suites.platform.test_anti_hotlink import GOOD, verdict
from conformance.suites.platform.test_framing import Company, alarm_of
from conformance.suites.platform.test_login import served
from conformance.suites.platform.test_terminals import bound, released, unbound
from conformance.suites.platform.token_steps import Asked, play_tokens

#: What an old owner may try.
ATTEMPTS = ("terminalShow", "video", "storage", "recordPlan")
QUERIES = {"video": {"channel": 0, "stream": 1}, "recordPlan": {"channel": 0}}


async def unbound_device(platform: PlatformBench, check: Checks, requirement: str) -> DevicePeer | None:
    """A device that nobody has bound, online all the same."""
    found = unbound(platform)
    if not found:
        check.inconclusive(requirement, say("声明中没有未绑定的设备", "the declaration names no unbound device"))
        return None
    device = platform.devices.new(DeviceIdentity.of(found[0]))
    return device if await online(platform, check, device) else None


@verifies("BIZ-PNP-05")
async def test_open_market(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """It comes online before it has an owner, and serves like one that the platform gave out."""
    check.step("s1")
    device = await unbound_device(platform, check, "BIZ-PNP-05")
    given = provisioned(platform, owner=owner.user.name if owner.user else "")
    if device is None or given is None:
        return
    mine = unbound(platform)[0]
    reply = await bound(owner, mine)
    try:
        accepted(check, "BIZ-PNP-05", reply)
        check.step("s2")
        await served(check, "BIZ-PNP-05", owner, device, limits("BIZ-PNP-05").settle, "bound")
        tokens = await play_tokens(owner, mine.dev_id)
        check.true("BIZ-PNP-05", bool(tokens), say("播放地址带令牌", "a play address with a token"), len(tokens))
        for token in tokens[:1]:
            found = await verdict(device, Asked(mine.dev_id, token=token))
            check.equal("BIZ-PNP-05", found, GOOD, say("令牌有效", "the token is good"))
        rights = [(await owner.call("terminalShow", terminal=i)).at("rights") for i in (mine.dev_id, given.dev_id)]
        same = say("与电信渠道设备的权限相同", "the same rights as with a device of the carrier")
        check.equal("BIZ-PNP-05", rights[0], rights[1], same)
    finally:
        await released(owner, mine)


@verifies("BIZ-PNP-08")
async def test_change_of_hands(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks) -> None:
    """Released with a token left and an alarm on record, then bound by somebody else."""
    check.step("s1")
    device = await unbound_device(platform, check, "BIZ-PNP-08")
    other = other_owner(phones, check, "BIZ-PNP-08")
    if device is None or other is None:
        return
    mine, stranger = unbound(platform)[0], await phones.logged_in(other)
    if not check.control((await bound(owner, mine)).ok, say("原业主绑定", "the old owner binds it")):
        return
    await device.ask("ALARM_NOTIFY", alarm_of(mine.dev_id))
    await platform.wire.sleep(platform.limits["settle_pause"].seconds)
    check.control(await Company(device, owner).alarms() > 0, say("原业主有告警", "the old owner has an alarm"))
    tokens = await play_tokens(owner, mine.dev_id)
    check.control(bool(tokens), say("原业主有未用令牌", "the old owner has an unused token"))
    check.control((await released(owner, mine)).ok, say("原业主释放", "the old owner gives it back"))
    taken = await bound(stranger, mine)
    try:
        accepted(check, "BIZ-PNP-08", taken, "the new owner binds it")
        seen = await Company(device, stranger).alarms()
        check.equal("BIZ-PNP-08", seen, 0, say("新业主看到的旧告警", "old alarms that the new owner sees"))
        check.step("s2")
        for operation in ATTEMPTS:
            reply = await owner.call(operation, query=QUERIES.get(operation), terminal=mine.dev_id)
            refused(check, "BIZ-PNP-08", reply, *HIDDEN, about=operation)
        play = await owner.call("play", {"channel": 0, "stream": 1}, terminal=mine.dev_id)
        refused(check, "BIZ-PNP-08", play, *HIDDEN, about="play")
        for token in tokens:
            found = await verdict(device, Asked(mine.dev_id, token=token))
            useless = say("旧令牌结果非 0", "an old token gets a Result other than 0")
            check.true("BIZ-PNP-08", found > GOOD, useless, f"Result {found}")
        fresh = await play_tokens(stranger, mine.dev_id)
        check.true("BIZ-PNP-08", bool(fresh), say("新业主可播放", "the new owner may play"), len(fresh))
    finally:
        await released(stranger, mine)
