"""Checks a second of the storage suite, against requests a second of a bare signed client on the same storage.

The golden storage serves both, one after the other in one run. Waiting is part of the suite (expiry, death, retries),
so the factor is what a lab pays for verdicts, not what the client costs.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials
from simulators.cloud_storage.declarations import DEFAULT
from specs.declaration import load_declaration
from specs.loader import load_catalogue

KANDIAN = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
REGION = "cn"
BUCKET = "bare"
REQUESTS = 1500
BODY = b"recording" * 500


def bare_client(endpoint: str, keys: Credentials) -> float:
    """Requests a second: PUT and GET in turn on one kept connection."""
    authority = urlsplit(endpoint).netloc
    connection = http.client.HTTPConnection(authority, timeout=30)

    def send(method: str, path: str, body: bytes = b"") -> None:
        headers = (("Host", authority), ("Content-Length", str(len(body)))) if body else (("Host", authority),)
        signed = sigv4.sign(RawRequest(method, path, headers, body), keys, region=REGION, at=time.time())
        connection.request(method, path, body=body or None, headers=dict(signed.headers))
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise SystemExit(f"the bare client is refused: {answer.status}")

    send("PUT", f"/{BUCKET}")
    started = time.perf_counter()
    for number in range(REQUESTS // 2):
        send("PUT", f"/{BUCKET}/clip-{number % 50}", BODY)
        send("GET", f"/{BUCKET}/clip-{number % 50}")
    return REQUESTS / (time.perf_counter() - started)


def suite(endpoint: str, controls: str, folder: Path) -> tuple[int, float]:
    """Checks and seconds of the whole profile."""
    text = DEFAULT.read_text("utf-8").replace("controls: {", f'controls: {{endpoint: "{controls}", ')
    declaration = folder / "storage.yaml"
    declaration.write_text(text, encoding="utf-8")
    command = [*KANDIAN, "certify", "--profile", "cloud-storage", "--target", endpoint, "--out", str(folder / "out")]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--declaration", str(declaration)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stdout.decode())
    lines = [json.loads(line) for line in (folder / "out" / "results.jsonl").read_text("utf-8").splitlines()]
    return sum(len(line["checks"]) for line in lines if line["kind"] == "test"), seconds


def main() -> int:
    """Print the overhead factor; exit 1 when the whole profile takes 30 s or more."""
    account = load_declaration(DEFAULT, load_catalogue().vocabulary).accounts[0]
    with (
        tempfile.TemporaryDirectory(prefix="kandian-bench-") as folder,
        subprocess.Popen([*KANDIAN, "simulate", "storage"], stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            bare = bare_client(told["endpoint"], Credentials(account.access_key, account.secret_key))
            checks, seconds = suite(told["endpoint"], told["controls"], Path(folder))
        finally:
            process.terminate()
            process.wait(20)
    rate = checks / seconds
    print(f"storage_checks overhead={bare / rate:.2f} peer=bare client ours={rate:.0f}/s bare={bare:.0f}/s")  # noqa: T201
    print(f"  {checks} checks in {seconds:.1f} s")  # noqa: T201
    return 0 if seconds < 30.0 else 1


if __name__ == "__main__":
    sys.exit(main())
