"""IF-CTL: pan and tilt, Wi-Fi, the picture plan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.province import Exchanged, Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from specs.declaration import LoadedDeclaration
from specs.model import Limit

STOP = 0
# Code of each direction: its axis, and the sign of the change.
WAYS = {1: ("tilt", 1), 2: ("tilt", -1), 3: ("pan", -1), 4: ("pan", 1)}
POLLS = 20


async def _ptz(province: Province, within: float, direction: int, channel: int = 0) -> Exchanged:
    return await province.command("VIDEO_PTZ", within=within, breaking=True, ChannelNo=channel, PtzDirection=direction)


async def _head(control: DeviceControl) -> dict[str, Any]:
    found: dict[str, Any] = (await control.status())["ptz"]
    return found


async def _until(
    control: DeviceControl, province: Province, wanted: Callable[[dict[str, Any]], bool], within: float
) -> float | None:
    """Seconds until the head is as wanted, None when it is not in time."""
    started = province.wire.now()
    while True:
        if wanted(await _head(control)):
            return province.wire.now() - started
        if province.wire.now() - started >= within:
            return None
        await province.wire.sleep(within / POLLS)


@verifies("IF-CTL-01")
async def test_pan_and_tilt_are_answered(province: Province, check: Checks, limits: Limits) -> None:
    """Every direction and every stop is answered 0 in time."""
    limit = limits("IF-CTL-01").answer_within
    for direction in (1, 0, 2, 0, 3, 0, 4, 0):
        check.step("s1")
        answer = await _ptz(province, limit.seconds, direction)
        check.step("s2")
        check.equal("IF-CTL-01", answer.result, 0, f"PtzDirection {direction}")
        check.within("IF-CTL-01", answer.seconds, limit)


def _moved(head: dict[str, Any], before: dict[str, Any], axis: str, sign: int) -> bool:
    return bool((head[axis] - before[axis]) * sign > 0)


async def moves_and_stops(
    province: Province, control: DeviceControl, check: Checks, requirement: str, move: Limit, stop: Limit
) -> None:
    """Each way in turn: the position changes that way in time, and stands still in time after a stop."""
    answer_within = province.limits["answer_wait"].seconds
    for direction, (axis, sign) in WAYS.items():
        check.step("s1")
        before = await _head(control)
        check.step("s2")
        started = await _ptz(province, answer_within, direction)
        gone = partial(_moved, before=before, axis=axis, sign=sign)
        moved = await _until(control, province, gone, move.seconds + move.uncertainty)
        about = f"PtzDirection {direction}: {axis} {'+' if sign > 0 else '-'}"
        expected = say(f"在 {move} 内转动", f"a movement within {move}")
        check.true(requirement, moved is not None, expected, f"from {before} to {await _head(control)}", about)
        check.step("s3")
        stopped = await _ptz(province, answer_within, STOP)
        again = await _ptz(province, answer_within, STOP)
        results = (started.result, stopped.result, again.result)
        check.equal(requirement, results, (0, 0, 0), say("转动与两次停止", "movement and two stops"))
        still = await _stands_still(control, province, stop)
        check.true(requirement, still, say("停止后位置不变", "no movement after the stop"), await _head(control), about)


async def _stands_still(control: DeviceControl, province: Province, limit: Limit) -> bool:
    """Whether two looks at the position agree before the time for stopping is over."""
    deadline = province.wire.now() + limit.seconds + limit.uncertainty
    while True:
        first = await _head(control)
        await province.wire.sleep(limit.seconds / POLLS)
        second = await _head(control)
        if (first["pan"], first["tilt"]) == (second["pan"], second["tilt"]):
            return True
        if province.wire.now() >= deadline:
            return False


@verifies("IF-CTL-01a")
async def test_head_moves_and_stops(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """Up, down, left and right change the position that way; a stop ends it."""
    limit = limits("IF-CTL-01a")
    await moves_and_stops(province, control, check, "IF-CTL-01a", limit.motion_within, limit.stop_within)


@verifies("IF-CTL-01b")
async def test_movement_ends_by_itself(
    province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """The link breaks during a movement and no stop comes."""
    limit = limits("IF-CTL-01b")
    check.step("s1")
    await _ptz(province, province.limits["answer_wait"].seconds, 4)
    check.control((await _head(control))["moving"] is True, say("云台在转动", "the head moves"))
    check.step("s2")
    link = await province.online()
    started = province.wire.now()
    link.abort()
    check.step("s3")
    longest = limit.auto_stop.seconds + limit.auto_stop.uncertainty
    stopped = await _until(control, province, lambda head: head["moving"] is False, longest)
    seconds = province.wire.now() - started
    check.true("IF-CTL-01b", stopped is not None, str(limit.auto_stop), f"{seconds:.3g} s")
    await province.online(within=limit.reconnect_within.seconds + limit.reconnect_within.uncertainty)
    await _ptz(province, province.limits["answer_wait"].seconds, STOP)


@verifies("IF-CTL-01c")
async def test_undefined_directions(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Codes outside 0..4 and channels out of range are refused."""
    limit = limits("IF-CTL-01c")
    within, refused = limit.answer_within.seconds, int(limit.refused.number)
    check.step("s1")
    good = await _ptz(province, within, STOP)
    check.control(good.result == 0, say("停止命令回 0", "stop is answered 0"))
    channels = declaration.features.get("channels")
    beyond = channels if isinstance(channels, int) else 1
    check.step("s2")
    answers = [(f"{d}/{c}", await _ptz(province, within, d, c)) for d, c in ((5, 0), (-1, 0), (255, 0), (1, beyond))]
    check.step("s3")
    for about, answer in answers:
        check.equal("IF-CTL-01c", answer.result, refused, f"PtzDirection/ChannelNo {about}")


@verifies("IF-CTL-02")
async def test_list_of_networks(province: Province, check: Checks, limits: Limits) -> None:
    """SSID, signal, security and use of each network; at most one is in use."""
    limit = limits("IF-CTL-02")
    check.step("s1")
    answer = await province.command("GET_WIFI", within=limit.scan_within.seconds)
    check.equal("IF-CTL-02", answer.result, 0, "GET_WIFI")
    check.within("IF-CTL-02", answer.seconds, limit.scan_within)
    check.step("s2")
    faults = [fault.explain for fault in answer.message.violations]
    check.true("IF-CTL-02", not faults, say("元素齐全合法", "elements there and legal"), faults)
    networks = answer.message.items("WifiSSID")
    check.within("IF-CTL-02", sum(n.get("InUse") == "1" for n in networks), limit.in_use)
    check.step("s3")
    nameless = [dict(n.values) for n in networks if not n.get("SSID").strip()]
    check.true("IF-CTL-02", not nameless, say("SSID 完整", "whole names"), nameless)


async def _in_use(province: Province, within: float) -> str:
    answer = await province.command("GET_WIFI", within=within)
    return next((n.get("SSID") for n in answer.message.items("WifiSSID") if n.get("InUse") == "1"), "")


async def _join(province: Province, within: float, ssid: str, security: str, password: str) -> Exchanged:
    values: dict[str, Any] = {"SSID": ssid, "Security": security, "Password": password}
    return await province.command("SET_WIFI", within=within, breaking=True, **values)


@verifies("IF-CTL-02a", "IF-CTL-02b")
async def test_joining_a_network(province: Province, check: Checks, limits: Limits) -> None:
    """The network that was set comes into use, and its password is in nothing that the device says."""
    within, joined = limits("IF-CTL-02a").answer_within.seconds, limits("IF-CTL-02b").joined_within
    check.step("s1")
    listed = (await province.command("GET_WIFI", within=within)).message.items("WifiSSID")
    if not listed:
        for requirement in ("IF-CTL-02a", "IF-CTL-02b"):
            check.inconclusive(requirement, say("没有可用的网络", "no network in sight"))
        return
    chosen = max(listed, key=lambda n: " " in n.get("SSID"))
    password = f"pass word {province.wire.random.randrange(10**8):08d}"
    check.step("s2")
    answer = await _join(province, within, chosen.get("SSID"), chosen.get("Security") or "0", password)
    check.equal("IF-CTL-02b", answer.result, 0, f"SET_WIFI {chosen.get('SSID')!r}")
    check.step("s3")
    started = province.wire.now()
    while (found := await _in_use(province, within)) != chosen.get("SSID"):
        if province.wire.now() - started > joined.seconds:
            break
        await province.wire.sleep(joined.seconds / POLLS)
    check.equal("IF-CTL-02b", found, chosen.get("SSID"), say("在用网络", "network in use"))
    said = b"".join(r.received.frame.xml for r in province.received)
    held = password.encode() not in said
    check.true("IF-CTL-02a", held, say("报文中没有口令", "no password in any message"), len(said))


@verifies("IF-CTL-02c")
async def test_bad_wifi_settings(province: Province, check: Checks, limits: Limits) -> None:
    """A wrong security, an empty name and one that is too long are refused; the old network stays."""
    limit = limits("IF-CTL-02c")
    within = limit.answer_within.seconds
    check.step("s1")
    before = await _in_use(province, within)
    check.step("s2")
    long = "x" * (int(limit.ssid_length.number) + 1)
    for ssid, security in (("shop", "3"), ("shop", "5"), ("", "0"), (long, "0")):
        answer = await _join(province, within, ssid, security, "sample-password")
        expected = say("结果非 0", "a result other than 0")
        check.true("IF-CTL-02c", answer.result != 0, expected, answer.result, f"{ssid!r} {security}")
    check.step("s3")
    check.equal("IF-CTL-02c", await _in_use(province, within), before, say("在用网络", "network in use"))
