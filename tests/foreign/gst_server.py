"""A GStreamer RTSP server, run by the system's Python: H.264 and G.711 A at rtsp://127.0.0.1:PORT/test.

Prints the port that it got, then serves until its standard input ends.
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

LAUNCH = (
    "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=300 ! rtph264pay name=pay0 pt=96 "
    "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8 )"
)


SESSION_SECONDS = 15


def shorten(_client: object, session: object) -> None:
    """A session ends after fifteen seconds of silence, as its SETUP answer says: tests need not wait a minute."""
    session.set_timeout(SESSION_SECONDS)  # type: ignore[attr-defined]


def main() -> None:
    """Serve."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(LAUNCH)
    factory.set_shared(True)
    server.get_mount_points().add_factory("/test", factory)
    server.connect("client-connected", lambda _server, client: client.connect("new-session", shorten))
    server.attach(None)
    # What every program with this library does itself: look every second for sessions that have timed out.
    GLib.timeout_add_seconds(1, lambda: server.get_session_pool().cleanup() >= 0)
    # The stream stays on between viewers, as that of a camera does.
    media = factory.construct(GstRtsp.RTSPUrl.parse("rtsp://127.0.0.1/test")[1])
    media.prepare(None)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    print(server.get_bound_port(), flush=True)  # noqa: T201
    loop.run()


if __name__ == "__main__":
    main()
