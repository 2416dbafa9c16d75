"""IF-LOG-01 and 02: the login, its refusals, and what may happen before the ability report is answered."""

from __future__ import annotations

import itertools
import re

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed, first, refuse, silent
from conformance.peers.device_control import DeviceControl
from conformance.peers.device_link import DeviceLink, Received
from conformance.peers.faults import DeviceFault
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.registrar import WRONG_KEY
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.tykd_message import Message
from conformance.suites.camera.registration_steps import hurry, longest, message, online, relogin
from conformance.suites.camera.signalling_steps import other_frame_rate, parameters
from specs.declaration import LoadedDeclaration

VERSION = re.compile(r"V[0-9][0-9.]*_[0-9]{8}")
REFUSED = 255


@verifies("IF-LOG-01")
async def test_login_tells_the_truth(
    province: Province, player: Players, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """Every element of LOGIN fits the declaration, and the RTSP server answers where it says."""
    check.step("s1")
    login = province.messages("LOGIN")[-1].message
    faults = [f"{v.rule}: {v.explain}" for v in login.violations] + _unused_addresses(login, declaration)
    expected = say("各元素齐备且与声明一致", "every element there and as declared")
    check.true("IF-LOG-01", not faults, expected, faults[0] if faults else "LOGIN")
    if declaration.key:
        same = login.get("DevKey") == declaration.key
        check.true("IF-LOG-01", same, say("DevKey 与声明一致", "DevKey as declared"))
    check.step("s2")
    version, declared = login.get("DevVer"), declaration.declaration.device.version
    check.true("IF-LOG-01", bool(VERSION.fullmatch(version)), say("V版本号_日期", "V, number, _, date"), version)
    if declared:
        check.equal("IF-LOG-01", version, declared, "DevVer")
    check.step("s3")
    limit = limits("IF-LOG-01").rtsp_answer_within
    one = player()
    try:
        answer = await (await one.connect()).request("OPTIONS", one.url)
    except DeviceFault as fault:
        check.fail("IF-LOG-01", say("RTSP 应答", "an RTSP answer"), fault.text, player.authority)
    else:
        check.within("IF-LOG-01", answer.seconds, limit, say("OPTIONS 的应答", "answer to OPTIONS"))


def _unused_addresses(login: Message, declaration: LoadedDeclaration) -> list[str]:
    """UPnP and relay elements that are set although the device declares that it has neither."""
    kinds = {"upnp": ("UpnpIP", "RtspUpnpPort"), "relay": ("TurnRelayIP", "RtspTurnRelayPort")}
    return [
        f"{address} {login.get(address)!r}, {port} {login.get(port)!r}"
        for feature, (address, port) in kinds.items()
        if declaration.features.get(feature) is False and (login.get(address), login.get(port)) != ("", "0")
    ]


@verifies("IF-LOG-01a", "IF-LOG-01b")
async def test_login_refused(
    province: Province, control: DeviceControl, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """Unanswered logins are repeated with restraint, refused ones after the long pause, odd results are refusals."""
    if not await _unanswered(province, check, limits):
        check.inconclusive("IF-LOG-01a", say("设备未再次登录", "the device did not log in again"))
        return
    limit = limits("IF-LOG-01b")
    check.step("s2")
    province.answers["LOGIN"] = refuse(WRONG_KEY)
    refused = await province.next("LOGIN", within=longest(limit.refusal_pause_max))
    odd = limits("IF-LOG-01a")
    province.answers["LOGIN"] = changed(Result=str(int(odd.unlisted_code.number)))
    again = await message(province, "LOGIN", longest(limit.refusal_pause_max))
    if again is None:
        check.fail("IF-LOG-01b", say("退避后再次登录", "another login after the pause"), say("未登录", "none"))
    else:
        about = say("Result 2 之后的等待", "pause after Result 2")
        check.within("IF-LOG-01b", again.at - refused.at, limit.refusal_pause_min, about)
        check.within("IF-LOG-01b", again.at - refused.at, limit.refusal_pause_max, about)
    await _odd_results(province, control, declaration, check, limits, logged_in=again is not None)
    province.answers.clear()
    await hurry(control, declaration)
    check.step("s3")
    back = await online(province, longest(limit.refusal_pause_max))
    check.control(back is not None, say("Result 0 后上线", "online after Result 0"))


async def _unanswered(province: Province, check: Checks, limits: Limits) -> bool:
    """IF-LOG-01b s1. Whether the device logged in at all; leaves it without a connection."""
    limit = limits("IF-LOG-01b")
    check.step("s1")
    province.answers["LOGIN"] = silent
    link = (await relogin(province)).link
    closed = await link.ended(longest(limit.repeat_max) * (limit.tries.number + 1))
    logins = [r for r in province.messages("LOGIN") if r.link is link]
    check.true("IF-LOG-01b", closed, say("设备断开连接", "the device closes the connection"), f"{len(logins)} LOGIN")
    check.within("IF-LOG-01b", len(logins), limit.tries, say("同一连接上的登录次数", "logins on one connection"))
    for one, two in itertools.pairwise(logins):
        about = say("重发间隔", "time to the repeat")
        check.within("IF-LOG-01b", two.at - one.at, limit.repeat_min, about)
        check.within("IF-LOG-01b", two.at - one.at, limit.repeat_max, about)
        fresh = two.sequence != one.sequence
        check.true("IF-LOG-01b", fresh, say("重发使用新序号", "a new sequence"), f"{one.sequence}, {two.sequence}")
    if not closed:
        link.close()
    return bool(logins)


async def _odd_results(
    province: Province,
    control: DeviceControl,
    declaration: LoadedDeclaration,
    check: Checks,
    limits: Limits,
    *,
    logged_in: bool,
) -> None:
    """IF-LOG-01a: the first login was just answered with the undefined code, the next gets an empty Result."""
    limit, pause = limits("IF-LOG-01a"), longest(limits("IF-LOG-01b").refusal_pause_max)
    check.step("s1")
    for result, answer in (("unlisted", None), ("empty", changed(Result=""))):
        if answer is not None:
            province.answers["LOGIN"] = answer
            await hurry(control, declaration)
        if (answer is not None or not logged_in) and await message(province, "LOGIN", pause) is None:
            check.inconclusive("IF-LOG-01a", say("设备未再次登录", "the device did not log in again"))
            return
        since = province.wire.now()
        check.step("s2")
        await province.wire.sleep(limit.quiet_window.seconds)
        sent = [r.message.name for n in ("ABILITYUP", "HEARTBEAT") for r in province.messages(n, since=since)]
        about = say(f"Result 为 {result} 之后", f"after Result {result}")
        check.equal("IF-LOG-01a", sent, [], about)


@verifies("IF-LOG-02", "IF-LOG-02a")
async def test_before_being_online(province: Province, check: Checks, limits: Limits) -> None:
    """The ability report follows the login and is repeated; until it is answered no command is carried out."""
    limit = limits("IF-LOG-02")
    before = await parameters(province)
    rate = other_frame_rate(before)
    check.step("s1")
    province.answers["LOGIN"] = silent
    login = await relogin(province)
    results = [await _early_command(province, login.link, rate, limits)]
    province.answers["LOGIN"] = changed()
    answered = await province.next("LOGIN", within=longest(limits("IF-LOG-01b").repeat_max))
    check.step("s2")
    province.answers["ABILITYUP"] = first(1, silent)
    report = await message(province, "ABILITYUP", longest(limit.ability_within))
    if report is None:
        check.fail("IF-LOG-02", say("能力上报", "an ability report"), say("未上报", "none"))
        check.inconclusive("IF-LOG-02a", say("设备未上报能力", "the device did not report its abilities"))
        return
    check.within("IF-LOG-02", report.at - answered.at, limit.ability_within, say("登录后的上报", "after the login"))
    results.append(await _early_command(province, report.link, rate, limits))
    if not await _judge_repeat(province, report, check, limits):
        province.answers.clear()
        await relogin(province)
    check.step("s3")
    await province.online(within=province.limits["back_online_wait"].seconds)
    check.equal("IF-LOG-02a", results, [REFUSED, REFUSED], say("上线前两次设置的结果", "results before being online"))
    check.equal("IF-LOG-02a", await parameters(province), before, say("上线后的参数", "parameters once online"))
    check.step("s4")
    control = await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=rate)
    check.control(control.result == 0, say("上线后设置成功", "the setting works once online"))
    await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=int(before["FrameRate"]))


async def _judge_repeat(province: Province, report: Received, check: Checks, limits: Limits) -> bool:
    """The repeat of the unanswered report, and the first heartbeat after it. Whether the device came online."""
    limit = limits("IF-LOG-02")
    later = [r for r in province.messages("ABILITYUP", since=report.at) if r is not report]
    repeat = later[0] if later else await message(province, "ABILITYUP", longest(limit.repeat_max))
    if repeat is None:
        return check.fail("IF-LOG-02", say("重发能力上报", "a repeated ability report"), say("未重发", "none"))
    check.within("IF-LOG-02", repeat.at - report.at, limit.repeat_min, say("重发间隔", "time to the repeat"))
    check.within("IF-LOG-02", repeat.at - report.at, limit.repeat_max, say("重发间隔", "time to the repeat"))
    check.step("s3")
    beats = province.messages("HEARTBEAT", since=repeat.at)
    beat = beats[0] if beats else await message(province, "HEARTBEAT", longest(limit.first_heartbeat_within))
    if beat is None:
        return check.fail("IF-LOG-02", say("首个心跳", "a first heartbeat"), say("未发送", "none"))
    about = say("应答后的首个心跳", "first heartbeat after the answer")
    check.within("IF-LOG-02", beat.at - repeat.at, limit.first_heartbeat_within, about)
    return True


async def _early_command(province: Province, link: DeviceLink, rate: int, limits: Limits) -> int | str:
    """Result of a setting sent before the device is online."""
    within = longest(limits("IF-LOG-02a").answer_within)
    try:
        answer = await province.command(
            "SET_CHANNEL", within=within, link=link, ChannelNo=0, StreamType=1, FrameRate=rate
        )
    except DeviceFault as fault:
        return str(fault)
    return answer.result
