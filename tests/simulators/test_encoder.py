from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import av
import numpy as np
import pytest

from simulators.camera.encoder import (
    EncoderBank,
    LiveEncoder,
    ToneGenerator,
    VideoEncoder,
    a_law,
    filler_nal,
    is_filler,
    parameter_sets,
    split_annex_b,
)
from simulators.camera.media_format import AccessUnit, StreamSettings

SMALL = StreamSettings("h264", 320, 192, 15, "variable", 128, audio=True)


def sizes(settings: StreamSettings, seconds: int) -> list[int]:
    encoder = VideoEncoder(settings, "KDN00000001", 0, 1)
    frames = (encoder.encode(n / settings.fps, 1.37e9 + n / settings.fps) for n in range(seconds * settings.fps))
    return [sum(len(nal) + 4 for nal in nals) for nals, _ in frames]


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize(
    ("width", "height", "fps", "kbit_s"), [(320, 192, 15, 96), (704, 576, 25, 512), (320, 192, 5, 4096)]
)
def test_constant_rate_is_met_in_every_second(codec: str, width: int, height: int, fps: int, kbit_s: int) -> None:
    coded = sizes(StreamSettings(codec, width, height, fps, "constant", kbit_s), 4)
    for start in range(len(coded) - fps + 1):
        assert sum(coded[start : start + fps]) * 8 == pytest.approx(kbit_s * 1000, rel=0.1)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_variable_rate_stays_below_its_cap_and_saves_bits(codec: str) -> None:
    assert sum(sizes(StreamSettings(codec, 704, 576, 25, "variable", 96), 3)) * 8 / 3 <= 96_000
    assert sum(sizes(StreamSettings(codec, 704, 576, 25, "variable", 4096), 2)) * 8 / 2 < 1_000_000


@pytest.mark.parametrize(
    ("width", "height", "fps", "kbit_s", "level"),
    [(1280, 720, 25, 2048, 31), (704, 576, 25, 512, 30), (320, 192, 15, 128, 12), (320, 192, 15, 4096, 30)],
)
def test_sps_tells_size_rate_and_level(width: int, height: int, fps: int, kbit_s: int, level: int) -> None:
    settings = StreamSettings("h264", width, height, fps, "variable", kbit_s)
    sps, pps = parameter_sets(settings)
    assert (sps[0] & 0x1F, pps[0] & 0x1F, sps[1], sps[3]) == (7, 8, 77, level)
    nals, _ = VideoEncoder(settings, "KDN00000001", 0, 1).encode(0, 0)
    assert (nals[0], nals[1]) == (sps, pps)
    decoder = av.CodecContext.create("h264", "r")
    frames = [*decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in nals))), *decoder.decode(None)]
    assert (frames[0].width, frames[0].height) == (width, height)
    assert decoder.framerate == fps


@pytest.mark.parametrize(
    ("width", "height", "fps", "kbit_s", "level"),
    [(1280, 720, 25, 2048, 93), (704, 576, 25, 512, 90), (320, 192, 15, 128, 60), (320, 192, 15, 4096, 90)],
)
def test_h265_level(width: int, height: int, fps: int, kbit_s: int, level: int) -> None:
    _vps, sps, _pps = parameter_sets(StreamSettings("h265", width, height, fps, "variable", kbit_s))
    assert sps.replace(b"\0\0\3", b"\0\0")[14] == level


def test_h265_sends_vps_sps_pps_before_an_idr_picture() -> None:
    settings = StreamSettings("h265", 320, 192, 15)
    nals, key = VideoEncoder(settings, "KDN00000001", 0, 1).encode(0, 0)
    assert key
    assert [nal[0] >> 1 & 63 for nal in nals][:3] == [32, 33, 34]
    assert {nal[0] >> 1 & 63 for nal in nals[3:]} <= {19, 20}
    assert parameter_sets(settings) == nals[:3]


def test_key_pictures_come_each_second_and_on_demand() -> None:
    encoder = VideoEncoder(SMALL, "KDN00000001", 0, 1)
    keys = [n for n in range(40) if encoder.encode(n / 15, n / 15, key=n == 20)[1]]
    assert keys == [0, 15, 20, 35]
    kinds = {nal[0] & 31 for nal in VideoEncoder(SMALL, "", 0, 1).encode(0, 0)[0]}
    assert 5 in kinds
    assert 1 not in kinds


def test_filler_has_the_right_type_and_size() -> None:
    assert filler_nal("h264", 5).hex() == "0cffffff80"
    assert filler_nal("h265", 5).hex() == "4c01ffff80"
    assert is_filler("h264", filler_nal("h264", 9))
    assert is_filler("h265", filler_nal("h265", 9))
    assert not is_filler("h264", b"\x65\x88")


def test_annex_b_is_split_at_both_kinds_of_start_code() -> None:
    assert split_annex_b(b"\0\0\0\1\x67\x42\0\0\1\x68\xce\0\0\0\1\x65\x88\0\0\3\1") == (
        b"\x67\x42", b"\x68\xce", b"\x65\x88\0\0\3\1",
    )  # fmt: skip


def test_a_law_follows_g711() -> None:
    samples = np.array([0, 8, 16, -1, -8, -16, 1000, -1000, 32767, -32768], np.int16)
    assert a_law(samples).hex() == "d5d5d4555555fa7aaa2a"
    everything = np.arange(-32768, 32768, dtype=np.int16)
    frame = av.AudioFrame(format="s16", layout="mono", samples=1)
    frame.sample_rate = 8000
    decoder = av.CodecContext.create("pcm_alaw", "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    decoded = decoder.decode(av.Packet(a_law(everything)))[0].to_ndarray().reshape(-1).astype(int)
    error = np.abs(decoded - everything.astype(int))
    assert np.all(error <= np.maximum(16, np.abs(everything.astype(int)) // 30))


def test_tone_packets_join_into_a_steady_400_hz() -> None:
    for packet_ms, samples in ((20, 160), (40, 320)):
        tone = ToneGenerator(packet_ms)
        joined = b"".join(tone.packet(index) for index in range(10))
        assert len(joined) == 10 * samples
        assert joined == (joined[:20] * len(joined))[: len(joined)]
        assert len(set(joined[:20])) > 8


async def collect(encoder: LiveEncoder, enough: Callable[[list[AccessUnit]], bool]) -> list[AccessUnit]:
    units: list[AccessUnit] = []
    done = asyncio.Event()

    def sink(unit: AccessUnit) -> None:
        units.append(unit)
        if enough(units):
            done.set()

    encoder.subscribe(sink)
    async with asyncio.timeout(20):
        await done.wait()
    encoder.unsubscribe(sink)
    return units


def video(units: list[AccessUnit]) -> list[AccessUnit]:
    return [unit for unit in units if unit.kind == "video"]


def test_live_units_begin_with_a_key_picture_and_lie_on_the_grid() -> None:
    async def scenario() -> tuple[list[AccessUnit], bool, bool]:
        encoder = LiveEncoder("KDN00000001", 0, 2, SMALL)
        before = encoder.running
        units = await collect(encoder, lambda got: len(video(got)) >= 8 and len(got) - len(video(got)) >= 4)
        after = encoder.running
        await encoder.close()
        return units, before, after

    units, before, after = asyncio.run(scenario())
    assert (before, after) == (False, False)
    assert units[0].kind == "video"
    assert units[0].key
    ticks = [round(unit.at * 90000) for unit in video(units)]
    steps = {b - a for a, b in itertools.pairwise(ticks)}
    assert steps <= {6000 * n for n in range(1, 20)}
    assert 6000 in steps
    sound = [round(unit.at * 8000) for unit in units if unit.kind == "audio"]
    assert {b - a for a, b in itertools.pairwise(sound)} == {320}
    assert all(len(unit.nals[0]) == 320 for unit in units if unit.kind == "audio")


def test_changed_settings_take_effect_with_an_idr_picture() -> None:
    async def scenario() -> list[AccessUnit]:
        encoder = LiveEncoder("KDN00000001", 0, 2, SMALL)
        other = StreamSettings("h264", 704, 576, 10, "constant", 512, audio=False)

        def enough(got: list[AccessUnit]) -> bool:
            if len(got) == 3:
                encoder.change(other)
            return sum(unit.settings == other for unit in got) >= 3

        units = await collect(encoder, enough)
        assert encoder.settings == other
        await encoder.close()
        return units

    units = asyncio.run(scenario())
    fresh = [unit for unit in units if unit.settings.width == 704]
    assert fresh[0].key
    assert fresh[0].nals[0][0] & 31 == 7
    assert all(unit.kind == "video" for unit in fresh)
    times = [unit.at for unit in video(units)]
    assert times == sorted(set(times))


def test_a_second_sink_gets_a_key_picture_soon_and_none_of_the_past() -> None:
    async def scenario() -> tuple[int, int]:
        encoder = LiveEncoder("KDN00000001", 0, 2, StreamSettings("h264", 320, 192, 15, key_interval_s=60.0))
        late: list[AccessUnit] = []

        def enough(got: list[AccessUnit]) -> bool:
            if len(video(got)) == 3 and got[-1].kind == "video":
                encoder.subscribe(late.append)
            return len(video(got)) >= 12

        got = await collect(encoder, enough)
        await encoder.close()
        return sum(unit.key for unit in video(got)), sum(unit.key for unit in video(late))

    assert asyncio.run(scenario()) == (2, 1)


def test_a_blind_channel_delivers_nothing_and_unknown_streams_are_none() -> None:
    async def scenario() -> None:
        bank = EncoderBank("KDN00000001", {(0, 1): SMALL, (1, 2): SMALL})
        assert bank.get(0, 2) is None
        assert bank.get(2, 1) is None
        encoder = bank.get(1, 2)
        assert encoder is not None
        encoder.video_present = False
        got: list[AccessUnit] = []
        encoder.subscribe(got.append)
        assert await collect(bank.encoders[0, 1], lambda units: len(units) >= 5)
        assert encoder.running
        await bank.close()
        assert got == []
        assert not encoder.running

    asyncio.run(scenario())
