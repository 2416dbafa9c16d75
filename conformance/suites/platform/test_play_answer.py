"""IF-CLI-03: what a play answer holds, and whether its addresses lead to media."""

from __future__ import annotations

from datetime import datetime

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.reply import Reply
from conformance.peers.player import Player
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted
from conformance.suites.platform.live_steps import SUB, a_live_camera
from conformance.suites.platform.token_steps import PATHS

PROBED = 0.3


@verifies("IF-CLI-03")
async def test_play_answer(platform: PlatformBench, owner: Phone, check: Checks) -> None:
    """A camera that has every way, then one that has only the local one."""
    for step, ways in (("s1", True), ("s3", False)):
        async with a_live_camera(platform, owner, check, "IF-CLI-03", ways=ways) as device:
            if device is None:
                return
            check.step(step)
            reply = await owner.call("play", {"channel": 0, "stream": SUB}, terminal=device.identity.dev_id)
            if not accepted(check, "IF-CLI-03", reply):
                return
            check.equal("IF-CLI-03", reply.at("streamType"), SUB, say("所要的码流类型", "the stream asked for"))
            await judge_expiry(platform, check, reply)
            if ways:
                check.step("s2")
            for path in PATHS:
                await judge_way(platform, check, path, str(reply.at(path) or ""), there=ways or path == PATHS[0])
        device.close()


async def judge_expiry(platform: PlatformBench, check: Checks, reply: Reply) -> None:
    """The moments of expiry lie ahead, no further than what is declared."""
    now, declared = await platform.platform_now(), platform.declared
    scale = platform.loaded.declaration.timers.scale
    for name, life in (("expiresAt", declared.token_life), ("httpExpiresAt", declared.stream_life)):
        try:
            left = datetime.fromisoformat(str(reply.at(name))).timestamp() - now
        except ValueError:
            check.fail("IF-CLI-03", say("有效期时刻", "the moment of expiry"), reply.at(name), name)
            continue
        slack = platform.limits["answer_wait"].seconds
        held = 0 < left <= max(life, life * scale) + slack
        wanted = say(f"0 至 {life:g} s 之后", f"between 0 and {life:g} s ahead")
        check.true("IF-CLI-03", held, wanted, f"{left:.1f} s", name)


async def judge_way(platform: PlatformBench, check: Checks, path: str, url: str, *, there: bool) -> None:
    """A way that exists plays; one that does not is empty."""
    if not there:
        check.equal("IF-CLI-03", url, "", say(f"{path}: 没有该路径，应为空", f"{path}: there is none, so it is empty"))
        return
    if not check.true("IF-CLI-03", bool(url), say("该路径的地址", "the address of the way"), url or "-", path):
        return
    waits = [platform.limits[name].seconds for name in ("answer_wait", "connect_wait")]
    player = Player(platform.wire, url, answer_wait=waits[0], connect_wait=waits[1])
    found = await player.attempt(PROBED)
    await player.close()
    seen = f"{found.packets} packets, {found.statuses[-1:] or found.fault}"
    check.true("IF-CLI-03", found.packets > 0, say("地址可播放", "the address plays"), seen, path)
