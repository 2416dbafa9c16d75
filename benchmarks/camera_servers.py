"""The two sides of the benchmark of cameras per core: so many cameras of one process, each with a stream of its own.

Run as ``camera_servers.py ours|gst COUNT``; the second kind by the system's Python, which has GStreamer's bindings.
Prints the URLs in one line, then serves until its standard input ends. Both draw a moving picture, code it as H.264
of the rate, size and frame rate below (x264, ultrafast, zero latency, one thread, filled up to a constant rate) while
somebody watches, and serve it by RTSP.
"""

import sys
import threading

WIDTH, HEIGHT, FPS, KBIT_S = 1280, 720, 25, 4096
LAUNCH = (
    "( videotestsrc is-live=true pattern=ball "
    f"! video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1 "
    f"! x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max={FPS} bitrate={KBIT_S} "
    "vbv-buf-capacity=500 option-string=nal-hrd=cbr ! rtph264pay name=pay0 pt=96 )"
)


def serve_ours(count: int) -> None:
    """``count`` streaming parts of the golden camera."""
    import asyncio

    from simulators.camera.encoder import EncoderBank
    from simulators.camera.media_feed import LiveOnlySource
    from simulators.camera.media_format import StreamSettings
    from simulators.camera.rtsp_server import RtspConfig, RtspServer

    async def main() -> None:
        settings = StreamSettings("h264", WIDTH, HEIGHT, FPS, "constant", KBIT_S, audio=False)
        servers, banks = [], []
        for number in range(count):
            name = f"KDN{number:08d}"
            bank = EncoderBank(name, {(0, 1): settings})
            server = RtspServer(RtspConfig(name, token_guard=False), LiveOnlySource(bank), None)
            await server.start()
            banks.append(bank)
            servers.append(server)
        _say([f"rtsp://127.0.0.1:{server.address[1]}/live/0/1" for server in servers])
        await asyncio.to_thread(sys.stdin.read)
        for server, bank in zip(servers, banks, strict=True):
            await server.stop()
            await bank.close()

    asyncio.run(main())


def serve_gst(count: int) -> None:
    """``count`` mounts of a GStreamer RTSP server."""
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for number in range(count):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(LAUNCH)
        factory.set_shared(True)
        server.get_mount_points().add_factory(f"/{number}", factory)
    server.attach(None)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    _say([f"rtsp://127.0.0.1:{server.get_bound_port()}/{number}" for number in range(count)])
    loop.run()


def _say(urls: list) -> None:
    sys.stdout.write(" ".join(urls) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"ours": serve_ours, "gst": serve_gst}[sys.argv[1]](int(sys.argv[2]))
