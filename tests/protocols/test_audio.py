"""Audio: G.711 against published values and FFmpeg, ADTS, AudioSpecificConfig and AAC in RTP."""

from __future__ import annotations

import struct
from contextlib import suppress

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.audio import (
    AacPayload,
    AdtsHeader,
    AudioError,
    AudioSpecificConfig,
    decode_alaw,
    decode_ulaw,
    encode_alaw,
    encode_ulaw,
    parse_aac_payload,
    parse_adts,
    parse_audio_config,
    split_adts,
    write_aac_payload,
    write_adts,
    write_audio_config,
)

EVERY_SAMPLE = np.arange(-32768, 32768, dtype="<i2")
EVERY_CODE = bytes(range(256))


def samples(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


def ffmpeg_decodes(codec: str, data: bytes) -> list[int]:
    context = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 8000, "mono"
    return [int(one) for frame in context.decode(av.Packet(data)) for one in frame.to_ndarray()[0]]


# G.711


def test_known_alaw_samples() -> None:
    assert samples(decode_alaw(b"\xd5\x55\xd4\xaa\x2a\x80")) == [8, -8, 24, 32256, -32256, 5504]


def test_known_ulaw_samples() -> None:
    assert samples(decode_ulaw(b"\xff\x7f\xfe\x80\x00\xef")) == [0, 0, 8, 32124, -32124, 132]


def test_ffmpeg_decodes_every_code_the_same() -> None:
    assert samples(decode_alaw(EVERY_CODE)) == ffmpeg_decodes("pcm_alaw", EVERY_CODE)
    assert samples(decode_ulaw(EVERY_CODE)) == ffmpeg_decodes("pcm_mulaw", EVERY_CODE)


def test_every_code_survives() -> None:
    assert encode_alaw(decode_alaw(EVERY_CODE)) == EVERY_CODE
    assert encode_ulaw(decode_ulaw(EVERY_CODE)) == EVERY_CODE.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize(("encode", "decode"), [(encode_alaw, decode_alaw), (encode_ulaw, decode_ulaw)])
def test_every_sample_gets_its_nearest_code(encode, decode) -> None:  # type: ignore[no-untyped-def]
    values = np.array(sorted(set(samples(decode(EVERY_CODE)))))
    wanted = EVERY_SAMPLE.astype(np.int64)
    got = np.array(samples(decode(encode(EVERY_SAMPLE.tobytes()))))
    above = np.searchsorted(values, wanted).clip(1, len(values) - 1)
    nearest = np.minimum(np.abs(values[above] - wanted), np.abs(values[above - 1] - wanted))
    assert (np.abs(got - wanted) == nearest).all()


def test_silence() -> None:
    assert encode_alaw(bytes(4)) == b"\xd5\xd5"
    assert encode_ulaw(bytes(4)) == b"\xff\xff"


def test_half_a_sample_is_no_sample() -> None:
    with pytest.raises(AudioError) as caught:
        encode_alaw(b"\x00\x00\x01")
    assert (caught.value.rule, caught.value.offset) == ("g711.pcm", 2)


# ADTS

ADTS = bytes.fromhex("fff15080015ffc")


def test_a_known_adts_header() -> None:
    assert parse_adts(ADTS) == AdtsHeader(2, 44100, 2, 10, 7)
    assert write_adts(AdtsHeader(2, 44100, 2, 10, 7)) == ADTS


def test_a_stream_of_frames() -> None:
    frames = split_adts(ADTS + b"abc" + ADTS + b"def")
    assert [payload for _, payload in frames] == [b"abc", b"def"]


def test_a_frame_of_a_real_encoder() -> None:
    context = av.CodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = 16000, "mono", "fltp"
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
    frame.sample_rate, frame.pts = 16000, 0
    assert [*context.encode(frame), *context.encode(None)]
    config = parse_audio_config(bytes(context.extradata))
    assert (config.object_type, config.sampling_rate, config.channels, config.frame_samples) == (2, 16000, 1, 1024)


@pytest.mark.parametrize(
    ("data", "rule", "offset"),
    [
        (ADTS[:6], "adts.sync", 0),
        (b"\xff\xe1" + ADTS[2:], "adts.sync", 0),
        (b"\xff\xf3" + ADTS[2:], "adts.sync", 0),
        (ADTS[:2] + b"\x74" + ADTS[3:], "adts.rate", 2),
        (ADTS[:4] + b"\x00\xdf\xfc", "adts.size", 3),
    ],
)
def test_what_is_no_adts_header(data: bytes, rule: str, offset: int) -> None:
    with pytest.raises(AudioError) as caught:
        parse_adts(data)
    assert (caught.value.rule, caught.value.offset) == (rule, offset)


def test_a_stream_says_where_it_breaks() -> None:
    with pytest.raises(AudioError) as caught:
        split_adts(ADTS + b"abc" + b"xxxxxxx")
    assert (caught.value.rule, caught.value.offset) == ("adts.sync", 10)
    with pytest.raises(AudioError) as cut:
        split_adts(ADTS + b"abc" + ADTS + b"d")
    assert (cut.value.rule, cut.value.offset) == ("adts.cut", 10)


adts_headers = st.builds(
    AdtsHeader, st.integers(1, 4), st.sampled_from([96000, 44100, 16000, 8000, 7350]), st.sampled_from([0, 1, 2, 6, 8]),
    st.integers(7, 8191), st.just(7), st.integers(1, 4), st.booleans(),
)  # fmt: skip


@given(adts_headers)
def test_adts_round_trip(header: AdtsHeader) -> None:
    assert parse_adts(write_adts(header)) == header


@pytest.mark.parametrize(
    "header",
    [
        AdtsHeader(2, 44101, 2, 10, 7), AdtsHeader(2, 44100, 7, 10, 7), AdtsHeader(2, 44100, 2, 8192, 7),
        AdtsHeader(5, 44100, 2, 10, 7), AdtsHeader(2, 44100, 2, 10, 9), AdtsHeader(2, 44100, 2, 10, 7, 5),
    ],
)  # fmt: skip
def test_adts_that_cannot_be_written(header: AdtsHeader) -> None:
    with pytest.raises(AudioError):
        write_adts(header)


# AudioSpecificConfig


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("1408", AudioSpecificConfig(2, 16000, 1)),
        ("1210", AudioSpecificConfig(2, 44100, 2)),
        ("1588", AudioSpecificConfig(2, 8000, 1)),
        ("140c", AudioSpecificConfig(2, 16000, 1, 960)),
        ("17801f4010", AudioSpecificConfig(2, 16000, 2)),
        ("2b920800", AudioSpecificConfig(2, 22050, 2, 1024, 44100)),
    ],
)
def test_configurations(text: str, config: AudioSpecificConfig) -> None:
    assert parse_audio_config(bytes.fromhex(text)) == config


@pytest.mark.parametrize("text", ["", "14", "1690", "1440", "1780000010"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(AudioError):
        parse_audio_config(bytes.fromhex(text))


@given(
    st.integers(1, 4), st.sampled_from([8000, 16000, 44100, 12345]), st.sampled_from([1, 2, 6, 8]),
    st.sampled_from([960, 1024]),
)  # fmt: skip
def test_configuration_round_trip(kind: int, rate: int, channels: int, frame: int) -> None:
    config = AudioSpecificConfig(kind, rate, channels, frame)
    assert parse_audio_config(write_audio_config(config)) == config


def test_a_configuration_with_sbr_is_not_written() -> None:
    with pytest.raises(AudioError):
        write_audio_config(AudioSpecificConfig(2, 22050, 2, 1024, 44100))


# AAC in RTP


def test_two_units_in_a_payload() -> None:
    payload = bytes.fromhex("0020" "0018" "0010") + b"abcde"  # fmt: skip
    assert parse_aac_payload(payload) == AacPayload((b"abc", b"de"), (3, 2))
    assert write_aac_payload([b"abc", b"de"]) == payload


def test_a_fragment() -> None:
    payload = bytes.fromhex("0010" "1f40") + b"abc"  # fmt: skip
    assert parse_aac_payload(payload) == AacPayload((b"abc",), (1000,), fragment=True)


def test_the_low_bit_rate_mode_has_shorter_headers() -> None:
    payload = bytes.fromhex("0010" "0c08") + b"abcde"  # fmt: skip
    read = parse_aac_payload(payload, size_length=6, index_length=2, delta_length=2)
    assert read == AacPayload((b"abc", b"de"), (3, 2))
    assert read.violations == ()


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (bytes.fromhex("00200018001061626364"), "aac.size"),
        (bytes.fromhex("0020001800106162636465ff"), "aac.size"),
        (bytes.fromhex("00100019616263"), "aac.index"),
        (bytes.fromhex("0014001800616263"), "aac.headers"),
    ],
)
def test_broken_but_readable(payload: bytes, rule: str) -> None:
    assert [violation.rule for violation in parse_aac_payload(payload).violations][:1] == [rule]


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x00abc", b"\x00\x20\x00", b"\xff\xff" + bytes(9000)])
def test_what_cannot_be_read(payload: bytes) -> None:
    with pytest.raises(AudioError) as caught:
        parse_aac_payload(payload)
    assert caught.value.rule == "aac.headers"


@pytest.mark.parametrize("frames", [[], [b""], [bytes(8192)]])
def test_what_cannot_be_sent(frames: list[bytes]) -> None:
    with pytest.raises(AudioError):
        write_aac_payload(frames)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8))
def test_payload_round_trip(frames: list[bytes]) -> None:
    read = parse_aac_payload(write_aac_payload(frames))
    assert (read.frames, read.fragment, read.violations) == (tuple(frames), False, ())


@given(st.binary(max_size=80))
def test_any_bytes_give_a_value_or_the_own_error(data: bytes) -> None:
    for read in (parse_aac_payload, parse_adts, split_adts, parse_audio_config):
        with suppress(AudioError):
            assert read(data) is not None
