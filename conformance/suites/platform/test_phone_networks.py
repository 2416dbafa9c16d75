"""BIZ-ACC-10: a phone that comes from another address goes on where it was."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, good
from conformance.suites.platform.live_steps import a_live_camera, watching

READING = ("shops", "terminalListed", "messages")


@verifies("BIZ-ACC-10")
async def test_another_address(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The same session from two addresses of the bench."""
    limit, second = limits("BIZ-ACC-10"), platform.loaded.declaration.bench.second_host
    async with a_live_camera(platform, owner, check, "BIZ-ACC-10") as device:
        if device is None:
            return
        check.step("s1")
        seen = all([good(check, await owner.call(name), name) for name in READING])
        seen = seen and await _tags(platform, owner, check, device, limit) > 0
        if not check.control(seen, say("第一地址可查询与观看", "queries and live view from the first address")):
            return
        check.step("s2")
        owner.move(second)
        for name in READING:
            accepted(check, "BIZ-ACC-10", await owner.call(name), f"{name}, {second}")
        reply = await owner.call("play", {"channel": 0, "stream": 2}, terminal=device.identity.dev_id)
        if accepted(check, "BIZ-ACC-10", reply, f"play, {second}"):
            found = await _tags(platform, owner, check, device, limit)
            check.true("BIZ-ACC-10", found > 0, say("由新地址观看", "live view from the new address"), f"{found} tags")


async def _tags(platform: PlatformBench, phone: Phone, check: Checks, device: DevicePeer, limit: Limits) -> int:
    """How many FLV tags a live play gives; one where the platform has no FLV, which is judged elsewhere."""
    async with watching(platform, phone, check, device) as play:
        if play is None:
            return 0
        return len((await play.flv_player().play(limit.watch.seconds)).tags) if play.flv else 1
