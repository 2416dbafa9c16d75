"""IF-SDP: the session description, line by line, and what it says of the stream."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.sdp_values import Media, SessionDescription
from conformance.suites.camera.observed_play import observation, stream_plays
from conformance.suites.camera.packet_order import bits_a_second, frames_a_second

FIRST_DYNAMIC = 96
RTCP_CONFLICT = range(72, 77)
IP_UDP_HEADERS = 28
NULL_ADDRESSES = ("0.0.0.0", "::")
RULES = {
    "IF-SDP-01": ("sdp.version", "sdp.order", "sdp.missing", "sdp.duplicate", "sdp.letter"),
    "IF-SDP-02": ("sdp.line", "sdp.charset"),
    "IF-SDP-03": ("sdp.origin",),
    "IF-SDP-05": ("sdp.empty", "sdp.missing.s"),
    "IF-SDP-06": ("sdp.time", "sdp.missing.t"),
    "IF-SDP-07": ("sdp.connection",),
    "IF-SDP-09": ("sdp.media", "sdp.payload_type.kind"),
    "IF-SDP-11": ("sdp.rtpmap.clock", "sdp.rtpmap.static"),
    "IF-SDP-13": ("sdp.fmtp", "sdp.rtpmap.unlisted"),
}
CLOCKS = {"H264": {90_000}, "H265": {90_000}, "PCMU": {8_000}, "PCMA": {8_000}, "G722": {8_000}, "MP4V-ES": {90_000}}
UNREGISTERED = {"HEVC": "H265", "H.265": "H265", "H.264": "H264", "AVC": "H264", "G711A": "PCMA", "G711U": "PCMU"}


@verifies(
    "IF-SDP-01",
    "IF-SDP-02",
    "IF-SDP-03",
    "IF-SDP-05",
    "IF-SDP-06",
    "IF-SDP-07",
    "IF-SDP-08",
    "IF-SDP-09",
    "IF-SDP-10",
    "IF-SDP-11",
    "IF-SDP-12",
    "IF-SDP-13",
    "IF-SDP-14",
)
async def test_description(player: Players, check: Checks, limits: Limits) -> None:
    """Every line of the description."""
    check.step("s1")
    one = await player().connect()
    sdp = await one.describe()
    check.step("s2")
    check.control(bool(sdp.media), say("描述中有媒体", "the description has media"))
    for requirement, slugs in RULES.items():
        faults = [f"line {v.line}: {v.explain}" for v in sdp.violations if v.rule.startswith(slugs)]
        faults += _more(requirement, sdp)
        check.equal(requirement, faults, [], say("SDP 问题", "faults of the SDP"))
    _connections(sdp, check)
    check.equal("IF-SDP-10", _unmapped(sdp), [], say("动态载荷类型的 rtpmap", "rtpmap of dynamic payload types"))
    dynamic = [pt for media in sdp.media for pt in set(media.payload_types) if pt >= FIRST_DYNAMIC]
    shared = sorted({pt for pt in dynamic if dynamic.count(pt) > 1})
    if len(sdp.media) < 2:
        for requirement in ("IF-SDP-12", "IF-SDP-14"):
            check.not_applicable(requirement, say("只有一个媒体", "there is one media section only"))
        return
    check.equal("IF-SDP-12", shared, [], say("多个媒体共用的载荷类型", "payload types that media share"))
    controls = [[a.value or "" for a in media.attributes if a.name == "control"] for media in sdp.media]
    held = all(len(found) == 1 and found[0] for found in controls) and len({c[0] for c in controls}) == len(controls)
    expected = say("每个媒体恰一个且互异", "exactly one for each media, all different")
    check.true("IF-SDP-14", held, expected, controls, "a=control")


def _more(requirement: str, sdp: SessionDescription) -> list[str]:
    """Faults that are none of the grammar."""
    if requirement == "IF-SDP-09":
        odd = [pt for media in sdp.media for pt in media.payload_types if pt in RTCP_CONFLICT]
        bare = [media.kind for media in sdp.media if not media.formats]
        return [f"payload type {pt} collides with RTCP" for pt in odd] + [f"m={kind} lists no format" for kind in bare]
    if requirement == "IF-SDP-11":
        return [fault for media in sdp.media for fault in _names(media)]
    return []


def _names(media: Media) -> list[str]:
    faults = []
    for payload_type in media.payload_types:
        found = media.rtpmap(payload_type)
        if found is None:
            continue
        name = found.encoding.upper()
        if name in UNREGISTERED:
            faults.append(f"{found.encoding} is registered as {UNREGISTERED[name]}")
        elif found.clock not in CLOCKS.get(name, {found.clock}) and payload_type not in range(FIRST_DYNAMIC):
            faults.append(f"{found.encoding}/{found.clock}")
    return faults


def _unmapped(sdp: SessionDescription) -> list[str]:
    faults = []
    for media in sdp.media:
        for payload_type in dict.fromkeys(pt for pt in media.payload_types if pt >= FIRST_DYNAMIC):
            maps = [a for a in media.attributes if a.name == "rtpmap" and _number(a.value) == str(payload_type)]
            if len(maps) != 1 or media.rtpmap(payload_type) is None:
                faults.append(f"{media.kind} {payload_type}: {len(maps)} rtpmap")
    broken = [v for v in sdp.violations if v.rule == "sdp.rtpmap"]
    return faults + [f"line {v.line}: {v.explain}" for v in broken]


def _number(value: str | None) -> str:
    return (value or "").strip().partition(" ")[0]


def _connections(sdp: SessionDescription, check: Checks) -> None:
    """RFC 2326 C.1.7: the address of a unicast description whose target SETUP decides."""
    found = [connection.address for media in sdp.media if (connection := sdp.connection_of(media)) is not None]
    if not found:
        check.not_applicable("IF-SDP-08", say("没有 c= 行", "there is no c= line"))
        return
    own = [address for address in found if address not in NULL_ADDRESSES]
    check.equal("IF-SDP-08", own, [], say("c= 中的非空地址", "addresses in c= other than the null address"))


@verifies("IF-SDP-04")
async def test_version(player: Players, check: Checks, limits: Limits) -> None:
    """Two descriptions of one URL: a different text under one session id has a higher version."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    texts = []
    for pause in (True, False):
        one = await player().connect()
        await one.describe()
        assert one.description is not None
        texts.append(one.description)
        one.client.close()
        if pause:
            await one.watch(limits("IF-SDP-04").pause.seconds)
    check.step("s2")
    first, second = texts
    if first.origin is None or second.origin is None:
        check.inconclusive("IF-SDP-04", say("o= 行不可读", "o= cannot be read"))
        return
    if first.origin.session_id != second.origin.session_id:
        check.true("IF-SDP-04", True, say("会话标识不同，版本不作比较", "another session id: versions do not compare"))
        return
    versions = [sdp.origin.version for sdp in texts if sdp.origin]
    if not all(version.isdecimal() for version in versions):
        check.fail("IF-SDP-04", say("数字版本", "a numeric version"), versions)
        return
    earlier, later = map(int, versions)
    same = _body(first) == _body(second)
    held = (same and later >= earlier) or later > earlier
    observed = f"{earlier} -> {later}, {'same' if same else 'different'} text"
    check.true("IF-SDP-04", held, say("内容变化时版本增大", "a higher version for another text"), observed)


def _body(sdp: SessionDescription) -> tuple[object, ...]:
    """Everything that may only change with the version; control URLs may be made for each DESCRIBE."""
    media = [
        (m.kind, m.protocol, m.formats, [(a.name, a.value) for a in m.attributes if a.name != "control"])
        for m in sdp.media
    ]
    return (sdp.name, sdp.connection, sdp.bandwidths, media)


@verifies("IF-SDP-15", "IF-SDP-16")
async def test_declared_rates(player: Players, check: Checks, limits: Limits) -> None:
    """b=AS and framerate are not below what is sent."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s1")
    media, track = seen.video.media, seen.video
    declared = next((b.value for b in media.bandwidths if b.kind == "AS"), None)
    check.step("s2")
    if declared:
        measured = bits_a_second(track.packets, track.clock, IP_UDP_HEADERS) / 1000 / declared
        about = say(f"实测码率与 b=AS:{declared} 之比", f"bit rate over b=AS:{declared}")
        check.within("IF-SDP-15", measured, limits("IF-SDP-15").ratio, about)
    else:
        check.not_applicable("IF-SDP-15", say("没有 b=AS", "there is no b=AS"))
    text = next((a.value for a in media.attributes if a.name == "framerate"), None) or ""
    try:
        highest = float(text)
    except ValueError:
        check.not_applicable("IF-SDP-16", say("没有可读的 framerate", "there is no readable framerate"))
        return
    above = frames_a_second(track.packets, track.clock) - highest
    about = say(f"实测帧率超出 framerate:{text}", f"frame rate above framerate:{text}")
    check.within("IF-SDP-16", above, limits("IF-SDP-16").slack, about)
