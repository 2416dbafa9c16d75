"""An FTP server in a thread for tests of the simulated camera."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

ACCOUNT, PASSWORD = "pic", "pic-secret"


@contextmanager
def ftp_server(folder: Path) -> Iterator[dict[str, str]]:
    """Serve ``folder``; yields the Ftp elements of REGISTER_RES."""
    folder.mkdir(parents=True, exist_ok=True)
    authorizer = DummyAuthorizer()
    authorizer.add_user(ACCOUNT, PASSWORD, str(folder), perm="elradfmw")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.05, "handle_exit": False})
    thread.start()
    host, port = server.address
    try:
        yield {"FtpIP": host, "FtpPort": str(port), "FtpAccount": ACCOUNT, "FtpPassword": PASSWORD}
    finally:
        loop.call_later(0, server.close_all)
        loop.call_later(0, loop.close)
        thread.join(10)
