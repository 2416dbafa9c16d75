"""Stream URLs in declarations and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.declaration import load_declaration
from specs.declared_streams import Streams, at_target, stream_features
from specs.loader import load_catalogue
from specs.web_targets import streams_declaration
from specs.yaml_source import SourceError

VOCABULARY = load_catalogue().vocabulary
HEAD = "kandian: declaration/1\ndevice: {role: streams, dev_id: s}\n"
SIGNED = HEAD + "streams: {playlist: /a.m3u8, file: /b.ts, signed: [file], scheme: query-d, key: {value: k}}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "streams.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("known", "target", "expected"),
    [
        (Streams(), "http://h:8080/live/x.m3u8", Streams(url="http://h:8080", playlist="/live/x.m3u8")),
        (Streams(), "http://h/live/x.m3u8?a=b", Streams(url="http://h", playlist="/live/x.m3u8?a=b")),
        (Streams(), "https://h/live/x.FLV", Streams(url="https://h", flv="/live/x.FLV")),
        (Streams(), "http://h", Streams(url="http://h", playlist="/")),
        (Streams(flv="/y.flv"), "http://h/", Streams(url="http://h", flv="/y.flv")),
        (Streams(playlist="/p", url="http://old"), "http://h", Streams(url="http://h", playlist="/p")),
    ],
)
def test_a_target_names_the_server_and_perhaps_a_stream(known: Streams, target: str, expected: Streams) -> None:
    assert at_target(known, target) == expected


@pytest.mark.parametrize("target", ["rtsp://h/x", "http:///x", "http://user@h/x"])
def test_what_is_no_target(target: str) -> None:
    with pytest.raises(ValueError, match="the target of stream URLs"):
        at_target(Streams(), target)


def test_features_follow_from_the_section() -> None:
    assert stream_features(Streams(playlist="/a", flv="/b", signed=("flv",))) == {
        "hls": True,
        "http_flv": True,
        "signed_urls": False,
        "signed_hls": False,
        "signed_flv": False,
        "signed_file": False,
    }
    signed = stream_features(Streams(playlist="/a", file="/c", signed=("playlist", "file"), scheme="query-d"))
    assert [name for name, value in signed.items() if value] == ["hls", "signed_urls", "signed_hls", "signed_file"]


def test_a_declaration_and_a_target(tmp_path: Path) -> None:
    loaded = load_declaration(written(tmp_path, SIGNED), VOCABULARY)
    assert (loaded.role, loaded.stream_key, loaded.secrets) == ("streams", "k", ("k",))
    assert loaded.features["signed_file"] is True
    there = streams_declaration("http://h:1/z.flv", loaded)
    assert there.address == "h:1"
    assert there.declaration.streams == Streams(
        url="http://h:1",
        playlist="/a.m3u8",
        flv="/z.flv",
        file="/b.ts",
        signed=("file",),
        scheme="query-d",
        key=loaded.declaration.streams.key if loaded.declaration.streams else Streams().key,
    )
    assert there.features["http_flv"] is True


def test_the_key_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANDIAN_STREAM_KEY", "from-outside")
    loaded = load_declaration(written(tmp_path, SIGNED.replace(", key: {value: k}", "")), VOCABULARY)
    assert loaded.stream_key == "from-outside"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "stream URLs are described under `streams:`, which is missing"),
        (SIGNED.replace("query-d", "query-e"), "unknown scheme 'query-e'; did you mean"),
        (SIGNED.replace("playlist", "play_list"), "unknown key 'play_list'; did you mean 'playlist'?"),
    ],
)
def test_faults_of_a_declaration(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        load_declaration(written(tmp_path, text), VOCABULARY)
    assert message in str(caught.value)
