"""Answers of the ONVIF imaging service: the settings of a video source and the ranges that they may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.protocols.onvif_xml import Span, number, plain, span, written
from conformance.protocols.xml_names import Node

#: The settings that are a number of their own, in the order of the schema.
LEVELS = ("Brightness", "ColorSaturation", "Contrast", "Sharpness")
#: Settings that are chosen from a list, and where the list stands in the options.
CHOICES = {"IrCutFilter": "IrCutFilterModes"}


@dataclass(frozen=True, slots=True)
class Imaging:
    """The settings of a video source. ``levels``: number by name; ``choices``: mode by name; ``node``: as it came."""

    levels: Mapping[str, float]
    choices: Mapping[str, str]
    node: Node

    @property
    def values(self) -> dict[str, float | str]:
        """Levels and choices together."""
        return {**self.levels, **self.choices}


@dataclass(frozen=True, slots=True)
class ImagingOptions:
    """What the settings may be. ``ranges``: by name of a level; ``modes``: by name of a choice."""

    ranges: Mapping[str, Span]
    modes: Mapping[str, tuple[str, ...]]


def read_imaging(answer: Node) -> Imaging | None:
    """The settings of GetImagingSettings; None where the answer holds none."""
    node = answer.find("ImagingSettings")
    if node is None:
        return None
    levels = {name: value for name in LEVELS if (value := number(node.value(name))) is not None}
    choices = {name: text for name in CHOICES if (text := node.value(name))}
    return Imaging(levels, choices, node)


def read_imaging_options(answer: Node) -> ImagingOptions | None:
    """The options of GetOptions; None where the answer holds none."""
    node = answer.find("ImagingOptions")
    if node is None:
        return None
    ranges = {name: found for name in LEVELS if (found := span(node.find(name))) is not None}
    modes = {name: tuple(mode.text.strip() for mode in node.all(there)) for name, there in CHOICES.items()}
    return ImagingOptions(ranges, {name: found for name, found in modes.items() if found})


def imaging_settings(values: Mapping[str, float | str]) -> str:
    """The ImagingSettings element with these settings only, in the order of the schema; the others stay as they are."""
    order = ("Brightness", "ColorSaturation", "Contrast", "IrCutFilter", "Sharpness")
    told = {name: value if isinstance(value, str) else plain(value) for name, value in values.items()}
    inside = "".join(f"<tt:{name}>{told[name]}</tt:{name}>" for name in order if name in told)
    return f"<timg:ImagingSettings>{inside}</timg:ImagingSettings>"


def imaging_again(imaging: Imaging) -> str:
    """The ImagingSettings element that puts everything back as it was."""
    return written(imaging.node, name="timg:ImagingSettings")
