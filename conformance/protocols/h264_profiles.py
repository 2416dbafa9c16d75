"""What profile-level-id of an SDP promises (RFC 6184 8.1, Table 5): sub-profiles and levels, and which cover which."""

from __future__ import annotations

BASELINE, MAIN, EXTENDED, HIGH = 66, 77, 88, 100
CONSTRAINED = "constrained baseline"
LEVEL_1B = 10.5
HIGHER = (HIGH, 110, 122, 244)
DEFAULT = "42000A"
_SET0, _SET1, _SET2, _SET3 = 0x80, 0x40, 0x20, 0x10


def sub_profile(number: bytes) -> str:
    """The name of the sub-profile that three bytes (profile_idc, constraint flags, level_idc) stand for."""
    profile, flags = number[0], number[1]
    if (
        (profile == BASELINE and flags & _SET1)
        or (profile == MAIN and flags & _SET0)
        or (profile == EXTENDED and flags & _SET0 and flags & _SET1)
    ):
        return CONSTRAINED
    if profile == EXTENDED and flags & _SET0:
        return str(BASELINE)
    return str(profile)


def level(number: bytes) -> float:
    """level_idc, level 1b between 10 and 11 (H.264 A.3.4)."""
    profile, flags, idc = number
    old = profile in (BASELINE, MAIN, EXTENDED)
    return LEVEL_1B if idc == 9 or (old and idc == 11 and flags & _SET3) else float(idc)


def covers(declared: bytes, stream: bytes) -> bool:
    """Whether a decoder for ``declared`` decodes a stream with these bytes in its SPS: the level is not lower, and the
    sub-profile is the same or one that contains it."""
    return level(declared) >= level(stream) and _contains(sub_profile(declared), sub_profile(stream))


def _contains(wide: str, narrow: str) -> bool:
    old = (CONSTRAINED, str(MAIN))
    ladder = [str(profile) for profile in HIGHER]
    if wide == narrow or (narrow == CONSTRAINED and wide in (str(BASELINE), str(MAIN), str(EXTENDED), *ladder)):
        return True
    if wide == str(EXTENDED):
        return narrow == str(BASELINE)
    return wide in ladder and (narrow in old or (narrow in ladder and ladder.index(narrow) < ladder.index(wide)))
