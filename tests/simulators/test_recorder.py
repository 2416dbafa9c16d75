from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import av
import pytest
from raw_rtsp_client import RawRtsp, rtp

from conformance.media.burned_in_label import read_label
from simulators.camera.encoder import EncoderBank, VideoEncoder
from simulators.camera.media_format import AccessUnit, StreamSettings
from simulators.camera.playback import CameraSource, RecordFeed
from simulators.camera.record_store import RecordStore, StorageFull, StorageMissing, mend_segment, text_time, time_text
from simulators.camera.recorder import History, Recorder, SegmentWriter, seed_history
from simulators.camera.rtsp_server import RtspConfig, RtspServer

SMALL = StreamSettings("h264", 320, 192, 15, "variable", 128)
SILENT = StreamSettings("h264", 320, 192, 15, "variable", 128, audio=False)
NOON = 1_370_059_200.0
DEV = "KDN00000001"


def units(count: int, settings: StreamSettings = SILENT, epoch: float = NOON) -> list[AccessUnit]:
    encoder = VideoEncoder(settings, DEV, 0, 1)
    coded = []
    for index in range(count):
        at = index / settings.fps
        nals, key = encoder.encode(at, epoch + at)
        coded.append(AccessUnit("video", nals, 100.0 + at, epoch + at, key, settings))
    return coded


class ScriptedEncoder:
    """Stands in for a live encoder: hands out units when told."""

    channel, stream = 0, 1

    def __init__(self) -> None:
        self.sinks: list[Callable[[AccessUnit], None]] = []

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> None:
        self.sinks.append(sink)

    def unsubscribe(self, sink: Callable[[AccessUnit], None]) -> None:
        self.sinks.remove(sink)

    def play(self, coded: list[AccessUnit]) -> None:
        for unit in coded:
            for sink in tuple(self.sinks):
                sink(unit)


def fill(store: RecordStore, starts: list[float], seconds: float = 10.0, channel: int = 0, size: int = 1000) -> None:
    for start in starts:
        path = store.begin(channel, 1, start)
        path.write_bytes(b"x" * size)
        store.complete(path.name, start + seconds)


def labels(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_label(frame.to_ndarray()[: frame.height]).time_ms for frame in container.decode(video=0)]


def test_times_are_written_in_utc_plus_8() -> None:
    assert time_text(NOON) == "20130601120000"
    assert text_time("201306011200") == NOON
    assert text_time("20130601120001") == NOON + 1
    with pytest.raises(ValueError):
        text_time("2013060112")


def test_search_is_newest_first_in_pages_of_ten_by_overlap(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, DEV)
    fill(store, [NOON + 10 * n for n in range(23)])
    fill(store, [NOON], channel=1)
    page, total = store.search(0, NOON, NOON + 1000)
    assert (total, len(page)) == (23, 10)
    assert page[0].name == "KDN00000001_0_20130601120340.mp4"
    assert (page[0].start_text, page[0].end_text, page[0].size) == ("20130601120340", "20130601120350", 1000)
    assert [len(store.search(0, NOON, NOON + 1000, number)[0]) for number in (1, 2, 3, 4)] == [10, 10, 3, 0]
    overlapping, count = store.search(0, NOON + 14, NOON + 21)
    assert ([file.start - NOON for file in overlapping], count) == ([20.0, 10.0], 2)
    assert store.search(0, NOON + 500, NOON + 600) == ((), 0)
    assert store.search(2, NOON, NOON + 1000) == ((), 0)
    assert [file.channel for file in store.search(1, NOON, NOON + 1000)[0]] == [1]
    assert store.find(1, "KDN00000001_0_20130601120340.mp4") is None


def test_the_oldest_is_overwritten_only_with_loop(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, DEV, budget=5000)
    fill(store, [NOON + 10 * n for n in range(4)])
    assert (store.total, store.free) == (5000, 1000)
    store.make_room(2500)
    assert [file.start - NOON for file in store.files] == [20.0, 30.0]
    assert not store.path("KDN00000001_0_20130601120000.mp4").exists()
    store.loop = False
    with pytest.raises(StorageFull):
        store.make_room(4000)
    store.set_state("full")
    assert store.free == 0
    with pytest.raises(StorageFull):
        store.make_room(1)
    store.set_state("missing")
    assert (store.total, store.free, store.files) == (0, 0, ())
    with pytest.raises(StorageMissing):
        store.make_room(1)
    store.set_state("free")
    store.format()
    assert (store.free, store.files) == (5000, ())


def test_the_index_survives_a_restart_and_a_torn_line(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, DEV)
    fill(store, [NOON, NOON + 10, NOON + 20])
    store.delete("KDN00000001_0_20130601120010.mp4")
    with (tmp_path / "index.jsonl").open("a") as stream:
        stream.write('{"do": "complete", "na')
    again = RecordStore(tmp_path, DEV)
    assert again.files == store.files
    assert [file.start - NOON for file in again.files] == [0.0, 20.0]


def test_a_second_segment_in_the_same_second_gets_another_name(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, DEV)
    fill(store, [NOON, NOON + 0.5], seconds=0.4)
    assert [file.name for file in store.files] == [
        "KDN00000001_0_20130601120000.mp4", "KDN00000001_0_20130601120001.mp4",
    ]  # fmt: skip


def test_segments_are_cut_at_key_pictures_and_never_longer_than_the_limit(tmp_path: Path) -> None:
    store, encoder = RecordStore(tmp_path, DEV), ScriptedEncoder()
    recorder = Recorder(store, encoder, segment_seconds=2.5)
    recorder.start()
    assert recorder.recording
    encoder.play(units(75))
    recorder.stop()
    assert encoder.sinks == []
    assert [(file.name, round(file.end - file.start, 3)) for file in store.files] == [
        ("KDN00000001_0_20130601120000.mp4", 2.0),
        ("KDN00000001_0_20130601120002.mp4", 2.0),
        ("KDN00000001_0_20130601120004.mp4", 1.0),
    ]
    assert labels(store.path(store.files[1].name)) == [round((NOON + index / 15) * 1000) for index in range(30, 60)]


def test_other_settings_and_a_moved_clock_begin_a_new_segment(tmp_path: Path) -> None:
    store, encoder = RecordStore(tmp_path, DEV), ScriptedEncoder()
    recorder = Recorder(store, encoder)
    recorder.start()
    encoder.play(units(15))
    larger = StreamSettings("h264", 704, 576, 15, "constant", 512, audio=False)
    encoder.play([AccessUnit("video", unit.nals, unit.at + 1, unit.epoch, True, larger) for unit in units(15, larger)])
    encoder.play([AccessUnit("video", u.nals, u.at + 2, u.epoch + 3600, u.key, u.settings) for u in units(15)])
    recorder.stop()
    assert [time_text(file.start) for file in store.files] == ["20130601120000", "20130601120000", "20130601130000"]
    with av.open(str(store.path(store.files[1].name))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (704, 576)


def test_recording_waits_while_the_disk_is_full(tmp_path: Path) -> None:
    store, encoder = RecordStore(tmp_path, DEV, loop=False), ScriptedEncoder()
    recorder = Recorder(store, encoder)
    store.set_state("full")
    recorder.start()
    coded = units(45)
    encoder.play(coded[:20])
    assert (recorder.recording, recorder.blocked, store.files) == (False, True, ())
    store.set_state("free")
    encoder.play(coded[20:])
    assert recorder.recording
    recorder.stop()
    assert [round(file.end - file.start, 3) for file in store.files] == [1.0]


def test_a_power_cut_leaves_what_was_whole(tmp_path: Path) -> None:
    store, encoder = RecordStore(tmp_path, DEV), ScriptedEncoder()
    recorder = Recorder(store, encoder)
    recorder.start()
    encoder.play(units(55))
    assert store.files == ()
    recorder.cut()
    assert RecordStore(tmp_path, DEV).files[0].size == store.path("KDN00000001_0_20130601120000.mp4").stat().st_size
    (mended,) = RecordStore(tmp_path, DEV).files
    assert round(mended.end - mended.start, 3) == 3.0
    assert len(labels(tmp_path / mended.name)) == 45


def test_a_file_torn_at_any_place_is_never_listed_longer_than_it_is(tmp_path: Path) -> None:
    coded = units(45)
    writer = SegmentWriter(tmp_path / "whole.mp4", coded[0])
    for unit in coded:
        writer.add(unit)
    assert round(writer.close(), 3) == 3.0
    data = (tmp_path / "whole.mp4").read_bytes()
    seen = set()
    for size in (*range(0, len(data), 997), len(data)):
        torn = tmp_path / "torn.mp4"
        torn.write_bytes(data[:size])
        seconds = round(mend_segment(torn), 3)
        seen.add(seconds)
        if seconds:
            assert len(labels(torn)) == seconds * 15
    assert seen == {0.0, 1.0, 2.0, 3.0}


def test_an_empty_leftover_is_deleted(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, DEV)
    path = store.begin(0, 1, NOON)
    path.write_bytes(b"\0\0\0\x14ftyp")
    assert RecordStore(tmp_path, DEV).files == ()
    assert not path.exists()


def test_history_has_one_gap_and_real_pictures(tmp_path: Path) -> None:
    store = RecordStore(tmp_path, DEV)
    history = History(count=4, seconds=2.0, gap=60.0, newest_age=100.0)
    asyncio.run(seed_history(store, history, SMALL, 0, 2, NOON))
    asyncio.run(seed_history(store, history, SMALL, 0, 2, NOON + 9999))
    assert [file.start - NOON for file in store.files] == [-168.0, -166.0, -104.0, -102.0]
    assert all(file.end - file.start == 2.0 for file in store.files)
    assert labels(store.path(store.files[2].name))[0] == round((NOON - 104) * 1000)


def served(
    tmp_path: Path, scenario: Callable[[str, RtspServer, RecordStore], Awaitable[Any]], seconds: float = 6.0
) -> Any:
    async def run() -> Any:
        async def verify(kind: str, channel: str, name: str, token: str) -> bool:
            return (kind, channel, token) == ("record", "0", "good") and name == store.files[0].name

        store = RecordStore(tmp_path, DEV)
        await seed_history(store, History(count=1, seconds=seconds, gap=0.0), SMALL, 0, 2, NOON)
        await seed_history(store, History(count=1, seconds=seconds, gap=0.0), SMALL, 1, 2, NOON)
        bank = EncoderBank(DEV, {(0, 2): SMALL, (1, 2): SMALL})
        server = RtspServer(RtspConfig(DEV), CameraSource(bank, store), verify)
        host, port = await server.start()
        try:
            url = f"rtsp://{host}:{port}/realplay?devid={DEV}&channelno=0&filename={store.files[0].name}&hashtoken=good"
            return await scenario(url, server, store)
        finally:
            await server.stop()
            await bank.close()

    return asyncio.run(run())


def test_playback_with_seek_scale_pause_and_bye(tmp_path: Path) -> None:
    async def scenario(url: str, server: RtspServer, store: RecordStore) -> None:
        client = await RawRtsp.connect(*server.address)
        session, base, _ = await client.setup_all(url)

        async def play(**headers: str) -> tuple[dict[str, str], list[Any]]:
            before = len(client.packets)
            answer = await client.ask("PLAY", base, Session=session, **headers)
            assert answer.status == 200
            while sum(channel == 0 for channel, _ in client.packets[before:]) < 8:
                await client.receive(1)
            return answer.headers, [rtp(data) for channel, data in client.packets[before:] if channel == 0]

        headers, _first = await play()
        assert headers["Range"] == "npt=0.000-6.000"
        headers, fresh = await play(Range="npt=4.2-")
        assert headers["Range"] == "npt=4.000-6.000"
        announced = int(re.search(r"trackID=0;seq=\d+;rtptime=(\d+)", headers["RTP-Info"])[1])
        after = next(index for index, packet in enumerate(fresh) if packet.timestamp == announced)
        assert fresh[after].payload[0] & 31 == 7
        headers, _ = await play(Range="npt=0-", Scale="2")
        assert (headers["Range"], headers["Scale"]) == ("npt=0.000-6.000", "2.0")
        headers, _ = await play(Range="npt=1-2", Scale="0.5")
        assert (headers["Range"], headers["Scale"]) == ("npt=1.000-2.000", "0.5")
        assert (await client.ask("PAUSE", base, Session=session)).status == 200
        assert server.sessions[session].state == "ready"
        for bad, status in (("npt=99-", 457), ("npt=x-", 400), ("clock=20130601T040000Z-", 457), ("npt=3-2", 457)):
            assert (await client.ask("PLAY", base, Session=session, Range=bad)).status == status
        assert (await client.ask("PLAY", base, Session=session, Scale="fast")).status == 400
        headers, _ = await play(Range="npt=5-", Scale="2")
        await client.until(1, 203)
        assert server.sessions[session].state == "ready"
        assert (await client.ask("TEARDOWN", base, Session=session)).status == 200

    served(tmp_path, scenario)


def test_scale_sets_the_pace_of_timestamps_and_drops_sound(tmp_path: Path) -> None:
    async def scenario(url: str, server: RtspServer, store: RecordStore) -> None:
        for scale, step in ((2.0, 3000), (1.0, 6000), (0.5, 12000)):
            got: list[AccessUnit] = []
            ended = asyncio.Event()
            feed = RecordFeed(store.path(store.files[0].name))
            feed.begin(got.append, ended.set, 1.0, 2.0, scale)
            async with asyncio.timeout(10):
                await ended.wait()
            times = [round(unit.at * 90000) for unit in got if unit.kind == "video"]
            assert len(times) == 15
            assert all(abs(b - a - step) <= 1 for a, b in itertools.pairwise(times))
            assert any(unit.kind == "audio" for unit in got) == (scale == 1.0)
            assert feed.position == 2.0

    served(tmp_path, scenario)


def test_names_of_other_channels_devices_and_files_are_refused(tmp_path: Path) -> None:
    async def scenario(url: str, server: RtspServer, store: RecordStore) -> None:
        client = await RawRtsp.connect(*server.address)
        name = store.files[0].name
        statuses = [
            (await client.ask("DESCRIBE", wrong)).status
            for wrong in (
                url.replace("channelno=0", "channelno=1"),
                url.replace(name, store.files[1].name),
                url.replace(name, name.replace(DEV, "KDN00000002")),
                url.replace(name, "../" + name),
                url.replace(name, name[:-5] + "9.mp4"),
                url.replace("good", "bad"),
                url,
            )
        ]
        assert statuses == [404, 404, 404, 404, 401, 401, 200]

    served(tmp_path, scenario)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_plays_a_recording_to_its_end(tmp_path: Path, transport: str) -> None:
    def watch(url: str) -> list[int]:
        with av.open(url, options={"rtsp_transport": transport}, timeout=10) as container:
            return [read_label(frame.to_ndarray()[: frame.height]).time_ms for frame in container.decode(video=0)]

    async def scenario(url: str, server: RtspServer, store: RecordStore) -> None:
        times = await asyncio.to_thread(watch, url)
        start = store.files[0].start
        assert times == [round((start + index / 15) * 1000) for index in range(45)]

    served(tmp_path, scenario, seconds=3.0)
