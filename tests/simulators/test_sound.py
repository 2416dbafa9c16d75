"""The tone of the camera in G.726 and AAC, and how it goes into RTP."""

from __future__ import annotations

import io
from itertools import pairwise

import av
import numpy as np
import pytest

from conformance.protocols.audio import parse_aac_payload, parse_audio_config
from conformance.protocols.rtp import parse_rtp
from simulators.camera.media_format import AccessUnit, StreamSettings
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_server import AAC_CONFIG
from simulators.camera.sound import CodedTone


class Kept:
    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def send_frame(self, packets: list[bytes]) -> None:
        self.packets += packets

    def send_report(self, packet: bytes) -> None:
        raise AssertionError("no report was asked for")

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        return


def strongest_frequency(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def test_g726_sounds_like_the_tone() -> None:
    tone = CodedTone("g726", 40)
    assert (tone.rate, tone.samples, len(tone.packet(0))) == (8000, 320, 160)
    data = io.BytesIO(b"".join(tone.packet(n) for n in range(25)))
    with av.open(data, format="g726le", options={"code_size": "4", "sample_rate": "8000"}) as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert len(samples) == 25 * 320
    assert strongest_frequency(samples[4000:], 8000) == pytest.approx(400, abs=5)


def test_aac_sounds_like_the_tone() -> None:
    tone = CodedTone("aac", 40)
    assert (tone.rate, tone.samples) == (16000, 1024)
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = bytes.fromhex(AAC_CONFIG)
    frames = [f for n in range(20) for f in decoder.decode(av.Packet(tone.packet(n)))]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert frames[0].sample_rate == 16000
    assert strongest_frequency(samples[4096:], 16000) == pytest.approx(400, abs=5)


def test_aac_payloads() -> None:
    config = parse_audio_config(bytes.fromhex(AAC_CONFIG))
    assert (config.object_type, config.sampling_rate, config.channels, config.frame_samples) == (2, 16000, 1, 1024)
    kept, tone = Kept(), CodedTone("aac", 40)
    sender = RtpSender("audio", 99, kept, "name", codec="aac")
    settings = StreamSettings(audio_codec="aac")
    sender.start(0.0)
    for n in range(3):
        sender.send(AccessUnit("audio", (tone.packet(n),), n * 0.064, 0.0, False, settings))
    packets = [parse_rtp(data) for data in kept.packets]
    assert [packet.payload_type for packet in packets] == [99, 99, 99]
    assert all(packet.marker for packet in packets)
    steps = {(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)}
    assert steps == {1024}
    for n, packet in enumerate(packets):
        found = parse_aac_payload(packet.payload)
        assert (found.frames, found.violations) == ((tone.packet(n),), ())
