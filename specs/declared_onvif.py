"""What a declaration says about the ONVIF side of a device under test."""

from __future__ import annotations

import os

import msgspec

from specs.secret import Secret

USER = "KANDIAN_ONVIF_USER"
PASSWORD = "KANDIAN_ONVIF_PASSWORD"


class Onvif(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ONVIF service of a device. ``url``: of the device service, empty where ``--target`` or a simulator names it;
    ``username``, ``password``: of an administrator, from KANDIAN_ONVIF_USER and KANDIAN_ONVIF_PASSWORD where no user is
    named; ``ca_file``: certificate that vouches for an https address, beside the declaration; ``discovery``: host:port
    that answers WS-Discovery, empty for port 3702 of the host in ``url``; ``interface``: address of the bench on the
    device's network, for multicast; ``uplink_certificate``: CertificateID with which the device proves who it is on
    an uplink; ``reboot_time``: seconds after which the device is back from a reboot;
    ``upgrade_time``: the same after a firmware upgrade."""

    url: str = ""
    username: str = ""
    password: Secret = Secret()
    ca_file: str = ""
    discovery: str = ""
    interface: str = ""
    uplink_certificate: str = ""
    reboot_time: float = 120.0
    upgrade_time: float = 300.0


def with_user(onvif: Onvif | None) -> Onvif | None:
    """The section with the user of the environment, where it names none itself."""
    if onvif is None or onvif.username:
        return onvif
    return msgspec.structs.replace(onvif, username=os.environ.get(USER, ""))


def password_of_the_environment() -> str:
    """The password that goes with the user of the environment, empty for none."""
    return os.environ.get(PASSWORD, "")
