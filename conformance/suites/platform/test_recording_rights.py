"""BIZ-REC-06, BIZ-REC-08: recordings are for those who may see them, as long as they may."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import HIDDEN, good, other_owner, owners_of, refused
from conformance.suites.platform.recording_steps import Scene, Shown, Span, fetched, recorded_device, watched
from conformance.suites.platform.test_access import shared, withdrawn
from conformance.suites.platform.test_terminals import bound, released, unbound
from specs.declared_platform import User

BAD = 400


async def plays(scene: Scene, check: Checks, span: Span, phone: Phone, about: str) -> tuple[str, Shown]:
    """A control leg: a phone plays a span. The address, and what it shows; an empty address where it does not."""
    reply = await scene.playback(span, phone)
    url = str(reply.at("hls") or "")
    shown = await watched(phone, url) if good(check, reply, about) and url else Shown(reply.status)
    there = say(f"{about}: 播放得到画面", f"{about}: the playback shows pictures")
    return (url, shown) if check.control(bool(shown.labels), there) else ("", shown)


async def worthless(check: Checks, requirement: str, phone: Phone, url: str, targets: list[str], about: str) -> None:
    """Every target is refused and gives out no media."""
    statuses, media = await fetched(phone, url, targets)
    expected = say("拒绝且无媒体数据", "a refusal without media")
    held = all(status >= BAD for status in statuses) and media == 0
    check.true(requirement, held, expected, f"HTTP {statuses}, {media} bytes of media", about)


def targets_of(url: str, shown: Shown) -> list[str]:
    """The playlist and the segments."""
    parts = urlsplit(url)
    return [f"{parts.path}?{parts.query}" if parts.query else parts.path, *shown.targets]


@verifies("BIZ-REC-08")
async def test_rights(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """The owner plays beside those who may not."""
    limit = limits("BIZ-REC-08")
    stranger = other_owner(phones, check, "BIZ-REC-08")
    if stranger is None or owner.user is None:
        return
    async with recorded_device(platform, owner, check, "BIZ-REC-08") as scene:
        if scene is None:
            return
        check.step("s1")
        span = await scene.piece(check, limit)
        if span is None:
            return
        url, shown = await plays(scene, check, span, owner, "owner")
        if not url:
            return
        check.step("s2")
        await _nothing(scene, check, span, await phones.logged_in(stranger), "another owner")
        check.step("s3")
        await _altered(check, owner, url, shown)
        sharee = owners_of(phones)[-1]
        if sharee != owner.user:
            await _sharee(scene, check, span, phones, sharee)
        check.step("s5")
        leaving = await phones.logged_in(owner.user)
        url, shown = await plays(scene, check, span, leaving, "before the logout")
        good(check, await leaving.call("logout"), "logout")
        await worthless(check, "BIZ-REC-08", owner, url, targets_of(url, shown), "after the logout")


async def _nothing(scene: Scene, check: Checks, span: Span, phone: Phone, about: str) -> None:
    """Neither search nor address."""
    refused(check, "BIZ-REC-08", await scene.history(span, phone), *HIDDEN, about=f"{about}: history")
    refused(check, "BIZ-REC-08", await scene.playback(span, phone), *HIDDEN, about=f"{about}: playback")


async def _altered(check: Checks, owner: Phone, url: str, shown: Shown) -> None:
    """Without the signature, and with one character of it changed."""
    targets = targets_of(url, shown)
    bare = [target.partition("?")[0] for target in targets]
    changed = [target[:-1] + ("0" if target[-1:] != "0" else "1") for target in targets]
    for about, altered in (("without a signature", bare), ("one character changed", changed)):
        different = [one for one in altered if one not in targets]
        if different:
            await worthless(check, "BIZ-REC-08", owner, url, different, about)


async def _sharee(scene: Scene, check: Checks, span: Span, phones: Phones, user: User) -> None:
    """A share without playback, one with it, and its withdrawal."""
    check.step("s2")
    view = await shared(scene.owner, scene.dev_id, user.phone, "view")
    phone = await phones.logged_in(user)
    if good(check, view, "share view"):
        await _nothing(scene, check, span, phone, "a sharee who may view")
        await withdrawn(scene.owner, scene.dev_id, str(view.at("id")))
    check.step("s4")
    share = await shared(scene.owner, scene.dev_id, user.phone, "view", "playback")
    if not good(check, share, "share playback"):
        return
    url, shown = await plays(scene, check, span, phone, "a sharee who may play back")
    good(check, await withdrawn(scene.owner, scene.dev_id, str(share.at("id"))), "unshare")
    if url:
        await worthless(check, "BIZ-REC-08", phone, url, targets_of(url, shown), "after the share")
        await _nothing(scene, check, span, phone, "a former sharee")


@verifies("BIZ-REC-06")
async def test_unsubscribed(
    platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits
) -> None:
    """A device that nobody has: bound, recorded, given back, and bound again."""
    limit, free = limits("BIZ-REC-06"), unbound(platform)
    other = other_owner(phones, check, "BIZ-REC-06")
    if other is None:
        return
    if not free:
        check.inconclusive("BIZ-REC-06", say("声明中没有未绑定的设备", "the declaration names no unbound device"))
        return
    check.step("s1")
    if not good(check, await bound(owner, free[0]), "bind"):
        return
    holder = owner
    try:
        device = platform.devices.new(DeviceIdentity.of(free[0]))
        async with recorded_device(platform, owner, check, "BIZ-REC-06", other=device) as scene:
            span = await scene.piece(check, limit) if scene is not None else None
            if scene is None or span is None:
                return
            url, shown = await plays(scene, check, span, owner, "before the release")
            if not url:
                return
            targets = targets_of(url, shown)
            check.step("s2")
            good(check, await released(owner, free[0]), "release")
            await worthless(check, "BIZ-REC-06", owner, url, targets, "after the release")
            for step, phone in (("s3", await phones.logged_in(other)), ("s4", owner)):
                check.step(step)
                holder = phone
                if good(check, await bound(phone, free[0]), "bind"):
                    await _gone(scene, check, span, phone)
                    await worthless(check, "BIZ-REC-06", owner, url, targets, "bound again")
                    if step == "s3":
                        good(check, await released(phone, free[0]), "release")
    finally:
        await released(holder, free[0])


async def _gone(scene: Scene, check: Checks, span: Span, phone: Phone) -> None:
    """The device can be searched, and there is nothing."""
    who = phone.user.name if phone.user else ""
    reply = await scene.history(span, phone)
    good(check, reply, f"{who}: history")
    check.equal("BIZ-REC-06", reply.items, [], say(f"{who} 检索到的以前的录像", f"recordings that {who} finds"))
    refused(check, "BIZ-REC-06", await scene.playback(span, phone), *HIDDEN, about=f"{who}: playback")
