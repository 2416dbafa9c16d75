"""IF-LOG-05, IF-LOG-07: what a heartbeat is answered, and what silence means."""

from __future__ import annotations

import datetime as dt
import re

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.device_steps import a_device, offline_time, online, shown_online, told, until_shown

ZONE = "+0800"
MOMENT = re.compile(r"[0-9]{14}\Z")
TIMES = 3


def seconds_of(text: str) -> float | None:
    """Unix time of YYYYMMDDhhmmss in UTC+8, None for anything else."""
    try:
        found = dt.datetime.strptime(text + ZONE, "%Y%m%d%H%M%S%z") if MOMENT.match(text) else None
    except ValueError:
        return None
    return found.timestamp() if found else None


@verifies("IF-LOG-07")
async def test_server_time(platform: PlatformBench, check: Checks, limits: Limits) -> None:
    """Every heartbeat gets its own answer with DevID and the time."""
    device = a_device(platform, check, "IF-LOG-07")
    check.step("s1")
    if device is None or not await online(platform, check, device):
        return
    device.rest()
    for _ in range(TIMES):
        check.step("s1")
        heard = await device.heartbeat()
        check.step("s2")
        expected = say("以同一命令与序号应答", "an answer with the same command and sequence")
        if not check.true("IF-LOG-07", heard is not None, expected, told(heard)) or heard is None:
            return
        dev_id = heard.message.get("DevID")
        check.equal("IF-LOG-07", dev_id, device.identity.dev_id, say("应答的 DevID", "DevID of the answer"))
        text = heard.message.get("Time")
        moment = seconds_of(text)
        form = say("Time 为 YYYYMMDDhhmmss", "Time is YYYYMMDDhhmmss")
        if check.true("IF-LOG-07", moment is not None, form, repr(text)) and moment is not None:
            error = abs(moment - platform.wire.epoch())
            check.within(
                "IF-LOG-07", error, limits("IF-LOG-07").clock_error, say("与测试台之差", "off the bench's clock")
            )
        await platform.wire.sleep(platform.limits["settle_pause"].seconds)


@verifies("IF-LOG-05")
async def test_half_open(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The connection stays, the device is gone."""
    limit = limits("IF-LOG-05")
    device = a_device(platform, check, "IF-LOG-05", owner=owner.user.name if owner.user else "")
    check.step("s1")
    if device is None or not await online(platform, check, device):
        return
    dev_id, declared = device.identity.dev_id, offline_time(platform)
    step = limit.watch_step.seconds
    seen = await until_shown(owner, dev_id, True, limit.settle.seconds, step)
    if not check.control(seen is not None, say("客户端接口显示在线", "the client interface shows it online")):
        return
    device.rest()
    device.automatic = False
    await device.heartbeat()
    silent_since = platform.wire.now()
    check.step("s2")
    await platform.wire.sleep(declared * limit.early.number)
    state = await shown_online(owner, dev_id)
    expected = say("判定时间未到，仍在线", "still online before the declared time")
    if not check.true("IF-LOG-05", state is True, expected, str(state)):
        return
    check.step("s3")
    left = declared + limit.tolerance.seconds - (platform.wire.now() - silent_since)
    gone = await until_shown(owner, dev_id, False, left, step)
    after = platform.wire.now() - silent_since
    expected = say(
        f"{declared + limit.tolerance.seconds:.4g} s 内显示离线",
        f"shown offline within {declared + limit.tolerance.seconds:.4g} s",
    )
    check.figures["offline_after"] = round(after, 3)
    check.true("IF-LOG-05", gone is not None, expected, say(f"{after:.4g} s 后", f"after {after:.4g} s"))
    device.automatic = True
    back = await online(platform, check, device)
    shown = await until_shown(owner, dev_id, True, limit.settle.seconds, step) if back else None
    check.true("IF-LOG-05", shown is not None, say("重新登录后显示在线", "shown online after a new login"))
