"""Timestamps of audio against the samples in the packets."""

from __future__ import annotations

import pytest

from conformance.peers.media_track import Track
from conformance.protocols.rtp import RtpPacket, serialize_rtp
from conformance.protocols.sdp import parse_sdp
from conformance.suites.camera.test_audio import _is_one_of, _jumps

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


def track(number: int, rtpmap: str = "", timestamps: tuple[int, ...] = ()) -> Track:
    mapped = f"a=rtpmap:{number} {rtpmap}\r\n" if rtpmap else ""
    media = parse_sdp(f"{HEAD}m=audio 0 RTP/AVP {number}\r\n{mapped}".encode()).media[0]
    found = Track(media, "rtsp://127.0.0.1/")
    for index, stamp in enumerate(timestamps):
        packet = RtpPacket(number, 65530 + index & 0xFFFF, stamp % 2**32, 1, bytes(160))
        found.take(serialize_rtp(packet), 0.02 * index, control=False)
    return found


@pytest.mark.parametrize(
    ("timestamps", "faults"),
    [
        ((0, 160, 320, 480, 640), []),
        ((2**32 - 160, 0, 160, 320), []),
        ((0, 160, 320, 4800, 4960, 5120), []),
        ((0, 160, 310, 480, 640), ["65532: 150 after 160 samples"]),
        ((0, 20, 40), ["65531: 20 after 160 samples", "65532: 20 after 160 samples"]),
        ((0, 1800, 3600), ["65531: 1800 after 160 samples", "65532: 1800 after 160 samples"]),
    ],
)
def test_steps_of_the_timestamp(timestamps: tuple[int, ...], faults: list[str]) -> None:
    audio = track(8, "PCMA/8000", timestamps)
    samples = {arrived.packet.sequence: 160 for arrived in audio.packets}
    assert _jumps(audio, samples) == faults


@pytest.mark.parametrize(
    ("number", "rtpmap", "codecs", "expected"),
    [
        (8, "", ("pcma", "pcmu"), True),
        (8, "G711A/8000", ("pcma", "pcmu"), True),
        (97, "PCMU/16000", ("pcma", "pcmu"), True),
        (97, "G726-32/8000", ("g726",), True),
        (97, "mpeg4-generic/16000", ("pcma", "pcmu"), False),
        (8, "PCMA/8000", ("g726",), False),
    ],
)
def test_which_codec_it_is(number: int, rtpmap: str, codecs: tuple[str, ...], expected: bool) -> None:
    assert _is_one_of(track(number, rtpmap), codecs) is expected


def test_without_audio_there_is_no_codec() -> None:
    assert not _is_one_of(None, ("pcma",))
