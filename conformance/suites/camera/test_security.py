"""IF-SEC and IF-AHL-23: no way round the token, the device key nowhere else, no password in the ability report."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.http_message import HttpRequest, HttpResponse, HttpResponseParser, serialize_request
from conformance.protocols.violation import CodecError
from conformance.suites.camera.play_steps import control_leg, none_plays, plays
from conformance.wire import Wire, WireError
from specs.declaration import LoadedDeclaration
from specs.model import Limit

OK = 200
PATHS = (
    "/", "/live", "/live/0/1", "/live/ch00_0", "/ch0_0.h264", "/h264/ch1/main/av_stream", "/Streaming/Channels/101",
    "/cam/realmonitor?channel=1&subtype=0", "/11", "/stream1", "/profile1", "/onvif1", "/video.mp4", "/MediaInput/h264",
)  # fmt: skip
ACCOUNTS = (("admin", "admin"), ("admin", ""), ("admin", "12345"), ("admin", "123456"), ("root", "root"))
ACCOUNT_PATHS = ("/", "/live", "/h264/ch1/main/av_stream")
SNAPSHOTS = (
    "/snapshot.jpg",
    "/snapshot.cgi",
    "/cgi-bin/snapshot.cgi",
    "/tmpfs/auto.jpg",
    "/onvif/snapshot",
    "/image.jpg",
)
PICTURES = (b"\xff\xd8\xff", b"\x89PNG")
SOAP = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
    '<s:Body><{0} xmlns="http://www.onvif.org/ver10/media/wsdl">{1}</{0}></s:Body></s:Envelope>'
)
STREAM_SETUP = (
    '<StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>'
    '<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
)
ONVIF_PATHS = ("/onvif/media_service", "/onvif/Media", "/onvif/device_service")
KEY_HOLDERS = frozenset({"REDIRECT", "REGISTER", "LOGIN"})


def with_account(players: Players, path: str, user: str, password: str) -> Player:
    """A player of a default path that answers a challenge with a default account."""
    bench = players.bench
    waits = {name: bench.limits[name].seconds for name in ("answer_wait", "connect_wait")}
    return Player(bench.wire, f"rtsp://{players.authority}{path}", **waits, user=user, password=password)


@verifies("IF-SEC-01")
async def test_default_paths_and_accounts(player: Players, check: Checks, limits: Limits) -> None:
    """Usual default stream paths, alone and with usual default accounts: no media without a token."""
    limit = limits("IF-SEC-01")
    await control_leg(player, check, limits, "IF-SEC-01")
    check.step("s2")
    forms = {path: player(f"rtsp://{player.authority}{path}") for path in PATHS}
    named: dict[str, Player] = {}
    for user, password in ACCOUNTS:
        for path in ACCOUNT_PATHS:
            named[f"{user}:{password} {path}"] = with_account(player, path, user, password)
        forms[f"{user}:{password}@"] = player(f"rtsp://{user}:{password}@{player.authority}/")
    check.step("s3")
    await none_plays({**forms, **named}, check, "IF-SEC-01", limit.quiet.seconds)
    for one in named.values():
        await one.close()


def _hidden(data: bytes, key: bytes) -> bytes:
    """The message without the element in which the key belongs."""
    return data.replace(b"<DevKey>" + key + b"</DevKey>", b"")


@verifies("IF-SEC-02a")
async def test_key_only_where_it_belongs(
    bench: Bench, province: Province, player: Players, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """The device key in every byte of signalling, RTSP and SDP that came so far."""
    key = declaration.key.encode()
    if not key:
        check.not_applicable("IF-SEC-02a", say("声明中没有设备密钥", "the declaration holds no device key"))
        return
    check.step("s1")
    province.tokens.refuse_all()
    refused = player()
    await refused.attempt(0)
    province.tokens.reset()
    viewer = player()
    await plays(viewer, check, limits("IF-MED-01").first_packet_within.seconds)
    await viewer.teardown()
    await bench.ftp.collect()
    check.step("s2")
    said = [(r.message.name, r.received.raw) for r in province.received]
    said += [("REGISTER", r.request.raw) for r in bench.registrar.received]
    said += [("REDIRECT", r.request.raw) for r in bench.group.received]
    said += [("RTSP", one.client.transcript) for one in (refused, viewer)]
    said += [("FTP", f"{c.verb} {c.argument}".encode()) for c in bench.ftp.commands]
    check.step("s3")
    found = [name for name, data in said if key in data and name in KEY_HOLDERS]
    check.control(bool(found), say("规定元素中有密钥", "the key is found where it belongs"))
    wrong = [name for name, data in said if key in (_hidden(data, key) if name in KEY_HOLDERS else data)]
    expected = say("其他位置没有设备密钥", "the device key nowhere else")
    observed = f"{len(said)} messages, the key in: {', '.join(sorted(set(wrong))) or '-'}"
    check.true("IF-SEC-02a", not wrong, expected, observed)


@verifies("IF-SEC-04")
async def test_no_onvif_password(province: Province, check: Checks) -> None:
    """The ability report holds an ONVIF port and no password."""
    check.step("s1")
    report = province.messages("ABILITYUP")[-1].message
    groups = report.items("Onvif")
    check.control(bool(groups), say("0x32 含 Onvif 元素", "0x32 holds Onvif"))
    check.step("s2")
    told = [group.get("Password") for group in groups if group.get("Password")]
    observed = say(f"{len(told)} 个口令", f"{len(told)} passwords")
    check.true("IF-SEC-04", not told, say("Password 为空", "an empty Password"), observed)


async def http(wire: Wire, host: str, port: int, request: HttpRequest, within: float) -> HttpResponse | None:
    """The answer to one HTTP request on a connection of its own; None for anything that is no answer."""
    try:
        stream = await wire.connect(host, port, label="http", within=within)
    except WireError:
        return None
    parser = HttpResponseParser()
    try:
        stream.write(serialize_request(request))
        while True:
            chunk = await stream.read(within=within)
            responses = parser.feed(chunk.data) if chunk.data else parser.finish()
            if responses or not chunk.data:
                return responses[0] if responses else None
    except (WireError, CodecError):
        return None
    finally:
        stream.close()


def is_picture(answer: HttpResponse | None) -> bool:
    """Whether an answer holds a picture."""
    return answer is not None and answer.status == OK and answer.body.startswith(PICTURES)


async def listening(wire: Wire, host: str, ports: Sequence[int], within: float) -> list[int]:
    """Those of the ports that take a connection."""

    async def open_one(port: int) -> bool:
        try:
            stream = await wire.connect(host, port, label="port probe", within=within)
        except WireError:
            return False
        stream.close()
        return True

    found = await asyncio.gather(*(open_one(port) for port in ports))
    return [port for port, taken in zip(ports, found, strict=True) if taken]


async def pictures_on(wire: Wire, host: str, port: int, within: float) -> list[str]:
    """Snapshot paths of that port that give a picture to anyone."""
    requests = [HttpRequest.build("GET", path, {"Host": f"{host}:{port}"}) for path in SNAPSHOTS]
    answers = await asyncio.gather(*(http(wire, host, port, request, within) for request in requests))
    return [f"http:{port}{path}" for path, answer in zip(SNAPSHOTS, answers, strict=True) if is_picture(answer)]


async def onvif_addresses(wire: Wire, host: str, port: int, within: float) -> tuple[list[str], list[str]]:
    """RTSP and HTTP addresses that the ONVIF service tells an anonymous client."""
    headers = {"Host": f"{host}:{port}", "Content-Type": "application/soap+xml; charset=utf-8"}

    async def ask(path: str, operation: str, inside: str = "") -> str:
        body = SOAP.format(operation, inside).encode()
        answer = await http(wire, host, port, HttpRequest.build("POST", path, headers, body), within)
        return answer.body.decode("utf-8", "replace") if answer is not None and answer.status == OK else ""

    streams: list[str] = []
    pictures: list[str] = []
    for path in ONVIF_PATHS:
        for token in dict.fromkeys(re.findall(r'Profiles[^>]*\btoken="([^"<>&]+)"', await ask(path, "GetProfiles"))):
            profile = f"<ProfileToken>{token}</ProfileToken>"
            streams += re.findall(r"rtsp://[^<\s]+", await ask(path, "GetStreamUri", STREAM_SETUP + profile))
            pictures += re.findall(r"http://[^<\s]+", await ask(path, "GetSnapshotUri", profile))
    return [s.replace("&amp;", "&") for s in streams], [p.replace("&amp;", "&") for p in pictures]


async def picture_at(wire: Wire, url: str, within: float) -> bool:
    """Whether an address gives a picture to anyone."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    request = HttpRequest.build("GET", target, {"Host": parts.netloc})
    return is_picture(await http(wire, parts.hostname or "", parts.port or 80, request, within))


@verifies("IF-AHL-23")
async def test_other_ports_and_services(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Usual RTSP and HTTP ports and the ONVIF service give neither media nor a picture to anyone."""
    limit, wire = limits("IF-AHL-23"), province.wire
    await control_leg(player, check, limits, "IF-AHL-23")
    host = urlsplit(f"rtsp://{player.authority}").hostname or ""
    within = limit.connect_within.seconds
    own = urlsplit(f"rtsp://{player.authority}").port or 0
    check.step("s2")
    ports = [_port(p) for p in (limit.rtsp_default, limit.rtsp_alternate, limit.rtsp_observed)]
    web = [_port(p) for p in (limit.http_default, limit.http_alternate)]
    taken = await listening(wire, host, [p for p in (*ports, *web) if p != own], within)
    forms = {
        f"{port}{path}": player(f"rtsp://{host}:{port}{path}") for port in taken if port in ports for path in PATHS
    }
    live = player.live_url(token="")
    forms |= {f"{port} live": player(live.replace(f":{own}/", f":{port}/")) for port in taken if port in ports}
    leaks = [leak for port in taken for leak in await pictures_on(wire, host, port, within)]
    check.step("s3")
    groups = province.messages("ABILITYUP")[-1].message.items("Onvif")
    onvif = groups[0].integer("Port", 0) if groups else 0
    if onvif:
        streams, pictures = await onvif_addresses(wire, host, onvif, within)
        forms |= {f"onvif {url}": player(url) for url in streams}
        leaks += [url for url in pictures if await picture_at(wire, url, within)]
        leaks += await pictures_on(wire, host, onvif, within)
    check.step("s4")
    if forms:
        await none_plays(forms, check, "IF-AHL-23", limit.observe_window.seconds)
    expected = say("没有任何图像", "not one picture")
    check.true("IF-AHL-23", not leaks, expected, leaks or f"ports {taken or '-'}, ONVIF {onvif or '-'}")


def _port(limit: Limit) -> int:
    return int(limit.number)
