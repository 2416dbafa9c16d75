"""Makes captures of RTP streams with known loss, duplicates and reordering, for the RTP statistics benchmark."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LOSS, DUPLICATION, DELAY = 0.005, 0.001, 0.002
LONGEST_DELAY = 4
LARGEST_PAYLOAD = 1400
FIRST_PORT = 40_000
_PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_EPOCH = 1_380_000_000
_RTP = struct.Struct(">BBHII")
_RECORD = struct.Struct("<IIII")


@dataclass(frozen=True, slots=True)
class Camera:
    """A stream to make: ``frame_packets`` packets a frame on average, 25 frames/s at 90 kHz; or 1 and audio."""

    index: int
    payload_type: int
    clock: int
    frames_per_second: int
    frame_packets: int

    @property
    def ssrc(self) -> int:
        """Its synchronisation source."""
        return 0x1000_0001 + 0x0101_0101 * self.index


@dataclass(frozen=True, slots=True)
class Truth:
    """What was done to one stream, counted while doing it and by a plain walk over the order of arrival."""

    ssrc: int
    packets: int
    lost: int
    duplicates: int
    reordered: int


CAMERAS = (
    *(Camera(index, 96 + index % 2, 90_000, 25, 14) for index in range(8)),
    *(Camera(8 + index, 8, 8_000, 25, 1) for index in range(2)),
)


def write_capture(path: Path, packets: int, seed: int = 1) -> list[Truth]:
    """Write a classic pcap of about ``packets`` packets; returns what each stream went through."""
    rng = random.Random(seed)
    weight = sum(camera.frame_packets for camera in CAMERAS)
    frames = packets // weight + 1
    streams = {camera.ssrc: _arrivals(camera, frames, rng) for camera in CAMERAS}
    truths = [_truth(ssrc, arrivals) for ssrc, arrivals in streams.items()]
    merged = sorted(
        ((at, camera, index, frame, size, last) for camera in CAMERAS for at, index, frame, size, last in
         streams[camera.ssrc]),
        key=lambda arrival: arrival[0],
    )  # fmt: skip
    filling = bytes(rng.randrange(256) for _ in range(LARGEST_PAYLOAD))
    with path.open("wb") as file:
        file.write(_PCAP)
        for at, camera, index, frame, size, last in merged:
            file.write(_packet(at, camera, index, frame, last, filling[:size]))
        file.flush()
        os.fsync(file.fileno())
    return truths


Arrival = tuple[float, int, int, int, bool]


def _arrivals(camera: Camera, frames: int, rng: random.Random) -> list[Arrival]:
    """(time, number of the packet, number of the frame, payload size, last of its frame), in order of arrival."""
    sent = list(_sent(camera, frames, rng))
    last = len(sent) - 1
    arrived: list[Arrival] = []
    for number, packet in enumerate(sent):
        chance = rng.random()
        if chance < LOSS and 0 < number < last:
            continue
        at, *rest = packet
        if chance < LOSS + DELAY and 0 < number < last - LONGEST_DELAY:
            behind = sent[number + rng.randint(1, LONGEST_DELAY)]
            at = behind[0] + 1e-6
        arrived.append((at, *rest))
        if rng.random() < DUPLICATION:
            arrived.append((at + rng.choice((2e-6, 5e-4)), *rest))
    arrived.sort(key=lambda arrival: arrival[0])
    return arrived


def _sent(camera: Camera, frames: int, rng: random.Random) -> Iterator[Arrival]:
    number, start = 0, rng.random() / camera.frames_per_second
    for frame in range(frames):
        at = start + frame / camera.frames_per_second + rng.random() * 2e-3
        count = camera.frame_packets if camera.frame_packets == 1 else rng.randint(8, 2 * camera.frame_packets - 8)
        for position in range(count):
            last = position == count - 1
            size = 320 if camera.clock == 8_000 else rng.randint(40, LARGEST_PAYLOAD) if last else LARGEST_PAYLOAD
            yield at + position * 1e-4, number, frame, size, last
            number += 1


def _truth(ssrc: int, arrivals: list[Arrival]) -> Truth:
    numbers = [arrival[1] for arrival in arrivals]
    seen: set[int] = set()
    highest, duplicates, reordered = -1, 0, 0
    for number in numbers:
        if number in seen:
            duplicates += 1
        elif number < highest:
            reordered += 1
        seen.add(number)
        highest = max(highest, number)
    return Truth(ssrc, len(numbers), highest + 1 - len(seen), duplicates, reordered)


def _packet(at: float, camera: Camera, number: int, frame: int, last: bool, payload: bytes) -> bytes:
    seconds, micro = divmod(round((at + 1) * 1e6), 1_000_000)
    size = 42 + 12 + len(payload)
    marker = (last and camera.clock == 90_000) << 7
    sequence = (65_000 + number) & 0xFFFF
    timestamp = (0xFFFF_0000 + frame * camera.clock // camera.frames_per_second) & 0xFFFF_FFFF
    rtp = _RTP.pack(0x80, marker | camera.payload_type, sequence, timestamp, camera.ssrc)
    record = _RECORD.pack(_EPOCH + seconds, micro, size, size)
    return record + _headers(camera.index, len(payload)) + rtp + payload


@lru_cache(maxsize=65536)
def _headers(index: int, payload: int) -> bytes:
    """Ethernet, IPv4 and UDP headers; the UDP checksum is left out, which IPv4 allows."""
    ethernet = bytes((2, 0, 0, 0, 0, 100, 2, 0, 0, 0, 0, index + 1, 8, 0))
    port = FIRST_PORT + 2 * index
    udp = struct.pack(">HHHH", port, port, 20 + payload, 0)
    addresses = bytes((10, 0, 0, index + 1, 10, 0, 0, 100))
    head = struct.pack(">BBHHHBBH", 0x45, 0, 40 + payload, 0, 0x4000, 64, 17, 0)
    total = sum(struct.unpack(">10H", head + addresses))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return ethernet + head[:10] + checksum.to_bytes(2, "big") + addresses + udp
