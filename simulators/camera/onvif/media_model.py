"""What both media services talk about: sources, encoders and profiles of the camera, by token.

Encoders are the camera's streams themselves: what is set here is in force there, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from simulators.camera.media_format import StreamSettings
from simulators.camera.onvif.service import RECEIVER, SENDER, OnvifFault, invalid
from simulators.camera.onvif.state import ExtraProfile
from simulators.camera.settings import StreamParameters

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

PTZ_TOKEN = "ptz0"
MOST_EXTRA = 4
LONGEST_GOV = 250
QUALITY = (1.0, 100.0)
RATES = range(1, 26)
#: Two bit rate ranges: those of main and sub streams.
NAMES = {1: "main", 2: "sub"}
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a video encoder is to be set to. ``gov``: frames from one key picture to the next."""

    encoding: str
    size: Size
    rate: float
    bit_rate: float | None
    constant: bool | None
    quality: float
    gov: int | None
    profile: str


@dataclass(frozen=True, slots=True)
class EncoderView:
    """One video encoder: a stream of the camera."""

    camera: Camera
    channel: int
    stream: int

    @property
    def token(self) -> str:
        """Its token."""
        return f"ve{self.channel}{self.stream}"

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{NAMES[self.stream]}-{self.channel}"

    @property
    def parameters(self) -> StreamParameters:
        """In the codes of the message table."""
        return self.camera.parameters(self.channel, self.stream)

    @property
    def settings(self) -> StreamSettings:
        """What is in force."""
        return self.camera.stream_settings(self.stream, self.parameters)

    @property
    def encoding(self) -> str:
        """H264 or H265."""
        return self.settings.codec.upper()

    @property
    def profile(self) -> str:
        """The profile of the bitstream."""
        return "High" if self.encoding == "H264" else "Main"

    @property
    def gov(self) -> int:
        """Frames from one key picture to the next."""
        return self.settings.key_interval

    @property
    def quality(self) -> float:
        """Kept for the client; the bit rate decides."""
        return self.camera.settings.onvif.quality.get(self.token, 50.0)

    def sizes(self) -> dict[Size, int]:
        """The sizes that it can have, with their codes, the largest first."""
        codes = [int(pair.partition("/")[2]) for pair in self.camera.pairs if pair.startswith(f"{self.stream}/")]
        found = {self.camera.table.frame_sizes[code]: code for code in codes}
        return dict(sorted(found.items(), reverse=True))

    def bit_rates(self) -> dict[int, int]:
        """Code of the message table by kbit/s."""
        return {rate: code for code, rate in self.camera.table.bit_rates.items()}

    def check(self, wanted: Wanted) -> None:
        """Raises OnvifFault for what is not among the options."""
        fits = (
            wanted.encoding == self.encoding
            and wanted.size in self.sizes()
            and wanted.rate in RATES
            and (wanted.bit_rate is None or wanted.bit_rate > 0)
            and QUALITY[0] <= wanted.quality <= QUALITY[1]
            and (wanted.gov is None or 1 <= wanted.gov <= LONGEST_GOV)
            and wanted.profile in ("", self.profile)
        )
        if not fits:
            raise invalid("ConfigModify", "The encoder cannot be set so")

    def apply(self, wanted: Wanted) -> None:
        """Put it in force, on the stream and in the other face. The bit rate becomes the nearest of the table."""
        camera, old = self.camera, self.parameters
        rates = self.bit_rates()
        nearest = min(rates, key=lambda rate: abs(rate - (wanted.bit_rate or rates_of(old, rates))))
        kept = camera.settings.onvif
        kept.quality[self.token] = wanted.quality
        if wanted.gov is not None:
            kept.gov[str(self.stream)] = wanted.gov
        rate_type = old.rate_type if wanted.constant is None else 1 if wanted.constant else 2
        new = msgspec.structs.replace(
            old,
            frame_size=self.sizes()[wanted.size],
            frame_rate=int(wanted.rate),
            bit_rate=rates[nearest],
            rate_type=rate_type,
        )
        camera.set_parameters(self.channel, self.stream, new)


def rates_of(parameters: StreamParameters, rates: Mapping[int, int]) -> int:
    """The bit rate that the code of the parameters stands for, kbit/s."""
    return next(rate for rate, code in rates.items() if code == parameters.bit_rate)


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A media profile. ``source``, ``encoder``, ``ptz``: tokens of its configurations, empty for none."""

    token: str
    name: str
    fixed: bool
    source: str
    encoder: str
    ptz: str


class MediaModel:
    """Everything of the media services that has a token."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera

    def sources(self) -> list[str]:
        """Tokens of the video sources, one a channel."""
        return [f"vs{channel}" for channel in range(self.camera.channels)]

    def source_configurations(self) -> dict[str, str]:
        """Token of the source by token of its configuration."""
        return {f"vsc{channel}": f"vs{channel}" for channel in range(self.camera.channels)}

    def encoders(self) -> dict[str, EncoderView]:
        """Every video encoder by token."""
        keys = [(int(key[0]), int(key[2])) for key in self.camera.settings.streams]
        views = [EncoderView(self.camera, channel, stream) for channel, stream in sorted(keys)]
        return {view.token: view for view in views}

    def encoder(self, token: str) -> EncoderView:
        """One encoder. Raises OnvifFault."""
        try:
            return self.encoders()[token]
        except KeyError:
            raise invalid("NoConfig", f"There is no configuration {token[:60]}") from None

    def source(self, token: str) -> str:
        """The token of a source configuration that there is. Raises OnvifFault."""
        if token not in self.source_configurations():
            raise invalid("NoConfig", f"There is no configuration {token[:60]}")
        return token

    def ptz(self, token: str) -> str:
        """The token of a PTZ configuration that there is. Raises OnvifFault."""
        if token != PTZ_TOKEN or not self.camera.has("ptz"):
            raise invalid("NoConfig", f"There is no configuration {token[:60]}")
        return token

    def profiles(self) -> dict[str, ProfileView]:
        """Fixed ones first, one a stream."""
        ptz = PTZ_TOKEN if self.camera.has("ptz") else ""
        fixed = [
            ProfileView(f"p{e.channel}{e.stream}", e.name, True, f"vsc{e.channel}", token, ptz)
            for token, e in self.encoders().items()
        ]
        own = [
            ProfileView(token, p.name, False, p.source, p.encoder, p.ptz)
            for token, p in self.camera.settings.onvif.profiles.items()
        ]
        return {profile.token: profile for profile in [*fixed, *own]}

    def profile(self, token: str) -> ProfileView:
        """One profile. Raises OnvifFault."""
        try:
            return self.profiles()[token]
        except KeyError:
            raise invalid("NoProfile", f"There is no profile {token[:60]}") from None

    def uses(self, token: str) -> int:
        """How many profiles hold a configuration."""
        return sum(token in (p.source, p.encoder, p.ptz) for p in self.profiles().values())

    def create(self, name: str, token: str = "") -> ProfileView:
        """A profile without configurations. Raises OnvifFault."""
        state = self.camera.settings.onvif
        if token and token in self.profiles():
            raise invalid("ProfileExists", "The profile exists already")
        if len(state.profiles) >= MOST_EXTRA:
            raise OnvifFault(RECEIVER, "ter:Action", "ter:MaxNVTProfiles", reason="There are as many as there may be")
        if not token:
            token, state.next_profile = f"client{state.next_profile}", state.next_profile + 1
        state.profiles[token] = ExtraProfile(name)
        self.camera.save()
        return self.profile(token)

    def delete(self, token: str) -> None:
        """Take a profile away. Raises OnvifFault."""
        if self.profile(token).fixed:
            raise OnvifFault(SENDER, "ter:Action", "ter:DeletionOfFixedProfile", reason="A fixed profile stays")
        del self.camera.settings.onvif.profiles[token]
        self.camera.save()

    def change(self, token: str, **parts: str) -> None:
        """Configurations of a profile that a client made; those of a fixed one stay. Raises OnvifFault."""
        found = self.profile(token)
        if found.fixed:
            if any(getattr(found, name) != value for name, value in parts.items()):
                raise OnvifFault(
                    RECEIVER, "ter:Action", "ter:ConfigurationConflict", reason="A fixed profile stays as it is"
                )
            return
        kept = self.camera.settings.onvif.profiles
        kept[token] = msgspec.structs.replace(kept[token], **parts)
        self.camera.save()

    def playable(self, token: str) -> EncoderView:
        """The encoder whose stream a profile shows. Raises OnvifFault."""
        found = self.profile(token)
        if not found.source or not found.encoder:
            raise OnvifFault(
                RECEIVER, "ter:Action", "ter:IncompleteConfiguration", reason="The profile lacks a source or an encoder"
            )
        return self.encoder(found.encoder)

    def stream_uri(self, token: str, host: str) -> str:
        """Where the stream of a profile plays. Raises OnvifFault."""
        view = self.playable(token)
        if self.camera.has("anti_hotlink"):
            raise OnvifFault(
                RECEIVER, "ter:ActionNotSupported", reason="Streams play with a token of the platform only"
            )
        return f"rtsp://{host}:{self.camera.rtsp_port}/live/{view.channel}/{view.stream}"

    def refresh(self, token: str) -> None:
        """Have the stream of a profile begin with a key picture. Raises OnvifFault."""
        view = self.playable(token)
        encoder = self.camera.bank.get(view.channel, view.stream)
        if encoder is not None:
            encoder.request_keyframe()
