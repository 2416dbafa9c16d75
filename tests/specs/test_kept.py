"""What was read is kept, and never used for other files or by other readers."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from specs import kept as module
from specs.kept import kept
from specs.loader import SPECS_ROOT, _read, load_catalogue, spec_digest


class Thing(msgspec.Struct, frozen=True):
    """Something that is kept."""

    name: str
    numbers: tuple[int, ...]


class Reader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Thing:
        self.asked += 1
        return Thing(f"look {self.asked}", (1, 2))


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Reader()


def test_it_is_read_once_for_a_digest(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "cache" / "thing.msgpack"
    for _ in range(3):
        assert kept(path, Thing, "aa", reader) == Thing("look 1", (1, 2))
    assert kept(path, Thing, "bb", reader).name == "look 2"
    assert kept(path, Thing, "aa", reader).name == "look 3"
    assert [file.name for file in path.parent.iterdir()] == ["thing.msgpack"]


def test_another_reader_reads_again(tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    readers = tmp_path / "readers"
    readers.mkdir()
    monkeypatch.setattr(module, "READERS", readers)
    names = []
    for code in ("a = 1", "a = 1", "a = 2"):
        (readers / "model.py").write_text(code)
        names.append(kept(tmp_path / "thing.msgpack", Thing, "aa", reader).name)
    assert names == ["look 1", "look 1", "look 2"]


@pytest.mark.parametrize("spoil", [lambda data: data[:40], lambda data: data[:32] + b"\x81\xa1x\x01", lambda data: b""])
def test_a_spoilt_file_is_read_anew(tmp_path: Path, reader: Reader, spoil: object) -> None:
    path = tmp_path / "thing.msgpack"
    kept(path, Thing, "aa", reader)
    assert callable(spoil)
    path.write_bytes(spoil(path.read_bytes()))
    assert kept(path, Thing, "aa", reader).name == "look 2"
    assert kept(path, Thing, "aa", reader).name == "look 2"


def test_nothing_is_written_where_no_byte_code_is(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    kept(tmp_path / "thing.msgpack", Thing, "aa", reader)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "file").write_text("")
    assert kept(tmp_path / "file" / "thing.msgpack", Thing, "aa", reader).name == "look 1"


def test_the_catalogue_that_is_kept_is_the_one_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    digest, fresh = spec_digest(SPECS_ROOT), _read(SPECS_ROOT)
    kind = type(fresh)
    kept(tmp_path / "all.msgpack", kind, digest, lambda: fresh)
    again = kept(tmp_path / "all.msgpack", kind, digest, lambda: pytest.fail("read twice"))
    assert again == fresh
    assert load_catalogue().requirements == fresh.requirements
    assert list(again.requirements) == list(fresh.requirements)
