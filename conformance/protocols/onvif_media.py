"""Answers of the ONVIF media services (ver10 and ver20): profiles, video encoder configurations and their options.

Reading is lenient: what is missing is None or empty, for the suites to judge. Resolutions are (width, height) in px,
frame rates in frames a second, bit rates in kbit/s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from conformance.protocols.onvif_xml import Changes, Span, number, plain, span, written
from conformance.protocols.xml_names import Node

Version = Literal["media", "media2"]
Size = tuple[int, int]
CONFIGURATIONS = (
    "VideoSourceConfiguration",
    "AudioSourceConfiguration",
    "VideoEncoderConfiguration",
    "AudioEncoderConfiguration",
    "VideoAnalyticsConfiguration",
    "PTZConfiguration",
    "MetadataConfiguration",
)
#: The parts of a ver20 profile by the names that ver10 uses.
_SHORT_NAMES = {
    "VideoSource": "VideoSourceConfiguration",
    "AudioSource": "AudioSourceConfiguration",
    "VideoEncoder": "VideoEncoderConfiguration",
    "AudioEncoder": "AudioEncoderConfiguration",
    "Analytics": "VideoAnalyticsConfiguration",
    "PTZ": "PTZConfiguration",
    "Metadata": "MetadataConfiguration",
}
#: What a bitstream is called by the names of the two services.
CODECS = {"H264": "h264", "H265": "h265"}


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile. ``configurations``: its parts by ver10 name (``VideoEncoderConfiguration``)."""

    token: str
    name: str
    fixed: bool
    configurations: Mapping[str, Node]

    def part(self, kind: str) -> str:
        """The token of one of its configurations; empty where it has none."""
        node = self.configurations.get(kind)
        return (node.attribute("token") or "") if node is not None else ""

    @property
    def encoder(self) -> Encoder | None:
        """Its video encoder configuration."""
        node = self.configurations.get("VideoEncoderConfiguration")
        return read_encoder(node) if node is not None else None

    @property
    def source_token(self) -> str:
        """The token of the video source that its video source configuration names."""
        node = self.configurations.get("VideoSourceConfiguration")
        return (node.value("SourceToken") or "") if node is not None else ""


@dataclass(frozen=True, slots=True)
class Encoder:
    """A video encoder configuration. ``node``: as it came, to be sent back with changes."""

    token: str
    encoding: str
    size: Size
    quality: float | None
    frame_rate: float | None
    bit_rate: float | None
    gov_length: int | None
    profile: str
    node: Node

    @property
    def codec(self) -> str:
        """``h264`` or ``h265``; empty for another."""
        return CODECS.get(self.encoding, "")


@dataclass(frozen=True, slots=True)
class Setting:
    """Values for one video encoder. ``quality`` in the device's own scale; None is left as it is."""

    encoding: str
    size: Size
    frame_rate: float
    quality: float | None = None
    bit_rate: float | None = None
    gov_length: int | None = None
    profile: str = ""

    def __str__(self) -> str:
        rest = [
            f"{self.bit_rate:g} kbit/s" if self.bit_rate is not None else "",
            f"GOV {self.gov_length}" if self.gov_length is not None else "",
            f"quality {self.quality:g}" if self.quality is not None else "",
            self.profile,
        ]
        told = [f"{self.encoding} {self.size[0]}x{self.size[1]}", f"{self.frame_rate:g} fps", *filter(None, rest)]
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class Options:
    """What one encoding of a video encoder may be set to. ``rates``: the frame rates offered one by one; where a range
    is offered its whole numbers. An empty tuple or None: nothing is said."""

    encoding: str
    sizes: tuple[Size, ...]
    rates: tuple[float, ...]
    quality: Span | None
    bit_rate: Span | None
    gov_length: Span | None
    profiles: tuple[str, ...]


def read_profiles(answer: Node) -> list[Profile]:
    """The profiles of GetProfiles or GetProfile, ver10 or ver20."""
    nodes = answer.all("Profiles") or answer.all("Profile")
    return [_profile(node) for node in nodes]


def _profile(node: Node) -> Profile:
    parts = node.find("Configurations")
    if parts is not None:
        found = {_SHORT_NAMES[part.name.local]: part for part in parts.children if part.name.local in _SHORT_NAMES}
    else:
        found = {part.name.local: part for part in node.children if part.name.local in CONFIGURATIONS}
    fixed = node.attribute("fixed") in ("true", "1")
    return Profile(node.attribute("token") or "", node.value("Name") or "", fixed, found)


def read_encoder(node: Node) -> Encoder:
    """One video encoder configuration of either service."""
    own = node.find("H264") or node.find("MPEG4") or node
    gov = number(node.attribute("GovLength") or own.value("GovLength"))
    return Encoder(
        node.attribute("token") or "",
        (node.value("Encoding") or "").upper(),
        _size(node.find("Resolution")),
        number(node.value("Quality")),
        number(node.value("RateControl/FrameRateLimit")),
        number(node.value("RateControl/BitrateLimit")),
        int(gov) if gov is not None else None,
        node.attribute("Profile") or own.value("H264Profile") or "",
        node,
    )


def _size(node: Node | None) -> Size:
    width, height = (number(node.value(name)) if node is not None else None for name in ("Width", "Height"))
    return int(width or 0), int(height or 0)


def read_options(answer: Node) -> list[Options]:
    """The options of GetVideoEncoderConfigurationOptions; one entry an encoding."""
    several = answer.all("Options")
    if several and several[0].find("Encoding") is not None:
        return [_options2(node) for node in several]
    return list(_options1(several[0])) if several else []


def _options2(node: Node) -> Options:
    rates = tuple(sorted(r for r in map(number, (node.attribute("FrameRatesSupported") or "").split()) if r))
    gov = [g for g in map(number, (node.attribute("GovLengthRange") or "").split()) if g is not None]
    return Options(
        (node.value("Encoding") or "").upper(),
        tuple(_size(size) for size in node.all("ResolutionsAvailable")),
        rates,
        span(node.find("QualityRange")),
        span(node.find("BitrateRange")),
        Span(gov[0], gov[1]) if len(gov) == 2 and gov[0] <= gov[1] else None,
        tuple((node.attribute("ProfilesSupported") or "").split()),
    )


def _options1(node: Node) -> Iterator[Options]:
    extension = node.find("Extension")
    for encoding in ("JPEG", "MPEG4", "H264"):
        plain_part = node.find(encoding)
        if plain_part is None:
            continue
        part = (extension.find(encoding) if extension is not None else None) or plain_part
        fps = span(part.find("FrameRateRange"))
        yield Options(
            encoding,
            tuple(_size(size) for size in part.all("ResolutionsAvailable")),
            tuple(float(rate) for rate in range(max(1, int(fps.low)), int(fps.high) + 1)) if fps else (),
            span(node.find("QualityRange")),
            span(part.find("BitrateRange")),
            span(part.find("GovLengthRange")),
            tuple(profile.text.strip() for profile in part.all("H264ProfilesSupported")),
        )


def changed_encoder(version: Version, encoder: Encoder, setting: Setting) -> str:
    """The Configuration element that sets an encoder so; everything else of it goes back as it came."""
    changes: dict[str, str | None] = {
        "Encoding": setting.encoding,
        "Resolution/Width": str(setting.size[0]),
        "Resolution/Height": str(setting.size[1]),
    }
    if encoder.frame_rate is not None:
        changes["RateControl/FrameRateLimit"] = plain(setting.frame_rate)
    if setting.quality is not None:
        changes["Quality"] = plain(setting.quality)
    if setting.bit_rate is not None and encoder.bit_rate is not None:
        changes["RateControl/BitrateLimit"] = plain(setting.bit_rate)
    if version == "media2":
        if setting.gov_length is not None:
            changes["@GovLength"] = str(setting.gov_length)
        if setting.profile:
            changes["@Profile"] = setting.profile
    elif encoder.node.find("H264") is not None and setting.encoding == "H264":
        if setting.gov_length is not None:
            changes["H264/GovLength"] = str(setting.gov_length)
        if setting.profile:
            changes["H264/H264Profile"] = setting.profile
    return configuration(version, encoder.node, changes)


def configuration(version: Version, node: Node, changes: Changes | None = None) -> str:
    """A configuration as the Configuration element of a Set request."""
    return written(node, changes, "trt:Configuration" if version == "media" else "tr2:Configuration")


def current(encoder: Encoder) -> Setting:
    """What an encoder is set to."""
    rate = encoder.frame_rate or 0.0
    return Setting(
        encoder.encoding, encoder.size, rate, encoder.quality, encoder.bit_rate, encoder.gov_length, encoder.profile
    )


def dangling(profiles: list[Profile], known: Mapping[str, set[str]]) -> list[str]:
    """References of profiles that lead nowhere. ``known``: tokens by kind of configuration, with ``VideoSource`` for
    the tokens of the video sources; a kind that is missing is not judged."""
    found = []
    for profile in profiles:
        for kind, node in profile.configurations.items():
            token = node.attribute("token") or ""
            if kind in known and token not in known[kind]:
                found.append(f"{profile.token}: {kind} {token or '-'}")
        source = profile.source_token
        if source and "VideoSource" in known and source not in known["VideoSource"]:
            found.append(f"{profile.token}: SourceToken {source}")
    return found
