"""Rules over versions of a playlist, and what an audience tells."""

from __future__ import annotations

from conformance.protocols.hls import Playlist, parse_playlist
from conformance.suites.platform.test_live_capacity import Audience
from conformance.suites.platform.test_stream_rules import path_of
from conformance.suites.stream_rules import sequence_faults


def playlist(first: int, *names: str) -> Playlist:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    for name in names:
        lines += ["#EXTINF:2.0,", name]
    return parse_playlist("\n".join([*lines, ""]).encode())


def test_a_window_that_moves_on_with_new_tokens_is_right() -> None:
    before, after = playlist(4, "/4.ts?t=a", "/5.ts?t=b"), playlist(5, "/5.ts?t=c", "/6.ts?t=d")
    assert sequence_faults(before, after, path_of) == []


def test_a_number_that_changes_its_segment_is_told() -> None:
    before, after = playlist(4, "/4.ts", "/5.ts"), playlist(4, "/5.ts", "/6.ts")
    assert sequence_faults(before, after, path_of) == [
        "number 4 was /4.ts and is /5.ts",
        "number 5 was /5.ts and is /6.ts",
    ]


def test_numbers_that_go_back_are_told() -> None:
    faults = sequence_faults(playlist(4, "/4.ts", "/5.ts"), playlist(3, "/3.ts"), path_of)
    assert faults == ["EXT-X-MEDIA-SEQUENCE 3 after 4", "the list ends at 3, before at 5"]


def test_an_audience_counts_those_who_were_not_served() -> None:
    level = Audience(4, [0.1, 0.2, 0.4])
    assert (level.failed, level.p95) == (25.0, 0.4)
    wanted = {"viewers": 4, "failed_percent": 25.0, "p50_ms": 200.0, "p95_ms": 400.0, "p100_ms": 400.0}
    assert level.as_figures() == wanted
    assert Audience(2, []).as_figures() == {"viewers": 2, "failed_percent": 100.0}
