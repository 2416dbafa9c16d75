"""Images of the declaration: which one comes next, and what is derived from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.peers.faults import BenchFault
from conformance.peers.firmware_images import KEPT, FirmwareImages, Image
from conformance.wire import NotOnTape, Tape, Wire
from conformance.wire.live import LiveWire
from conformance.wire.replay import ReplayWire
from conformance.wire.replay_loop import ReplayLoop
from conformance.wire.tape import Event, Kind
from specs.declaration import GoodImage, Images


@pytest.fixture
def wire() -> Iterator[LiveWire]:
    """A wire on a loop that never runs: facts need none."""
    loop = asyncio.new_event_loop()
    yield LiveWire(loop=loop)
    loop.close()


def images(wire: Wire, folder: Path) -> FirmwareImages:
    for name in ("one.bin", "two.bin", "old.bin"):
        (folder / name).write_bytes(name.encode() * 10)
    good = (GoodImage("one.bin", "V1.0.0_20130601"), GoodImage("two.bin", "V1.1.0_20140101"))
    return FirmwareImages(wire, Images(good=good, older="old.bin"), folder)


@pytest.mark.parametrize(
    ("present", "following"),
    [("V0.9.0_20120101", "one.bin"), ("V1.0.0_20130601", "two.bin"), ("V1.1.0_20140101", None)],
)
def test_the_next_image_follows_the_present_version(
    wire: LiveWire, tmp_path: Path, present: str, following: str | None
) -> None:
    found = images(wire, tmp_path).after(present)
    assert (found and found.name) == following


def test_images_are_read_from_beside_the_declaration(wire: LiveWire, tmp_path: Path) -> None:
    found = images(wire, tmp_path)
    assert found.of("V1.1.0_20140101") == Image("two.bin", b"two.bin" * 10, "V1.1.0_20140101")
    assert found.of("V9.9.9_20990101") is None
    assert found.other("older") == Image("old.bin", b"old.bin" * 10)
    assert found.other("foreign_model") is None


@pytest.mark.parametrize(("content", "reason"), [(None, "cannot be read"), (b"", "is empty")])
def test_an_image_that_is_not_there_is_a_fault_of_the_bench(
    wire: LiveWire, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    found = images(wire, tmp_path)
    path = tmp_path / "two.bin"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchFault, match=reason):
        found.after("V1.0.0_20130601")


def test_a_simulated_device_hands_its_images_over(wire: LiveWire, tmp_path: Path) -> None:
    found = images(wire, tmp_path)
    good = [{"path": str(tmp_path / "old.bin"), "version": "V3.0.0_20150101"}]
    found.hand_over({"good": good, "foreign_model": str(tmp_path / "one.bin")})
    following, other = found.after("V1.0.0_20130601"), found.other("foreign_model")
    assert following is not None
    assert other is not None
    assert (following.version, other.name) == ("V3.0.0_20150101", "one.bin")


def test_bad_images_are_derived() -> None:
    good = Image("good.bin", bytes(100), "V1.1.0_20140101")
    assert len(good.truncated(0.1).data) == 90
    assert len(Image("two", b"ab").truncated(0.01).data) == 1
    assert good.changed().data == bytes(50) + b"\xff" + bytes(49)
    assert good.changed().version == "V1.1.0_20140101"


def replaying(value: str) -> ReplayWire:
    facts = (Event(1, Kind.FACT, 0, 0, meta={"name": "image two.bin", "value": value}),)
    return ReplayWire(Tape(facts, 0, 0), ReplayLoop())


def test_a_replay_has_the_images_of_the_tape(tmp_path: Path) -> None:
    found = FirmwareImages(replaying("dHdv"), Images(good=(GoodImage("gone/two.bin", "V2"),)), tmp_path)

    assert found.of("V2") == Image("two.bin", b"two", "V2")


def test_a_large_image_is_not_on_the_tape(wire: LiveWire, tmp_path: Path) -> None:
    (tmp_path / "two.bin").write_bytes(bytes(KEPT + 1))
    good = Images(good=(GoodImage("two.bin", "V2"),))

    live = FirmwareImages(wire, good, tmp_path).of("V2")

    assert live is not None
    assert len(live.data) == KEPT + 1
    with pytest.raises(NotOnTape, match=r"two\.bin"):
        FirmwareImages(replaying(""), good, tmp_path).of("V2")
