"""The imaging service of each video source: read, set, compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.protocols.onvif_imaging import (
    Imaging,
    ImagingOptions,
    imaging_again,
    imaging_settings,
    read_imaging,
    read_imaging_options,
)
from conformance.protocols.onvif_media import Version
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.suites.camera.onvif.media_steps import Face
from conformance.suites.camera.onvif.service_steps import offered
from specs.model import Limit

Values = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Source:
    """A video source with its settings as they were found, and their options."""

    token: str
    found: Imaging
    options: ImagingOptions


async def source_tokens(onvif: Onvif, check: Checks) -> list[str]:
    """The video sources that profiles use, in their order."""
    version: Version = "media" if onvif.has("media") else "media2"
    profiles = await Face(onvif, check, version).profiles()
    return list(dict.fromkeys(profile.source_token for profile in profiles if profile.source_token))


async def ask(onvif: Onvif, operation: str, token: str, rest: str = "") -> Answer:
    """An operation on a video source."""
    return await onvif.call("imaging", operation, element("timg:VideoSourceToken", text_content(token)) + rest)


async def settings(onvif: Onvif, token: str) -> Imaging | None:
    """The settings now; None where they are not told."""
    answer = await ask(onvif, "GetImagingSettings", token)
    return read_imaging(answer.body) if answer.ok and answer.body is not None else None


async def put(onvif: Onvif, token: str, values: Values) -> Answer:
    """Set these and nothing else."""
    return await ask(onvif, "SetImagingSettings", token, imaging_settings(values))


async def put_again(onvif: Onvif, source: Source) -> Answer:
    """Set everything as it was found."""
    return await ask(onvif, "SetImagingSettings", source.token, imaging_again(source.found))


async def sources(onvif: Onvif, check: Checks, requirement: str) -> list[Source]:
    """The video sources with imaging; what is set will be put back after the test. Without any the requirement is not
    applicable."""
    if not offered(onvif, check, "imaging", requirement):
        return []
    found = []
    for token in await source_tokens(onvif, check):
        now, answer = await settings(onvif, token), await ask(onvif, "GetOptions", token)
        options = read_imaging_options(answer.body) if answer.ok and answer.body is not None else None
        if now is not None and options is not None:
            source = Source(token, now, options)
            onvif.undo(lambda source=source: put_again(onvif, source))  # type: ignore[misc]
            found.append(source)
    if not found:
        check.not_applicable(requirement, say("没有可读的图像设置", "there are no imaging settings that can be read"))
    return found


def wrong_values(wanted: Values, found: Imaging | None, options: ImagingOptions, tolerance: Limit) -> list[str]:
    """What is read back otherwise than it was set. ``tolerance``: percent of the range."""
    if found is None:
        return ["no settings are told"]
    wrong = []
    for name, value in wanted.items():
        told = found.values.get(name)
        if isinstance(value, str) or isinstance(told, str) or told is None:
            same = told == value
        else:
            width = options.ranges[name].high - options.ranges[name].low
            same = abs(told - value) <= width * tolerance.number / 100
        if not same:
            wrong.append(f"{name} {told}")
    return wrong


def shown(values: Values) -> str:
    """Settings in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
