"""Audio of cameras: G.711 samples, ADTS headers, AudioSpecificConfig and AAC in RTP (RFC 3640)."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field

from conformance.protocols.bit_reader import BitReader
from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

SAMPLING_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
)  # fmt: skip
EXPLICIT_RATE = 15
AAC_MAIN, AAC_LC, AAC_SSR, AAC_LTP, SBR, ESCAPE, PARAMETRIC_STEREO = 1, 2, 3, 4, 5, 31, 29
MAX_AU_HEADERS = 512
SAMPLES_PER_FRAME = 1024
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)


class AudioError(CodecError):
    """Bytes that are no audio of the kind they should be."""


def _alaw_sample(code: int) -> int:
    """One A-law code as a 16 bit sample (G.711 table 1a, even bits inverted)."""
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    size = mantissa << 4 | 8
    if exponent:
        size = (size | 0x100) << (exponent - 1)
    return size if code & 0x80 else -size


def _ulaw_sample(code: int) -> int:
    """One mu-law code as a 16 bit sample (G.711 table 2a, all bits inverted)."""
    code ^= 0xFF
    size = ((code & 0x0F) << 3 | 0x84) << (code >> 4 & 7)
    return 0x84 - size if code & 0x80 else size - 0x84


def _nearest(table: tuple[int, ...]) -> bytes:
    """The code of the nearest sample for every 16 bit sample, index 0 being -32768; ties go away from zero."""
    values = sorted({table[code]: code for code in range(256)}.items())
    codes = bytearray()
    position = 0
    for sample in range(-32_768, 32_768):
        while position + 1 < len(values):
            here, there = values[position][0], values[position + 1][0]
            if 2 * sample < here + there or (2 * sample == here + there and sample < 0):
                break
            position += 1
        codes.append(values[position][1])
    return bytes(codes)


ALAW = tuple(_alaw_sample(code) for code in range(256))
ULAW = tuple(_ulaw_sample(code) for code in range(256))
_encoders: dict[str, bytes] = {}


def decode_alaw(data: bytes) -> bytes:
    """A-law (PCMA) to linear PCM: signed 16 bit little endian, two bytes a sample."""
    return b"".join([_ALAW_BYTES[code] for code in data])


def decode_ulaw(data: bytes) -> bytes:
    """mu-law (PCMU) to linear PCM: signed 16 bit little endian, two bytes a sample."""
    return b"".join([_ULAW_BYTES[code] for code in data])


def encode_alaw(pcm: bytes) -> bytes:
    """Linear PCM (signed 16 bit little endian) to A-law, each sample to its nearest code. Raises AudioError."""
    return _encode(pcm, "alaw")


def encode_ulaw(pcm: bytes) -> bytes:
    """Linear PCM (signed 16 bit little endian) to mu-law, each sample to its nearest code. Raises AudioError."""
    return _encode(pcm, "ulaw")


_ALAW_BYTES = tuple(sample.to_bytes(2, "little", signed=True) for sample in ALAW)
_ULAW_BYTES = tuple(sample.to_bytes(2, "little", signed=True) for sample in ULAW)


def _encode(pcm: bytes, law: str) -> bytes:
    if len(pcm) % 2:
        raise AudioError(len(pcm) - 1, "g711.pcm", pcm[-1:], "Linear PCM has two bytes a sample", "G.711")
    if law not in _encoders:
        _encoders[law] = _nearest(ALAW if law == "alaw" else ULAW)
    codes = _encoders[law]
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes([codes[sample + 32_768] for sample in samples])


@dataclass(frozen=True, slots=True)
class AdtsHeader:
    """An ADTS frame header (ISO/IEC 13818-7 6.2). frame_size: bytes with header; blocks: raw data blocks, 1 to 4."""

    object_type: int
    sampling_rate: int
    channels: int
    frame_size: int
    header_size: int
    blocks: int = 1
    mpeg2: bool = False


def parse_adts(data: bytes) -> AdtsHeader:
    """Read the header at the beginning of ``data``. Raises AudioError."""
    clause = "ISO/IEC 13818-7 6.2"
    if len(data) < 7 or data[0] != 0xFF or data[1] & 0xF6 != 0xF0:
        raise AudioError(0, "adts.sync", data[:7], "No ADTS header of 7 bytes with layer 0 stands here", clause)
    index = data[2] >> 2 & 0x0F
    if index >= len(SAMPLING_RATES):
        raise AudioError(2, "adts.rate", data[2:3], f"Sampling frequency index {index} is reserved", clause)
    header_size = 7 if data[1] & 1 else 9
    frame_size = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
    if frame_size < header_size:
        raise AudioError(3, "adts.size", data[3:6], f"A frame of {frame_size} bytes is shorter than its header", clause)
    return AdtsHeader(
        object_type=1 + (data[2] >> 6),
        sampling_rate=SAMPLING_RATES[index],
        channels=_CHANNELS[(data[2] & 1) << 2 | data[3] >> 6],
        frame_size=frame_size,
        header_size=header_size,
        blocks=1 + (data[6] & 3),
        mpeg2=bool(data[1] & 8),
    )


def write_adts(header: AdtsHeader) -> bytes:
    """The header as 7 bytes (9 are not written: no CRC). Raises AudioError."""
    try:
        index, channels = SAMPLING_RATES.index(header.sampling_rate), _CHANNELS.index(header.channels)
    except ValueError:
        raise AudioError(0, "adts.unwritable", b"", "ADTS has no code for this rate or number of channels") from None
    if header.header_size != 7 or not 7 <= header.frame_size < 1 << 13 or not 1 <= header.blocks <= 4:
        raise AudioError(0, "adts.unwritable", b"", "A field does not fit its width", "ISO/IEC 13818-7 6.2")
    if not 1 <= header.object_type <= 4:
        raise AudioError(0, "adts.unwritable", b"", "ADTS holds object types 1 to 4", "ISO/IEC 13818-7 6.2")
    return bytes(
        (
            0xFF,
            0xF1 | header.mpeg2 << 3,
            header.object_type - 1 << 6 | index << 2 | channels >> 2,
            (channels & 3) << 6 | header.frame_size >> 11,
            header.frame_size >> 3 & 0xFF,
            (header.frame_size & 7) << 5 | 0x1F,
            0xFC | header.blocks - 1,
        )
    )


def split_adts(stream: bytes) -> list[tuple[AdtsHeader, bytes]]:
    """Every frame of a stream: header and payload without it. Raises AudioError at the first byte that is none."""
    frames = []
    position = 0
    while position < len(stream):
        try:
            header = parse_adts(stream[position : position + 9])
        except AudioError as error:
            raise AudioError(position + error.offset, error.rule, error.seen, error.explain, error.clause) from None
        if position + header.frame_size > len(stream):
            raise AudioError(
                position, "adts.cut", stream[position:], "The last frame is cut off", "ISO/IEC 13818-7 6.2"
            )
        frames.append((header, stream[position + header.header_size : position + header.frame_size]))
        position += header.frame_size
    return frames


@dataclass(frozen=True, slots=True)
class AudioSpecificConfig:
    """What the fmtp ``config`` of AAC says (ISO/IEC 14496-3 1.6.2.1). extension_rate: of SBR, None without it."""

    object_type: int
    sampling_rate: int
    channels: int
    frame_samples: int = SAMPLES_PER_FRAME
    extension_rate: int | None = None


def parse_audio_config(data: bytes) -> AudioSpecificConfig:
    """Read an AudioSpecificConfig up to the frame length. Raises AudioError."""
    reader = BitReader(data, AudioError, "aac.config")
    kind, rate, layout = _object_type(reader), _rate(reader), reader.bits(4)
    extension = None
    if kind in (SBR, PARAMETRIC_STEREO):
        extension, kind = _rate(reader), _object_type(reader)
    if layout > 7 or not rate:
        raise reader.broken(f"channel configuration {layout} or a sampling rate of {rate} Hz is not usable")
    short = kind in (AAC_MAIN, AAC_LC, AAC_SSR, AAC_LTP) and reader.flag()
    return AudioSpecificConfig(kind, rate, _CHANNELS[layout], 960 if short else SAMPLES_PER_FRAME, extension)


def write_audio_config(config: AudioSpecificConfig) -> bytes:
    """The two or five bytes of a plain configuration without SBR. Raises AudioError."""
    if config.channels not in _CHANNELS or not 1 <= config.object_type <= 4 or config.extension_rate is not None:
        raise AudioError(0, "aac.unwritable", b"", "Only plain object types 1 to 4 are written")
    explicit = config.sampling_rate not in SAMPLING_RATES
    if not 0 < config.sampling_rate < 1 << 24 or config.frame_samples not in (960, 1024):
        raise AudioError(0, "aac.unwritable", b"", "A field does not fit its width", "ISO/IEC 14496-3 1.6.2.1")
    index = EXPLICIT_RATE if explicit else SAMPLING_RATES.index(config.sampling_rate)
    bits = config.object_type << 4 | index
    bits = bits << 24 | config.sampling_rate if explicit else bits
    bits = (bits << 4 | _CHANNELS.index(config.channels)) << 3 | (config.frame_samples == 960) << 2
    return bits.to_bytes(5 if explicit else 2, "big")


def _object_type(reader: BitReader) -> int:
    kind = reader.bits(5)
    return 32 + reader.bits(6) if kind == ESCAPE else kind


def _rate(reader: BitReader) -> int:
    index = reader.bits(4)
    if index == EXPLICIT_RATE:
        return reader.bits(24)
    if index >= len(SAMPLING_RATES):
        raise reader.broken(f"sampling frequency index {index} is reserved")
    return SAMPLING_RATES[index]


@dataclass(frozen=True, slots=True)
class AacPayload:
    """One RTP payload of AAC. frames: access units or one fragment; sizes: sizes of the units as the headers say."""

    frames: tuple[bytes, ...]
    sizes: tuple[int, ...]
    fragment: bool = False
    violations: tuple[Violation, ...] = field(default=(), compare=False)


def parse_aac_payload(
    payload: bytes, *, size_length: int = 13, index_length: int = 3, delta_length: int = 3
) -> AacPayload:
    """Read the AU headers and units of one payload (RFC 3640 3.2). The defaults are the mode AAC-hbr (3.3.6).

    Raises AudioError when the headers are unreadable. A unit larger than the rest of the packet is a fragment (3.2.3).
    """
    if len(payload) < 2:
        raise AudioError(0, "aac.headers", payload, "AU-headers-length is missing", "RFC 3640 3.2.1")
    bits = int.from_bytes(payload[:2], "big")
    start = 2 + (bits + 7) // 8
    if start > len(payload) or bits == 0 or bits > MAX_AU_HEADERS * 32:
        explain = f"AU-headers-length of {bits} bits does not fit the payload"
        raise AudioError(0, "aac.headers", payload[:2], explain, "RFC 3640 3.2.1")
    found: list[Violation] = []
    sizes = _sizes(payload[:start], bits, (size_length, index_length, delta_length), found)
    return _units(payload, start, sizes, found)


def _sizes(head: bytes, bits: int, lengths: tuple[int, int, int], found: list[Violation]) -> tuple[int, ...]:
    reader = BitReader(head[2:], AudioError, "aac.headers")
    end = reader.left - bits
    size_length, index_length, delta_length = lengths
    sizes: list[int] = []
    while reader.left > end:
        index_bits = delta_length if sizes else index_length
        if reader.left - end < size_length + index_bits:
            explain = "AU-headers-length is not a whole number of AU headers"
            found.append(Violation(0, "aac.headers", "RFC 3640 3.2.1", head[:SEEN_BYTES], explain))
            break
        sizes.append(reader.bits(size_length))
        if reader.bits(index_bits):
            explain = "AU-Index and AU-Index-delta are 0 unless units are interleaved"
            found.append(Violation(0, "aac.index", "RFC 3640 3.2.1.1", head[:SEEN_BYTES], explain))
        if len(sizes) > MAX_AU_HEADERS or not size_length:
            raise reader.broken("too many AU headers")
    return tuple(sizes)


def _units(payload: bytes, start: int, sizes: tuple[int, ...], found: list[Violation]) -> AacPayload:
    rest = len(payload) - start
    if len(sizes) == 1 and sizes[0] > rest:
        return AacPayload((payload[start:],), sizes, True, tuple(found))
    frames, position = [], start
    for size in sizes:
        frames.append(payload[position : position + size])
        position += size
    if sum(sizes) != rest:
        explain = f"The AU sizes add up to {sum(sizes)} bytes, the payload holds {rest}"
        found.append(Violation(start, "aac.size", "RFC 3640 3.2.3", payload[start : start + SEEN_BYTES], explain))
    return AacPayload(tuple(frame for frame in frames if frame), sizes, False, tuple(found))


def write_aac_payload(frames: tuple[bytes, ...] | list[bytes]) -> bytes:
    """One payload of whole units in the mode AAC-hbr: 13 bit sizes, 3 bit indices of 0. Raises AudioError."""
    if not frames or len(frames) > MAX_AU_HEADERS or any(not 0 < len(frame) < 1 << 13 for frame in frames):
        raise AudioError(0, "aac.unwritable", b"", "1 to 512 units of 1 to 8191 bytes fit a payload", "RFC 3640 3.3.6")
    headers = b"".join((len(frame) << 3).to_bytes(2, "big") for frame in frames)
    return (8 * len(headers)).to_bytes(2, "big") + headers + b"".join(frames)
