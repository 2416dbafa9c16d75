"""The media service, ver10."""

from __future__ import annotations

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.media_model import (
    LONGEST_GOV,
    QUALITY,
    RATES,
    EncoderView,
    MediaModel,
    ProfileView,
    Size,
    Wanted,
)
from simulators.camera.onvif.ptz_model import configuration as ptz_configuration
from simulators.camera.onvif.server_names import host_of
from simulators.camera.onvif.service import Call, Service, flags, invalid, number, span, tt
from simulators.camera.onvif.snapshot import SNAPSHOT_PATH

MULTICAST = element(
    "tt:Multicast",
    element("tt:Address", tt("Type", "IPv4") + tt("IPv4Address", "0.0.0.0")) + tt("Port", 0) + tt("TTL", 0)
    + tt("AutoStart", False),
)  # fmt: skip
SESSION = tt("SessionTimeout", "PT60S")


def resolution(name: str, size: Size) -> str:
    """A width and a height in pixels."""
    return element(name, tt("Width", size[0]) + tt("Height", size[1]))


class MediaService(Service):
    """Profiles, sources, encoders, stream and snapshot addresses."""

    key, prefix, version = "media", "trt", ("2", "60")

    @property
    def model(self) -> MediaModel:
        """What has a token."""
        return MediaModel(self.camera)

    def capabilities(self) -> str:
        """Profiles and streaming."""
        snapshots = flags(SnapshotUri=True, Rotation=False, VideoSourceMode=False, OSD=False)
        streaming = flags(RTPMulticast=False, RTP_TCP=False, RTP_RTSP_TCP=True, NonAggregateControl=False)
        most = len(self.model.encoders()) + 4
        inside = element("trt:ProfileCapabilities", "", flags(MaximumNumberOfProfiles=most))
        return element("trt:Capabilities", inside + element("trt:StreamingCapabilities", "", streaming), snapshots)

    # configurations as XML

    def encoder_inside(self, view: EncoderView) -> str:
        """The children of a VideoEncoderConfiguration."""
        now = view.settings
        rate = tt("FrameRateLimit", now.fps) + tt("EncodingInterval", 1) + tt("BitrateLimit", now.kbit_s)
        own = element("tt:H264", tt("GovLength", view.gov) + tt("H264Profile", view.profile))
        return (
            tt("Name", view.name)
            + tt("UseCount", self.model.uses(view.token))
            + tt("Encoding", view.encoding)
            + resolution("tt:Resolution", (now.width, now.height))
            + tt("Quality", view.quality)
            + element("tt:RateControl", rate)
            + own
            + MULTICAST
            + SESSION
        )

    def source_inside(self, token: str) -> str:
        """The children of a VideoSourceConfiguration."""
        width, height = self.source_size(int(token.removeprefix("vsc")))
        bounds = element("tt:Bounds", "", flags(x=0, y=0, width=width, height=height))
        source = self.model.source_configurations()[token]
        return tt("Name", token) + tt("UseCount", self.model.uses(token)) + tt("SourceToken", source) + bounds

    def source_size(self, channel: int) -> Size:
        """The largest size of a channel's streams."""
        return max(size for view in self.model.encoders().values() if view.channel == channel for size in view.sizes())

    def shown(self) -> dict[str, EncoderView]:
        """The encoders that ver10 knows a word for."""
        return {token: view for token, view in self.model.encoders().items() if view.encoding == "H264"}

    def profile_xml(self, name: str, profile: ProfileView) -> str:
        """A profile with all its parts."""
        inside = tt("Name", profile.name)
        if profile.source:
            told = self.source_inside(profile.source)
            inside += element("tt:VideoSourceConfiguration", told, {"token": profile.source})
        if profile.encoder in self.shown():
            told = self.encoder_inside(self.model.encoder(profile.encoder))
            inside += element("tt:VideoEncoderConfiguration", told, {"token": profile.encoder})
        if profile.ptz:
            uses = self.model.uses(profile.ptz)
            inside += element("tt:PTZConfiguration", ptz_configuration(uses), {"token": profile.ptz})
        return element(name, inside, {"token": profile.token, **flags(fixed=profile.fixed)})

    # profiles

    async def on_GetProfiles(self, call: Call) -> str:
        """All profiles."""
        return "".join(self.profile_xml("trt:Profiles", p) for p in self.model.profiles().values())

    async def on_GetProfile(self, call: Call) -> str:
        """One profile."""
        return self.profile_xml("trt:Profile", self.model.profile(call.text("ProfileToken")))

    async def on_CreateProfile(self, call: Call) -> str:
        """A new one, without configurations."""
        return self.profile_xml("trt:Profile", self.model.create(call.text("Name"), call.text("Token")))

    async def on_DeleteProfile(self, call: Call) -> str:
        """One less."""
        self.model.delete(call.text("ProfileToken"))
        return ""

    async def on_AddVideoSourceConfiguration(self, call: Call) -> str:
        """A source in a profile."""
        profile = self.model.profile(call.text("ProfileToken"))
        self.model.change(profile.token, source=self.model.source(call.text("ConfigurationToken")))
        return ""

    async def on_AddVideoEncoderConfiguration(self, call: Call) -> str:
        """An encoder in a profile."""
        profile = self.model.profile(call.text("ProfileToken"))
        self.model.change(profile.token, encoder=self.known(call.text("ConfigurationToken")).token)
        return ""

    async def on_AddPTZConfiguration(self, call: Call) -> str:
        """The head in a profile."""
        profile = self.model.profile(call.text("ProfileToken"))
        self.model.change(profile.token, ptz=self.model.ptz(call.text("ConfigurationToken")))
        return ""

    async def on_RemoveVideoSourceConfiguration(self, call: Call) -> str:
        """No source."""
        self.model.change(call.text("ProfileToken"), source="")
        return ""

    async def on_RemoveVideoEncoderConfiguration(self, call: Call) -> str:
        """No encoder."""
        self.model.change(call.text("ProfileToken"), encoder="")
        return ""

    async def on_RemovePTZConfiguration(self, call: Call) -> str:
        """No head."""
        self.model.change(call.text("ProfileToken"), ptz="")
        return ""

    # sources

    async def on_GetVideoSources(self, call: Call) -> str:
        """One a channel."""
        return "".join(
            element(
                "trt:VideoSources",
                tt("Framerate", RATES[-1]) + resolution("tt:Resolution", self.source_size(channel)),
                {"token": token},
            )
            for channel, token in enumerate(self.model.sources())
        )

    def sources_xml(self, name: str) -> str:
        """Every source configuration as an element of that name."""
        tokens = self.model.source_configurations()
        return "".join(element(f"trt:{name}", self.source_inside(token), {"token": token}) for token in tokens)

    async def on_GetVideoSourceConfigurations(self, call: Call) -> str:
        """All."""
        return self.sources_xml("Configurations")

    async def on_GetCompatibleVideoSourceConfigurations(self, call: Call) -> str:
        """All of them fit."""
        self.model.profile(call.text("ProfileToken"))
        return self.sources_xml("Configurations")

    async def on_GetVideoSourceConfiguration(self, call: Call) -> str:
        """One."""
        token = self.model.source(call.text("ConfigurationToken"))
        return element("trt:Configuration", self.source_inside(token), {"token": token})

    async def on_SetVideoSourceConfiguration(self, call: Call) -> str:
        """The bounds stay as they are."""
        node = call.node.find("Configuration")
        token = self.model.source((node.attribute("token") or "") if node is not None else "")
        bounds = node.find("Bounds") if node is not None else None
        width, height = self.source_size(int(token.removeprefix("vsc")))
        wanted = [bounds.attribute(n) for n in ("x", "y", "width", "height")] if bounds is not None else []
        source = node.value("SourceToken") if node is not None else None
        if wanted != ["0", "0", str(width), str(height)] or source != self.model.source_configurations()[token]:
            raise invalid("ConfigModify", "The bounds cannot be set")
        return ""

    async def on_GetVideoSourceConfigurationOptions(self, call: Call) -> str:
        """The only bounds."""
        if token := call.text("ConfigurationToken"):
            self.model.source(token)
        if token := call.text("ProfileToken"):
            self.model.profile(token)
        width, height = self.source_size(0)
        ranges = span("XRange", 0, 0) + span("YRange", 0, 0) + span("WidthRange", width, width)
        inside = element("tt:BoundsRange", ranges + span("HeightRange", height, height))
        return element(
            "trt:Options", inside + "".join(tt("VideoSourceTokensAvailable", s) for s in self.model.sources())
        )

    # encoders

    def known(self, token: str) -> EncoderView:
        """An encoder that ver10 knows a word for. Raises OnvifFault."""
        if token not in self.shown():
            raise invalid("NoConfig", f"There is no configuration {token[:60]}")
        return self.model.encoder(token)

    def encoders_xml(self) -> str:
        """Every encoder."""
        return "".join(
            element("trt:Configurations", self.encoder_inside(view), {"token": token})
            for token, view in self.shown().items()
        )

    async def on_GetVideoEncoderConfigurations(self, call: Call) -> str:
        """All."""
        return self.encoders_xml()

    async def on_GetCompatibleVideoEncoderConfigurations(self, call: Call) -> str:
        """All of them fit."""
        self.model.profile(call.text("ProfileToken"))
        return self.encoders_xml()

    async def on_GetVideoEncoderConfiguration(self, call: Call) -> str:
        """One."""
        view = self.known(call.text("ConfigurationToken"))
        return element("trt:Configuration", self.encoder_inside(view), {"token": view.token})

    async def on_SetVideoEncoderConfiguration(self, call: Call) -> str:
        """In force on the stream before the answer, or refused as a whole."""
        node = call.node.find("Configuration")
        if node is None:
            raise invalid("NoConfig", "There is no configuration")
        view = self.known(node.attribute("token") or "")
        wanted = self.wanted(node)
        view.check(wanted)
        self.apply(view, wanted)
        return ""

    def apply(self, view: EncoderView, wanted: Wanted) -> None:
        """Put it in force."""
        view.apply(wanted)

    def wanted(self, node: Node) -> Wanted:
        """What a Configuration element asks for. Raises OnvifFault."""
        gov = node.value("H264/GovLength")
        bit_rate = node.value("RateControl/BitrateLimit")
        return Wanted(
            encoding=node.value("Encoding") or "",
            size=size_of(node),
            rate=number(node.value("RateControl/FrameRateLimit") or "0"),
            bit_rate=number(bit_rate) if bit_rate else None,
            constant=None,
            quality=number(node.value("Quality") or "0"),
            gov=int(number(gov)) if gov else None,
            profile=node.value("H264/H264Profile") or "",
        )

    async def on_GetVideoEncoderConfigurationOptions(self, call: Call) -> str:
        """Of one encoder, of a profile's, or of the first."""
        views = self.shown()
        token = call.text("ConfigurationToken")
        if profile := call.text("ProfileToken"):
            token = token or self.model.profile(profile).encoder
        view = self.known(token) if token else next(iter(views.values()))
        inside = span("QualityRange", *QUALITY) + element("tt:H264", self.h264_options(view))
        rates = sorted(view.bit_rates())
        more = element("tt:H264", self.h264_options(view) + span("BitrateRange", rates[0], rates[-1]))
        return element("trt:Options", inside + element("tt:Extension", more))

    def h264_options(self, view: EncoderView) -> str:
        """Sizes and ranges of an encoder."""
        sizes = "".join(resolution("tt:ResolutionsAvailable", size) for size in view.sizes())
        rates = span("FrameRateRange", RATES[0], RATES[-1]) + span("EncodingIntervalRange", 1, 1)
        return sizes + span("GovLengthRange", 1, LONGEST_GOV) + rates + tt("H264ProfilesSupported", view.profile)

    async def on_GetGuaranteedNumberOfVideoEncoderInstances(self, call: Call) -> str:
        """As many as there are streams of a channel."""
        self.model.source(call.text("ConfigurationToken"))
        count = sum(view.channel == 0 for view in self.shown().values())
        return self.tag("TotalNumber", count) + self.tag("H264", count)

    # addresses

    async def on_GetStreamUri(self, call: Call) -> str:
        """RTSP; over UDP or inside the connection."""
        profile = self.model.profile(call.text("ProfileToken"))
        if call.text("StreamSetup/Stream") != "RTP-Unicast":
            raise invalid("InvalidStreamSetup", "There is unicast only")
        if call.text("StreamSetup/Transport/Protocol") not in ("UDP", "RTSP"):
            raise invalid("InvalidStreamSetup", "There are UDP and RTSP only")
        return self.media_uri(self.model.stream_uri(profile.token, host_of(call.authority)))

    async def on_GetSnapshotUri(self, call: Call) -> str:
        """A JPEG over HTTP."""
        view = self.model.playable(call.text("ProfileToken"))
        return self.media_uri(f"http://{call.authority}{SNAPSHOT_PATH}/{view.channel}/{view.stream}")

    def media_uri(self, uri: str) -> str:
        """A tt:MediaUri that stays good."""
        told = (
            tt("Uri", uri) + tt("InvalidAfterConnect", False) + tt("InvalidAfterReboot", False) + tt("Timeout", "PT0S")
        )
        return element("trt:MediaUri", told)

    async def on_SetSynchronizationPoint(self, call: Call) -> str:
        """A key picture now."""
        self.model.refresh(self.model.profile(call.text("ProfileToken")).token)
        return ""


def size_of(node: Node) -> Size:
    """The Resolution of a configuration. Raises OnvifFault."""
    width, height = (number(node.value(f"Resolution/{name}") or "0") for name in ("Width", "Height"))
    return int(width), int(height)
