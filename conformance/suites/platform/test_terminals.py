"""BIZ-ACC-01, BIZ-ACC-02, BIZ-PNP-03, BIZ-PNP-04: shops, pages, binding."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.reply import Reply
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, good, other_owner, refused, terminals
from specs.declared_platform import ProvisionedDevice

WRONG_KEY = "0" * 16
UNKNOWN = "KDN99999999"
LARGEST = 100
FAR = 1_000


@verifies("BIZ-ACC-01")
async def test_shops_and_states(platform: PlatformBench, owner: Phone, check: Checks) -> None:
    """The declared devices of the owner, each in its shop, each with an online state."""
    assert owner.user is not None
    declared = {device.dev_id: device for device in platform.loaded.devices if device.owner == owner.user.name}
    check.step("s1")
    check.control(len(declared) > 1, say("声明中业主有多台设备", "the declaration gives the owner several devices"))
    check.step("s2")
    listed = await owner.call("terminalListed", query={"size": LARGEST})
    accepted(check, "BIZ-ACC-01", listed)
    found = {str(item.get("id")): item for item in listed.items}
    check.equal("BIZ-ACC-01", sorted(found), sorted(declared), say("业主的终端", "terminals of the owner"))
    for dev_id, item in found.items():
        stated = isinstance(item.get("online"), bool)
        check.true("BIZ-ACC-01", stated, say("在线状态", "an online state"), item.get("online"), dev_id)
    shops = await owner.call("shops")
    counts = {str(shop.get("name")): shop.get("devices") for shop in shops.items}
    held = {shop: sum(item.get("shop") == shop for item in found.values()) for shop in counts}
    check.equal("BIZ-ACC-01", counts, held, say("各店铺的设备数", "devices of each shop"))
    names = {device.shop for device in declared.values()}
    told = {str(shop.get("name")) for shop in shops.items}
    check.true("BIZ-ACC-01", names <= told, say("声明的店铺均在列", "every declared shop is listed"), sorted(told))


@verifies("BIZ-ACC-02")
async def test_pages(owner: Phone, check: Checks) -> None:
    """Nothing twice, nothing missing, at every page size."""
    every = await terminals(owner)
    check.control(len(every) > 1, say("至少两台终端", "two terminals at least"))
    for size in (1, 2, LARGEST):
        check.step("s1")
        seen: list[str] = []
        last = -(-len(every) // size)
        for page in range(1, last + 1):
            reply = await owner.call("terminalListed", query={"page": page, "size": size})
            accepted(check, "BIZ-ACC-02", reply, f"page {page} of {size}")
            told = [reply.at(name) for name in ("total", "page", "size")]
            check.equal("BIZ-ACC-02", told, [len(every), page, size], "total, page, size")
            check.true("BIZ-ACC-02", len(reply.items) <= size, say(f"至多 {size} 项", f"at most {size} entries"),
                       len(reply.items))  # fmt: skip
            seen += [str(item.get("id")) for item in reply.items]
        check.step("s2")
        check.equal("BIZ-ACC-02", seen, every, say(f"每页 {size} 项的全部终端", f"all of them by pages of {size}"))
    beyond = await owner.call("terminalListed", query={"page": FAR, "size": LARGEST})
    accepted(check, "BIZ-ACC-02", beyond, "after the last page")
    check.equal("BIZ-ACC-02", (beyond.at("total"), beyond.items), (len(every), []), "after the last page")
    for query in ({"page": 0}, {"size": 0}, {"size": LARGEST + 1}, {"page": "one"}):
        refused(check, "BIZ-ACC-02", await owner.call("terminalListed", query=query), "bad_request", about=str(query))


def unbound(platform: PlatformBench) -> list[ProvisionedDevice]:
    """Declared devices that nobody has bound."""
    return [device for device in platform.loaded.devices if not device.owner]


async def bound(phone: Phone, device: ProvisionedDevice, key: str = "", dev_id: str = "") -> Reply:
    """Bind a device by id and key typed in."""
    return await phone.call("bind", {"shop": "Kandian", "deviceId": dev_id or device.dev_id, "key": key or device.key})


async def released(phone: Phone, device: ProvisionedDevice) -> Reply:
    """Give a device back."""
    return await phone.call("release", terminal=device.dev_id)


@verifies("BIZ-PNP-03")
async def test_binding(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """The right key binds, typed or scanned; others do not, and guessing is limited."""
    free = unbound(platform)
    if not free:
        check.inconclusive("BIZ-PNP-03", say("声明中没有未绑定的设备", "the declaration names no unbound device"))
        return
    device = free[0]
    check.step("s1")
    accepted(check, "BIZ-PNP-03", await bound(owner, device), "typed")
    listed = await terminals(owner)
    check.true("BIZ-PNP-03", device.dev_id in listed, say("列表含新终端", "the list has the new terminal"), listed)
    good(check, await released(owner, device), "release")
    scanned = await owner.call("bind", {"shop": "Kandian", "qr": f"{device.dev_id},{device.key}"})
    accepted(check, "BIZ-PNP-03", scanned, "scanned")
    good(check, await released(owner, device), "release")
    wrong = await bound(owner, device, WRONG_KEY)
    refused(check, "BIZ-PNP-03", wrong, "wrong_key", "not_found", about="wrong key")
    refused(check, "BIZ-PNP-03", await bound(owner, device, dev_id=UNKNOWN), "not_found", "wrong_key", about="wrong id")
    check.step("s2")
    numbers = limits("BIZ-PNP-03")
    replies = [await bound(owner, device, WRONG_KEY) for _ in range(round(numbers.tries.max or 0))]
    limited = say(f"{len(replies)} 次之内受限 (locked)", f"limited (locked) within {len(replies)} tries")
    check.true("BIZ-PNP-03", any(reply.error == "locked" for reply in replies), limited, replies[-1].summary)
    await platform.control.do("clock", advance=numbers.lock.seconds)


@verifies("BIZ-PNP-04")
async def test_taken_devices(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks) -> None:
    """A second account cannot bind what is bound, and can after the release."""
    other, free = other_owner(phones, check, "BIZ-PNP-04"), unbound(platform)
    if other is None or not free:
        check.inconclusive("BIZ-PNP-04", say("需要未绑定的设备", "an unbound device is needed"))
        return
    device, second = free[-1], await phones.logged_in(other)
    check.step("s1")
    good(check, await bound(owner, device), "the first account")
    taken = await bound(second, device)
    if not refused(check, "BIZ-PNP-04", taken, "device_taken"):
        return
    assert owner.user is not None
    told = taken.raw.decode("utf-8", "replace")
    hidden = owner.user.phone not in told and owner.user.name not in told
    check.true("BIZ-PNP-04", hidden, say("不泄露原帐号", "nothing of the first account is told"), taken.summary)
    check.step("s2")
    good(check, await released(owner, device), "release")
    accepted(check, "BIZ-PNP-04", await bound(second, device), "after the release")
    good(check, await released(second, device), "release")
