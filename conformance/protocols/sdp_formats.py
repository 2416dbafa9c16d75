"""What the fmtp parameters of H.264 (RFC 6184 8), H.265 (RFC 7798 7) and AAC (RFC 3640 4) say."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.protocols.sdp_lines import SdpError

LARGEST_SETS = 64
_PROFILE = re.compile(r"[0-9A-Fa-f]{6}\Z")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,64}\Z")
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_H264 = "RFC 6184 8.1"
_H265 = "RFC 7798 7.1"
_AAC = "RFC 3640 4.1"


@dataclass(frozen=True, slots=True)
class H264Format:
    """fmtp of H.264. The three bytes of profile-level-id are None when it is missing (then Baseline level 1 holds).

    parameter_sets: NAL units of sprop-parameter-sets without start codes, in order.
    """

    profile_idc: int | None = None
    constraints: int | None = None
    level_idc: int | None = None
    packetization_mode: int = 0
    parameter_sets: tuple[bytes, ...] = ()

    @property
    def sps(self) -> tuple[bytes, ...]:
        """The sequence parameter sets (NAL unit type 7)."""
        return tuple(unit for unit in self.parameter_sets if unit and unit[0] & 0x1F == 7)

    @property
    def pps(self) -> tuple[bytes, ...]:
        """The picture parameter sets (NAL unit type 8)."""
        return tuple(unit for unit in self.parameter_sets if unit and unit[0] & 0x1F == 8)


@dataclass(frozen=True, slots=True)
class H265Format:
    """fmtp of H.265: NAL units without start codes; the numbers are None when not given."""

    vps: tuple[bytes, ...] = ()
    sps: tuple[bytes, ...] = ()
    pps: tuple[bytes, ...] = ()
    profile_id: int | None = None
    level_id: int | None = None
    tier_flag: int | None = None
    max_don_diff: int = 0


@dataclass(frozen=True, slots=True)
class AacFormat:
    """fmtp of mpeg4-generic. ``config``: AudioSpecificConfig; the lengths are bits, 0 when not given."""

    mode: str
    config: bytes
    size_length: int = 0
    index_length: int = 0
    index_delta_length: int = 0
    profile_level_id: int | None = None
    constant_duration: int | None = None
    stream_type: int | None = None


def read_h264_format(parameters: Mapping[str, str]) -> H264Format:
    """The meaning of ``Media.fmtp`` for H264. Raises SdpError."""
    profile: tuple[int | None, int | None, int | None] = (None, None, None)
    if "profile-level-id" in parameters:
        text = parameters["profile-level-id"]
        if not _PROFILE.match(text):
            raise _error("fmtp.profile_level_id", text, "profile-level-id has six hexadecimal digits", _H264)
        number = bytes.fromhex(text)
        profile = (number[0], number[1], number[2])
    mode = _number(parameters, "packetization-mode", _H264, largest=2)
    sets = _units(parameters, "sprop-parameter-sets", _H264)
    return H264Format(*profile, mode or 0, sets)


def write_h264_format(found: H264Format) -> str:
    """The fmtp parameters, without the payload type."""
    parts = []
    if found.profile_idc is not None:
        parts.append(f"profile-level-id={found.profile_idc:02X}{found.constraints or 0:02X}{found.level_idc or 0:02X}")
    parts.append(f"packetization-mode={found.packetization_mode}")
    if found.parameter_sets:
        parts.append(f"sprop-parameter-sets={_base64(found.parameter_sets)}")
    return ";".join(parts)


def read_h265_format(parameters: Mapping[str, str]) -> H265Format:
    """The meaning of ``Media.fmtp`` for H265. Raises SdpError."""
    return H265Format(
        _units(parameters, "sprop-vps", _H265),
        _units(parameters, "sprop-sps", _H265),
        _units(parameters, "sprop-pps", _H265),
        _number(parameters, "profile-id", _H265, largest=31),
        _number(parameters, "level-id", _H265, largest=255),
        _number(parameters, "tier-flag", _H265, largest=1),
        _number(parameters, "sprop-max-don-diff", _H265, largest=32767) or 0,
    )


def write_h265_format(found: H265Format) -> str:
    """The fmtp parameters, without the payload type."""
    numbers = {"profile-id": found.profile_id, "level-id": found.level_id, "tier-flag": found.tier_flag}
    parts = [f"{name}={number}" for name, number in numbers.items() if number is not None]
    sets = {"sprop-vps": found.vps, "sprop-sps": found.sps, "sprop-pps": found.pps}
    parts += [f"{name}={_base64(units)}" for name, units in sets.items() if units]
    if found.max_don_diff:
        parts.append(f"sprop-max-don-diff={found.max_don_diff}")
    return ";".join(parts)


def read_aac_format(parameters: Mapping[str, str]) -> AacFormat:
    """The meaning of ``Media.fmtp`` for mpeg4-generic. Raises SdpError; mode and config must be there."""
    for name in ("mode", "config"):
        if name not in parameters:
            raise _error(f"fmtp.{name}", "", f"fmtp of mpeg4-generic has {name}", _AAC)
    config = parameters["config"].strip('"')
    if config and not _HEX.match(config):
        raise _error("fmtp.config", config, "config is hexadecimal, two digits a byte", _AAC)
    return AacFormat(
        parameters["mode"],
        bytes.fromhex(config),
        _number(parameters, "sizelength", _AAC, largest=32) or 0,
        _number(parameters, "indexlength", _AAC, largest=32) or 0,
        _number(parameters, "indexdeltalength", _AAC, largest=32) or 0,
        _number(parameters, "profile-level-id", _AAC, largest=255),
        _number(parameters, "constantduration", _AAC, largest=999_999_999),
        _number(parameters, "streamtype", _AAC, largest=63),
    )


def write_aac_format(found: AacFormat) -> str:
    """The fmtp parameters, without the payload type."""
    numbers = {
        "streamtype": found.stream_type,
        "profile-level-id": found.profile_level_id,
        "sizelength": found.size_length or None,
        "indexlength": found.index_length or None,
        "indexdeltalength": found.index_delta_length or None,
        "constantduration": found.constant_duration,
    }
    parts = [f"{name}={number}" for name, number in numbers.items() if number is not None]
    return ";".join((*parts, f"mode={found.mode}", f"config={found.config.hex().upper()}"))


def _units(parameters: Mapping[str, str], name: str, clause: str) -> tuple[bytes, ...]:
    if name not in parameters:
        return ()
    texts = parameters[name].split(",")
    if len(texts) > LARGEST_SETS:
        raise _error(f"fmtp.{name}", parameters[name], f"{name} holds more than {LARGEST_SETS} units", clause)
    units = []
    for text in texts:
        try:
            unit = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            unit = b""
        if not unit:
            raise _error(f"fmtp.{name}", text, f"{name} is Base64 units with commas between them", clause)
        units.append(unit)
    return tuple(units)


def _number(parameters: Mapping[str, str], name: str, clause: str, largest: int) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not _NUMBER.match(text) or int(text) > largest:
        raise _error(f"fmtp.{name}", text, f"{name} is a number, at most {largest}", clause)
    return int(text)


def _base64(units: tuple[bytes, ...]) -> str:
    return ",".join(base64.b64encode(unit).decode() for unit in units)


def _error(rule: str, seen: str, explain: str, clause: str) -> SdpError:
    return SdpError(0, f"sdp.{rule}", seen.encode("utf-8", "replace"), explain, clause)
