"""Putting one broken part into an otherwise golden camera."""

from __future__ import annotations

from simulators.camera.link import Counter, Link
from simulators.camera.platform_client import PlatformClient
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import RtspSession


def client_with(link: type[Link] = Link, counter: type[Counter] = Counter) -> type[PlatformClient]:
    """A platform client that uses this link and this sequence counter."""
    return type("BrokenClient", (PlatformClient,), {"link_class": link, "counter_class": counter})


def server_with(
    sender: type[RtpSender] = RtpSender,
    session: type[RtspSession] = RtspSession,
    connection: type[RtspConnection] = RtspConnection,
) -> type[RtspServer]:
    """An RTSP server that uses these parts."""
    parts = {"sender_class": sender, "session_class": session, "connection_class": connection}
    return type("BrokenServer", (RtspServer,), parts)
