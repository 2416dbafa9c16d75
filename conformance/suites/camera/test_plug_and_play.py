"""BIZ-PNP: power and network are enough; what the device says of itself is true."""

from __future__ import annotations

import asyncio

from conformance.media.decoding import decode_units
from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import DeviceFault
from conformance.peers.group import GroupPlatform
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.access_unit import START_CODE
from conformance.protocols.sdp_formats import read_h264_format
from conformance.suites.camera.play_steps import REFUSED
from conformance.suites.camera.registration_steps import allowed_values, longest, message
from conformance.suites.camera.test_registration import UNASKED
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable

NET_TYPES = {"wired": 0, "wifi": 1}


@verifies("BIZ-PNP-01", "BIZ-PNP-02")
async def test_plugged_in(
    province: Province, registrar: Registrar, group: GroupPlatform, check: Checks, limits: Limits
) -> None:
    """Redirect, registration, login and ability report came by themselves, in order and in time."""
    check.step("s1")
    if not group.received:
        for requirement in ("BIZ-PNP-01", "BIZ-PNP-02"):
            check.inconclusive(requirement, UNASKED)
        return
    asked = group.received[0]
    later = [r for r in registrar.received if r.at >= asked.at]
    check.step("s2")
    limit = limits("BIZ-PNP-02").online_time
    if not later:
        check.fail("BIZ-PNP-02", say("按 LcmsUrl 注册", "a registration at LcmsUrl"), say("未注册", "none"))
    else:
        check.within("BIZ-PNP-02", later[0].at - asked.at, limit, say("重定向到注册", "from redirect to registration"))
        about = say("请求的路径", "path of the request")
        check.equal("BIZ-PNP-02", later[0].request.target, registrar.path, about)
    check.step("s3")
    firsts = [asked.at, *(r.at for r in later[:1])]
    firsts += [r.at for name in ("LOGIN", "ABILITYUP") for r in province.messages(name)[:1]]
    names = "REDIRECT, REGISTER, LOGIN, ABILITYUP"
    in_order = len(firsts) == len(names.split(", ")) and firsts == sorted(firsts)
    shown = ", ".join(f"{at:.3f} s" for at in firsts)
    check.true("BIZ-PNP-01", in_order, say(f"按序完成 {names}", f"{names} in this order"), shown)
    begun = min([*group.attempts[:1], *registrar.attempts[:1]])
    about = say("从首次连接到能力上报", "from first contact to ability report")
    check.within("BIZ-PNP-01", firsts[-1] - begun, limits("BIZ-PNP-01").online_time, about)


@verifies("BIZ-PNP-06", "IF-LOG-03a")
async def test_type_and_channels(
    province: Province,
    registrar: Registrar,
    player: Players,
    declaration: LoadedDeclaration,
    table: MessageTable,
    check: Checks,
    limits: Limits,
) -> None:
    """DevType and ChannelNum are true: every reported channel plays, one more does not exist."""
    check.step("s1")
    kinds = {r.message.get("DevType") for r in registrar.received if r.message is not None}
    allowed = allowed_values(table, "REGISTER", "DevType", declaration)
    expected = say(f"DevType 为 {'/'.join(sorted(allowed))}", f"DevType {'/'.join(sorted(allowed))}")
    check.true("BIZ-PNP-06", kinds <= allowed, expected, ", ".join(sorted(kinds)))
    abilities = province.abilities
    number = abilities.integer("ChannelNum", 0) if abilities else 0
    declared = declaration.features.get("channels")
    if declared is not None:
        check.equal("BIZ-PNP-06", number, declared, "ChannelNum")
    within = longest(limits("IF-LOG-03a").answer_within)
    results = []
    for channel in range(number + 1):
        exchanged = await province.command("GET_CHANNEL", within=within, ChannelNo=channel, StreamType=1)
        results.append(exchanged.result)
    for requirement in ("BIZ-PNP-06", "IF-LOG-03a"):
        about = say("各通道查询的结果", "results of the queries")
        check.equal(requirement, [r == 0 for r in results], [True] * number + [False], about)
    await _judge_playing(player, declaration, number, check, limits)


async def _judge_playing(
    player: Players, declaration: LoadedDeclaration, number: int, check: Checks, limits: Limits
) -> None:
    """Every channel plays, as many at once as the device allows; the one behind the last is refused."""
    check.step("s2")
    at_once = max(1, int(str(declaration.features.get("max_viewers", 1))))
    media = longest(limits("IF-LOG-03a").media_within)
    for start in range(0, number, at_once):
        channels = range(start, min(start + at_once, number))
        playing = [player(channel=channel) for channel in channels]
        held = await asyncio.gather(*(_plays(one, media) for one in playing))
        for requirement in ("BIZ-PNP-06", "IF-LOG-03a"):
            silent = [channel for channel, plays in zip(channels, held, strict=True) if not plays]
            check.equal(requirement, silent, [], say("没有媒体包的通道", "channels without media"))
        await asyncio.gather(*(one.close() for one in playing))
    check.step("s3")
    attempt = await player(channel=number).attempt(limits("BIZ-PNP-06").quiet.seconds)
    about = say(f"通道 {number}", f"channel {number}")
    check.true("BIZ-PNP-06", attempt.refused, REFUSED, attempt, about)


async def _plays(player: Player, within: float) -> bool:
    try:
        await player.start(kinds=("video",))
    except DeviceFault:
        return False
    return player.video is not None and await player.wait_packets(player.video, 1, within)


@verifies("BIZ-PNP-06a")
async def test_each_channel_shows_itself(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """The label burned into each channel's picture is its own number."""
    abilities = province.abilities
    number = abilities.integer("ChannelNum", 0) if abilities else 0
    within = longest(limits("BIZ-PNP-06a").first_frame)
    check.step("s1")
    labels = []
    for channel in range(number):
        one = player(channel=channel)
        check.step("s2")
        labels.append(await _label(one, within))
        await one.close()
    check.step("s3")
    about = say("各通道画面上的通道号", "channel numbers in the pictures")
    check.equal("BIZ-PNP-06a", labels, list(range(number)), about)


async def _label(player: Player, within: float) -> int | str:
    """Channel number in the first key frame."""
    try:
        await player.start(kinds=("video",))
    except DeviceFault as fault:
        return str(fault)
    track = player.video
    if track is None or await player.wait_idr(track, within) is None:
        return "no key frame"
    unit = next(unit for _, unit in track.access_units() if unit.complete and track.is_random_access(unit))
    sets = b""
    if track.codec == "h264" and (format_text := track.media.fmtp(track.media.payload_types[0])) is not None:
        sets = b"".join(START_CODE + nal for nal in read_h264_format(format_text).parameter_sets)
    decoded = decode_units(track.codec, [unit.annex_b()], parameter_sets=sets)
    label = decoded.pictures[0].label if decoded.pictures else None
    return label.channel if label is not None else "no label"


@verifies("BIZ-PNP-07")
async def test_network_type(
    province: Province, declaration: LoadedDeclaration, table: MessageTable, check: Checks
) -> None:
    """NetType of every login is one of the declared types."""
    check.step("s1")
    told = {r.message.get("NetType") for r in province.messages("LOGIN")}
    check.step("s2")
    allowed = allowed_values(table, "LOGIN", "NetType", declaration)
    expected = say(f"NetType 为 {'/'.join(sorted(allowed))}", f"NetType {'/'.join(sorted(allowed))}")
    check.true("BIZ-PNP-07", told <= allowed, expected, ", ".join(sorted(told)))


@verifies("BIZ-PNP-07a")
async def test_change_of_network(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """Moved from wire to Wi-Fi and back the device logs in again with the new type."""
    limit = limits("BIZ-PNP-07a").report_wait
    check.step("s1")
    present = province.messages("LOGIN")[-1].message.get("NetType")
    order = ["wifi", "wired"] if present == str(NET_TYPES["wired"]) else ["wired", "wifi"]
    for name in order:
        check.step("s2")
        await control.do("link", net_type=NET_TYPES[name])
        check.step("s3")
        login = await message(province, "LOGIN", longest(limit))
        told = login.message.get("NetType") if login else say("未重新登录", "no new login")
        check.equal("BIZ-PNP-07a", told, str(NET_TYPES[name]), "NetType")
        if login is None:
            return
        about = say("LocalIP 已填写", "LocalIP filled in")
        check.true("BIZ-PNP-07a", bool(login.message.get("LocalIP")), about, login.message.get("LocalIP"))
        await province.online(within=longest(limit))
