"""The media profile against RTSP servers that nobody here wrote; every finding is expected one by one.

A finding that is not in the server's expectations file fails the test, and so does one that vanished. The player is
also tried on what a foreign ONVIF client is told by a foreign camera.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onvif
import pytest

from conformance.media.decoding import Decoded, decode_units
from conformance.peers.player import Player
from conformance.wire import LiveWire
from specs.loader import load_catalogue
from specs.yaml_source import read_yaml

FOLDER = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
CERTIFY = [sys.executable, "-c", "from conformance.cli.main import main; main()", "certify", "--profile", "media"]
EXPECTED: dict[str, dict[str, dict[str, str]]] = {
    name: read_yaml(FOLDER / f"expected_{name}.yaml").data["findings"] for name in ("gst_rtsp_server", "ipycam")
}
FINDINGS = [(name, requirement) for name, entries in EXPECTED.items() for requirement in entries]
FEWEST_TESTED = 80
QUIET = ("PASS", "NOT_APPLICABLE")


def missing(reason: str) -> None:
    """Skip on a laptop, fail in CI: there the package has to be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def served(command: list[str]) -> Iterator[list[int]]:
    """The numbers that the server prints when it is ready; it serves until its standard input ends."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield [int(number) for number in process.stdout.readline().split()]
        finally:
            process.stdin.close()
            process.wait(20)


@contextmanager
def gst_server() -> Iterator[str]:
    """URL of a GStreamer RTSP server."""
    probe = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        missing("needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-*")
    with served([SYSTEM_PYTHON, str(FOLDER / "gst_server.py")]) as (port,):
        yield f"rtsp://127.0.0.1:{port}/test"


@contextmanager
def ipycam() -> Iterator[tuple[str, int]]:
    """URL of the main stream and ONVIF port of an ipycam camera."""
    if shutil.which("ffmpeg") is None:
        missing("ipycam encodes with the ffmpeg command: needs Debian's ffmpeg")
    with served([sys.executable, str(FOLDER / "ipycam_server.py")]) as (rtsp_port, onvif_port):
        yield f"rtsp://127.0.0.1:{rtsp_port}/video_main", onvif_port


def certified(url: str, out: Path, expected: dict[str, dict[str, str]]) -> dict[str, str]:
    """Verdict of every requirement that was tested. What could not be decided, unexpectedly, is tried once more: a busy
    server may have been the reason."""
    verdicts = run_suites(url, out / "first")
    again = [i for i, v in verdicts.items() if v == "INCONCLUSIVE" and expected.get(i, {}).get("verdict") != v]
    if again:
        more = run_suites(url, out / "again", *(f"--req={requirement}" for requirement in again))
        verdicts.update({i: v for i, v in more.items() if i in again})
    return verdicts


def run_suites(url: str, out: Path, *more: str) -> dict[str, str]:
    """Verdicts of one run."""
    done = subprocess.run(
        [*CERTIFY, "--target", url, "--out", str(out), "--seed", "1", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    lines: list[dict[str, Any]] = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    assert lines[-1]["kind"] == "footer", done.stdout
    tested = {i for line in lines if line["kind"] == "test" for i in line["requirements"]}
    return {i: lines[-1]["requirements"][i] for i in sorted(tested)}


def gst_verdicts(folder: Path) -> dict[str, str]:
    """Verdicts on the GStreamer server."""
    with gst_server() as url:
        return certified(url, folder / "gst", EXPECTED["gst_rtsp_server"])


def ipycam_verdicts(folder: Path) -> dict[str, str]:
    """Verdicts on ipycam."""
    with ipycam() as (url, _):
        return certified(url, folder / "ipycam", EXPECTED["ipycam"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[dict[str, str]]]]:
    """One run for each server, at the same time: most of a run is waiting for what must not happen."""
    folder = tmp_path_factory.mktemp("runs")
    with ThreadPoolExecutor() as pool:
        yield {
            "gst_rtsp_server": pool.submit(gst_verdicts, folder),
            "ipycam": pool.submit(ipycam_verdicts, folder),
        }


@pytest.fixture
def verdicts(runs: dict[str, Future[dict[str, str]]], name: str) -> dict[str, str]:
    """Verdicts on the server of that name."""
    return runs[name].result()


@pytest.mark.parametrize(("name", "requirement"), FINDINGS)
def test_finding(verdicts: dict[str, str], name: str, requirement: str) -> None:
    assert verdicts[requirement] == EXPECTED[name][requirement]["verdict"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_nothing_else_is_found(verdicts: dict[str, str], name: str) -> None:
    assert len(verdicts) >= FEWEST_TESTED
    found = {requirement: verdict for requirement, verdict in verdicts.items() if verdict not in QUIET}
    assert sorted(found) == sorted(EXPECTED[name])


@pytest.mark.parametrize(("name", "requirement"), FINDINGS)
def test_every_expected_finding_names_its_clause(name: str, requirement: str) -> None:
    entry = EXPECTED[name][requirement]
    assert set(entry) == {"verdict", "clause", "why"}
    assert entry["clause"].startswith("RFC ")
    if entry["verdict"] == "INCONCLUSIVE":  # where another fault of the device leaves nothing to judge
        return
    stanza = load_catalogue().requirement(requirement)
    assert entry["verdict"] == ("FAIL" if stanza.level == "MUST" and stanza.status == "ratified" else "WARN")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_expected_finding_is_documented_and_no_other(name: str) -> None:
    guide = (FOLDER.parents[1] / "docs" / "foreign-devices.md").read_text("utf-8")
    (chapter,) = re.findall(rf"^## {name.replace('_', '-')}$(.*?)(?=^## |\Z)", guide, re.MULTILINE | re.DOTALL)
    documented = dict(re.findall(r"^\*\*([A-Z]+-[A-Z0-9]+-\w+) (FAIL|WARN|INCONCLUSIVE), RFC ", chapter, re.MULTILINE))
    assert documented == {requirement: entry["verdict"] for requirement, entry in EXPECTED[name].items()}


async def key_pictures(url: str, count: int) -> Decoded:
    """The pictures that decode from the first ``count`` access units that our player gets, from a key picture on."""
    async with LiveWire(seed=1) as wire:
        player = Player(wire, url, answer_wait=5, connect_wait=5)
        try:
            await player.start("tcp")
            assert player.video is not None
            assert await player.wait_idr(player.video, 10) is not None
            async with wire.timeout(10, f"{count} access units"):
                while len(units := player.video.access_units()) < count:
                    await wire.sleep(0.1)
            complete = [unit for _, unit in units if unit.complete]
            first = next(i for i, unit in enumerate(complete) if player.video.is_random_access(unit))
            return decode_units(player.video.codec, [unit.annex_b() for unit in complete[first:count]])
        finally:
            await player.close()


def test_streams_that_an_onvif_client_is_told_of_can_be_played() -> None:
    wsdl = Path(onvif.__file__).parent.parent / "wsdl"
    with ipycam() as (url, port):
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
