"""A real nginx with its secure_link and RTMP modules, fed by ffmpeg: its own configuration, folder and free ports."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
FEWEST_SEGMENTS = 4
START_WAIT = 30.0
CONFIGURATION = """
load_module {module};
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
rtmp {{
  server {{
    listen 127.0.0.1:{rtmp_port};
    application live {{
      live on;
      hls on; hls_path {folder}/www/signed/hls; hls_fragment 1s; hls_playlist_length 6s;
      record all; record_path {folder}/www/signed/record; record_suffix .flv;
    }}
  }}
}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/x-flv flv; }}
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/www;
    {locations}
  }}
}}
"""
OPEN = "location / { }"
SECURE_LINK = """
    location / { return 404; }
    location /signed/ {
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri secret-of-the-tests";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; }
    }
"""
PLAIN = """kandian: declaration/1
device: {role: streams, dev_id: nginx-rtmp}
streams: {playlist: /signed/hls/gate.m3u8, flv: /signed/record/gate.flv}
"""
SIGNED = """kandian: declaration/1
device: {role: streams, dev_id: nginx-secure-link}
streams:
  playlist: /signed/hls/gate.m3u8
  flv: /signed/record/gate.flv
  file: /signed/files/gate.ts
  other: /signed/files/yard.ts
  signed: [playlist, flv, file]
  scheme: secure-link-any
  key: {value: secret-of-the-tests}
"""
PICTURES = ["-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10", "-f", "lavfi", "-i", "sine=frequency=440"]
VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-sc_threshold", "0", "-pix_fmt", "yuv420p"]
AUDIO = ["-c:a", "aac", "-ar", "44100", "-b:a", "32k"]


def lacking() -> str:
    """What is not installed, empty where nothing is."""
    if shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin") is None or not MODULE.exists():
        return "needs Debian's nginx-light and libnginx-mod-rtmp"
    return "" if shutil.which("ffmpeg") else "needs Debian's ffmpeg"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, declaration: str, locations: str) -> Iterator[str]:
    """Address of an nginx with a live stream of some segments; the declaration lies in ``folder``."""
    files = folder / "www" / "signed"
    for name in ("hls", "record", "files"):
        (files / name).mkdir(parents=True)
    (folder / "declaration.yaml").write_text(declaration, "utf-8")
    port, rtmp_port = free_port(), free_port()
    user = "user root;" if Path("/root").owner() == Path(folder).owner() else ""
    told = {"module": MODULE, "folder": folder, "port": port, "rtmp_port": rtmp_port}
    text = CONFIGURATION.format(**told, user=user, locations=locations)
    (folder / "nginx.conf").write_text(text, "utf-8")
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin") or "nginx"
    server = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    source = [
        "ffmpeg",
        "-v",
        "error",
        *PICTURES,
        *VIDEO,
        *AUDIO,
        "-f",
        "flv",
        f"rtmp://127.0.0.1:{rtmp_port}/live/gate",
    ]
    with subprocess.Popen(server, stdin=subprocess.DEVNULL) as serving:
        try:
            _until(lambda: _listens(rtmp_port) and _listens(port), serving)
            with subprocess.Popen(source, stdin=subprocess.DEVNULL) as feeding:
                try:
                    _until(lambda: _segments(files / "hls" / "gate.m3u8") >= FEWEST_SEGMENTS, feeding)
                    for name, number in (("gate", 0), ("yard", 1)):
                        shutil.copy(files / "hls" / f"gate-{number}.ts", files / "files" / f"{name}.ts")
                    yield f"http://127.0.0.1:{port}"
                finally:
                    feeding.terminate()
                    feeding.wait(20)
        finally:
            serving.terminate()
            serving.wait(20)


def _until(done: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_WAIT
    while not done():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < until, "it does not become ready"
        threading.Event().wait(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _segments(playlist: Path) -> int:
    return playlist.read_text("utf-8").count("#EXTINF") if playlist.exists() else 0
