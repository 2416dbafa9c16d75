"""IF-AHL-06, IF-AHL-07, IF-AHL-08, IF-AHL-10: what a play token is good for, how often, how long, and until when."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import owners_of
from conformance.suites.platform.device_steps import a_device, online, provisioned
from conformance.suites.platform.token_steps import LIVE, RECORD, Asked, a_token, file_token, play_tokens

GOOD = 0
#: Addresses of documentation (RFC 5737), where nobody is.
OUTSIDE, RELAY = ("192.0.2.10", 10554), ("192.0.2.20", 20554)
SPOILT = "0" * 32
FILE = "20130801-080000.mp4"
REFUSED = say("结果非 0", "a Result other than 0")


async def verdict(device: DevicePeer, asked: Asked) -> int:
    """What the platform says; -1 for no answer."""
    return await device.verdict(asked.name, **asked.elements())


async def refused(check: Checks, requirement: str, device: DevicePeer, asked: Asked, about: str) -> None:
    """The platform answers, and not 0."""
    found = await verdict(device, asked)
    check.true(requirement, found > GOOD, REFUSED, f"Result {found}", about)


async def camera_of(
    platform: PlatformBench, check: Checks, owner: Phone, requirement: str, *, ways: bool = False
) -> DevicePeer | None:
    """A device of the phone's user, online. ``ways``: it can be reached from outside and over a relay as well."""
    device = a_device(platform, check, requirement, owner=owner.user.name if owner.user else "")
    if device is not None and ways:
        device.identity = device.identity.but(outside=OUTSIDE, relay=RELAY)
    return device if device is not None and await online(platform, check, device) else None


@verifies("IF-AHL-06")
async def test_binding(platform: PlatformBench, owner: Phone, check: Checks) -> None:
    """One item is changed at a time; the token stays good for what it was given."""
    device = await camera_of(platform, check, owner, "IF-AHL-06")
    if device is None:
        return
    dev_id = device.identity.dev_id
    check.step("s1")
    first = await a_token(check, owner, dev_id)
    if first is None:
        return
    good = Asked(dev_id, token=first)
    check.equal("IF-AHL-06", await verdict(device, good), GOOD, say("正确的令牌", "the right token"))
    check.step("s2")
    for about, changes in altered():
        token = await a_token(check, owner, dev_id)
        if token is None:
            return
        whole = Asked(dev_id, token=token)
        given = {name: token_text(token, text) if name == "token" else text for name, text in changes.items()}
        await refused(check, "IF-AHL-06", device, replace(whole, **given), about)
        if "token" in changes:
            continue
        found = await verdict(device, whole)
        check.equal("IF-AHL-06", found, GOOD, say(f"{about}之后令牌本身仍有效", f"the token itself after: {about}"))
    await other_device(platform, check, owner, device)
    file = await file_token(owner, dev_id, FILE)
    if file:
        await refused(check, "IF-AHL-06", device, Asked(dev_id, token=file), "playback token for a live play")
        whole = Asked(dev_id, token=file, target=FILE, name=RECORD)
        await refused(check, "IF-AHL-06", device, replace(whole, target="x" + FILE), "another file")
        check.equal("IF-AHL-06", await verdict(device, whole), GOOD, say("回放令牌", "the playback token"))


def altered() -> tuple[tuple[str, dict[str, str]], ...]:
    """Questions that differ from the right one in one item. A token is a way to change the text of the right one."""
    return (
        ("another channel", {"channel": "1"}),
        ("channel with a leading zero", {"channel": "00"}),
        ("another stream", {"target": "2"}),
        ("no stream", {"target": ""}),
        ("a live token for a recording", {"target": "1", "name": RECORD}),
        ("no token", {"token": "empty"}),
        ("a random token", {"token": "spoilt"}),
        ("one digit changed", {"token": "digit"}),
        ("cut short", {"token": "cut"}),
        ("extended", {"token": "longer"}),
        ("wildcards", {"token": "wild"}),
        ("SQL", {"token": "sql"}),
    )


def token_text(token: str, change: str) -> str:
    """A token that is not the right one."""
    last = "0" if token[-1:] != "0" else "1"
    texts = {"empty": "", "spoilt": SPOILT, "digit": token[:-1] + last, "cut": token[:-1], "longer": token + "0"}
    return {**texts, "wild": "%", "sql": "' OR '1'='1"}[change]


async def other_device(platform: PlatformBench, check: Checks, owner: Phone, device: DevicePeer) -> None:
    """The token of one device at another one of the same owner."""
    found = provisioned(platform, owner=owner.user.name if owner.user else "", number=1)
    if found is None:
        return
    second = platform.devices.new(DeviceIdentity.of(found))
    token = await a_token(check, owner, device.identity.dev_id)
    if token is None or not await online(platform, check, second):
        return
    asked = Asked(second.identity.dev_id, token=token)
    await refused(check, "IF-AHL-06", second, asked, "another device")
    there = await verdict(device, replace(asked, dev_id=device.identity.dev_id))
    check.equal("IF-AHL-06", there, GOOD, say("本设备仍可使用", "still good at the device itself"))


@verifies("IF-AHL-07")
async def test_life(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The clock of the platform is moved."""
    limit = limits("IF-AHL-07")
    device = await camera_of(platform, check, owner, "IF-AHL-07")
    if device is None:
        return
    dev_id, life = device.identity.dev_id, platform.declared.token_life
    check.step("s1")
    kept = life * platform.loaded.declaration.timers.scale
    check.within("IF-AHL-07", kept, limit.life, say("声明的有效期", "the declared life"))
    token = await a_token(check, owner, dev_id)
    if token is None:
        return
    try:
        await platform.control.do("clock", advance=life - limit.before.seconds)
        found = await verdict(device, Asked(dev_id, token=token))
        check.equal("IF-AHL-07", found, GOOD, say("到期之前", "before the end"))
        check.step("s2")
        for after in (0.0, limit.after.seconds, 24 * 3600.0):
            token = await a_token(check, owner, dev_id)
            if token is None:
                return
            await platform.control.do("clock", advance=life + after)
            await refused(check, "IF-AHL-07", device, Asked(dev_id, token=token), f"{after:g} s after the end")
    finally:
        await platform.control.do(
            "clock", advance=-(4 * life + limit.after.seconds + 24 * 3600.0) + limit.before.seconds
        )


@verifies("IF-AHL-08")
async def test_single_use(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """One use after the other, and two within 50 ms."""
    limit = limits("IF-AHL-08")
    device = await camera_of(platform, check, owner, "IF-AHL-08")
    if device is None:
        return
    dev_id, uses = device.identity.dev_id, int(limit.uses.number)
    check.step("s1")
    token = await a_token(check, owner, dev_id)
    if token is None:
        return
    asked = Asked(dev_id, token=token)
    for _ in range(uses):
        check.equal("IF-AHL-08", await verdict(device, asked), GOOD, say("允许的使用", "a use that is allowed"))
    for number in range(2):
        await refused(check, "IF-AHL-08", device, asked, f"use {uses + number + 1}")
    check.step("s2")
    for _ in range(int(limit.races.number)):
        await race(platform, check, owner, device, limit.parallel.number, limit.within.seconds, uses)


async def race(
    platform: PlatformBench, check: Checks, owner: Phone, device: DevicePeer, parallel: float, within: float, uses: int
) -> None:
    """Uses of one token that leave together; as many succeed as are allowed."""
    token = await a_token(check, owner, device.identity.dev_id)
    connection = device.connection
    if token is None or connection is None:
        return
    asked = Asked(device.identity.dev_id, token=token)
    begun = platform.wire.now()
    waiting = [connection.begin(LIVE, asked.values()) for _ in range(int(parallel))]
    sent = platform.wire.now() - begun
    check.control(sent <= within, say(f"{sent * 1000:.1f} ms 内发出", f"sent within {sent * 1000:.1f} ms"))
    answers = [await connection.answer_to(one, device.answer_wait) for one in waiting if one is not None]
    won = sum(heard is not None and heard.message.result == GOOD for heard in answers)
    check.equal("IF-AHL-08", won, uses, say("并发使用中成功的次数", "parallel uses that succeed"))


@verifies("IF-AHL-10")
async def test_rights_that_change(
    platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits
) -> None:
    """Logout, unshare, release and suspension, each with a token that was not used yet."""
    device = await camera_of(platform, check, owner, "IF-AHL-10")
    if device is None or owner.user is None:
        return
    dev_id = device.identity.dev_id
    check.step("s1")
    leaving = await phones.logged_in(owner.user)
    await judged_after(check, device, leaving, "logout", lambda: leaving.call("logout"))
    sharee = next((user for user in owners_of(phones) if user != owner.user), None)
    if sharee is not None:
        granted = await owner.call("share", {"phone": sharee.phone, "rights": ["view"]}, terminal=dev_id)
        guest = await phones.logged_in(sharee)
        share = str(granted.at("id"))
        await judged_after(check, device, guest, "unshare", lambda: owner.call("unshare", terminal=dev_id, share=share))
    new = owner.user.password + "x"
    changing = await phones.logged_in(owner.user)
    body = {"old": owner.user.password, "new": new}
    await judged_after(check, device, changing, "password", lambda: changing.call("changePassword", body))
    again = phones.new()
    reply = again.keep(await again.call("login", {"phone": owner.user.phone, "password": new}, session=""))
    check.control(reply.ok, say("以新密码登录", "login with the new password"))
    await again.call("changePassword", {"old": new, "new": owner.user.password})
    if "suspend" in platform.loaded.declaration.controls.available:
        back = await phones.logged_in(owner.user)
        try:
            await judged_after(check, device, back, "suspension", lambda: suspended(platform, owner, True))
        finally:
            await suspended(platform, owner, False)


async def suspended(platform: PlatformBench, owner: Phone, state: bool) -> None:
    """Suspend the user of a phone, or let it go on."""
    assert owner.user is not None
    await platform.control.do("suspend", user=owner.user.name, suspended=state)


async def judged_after(check: Checks, device: DevicePeer, phone: Phone, about: str, change: object) -> None:
    """Control: a token of the phone is good. Another one is not used until the change has happened."""
    assert callable(change)
    dev_id = device.identity.dev_id
    tokens = [*await play_tokens(phone, dev_id), *await play_tokens(phone, dev_id)]
    check.step("s1")
    if not check.control(len(tokens) > 1, say(f"{about}: 令牌已签发", f"{about}: tokens are issued")):
        return
    first = await verdict(device, Asked(dev_id, token=tokens[0]))
    check.control(first == GOOD, say(f"{about}: 变更前令牌有效", f"{about}: good before the change"))
    await change()
    check.step("s2")
    for token in tokens[1:]:
        await refused(check, "IF-AHL-10", device, Asked(dev_id, token=token), f"after {about}")
