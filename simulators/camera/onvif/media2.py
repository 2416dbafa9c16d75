"""The media service 2, ver20: H.265 as well, configurations added by type."""

from __future__ import annotations

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.media import MULTICAST, MediaService, resolution, size_of
from simulators.camera.onvif.media_model import (
    LONGEST_GOV,
    MOST_EXTRA,
    QUALITY,
    RATES,
    EncoderView,
    ProfileView,
    Wanted,
)
from simulators.camera.onvif.ptz_model import configuration as ptz_configuration
from simulators.camera.onvif.server_names import host_of
from simulators.camera.onvif.service import Call, flags, invalid, number, span, tt
from simulators.camera.onvif.snapshot import SNAPSHOT_PATH

TYPES = {"VideoSource": "source", "VideoEncoder": "encoder", "PTZ": "ptz"}
PROTOCOLS = ("RtspUnicast", "RTSP")


class Media2Service(MediaService):
    """The same profiles and encoders in the words of ver20."""

    key, prefix, version = "media2", "tr2", ("2", "61")

    def capabilities(self) -> str:
        """Profiles, configurations and streaming."""
        most = flags(
            MaximumNumberOfProfiles=len(self.model.encoders()) + MOST_EXTRA,
            ConfigurationsSupported="VideoSource VideoEncoder PTZ",
        )
        streaming = flags(RTSPStreaming=True, RTPMulticast=False, RTP_RTSP_TCP=True, NonAggregateControl=False)
        inside = element("tr2:ProfileCapabilities", "", most) + element("tr2:StreamingCapabilities", "", streaming)
        return element("tr2:Capabilities", inside, flags(SnapshotUri=True, Rotation=False, OSD=False, Mask=False))

    def shown(self) -> dict[str, EncoderView]:
        """All encoders."""
        return self.model.encoders()

    def encoder_inside(self, view: EncoderView) -> str:
        """The children of a VideoEncoder2Configuration."""
        now = view.settings
        limits = tt("FrameRateLimit", now.fps) + tt("BitrateLimit", now.kbit_s)
        constant = flags(ConstantBitRate=now.rate_type == "constant")
        return (
            tt("Name", view.name)
            + tt("UseCount", self.model.uses(view.token))
            + tt("Encoding", view.encoding)
            + resolution("tt:Resolution", (now.width, now.height))
            + element("tt:RateControl", limits, constant)
            + MULTICAST
            + tt("Quality", view.quality)
        )

    def encoder_attributes(self, view: EncoderView) -> dict[str, str]:
        """Attributes of a VideoEncoder2Configuration."""
        return {"token": view.token, **flags(GovLength=view.gov, Profile=view.profile)}

    def profile_xml(self, name: str, profile: ProfileView, types: tuple[str, ...] = ()) -> str:
        """A profile with the parts of these types."""
        wanted = TYPES.keys() if "All" in types else types
        inside = ""
        if profile.source and "VideoSource" in wanted:
            inside += element("tr2:VideoSource", self.source_inside(profile.source), {"token": profile.source})
        if profile.encoder and "VideoEncoder" in wanted:
            view = self.model.encoder(profile.encoder)
            inside += element("tr2:VideoEncoder", self.encoder_inside(view), self.encoder_attributes(view))
        if profile.ptz and "PTZ" in wanted:
            told = ptz_configuration(self.model.uses(profile.ptz))
            inside += element("tr2:PTZ", told, {"token": profile.ptz})
        told = self.tag("Name", profile.name) + (element("tr2:Configurations", inside) if inside else "")
        return element(name, told, {"token": profile.token, **flags(fixed=profile.fixed)})

    # profiles

    async def on_GetProfiles(self, call: Call) -> str:
        """All or one, with the parts of the types asked for."""
        types = tuple(node.text.strip() for node in call.node.all("Type"))
        token = call.text("Token")
        found = [self.model.profile(token)] if token else list(self.model.profiles().values())
        return "".join(self.profile_xml("tr2:Profiles", profile, types) for profile in found)

    async def on_CreateProfile(self, call: Call) -> str:
        """A new one with the configurations given."""
        parts = self.parts(call.node)
        made = self.model.create(call.text("Name"))
        self.model.change(made.token, **parts)
        return self.tag("Token", made.token)

    async def on_DeleteProfile(self, call: Call) -> str:
        """One less."""
        self.model.delete(call.text("Token"))
        return ""

    async def on_AddConfiguration(self, call: Call) -> str:
        """Configurations in a profile."""
        profile = self.model.profile(call.text("ProfileToken"))
        self.model.change(profile.token, **self.parts(call.node))
        return ""

    async def on_RemoveConfiguration(self, call: Call) -> str:
        """Configurations out of a profile."""
        profile = self.model.profile(call.text("ProfileToken"))
        kinds = [node.value("Type") or "" for node in call.node.all("Configuration")]
        names = list(TYPES.values()) if "All" in kinds else [TYPES[kind] for kind in kinds if kind in TYPES]
        self.model.change(profile.token, **dict.fromkeys(names, ""))
        return ""

    def parts(self, node: Node) -> dict[str, str]:
        """Tokens of the configurations that a request names. Raises OnvifFault."""
        found = {}
        for one in node.all("Configuration"):
            kind, token = one.value("Type") or "", one.value("Token") or ""
            if kind not in TYPES:
                raise invalid("NoConfig", f"There is no configuration of the type {kind[:30]}")
            if kind == "VideoSource":
                found["source"] = self.model.source(token or next(iter(self.model.source_configurations())))
            elif kind == "VideoEncoder":
                found["encoder"] = self.model.encoder(token or next(iter(self.model.encoders()))).token
            else:
                found["ptz"] = self.model.ptz(token)
        return found

    # configurations

    async def on_GetVideoSourceConfigurations(self, call: Call) -> str:
        """All, one, or those that fit a profile."""
        if profile := call.text("ProfileToken"):
            self.model.profile(profile)
        token = call.text("ConfigurationToken")
        tokens = [self.model.source(token)] if token else list(self.model.source_configurations())
        return "".join(element("tr2:Configurations", self.source_inside(t), {"token": t}) for t in tokens)

    async def on_GetVideoSourceConfigurationOptions(self, call: Call) -> str:
        """The only bounds."""
        return (await super().on_GetVideoSourceConfigurationOptions(call)).replace("trt:Options", "tr2:Options")

    async def on_GetVideoEncoderConfigurations(self, call: Call) -> str:
        """All, one, or those that fit a profile."""
        if profile := call.text("ProfileToken"):
            self.model.profile(profile)
        token = call.text("ConfigurationToken")
        views = [self.model.encoder(token)] if token else list(self.model.encoders().values())
        told = ((self.encoder_inside(view), self.encoder_attributes(view)) for view in views)
        return "".join(element("tr2:Configurations", inside, attributes) for inside, attributes in told)

    def wanted(self, node: Node) -> Wanted:
        """What a Configuration element asks for. Raises OnvifFault."""
        control = node.find("RateControl")
        constant = control.attribute("ConstantBitRate") if control is not None else None
        bit_rate, gov = node.value("RateControl/BitrateLimit"), node.attribute("GovLength")
        return Wanted(
            encoding=node.value("Encoding") or "",
            size=size_of(node),
            rate=number(node.value("RateControl/FrameRateLimit") or "0"),
            bit_rate=number(bit_rate) if bit_rate else None,
            constant=constant in ("true", "1") if constant is not None else None,
            quality=number(node.value("Quality") or "0"),
            gov=int(number(gov)) if gov else None,
            profile=node.attribute("Profile") or "",
        )

    async def on_GetVideoEncoderConfigurationOptions(self, call: Call) -> str:
        """Of one encoder, of a profile's, or of all."""
        token = call.text("ConfigurationToken")
        if profile := call.text("ProfileToken"):
            token = token or self.model.profile(profile).encoder
        views = [self.model.encoder(token)] if token else list(self.model.encoders().values())
        return "".join(self.options_xml(view) for view in views)

    def options_xml(self, view: EncoderView) -> str:
        """What one encoder can be set to."""
        rates = sorted(view.bit_rates())
        sizes = "".join(resolution("tt:ResolutionsAvailable", size) for size in view.sizes())
        inside = tt("Encoding", view.encoding) + span("QualityRange", *QUALITY) + sizes
        told = flags(
            GovLengthRange=f"1 {LONGEST_GOV}",
            FrameRatesSupported=" ".join(map(str, reversed(RATES))),
            ProfilesSupported=view.profile,
            ConstantBitRateSupported=True,
        )
        return element("tr2:Options", inside + span("BitrateRange", rates[0], rates[-1]), told)

    async def on_GetVideoEncoderInstances(self, call: Call) -> str:
        """As many as there are streams of a channel."""
        self.model.source(call.text("ConfigurationToken"))
        views = [view for view in self.model.encoders().values() if view.channel == 0]
        codecs = {view.encoding: sum(other.encoding == view.encoding for other in views) for view in views}
        told = "".join(
            element("tr2:Codec", self.tag("Encoding", name) + self.tag("Number", n)) for name, n in codecs.items()
        )
        return element("tr2:Info", told + self.tag("Total", len(views)))

    # addresses

    async def on_GetStreamUri(self, call: Call) -> str:
        """RTSP; over UDP or inside the connection."""
        profile = self.model.profile(call.text("ProfileToken"))
        if call.text("Protocol") not in PROTOCOLS:
            raise invalid("InvalidStreamSetup", "There are RtspUnicast and RTSP only")
        return self.tag("Uri", self.model.stream_uri(profile.token, host_of(call.authority)))

    async def on_GetSnapshotUri(self, call: Call) -> str:
        """A JPEG over HTTP."""
        view = self.model.playable(call.text("ProfileToken"))
        return self.tag("Uri", f"http://{call.authority}{SNAPSHOT_PATH}/{view.channel}/{view.stream}")
