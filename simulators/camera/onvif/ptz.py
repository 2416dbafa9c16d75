"""The PTZ service over the camera's head, which the platform moves as well."""

from __future__ import annotations

import datetime as dt
import re

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.media_model import PTZ_TOKEN, MediaModel
from simulators.camera.onvif.ptz_model import (
    DEFAULT_TIMEOUT,
    FULL,
    NODE,
    POSITION,
    SPEED,
    TIMEOUT,
    TRANSLATION,
    VELOCITY,
    configuration,
    pan_tilt,
    spaces,
)
from simulators.camera.onvif.service import RECEIVER, Call, OnvifFault, Service, flags, invalid, number, tt
from simulators.camera.onvif.state import Preset

MOST_PRESETS = 16
_SECONDS = re.compile(r"PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?\Z")


def seconds_of(text: str) -> float:
    """An xs:duration of minutes and seconds. Raises OnvifFault."""
    found = _SECONDS.match(text)
    if found is None or not any(found.groups()):
        raise invalid("TimeoutNotSupported", f"{text[:40]!r} is out of range")
    return 60 * float(found[1] or 0) + float(found[2] or 0)


class PtzService(Service):
    """One node, one configuration, presets and a home position."""

    key, prefix, version = "ptz", "tptz", ("2", "60")

    def capabilities(self) -> str:
        """Status is told."""
        told = flags(EFlip=False, Reverse=False, GetCompatibleConfigurations=True, MoveStatus=True, StatusPosition=True)
        return element("tptz:Capabilities", "", told)

    # description

    def node(self) -> str:
        """The PTZNode."""
        inside = tt("Name", "head") + element("tt:SupportedPTZSpaces", spaces())
        inside += tt("MaximumNumberOfPresets", MOST_PRESETS) + tt("HomeSupported", True)
        return element("tptz:PTZNode", inside, {"token": NODE, **flags(FixedHomePosition=False)})

    async def on_GetNodes(self, call: Call) -> str:
        """The only one."""
        return self.node()

    async def on_GetNode(self, call: Call) -> str:
        """That one."""
        if call.text("NodeToken") != NODE:
            raise invalid("NoEntity", "There is no such node")
        return self.node()

    def configuration(self) -> str:
        """The PTZConfiguration."""
        uses = MediaModel(self.camera).uses(PTZ_TOKEN)
        return element("tptz:PTZConfiguration", configuration(uses), {"token": PTZ_TOKEN})

    def known(self, token: str) -> None:
        """Raises OnvifFault for a configuration that there is not."""
        if token != PTZ_TOKEN:
            raise invalid("NoConfig", "There is no such configuration")

    async def on_GetConfigurations(self, call: Call) -> str:
        """The only one."""
        return self.configuration()

    async def on_GetConfiguration(self, call: Call) -> str:
        """That one."""
        self.known(call.text("PTZConfigurationToken"))
        return self.configuration()

    async def on_GetCompatibleConfigurations(self, call: Call) -> str:
        """It fits every profile."""
        MediaModel(self.camera).profile(call.text("ProfileToken"))
        return self.configuration()

    async def on_SetConfiguration(self, call: Call) -> str:
        """Only as it is."""
        node = call.node.find("PTZConfiguration")
        self.known((node.attribute("token") or "") if node is not None else "")
        if node is not None and node.value("NodeToken") != NODE:
            raise invalid("ConfigModify", "The configuration stays with its node")
        return ""

    async def on_GetConfigurationOptions(self, call: Call) -> str:
        """Spaces and the longest movement."""
        self.known(call.text("ConfigurationToken"))
        timeout = tt("Min", f"PT{TIMEOUT[0]:g}S") + tt("Max", f"PT{TIMEOUT[1]:g}S")
        inside = element("tt:Spaces", spaces()) + element("tt:PTZTimeout", timeout)
        return element("tptz:PTZConfigurationOptions", inside)

    # movement

    def check_profile(self, call: Call) -> None:
        """Raises OnvifFault for a profile that there is not, or that has no head."""
        if not MediaModel(self.camera).profile(call.text("ProfileToken")).ptz:
            raise invalid("NoPTZProfile", "The profile has no PTZ configuration")

    def vector(self, call: Call, name: str, space: str, condition: str) -> tuple[float, float] | None:
        """Pan and tilt of an element, -1 to 1; None where it is not there. Raises OnvifFault."""
        node = call.node.at(f"{name}/PanTilt")
        if node is None:
            return None
        if node.attribute("space") not in (None, "", space):
            raise invalid("SpaceNotSupported", "The node does not have this space")
        return self.in_range(node, condition)

    def in_range(self, node: Node, condition: str) -> tuple[float, float]:
        """Both coordinates. Raises OnvifFault."""
        x, y = number(node.attribute("x") or ""), number(node.attribute("y") or "")
        if not (-1 <= x <= 1 and -1 <= y <= 1):
            raise invalid(condition, f"({x:g}, {y:g}) is out of bounds")
        return x, y

    async def on_ContinuousMove(self, call: Call) -> str:
        """Move until told to stop or until the timeout."""
        self.check_profile(call)
        velocity = self.vector(call, "Velocity", VELOCITY, "InvalidVelocity")
        timeout = seconds_of(call.text("Timeout")) if call.text("Timeout") else float(DEFAULT_TIMEOUT)
        if not TIMEOUT[0] <= timeout <= TIMEOUT[1]:
            raise invalid("TimeoutNotSupported", f"{timeout:g} s is out of range")
        if velocity is not None:
            self.camera.ptz.run(velocity[0], velocity[1], timeout)
        return ""

    async def on_AbsoluteMove(self, call: Call) -> str:
        """To a position."""
        self.check_profile(call)
        self.vector(call, "Speed", SPEED, "InvalidSpeed")
        target = self.vector(call, "Position", POSITION, "InvalidPosition")
        if target is not None:
            self.camera.ptz.go(target[0] * FULL[0], target[1] * FULL[1])
        return ""

    async def on_RelativeMove(self, call: Call) -> str:
        """By a translation; nothing moves beyond the bounds."""
        self.check_profile(call)
        self.vector(call, "Speed", SPEED, "InvalidSpeed")
        step = self.vector(call, "Translation", TRANSLATION, "InvalidTranslation")
        if step is not None:
            pan, tilt = self.position()
            x, y = (max(-1.0, min(1.0, value)) for value in (pan + step[0], tilt + step[1]))
            self.camera.ptz.go(x * FULL[0], y * FULL[1])
        return ""

    async def on_Stop(self, call: Call) -> str:
        """Stand still."""
        self.check_profile(call)
        if call.text("PanTilt") not in ("false", "0"):
            self.camera.ptz.move(0)
        return ""

    def position(self) -> tuple[float, float]:
        """Where the head looks, -1 to 1."""
        state = self.camera.ptz.state()
        x, y = (max(-1.0, min(1.0, state[name] / full)) for name, full in zip(("pan", "tilt"), FULL, strict=True))
        return x, y

    async def on_GetStatus(self, call: Call) -> str:
        """Where it looks and whether it moves."""
        self.check_profile(call)
        moving = "MOVING" if self.camera.ptz.state()["moving"] else "IDLE"
        now = dt.datetime.fromtimestamp(self.camera.now(), dt.UTC)
        inside = element("tt:Position", pan_tilt(*self.position(), POSITION))
        inside += element("tt:MoveStatus", tt("PanTilt", moving)) + tt("UtcTime", f"{now:%Y-%m-%dT%H:%M:%SZ}")
        return element("tptz:PTZStatus", inside)

    # presets

    async def on_GetPresets(self, call: Call) -> str:
        """All of them."""
        self.check_profile(call)
        told = ""
        for token, preset in self.state.presets.items():
            position = element("tt:PTZPosition", pan_tilt(preset.pan, preset.tilt, POSITION))
            told += element("tptz:Preset", tt("Name", preset.name) + position, {"token": token})
        return told

    async def on_SetPreset(self, call: Call) -> str:
        """The present position under a new token or an old one."""
        self.check_profile(call)
        state, token = self.state, call.text("PresetToken")
        if token:
            self.preset(token)
        name = call.text("PresetName") or (state.presets[token].name if token else f"preset {state.next_preset}")
        if any(preset.name == name and other != token for other, preset in state.presets.items()):
            raise invalid("PresetExist", "The name is taken")
        if not token:
            if len(state.presets) >= MOST_PRESETS:
                raise OnvifFault(
                    RECEIVER, "ter:Action", "ter:TooManyPresets", reason="There are as many as there may be"
                )
            token, state.next_preset = f"preset{state.next_preset}", state.next_preset + 1
        state.presets[token] = Preset(name, *self.position())
        self.save()
        return self.tag("PresetToken", token)

    def preset(self, token: str) -> Preset:
        """That preset. Raises OnvifFault."""
        try:
            return self.state.presets[token]
        except KeyError:
            raise invalid("NoToken", "There is no such preset") from None

    async def on_RemovePreset(self, call: Call) -> str:
        """One less."""
        self.check_profile(call)
        self.preset(call.text("PresetToken"))
        del self.state.presets[call.text("PresetToken")]
        self.save()
        return ""

    async def on_GotoPreset(self, call: Call) -> str:
        """To a stored position."""
        self.check_profile(call)
        self.vector(call, "Speed", SPEED, "InvalidSpeed")
        preset = self.preset(call.text("PresetToken"))
        self.camera.ptz.go(preset.pan * FULL[0], preset.tilt * FULL[1])
        return ""

    async def on_SetHomePosition(self, call: Call) -> str:
        """The present position."""
        self.check_profile(call)
        self.state.home = Preset("home", *self.position())
        self.save()
        return ""

    async def on_GotoHomePosition(self, call: Call) -> str:
        """Home, where there is one."""
        self.check_profile(call)
        self.vector(call, "Speed", SPEED, "InvalidSpeed")
        home = self.state.home
        if home is None:
            raise OnvifFault(RECEIVER, "ter:Action", "ter:NoHomePosition", reason="No home position was set")
        self.camera.ptz.go(home.pan * FULL[0], home.tilt * FULL[1])
        return ""
