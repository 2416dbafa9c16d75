"""IF-AHL-09, IF-AHL-16: tokens tell nothing of how they are made, refusals nothing of why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_connection import Heard
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.token_statistics import entropy, fewest_changes, recomputed, repeats
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.device_steps import provisioned
from conformance.suites.platform.test_anti_hotlink import GOOD, camera_of, token_text, verdict
from conformance.suites.platform.token_steps import Asked, a_token, judge_times, play_tokens

CHINA = dt.timezone(dt.timedelta(hours=8))
RANDOM = "random"


@verifies("IF-AHL-09")
async def test_unpredictable(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Ten thousand tokens, and digests of what everybody knows."""
    limit = limits("IF-AHL-09")
    device = await camera_of(platform, check, owner, "IF-AHL-09", ways=True)
    if device is None:
        return
    dev_id, samples = device.identity.dev_id, int(limit.samples.number)
    check.step("s2")
    for _ in range(int(limit.recomputed.number)):
        token = await a_token(check, owner, dev_id)
        if token is None:
            return
        fields = public_fields(owner, dev_id, platform.wire.epoch(), int(limit.clock_error.seconds))
        found = await platform.wire.compute("recomputation", partial(recomputed, token, fields))
        expected = say("令牌不能由公开字段算出", "the token cannot be computed from public fields")
        check.true("IF-AHL-09", not found, expected, found or "-")
    check.step("s1")
    tokens: list[str] = []
    while len(tokens) < samples:
        more = await play_tokens(owner, dev_id)
        if not more:
            check.control(False, say(f"只得到 {len(tokens)} 个令牌", f"{len(tokens)} tokens only"))
            return
        tokens += more
    check.figures["tokens"] = len(tokens)
    check.equal("IF-AHL-09", repeats(tokens), 0, say("重复的令牌", "tokens that repeat"))
    bits = entropy(tokens)
    check.within("IF-AHL-09", bits, limit.estimate, say("各位熵之和", "entropy over all places"))
    about = say("相邻令牌最少的不同位数", "the fewest places in which neighbours differ")
    check.within("IF-AHL-09", fewest_changes(tokens), limit.fewest_changes, about)


def public_fields(owner: Phone, dev_id: str, at: float, error: int) -> Mapping[str, list[str]]:
    """What an outsider knows or can guess when a token is issued."""
    moments = [int(at) + off for off in range(-error, error + 1)]
    times = [str(moment) for moment in moments]
    times += [dt.datetime.fromtimestamp(moment, CHINA).strftime("%Y%m%d%H%M%S") for moment in moments]
    times += [f"{moment:x}" for moment in moments]
    phone = owner.user.phone if owner.user else ""
    return {"device": [dev_id], "channel": ["0"], "stream": ["1"], "user": [phone], "time": times}


@verifies("IF-AHL-16")
async def test_equal_refusals(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Kinds of bad tokens in turn, so that a slow moment meets them all."""
    limit = limits("IF-AHL-16")
    device = await camera_of(platform, check, owner, "IF-AHL-16")
    if device is None:
        return
    check.step("s1")
    kinds = await bad_tokens(platform, check, owner, device)
    if kinds is None:
        return
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    bodies: dict[str, set[bytes]] = {kind: set() for kind in kinds}
    for _ in range(int(limit.samples.number) // len(kinds)):
        for kind, asked in kinds.items():
            begun = platform.wire.now()
            heard: Heard | None = await device.ask(asked.name, asked.values())
            if heard is None or heard.message.result == GOOD:
                expected = say("结果非 0 的应答", "an answer with a Result other than 0")
                check.fail("IF-AHL-16", expected, "-" if heard is None else "Result 0", kind)
                return
            seconds[kind].append(heard.at - begun)
            bodies[kind].add(heard.xml)
    check.step("s2")
    told = {kind: sorted(body.decode("utf-8", "replace") for body in found) for kind, found in bodies.items()}
    for kind in list(kinds)[1:]:
        check.equal("IF-AHL-16", told[kind], told[RANDOM], say(f"应答内容: {kind}", f"the answer: {kind}"))
        judge_times(check, "IF-AHL-16", kind, seconds[kind], seconds[RANDOM], limit)


async def bad_tokens(
    platform: PlatformBench, check: Checks, owner: Phone, device: DevicePeer
) -> dict[str, Asked] | None:
    """One bad token of each kind; a control leg shows that a fresh one is good."""
    dev_id = device.identity.dev_id
    life = platform.declared.token_life
    old = await a_token(check, owner, dev_id)
    await platform.control.do("clock", advance=2 * life)
    used, whole = await a_token(check, owner, dev_id), await a_token(check, owner, dev_id)
    if old is None or used is None or whole is None:
        return None
    good = await verdict(device, Asked(dev_id, token=used))
    if not check.control(good == GOOD, say("新令牌有效", "a fresh token is good")):
        return None
    other = provisioned(platform, owner=owner.user.name if owner.user else "", number=1)
    drawn = f"{platform.wire.random.getrandbits(128):032x}"
    found = {RANDOM: drawn, "altered": token_text(whole, "digit"), "used": used, "expired": old}
    if other is not None:
        phone_tokens = await play_tokens(owner, other.dev_id)
        found |= {"other device": phone_tokens[0]} if phone_tokens else {}
    return {kind: Asked(dev_id, token=token) for kind, token in found.items()}
