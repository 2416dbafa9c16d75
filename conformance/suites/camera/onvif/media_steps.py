"""One ONVIF media service, ver10 or ver20, behind the same steps: read, set, play."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.model.checks import Checks
from conformance.peers.faults import DeviceFault
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.peers.player import Lower, Player
from conformance.protocols.onvif_media import (
    Encoder,
    Options,
    Profile,
    Setting,
    Version,
    changed_encoder,
    configuration,
    read_encoder,
    read_options,
    read_profiles,
)
from conformance.protocols.onvif_xml import Changes
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.protocols.violation import CodecError
from conformance.suites.camera.onvif.service_steps import control_answer, offered
from specs.model import Limit

#: The protocols of GetStreamUri by transport, as ver10 and ver20 name them.
PROTOCOLS = {"media": {"udp": "UDP", "tcp": "RTSP"}, "media2": {"udp": "RtspUnicast", "tcp": "RTSP"}}
GROUPS: dict[Version, str] = {"media": "ONV-MED", "media2": "ONV-MD2"}


@dataclass(frozen=True, slots=True)
class Face:
    """One media service of the device."""

    onvif: Onvif
    check: Checks
    version: Version

    @property
    def prefix(self) -> str:
        """The prefix of its names."""
        return "trt" if self.version == "media" else "tr2"

    def requirement(self, number: str) -> str:
        """The requirement with that number of this service's group."""
        return f"{GROUPS[self.version]}-{number}"

    def offered(self, *requirements: str) -> bool:
        """Whether the device has the service; else the requirements are not applicable."""
        return offered(self.onvif, self.check, self.version, *requirements)

    def token(self, name: str, value: str) -> str:
        """An element of the service that holds a token."""
        return element(f"{self.prefix}:{name}", text_content(value))

    async def call(self, operation: str, body: str = "") -> Answer:
        """Ask this service."""
        return await self.onvif.call(self.version, operation, body)

    # read

    async def ask_profiles(self, types: tuple[str, ...] = ("All",)) -> Answer:
        """GetProfiles with all parts; ``types`` counts for ver20 only."""
        told = "".join(element("tr2:Type", kind) for kind in types) if self.version == "media2" else ""
        return await self.call("GetProfiles", told)

    async def profiles(self) -> list[Profile]:
        """The profiles; none, and a failed control leg, where they cannot be read."""
        answer = await self.ask_profiles()
        return read_profiles(answer.body) if control_answer(self.check, answer) and answer.body is not None else []

    async def ask_profile(self, token: str) -> Answer:
        """One profile by its token."""
        if self.version == "media":
            return await self.call("GetProfile", self.token("ProfileToken", token))
        return await self.call("GetProfiles", self.token("Token", token) + element("tr2:Type", "All"))

    async def encoders(self) -> list[Encoder]:
        """The video encoder configurations; none, and a failed control leg, where they cannot be read."""
        answer = await self.call("GetVideoEncoderConfigurations")
        return (
            [read_encoder(node) for node in answer.all("Configurations")] if control_answer(self.check, answer) else []
        )

    async def ask_encoder(self, token: str) -> Answer:
        """One video encoder configuration by its token."""
        named = "GetVideoEncoderConfiguration" + ("s" if self.version == "media2" else "")
        return await self.call(named, self.token("ConfigurationToken", token))

    async def encoder(self, token: str) -> Encoder | None:
        """One video encoder configuration; None where it is not told."""
        answer = await self.ask_encoder(token)
        found = [*answer.all("Configuration"), *answer.all("Configurations")]
        return read_encoder(found[0]) if found else None

    async def ask_options(self, token: str) -> Answer:
        """Options of an encoder."""
        return await self.call("GetVideoEncoderConfigurationOptions", self.token("ConfigurationToken", token))

    async def options(self, encoder: Encoder) -> list[Options]:
        """The options of an encoder, an entry an encoding; none where they cannot be read."""
        answer = await self.ask_options(encoder.token)
        return read_options(answer.body) if answer.ok and answer.body is not None else []

    # set

    async def set_node(self, encoder: Encoder, changes: Changes | None = None) -> Answer:
        """Set an encoder as it was read, with changes."""
        return await self._set(configuration(self.version, encoder.node, changes))

    async def set(self, encoder: Encoder, setting: Setting) -> Answer:
        """Set an encoder."""
        return await self._set(changed_encoder(self.version, encoder, setting))

    async def _set(self, body: str) -> Answer:
        if self.version == "media":
            body += element("trt:ForcePersistence", "false")
        return await self.call("SetVideoEncoderConfiguration", body)

    def restore(self, encoder: Encoder) -> None:
        """Have the encoder set back as it is now after the test."""
        self.onvif.undo(lambda: self.set_node(encoder))

    # play

    async def ask_uri(self, profile: str, transport: str = "tcp") -> Answer:
        """GetStreamUri. ``transport``: udp or tcp."""
        protocol = PROTOCOLS[self.version][transport]
        if self.version == "media2":
            return await self.call(
                "GetStreamUri", element("tr2:Protocol", protocol) + self.token("ProfileToken", profile)
            )
        inside = element("tt:Stream", "RTP-Unicast") + element("tt:Transport", element("tt:Protocol", protocol))
        return await self.call("GetStreamUri", element("trt:StreamSetup", inside) + self.token("ProfileToken", profile))

    def uri(self, answer: Answer) -> str:
        """The address in an answer of GetStreamUri or GetSnapshotUri; empty without one."""
        return answer.value("MediaUri/Uri") or answer.value("Uri") or ""

    async def ask_snapshot(self, profile: str) -> Answer:
        """GetSnapshotUri."""
        return await self.call("GetSnapshotUri", self.token("ProfileToken", profile))


def player_of(onvif: Onvif, url: str, user: str | None = None, password: str | None = None) -> Player:
    """A player for a stream address with the administrator's credentials, or others."""
    return Player(
        onvif.wire,
        url,
        answer_wait=onvif.limits["answer_wait"].seconds,
        connect_wait=onvif.limits["connect_wait"].seconds,
        user=onvif.client.username if user is None else user,
        password=onvif.client.password if password is None else password,
    )


def streaming(profiles: list[Profile]) -> list[tuple[Profile, Encoder]]:
    """The profiles whose stream can be played and measured, with their encoders."""
    pairs = [(profile, profile.encoder) for profile in profiles if profile.part("VideoSourceConfiguration")]
    return [(profile, encoder) for profile, encoder in pairs if encoder is not None and encoder.codec]


async def plays(player: Player, lower: Lower, within: Limit) -> str:
    """Why no video comes; empty when it does. The player is closed afterwards."""
    try:
        await player.start(lower, kinds=("video",))
        track = player.video
        if track is None:
            return "no video track"
        return "" if await player.wait_packets(track, 1, within.seconds + within.uncertainty) else "no media packet"
    except (DeviceFault, CodecError) as fault:
        return str(fault)
    finally:
        await player.close()
