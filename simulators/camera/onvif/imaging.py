"""The imaging service: levels and the infrared filter of the only lens."""

from __future__ import annotations

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.media_model import MediaModel
from simulators.camera.onvif.service import Call, Service, flags, invalid, number, span, tt

LEVELS = {
    "Brightness": "brightness",
    "ColorSaturation": "saturation",
    "Contrast": "contrast",
    "Sharpness": "sharpness",
}
RANGE = (0.0, 100.0)
FILTER_MODES = ("ON", "OFF", "AUTO")


class ImagingService(Service):
    """Settings of a video source."""

    key, prefix, version = "imaging", "timg", ("2", "60")

    def capabilities(self) -> str:
        """No stabilisation, no presets."""
        return element("timg:Capabilities", "", flags(ImageStabilization=False, Presets=False))

    def check_source(self, call: Call) -> None:
        """Raises OnvifFault for a source that there is not."""
        if call.text("VideoSourceToken") not in MediaModel(self.camera).sources():
            raise invalid("NoSource", "There is no such video source")

    async def on_GetImagingSettings(self, call: Call) -> str:
        """As they are."""
        self.check_source(call)
        told = {name: getattr(self.state, field) for name, field in LEVELS.items()}
        inside = tt("Brightness", told["Brightness"]) + tt("ColorSaturation", told["ColorSaturation"])
        inside += tt("Contrast", told["Contrast"]) + tt("IrCutFilter", self.state.infrared)
        return element("timg:ImagingSettings", inside + tt("Sharpness", told["Sharpness"]))

    async def on_SetImagingSettings(self, call: Call) -> str:
        """All or nothing; what is not named stays."""
        self.check_source(call)
        node = call.node.find("ImagingSettings")
        if node is None:
            return ""
        levels = {field: self.level(node, name) for name, field in LEVELS.items() if node.find(name) is not None}
        mode = node.value("IrCutFilter")
        if mode is not None and mode not in FILTER_MODES:
            raise invalid("SettingsInvalid", f"There is no mode {mode[:30]}")
        self.apply(levels, mode)
        return ""

    def apply(self, levels: dict[str, float], mode: str | None) -> None:
        """Keep what was checked."""
        for field, value in levels.items():
            setattr(self.state, field, value)
        if mode is not None:
            self.state.infrared = mode
        self.save()

    def level(self, node: Node, name: str) -> float:
        """A level within its range. Raises OnvifFault."""
        value = number(node.value(name) or "")
        if not RANGE[0] <= value <= RANGE[1]:
            raise invalid("SettingsInvalid", f"{name} cannot be {value:g}")
        return value

    async def on_GetOptions(self, call: Call) -> str:
        """Ranges and modes."""
        self.check_source(call)
        told = "".join(span(name, *RANGE) for name in ("Brightness", "ColorSaturation", "Contrast"))
        told += "".join(tt("IrCutFilterModes", mode) for mode in FILTER_MODES)
        return element("timg:ImagingOptions", told + span("Sharpness", *RANGE))

    async def on_GetMoveOptions(self, call: Call) -> str:
        """The focus is fixed."""
        self.check_source(call)
        return element("timg:MoveOptions")

    async def on_GetStatus(self, call: Call) -> str:
        """Nothing moves."""
        self.check_source(call)
        return element("timg:Status")
