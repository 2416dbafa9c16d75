"""Profiles against servers that nobody here wrote; every finding is expected one by one.

A finding that is not in the server's expectations file fails the test, and so does one that vanished. The player is
also tried on what a foreign ONVIF client is told by a foreign camera.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from concurrent.futures import Future
from pathlib import Path

import onvif
import pytest
from foreign_runs import EXPECTED, SERVERS, allowed, ipycam_ports

from conformance.media.decoding import Decoded, decode_units
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.protocols.access_unit import AccessUnit
from conformance.wire import LiveWire
from specs.loader import load_catalogue

FOLDER = Path(__file__).parent
FINDINGS = [(name, requirement) for name in SERVERS for requirement in EXPECTED[name]]
SOURCES = ("RFC", "S3", "nginx", "ONVIF", "SOAP")
FEWEST_TESTED = {
    "gst_rtsp_server": 80,
    "ipycam": 80,
    "rclone": 90,
    "moto": 90,
    "ipycam_onvif": 80,
    "nginx_rtmp": 27,
    "nginx_secure_link": 42,
}


@pytest.fixture
def verdicts(foreign: dict[str, Future[dict[str, str]]], name: str) -> dict[str, str]:
    """Verdicts on the server of that name."""
    return foreign[name].result()


@pytest.mark.parametrize(("name", "requirement"), FINDINGS)
def test_finding(verdicts: dict[str, str], name: str, requirement: str) -> None:
    assert verdicts[requirement] in allowed(name, requirement)


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_nothing_else_is_found(verdicts: dict[str, str], name: str) -> None:
    assert len(verdicts) >= FEWEST_TESTED[name]
    assert [i for i, verdict in verdicts.items() if verdict not in allowed(name, i)] == []
    assert set(EXPECTED[name]) <= set(verdicts)


@pytest.mark.parametrize(("name", "requirement"), FINDINGS)
def test_every_expected_finding_names_its_clause(name: str, requirement: str) -> None:
    entry = EXPECTED[name][requirement]
    assert set(entry) - {"sometimes"} == {"verdict", "clause", "why"}
    assert entry["clause"].startswith(tuple(f"{source} " for source in SOURCES))
    if entry["verdict"] == "INCONCLUSIVE":  # where another fault of the device leaves nothing to judge
        return
    stanza = load_catalogue().requirement(requirement)
    assert entry["verdict"] == ("FAIL" if stanza.level == "MUST" and stanza.status == "ratified" else "WARN")


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_every_expected_finding_is_documented_and_no_other(name: str) -> None:
    guide = (FOLDER.parents[1] / "docs" / "foreign-devices.md").read_text("utf-8")
    (chapter,) = re.findall(rf"^## {name.replace('_', '-')}$(.*?)(?=^## |\Z)", guide, re.MULTILINE | re.DOTALL)
    documented = dict(
        re.findall(
            r"^\*\*([A-Z]+-(?:[A-Z0-9]+-)?\w+) (FAIL|WARN|INCONCLUSIVE), (?:RFC|S3|nginx|ONVIF|SOAP) ",
            chapter,
            re.MULTILINE,
        )
    )
    assert documented == {requirement: entry["verdict"] for requirement, entry in EXPECTED[name].items()}


async def key_pictures(url: str, count: int) -> Decoded:
    """The pictures that decode from ``count`` complete access units, the first a key picture, that our player gets."""
    async with LiveWire(seed=1) as wire:
        player = Player(wire, url, answer_wait=5, connect_wait=5)
        try:
            await player.start("tcp")
            assert player.video is not None
            video = player.video
            async with wire.timeout(20, f"{count} access units from a key picture on"):
                while len(units := from_key_picture(video)) < count:
                    await wire.sleep(0.1)
            return decode_units(video.codec, [unit.annex_b() for unit in units[:count]])
        finally:
            await player.close()


def from_key_picture(video: Track) -> list[AccessUnit]:
    """The complete access units from the first at which decoding can begin."""
    units = [unit for _, unit in video.access_units() if unit.complete]
    return list(itertools.dropwhile(lambda unit: not video.is_random_access(unit), units))


def test_streams_that_an_onvif_client_is_told_of_can_be_played(tmp_path: Path) -> None:
    wsdl = Path(onvif.__file__).parent.parent / "wsdl"
    with ipycam_ports(tmp_path) as (url, port):
        device = onvif.ONVIFCamera("127.0.0.1", port, "", "", str(wsdl), no_cache=True)
        media = device.create_media_service()
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        profiles = {
            profile.token: (
                media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token}).Uri,
                profile.VideoEncoderConfiguration.Resolution.Height,
                profile.VideoEncoderConfiguration.Resolution.Width,
            )
            for profile in media.GetProfiles()
        }
        sub = url.replace("video_main", "video_sub")
        assert profiles == {"Profile_Main": (url, 240, 320), "Profile_Sub": (sub, 120, 160)}
        for address, height, width in profiles.values():
            decoded = asyncio.run(key_pictures(address, 10))
            assert decoded.errors == ()
            assert {picture.luma.shape for picture in decoded.pictures} == {(height, width)}
            assert len(decoded.pictures) >= 5
