"""The head in the words of the PTZ service: spaces, its configuration, positions from -1 to 1."""

from __future__ import annotations

from conformance.protocols.soap import element
from simulators.camera.onvif.service import flags, tt

NODE = "head0"
SPACES = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
POSITION, TRANSLATION = f"{SPACES}PositionGenericSpace", f"{SPACES}TranslationGenericSpace"
VELOCITY, SPEED = f"{SPACES}VelocityGenericSpace", f"{SPACES}GenericSpeedSpace"
#: Degrees that stand for 1: pan, tilt.
FULL = (180.0, 90.0)
TIMEOUT = (0.1, 60)
DEFAULT_TIMEOUT = 10
PLACES = 4


def spaces() -> str:
    """The spaces of pan and tilt with their ranges."""

    def space(name: str, uri: str, low: float = -1) -> str:
        told = tt("URI", uri) + element("tt:XRange", tt("Min", low) + tt("Max", 1))
        if low < 0:
            told += element("tt:YRange", tt("Min", low) + tt("Max", 1))
        return element(f"tt:{name}", told)

    return (
        space("AbsolutePanTiltPositionSpace", POSITION)
        + space("RelativePanTiltTranslationSpace", TRANSLATION)
        + space("ContinuousPanTiltVelocitySpace", VELOCITY)
        + space("PanTiltSpeedSpace", SPEED, 0)
    )


def pan_tilt(x: float, y: float, space: str) -> str:
    """A PanTilt element."""
    return element("tt:PanTilt", "", {**flags(x=round(x, PLACES), y=round(y, PLACES)), "space": space})


def configuration(uses: int) -> str:
    """The children of the PTZConfiguration."""
    return (
        tt("Name", "head")
        + tt("UseCount", uses)
        + tt("NodeToken", NODE)
        + tt("DefaultAbsolutePantTiltPositionSpace", POSITION)
        + tt("DefaultRelativePanTiltTranslationSpace", TRANSLATION)
        + tt("DefaultContinuousPanTiltVelocitySpace", VELOCITY)
        + element("tt:DefaultPTZSpeed", pan_tilt(1, 1, SPEED))
        + tt("DefaultPTZTimeout", f"PT{DEFAULT_TIMEOUT}S")
    )
