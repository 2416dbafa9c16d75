"""Header signatures a second (SigV4), against botocore's signer, with identical output.

Ours keeps the signing key of a day, region and service; botocore derives it anew each time. Both ratios are printed:
as the signers are, and with our keys forgotten before every request.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from unittest.mock import patch

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest, encode_key
from conformance.protocols.s3_credentials import Credentials

AT = 1_375_351_200.0
REGION, HOST = "cn", "storage.example:9000"
KEYS = Credentials("KDNOWNER0001", "5b3c1d9e7a2f48c0owner")
META = (("Content-Type", "video/mp4"), ("x-amz-meta-start", "2013-08-01T10:00:00Z"), ("x-amz-meta-device-id", "KDN1"))
REQUESTS = 2000
ROUNDS = 5
WANTED = 3.0


def requests() -> list[RawRequest]:
    """What a recording platform sends: uploads with metadata, ranged reads, listings."""
    found = []
    for number in range(REQUESTS):
        path = "/shop-1/" + encode_key(f"店铺 {number % 7}/KDN00000001/1/20130801/{number:06d}-{number + 1:06d}.mp4")
        if number % 3 == 0:
            found.append(RawRequest("PUT", path, (("Host", HOST), *META), b"recording" * 100))
        elif number % 3 == 1:
            found.append(RawRequest("GET", path, (("Host", HOST), ("Range", "bytes=0-65535"))))
        else:
            query = "list-type=2&max-keys=100&prefix=KDN00000001%2F1%2F20130801%2F"
            found.append(RawRequest("GET", f"/shop-1?{query}", (("Host", HOST),)))
    return found


def ours(made: list[RawRequest]) -> list[str]:
    """Authorization headers by our signer."""
    return [sigv4.sign(request, KEYS, region=REGION, at=AT).header("Authorization") or "" for request in made]


def without_kept_keys(made: list[RawRequest]) -> list[str]:
    """Authorization headers by our signer, which derives its key anew for each."""
    found = []
    for request in made:
        sigv4.signing_key.cache_clear()
        found.append(sigv4.sign(request, KEYS, region=REGION, at=AT).header("Authorization") or "")
    return found


def theirs(made: list[RawRequest]) -> list[str]:
    """Authorization headers by botocore."""
    signer = S3SigV4Auth(TheirCredentials(KEYS.access_key, KEYS.secret_key), "s3", REGION)
    found = []
    for request in made:
        asked = AWSRequest(
            method=request.method,
            url=f"http://{HOST}{request.target}",
            headers=dict(request.headers),
            data=request.body,
        )
        signer.add_auth(asked)
        found.append(asked.headers["Authorization"])
    return found


def main() -> int:
    """Print the ratio; exit 1 below the ratio wanted or when one signature differs."""
    made = requests()
    moment = dt.datetime.fromtimestamp(AT, dt.UTC).replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        same = ours(made) == theirs(made)
        best = [float("inf")] * 3
        for _ in range(ROUNDS):
            for number, signer in enumerate((ours, theirs, without_kept_keys)):
                started = time.perf_counter()
                signer(made)
                best[number] = min(best[number], time.perf_counter() - started)
    ratio = best[1] / best[0]
    each = [REQUESTS / seconds for seconds in best]
    print(f"signer ratio={ratio:.2f} peer=botocore ours={each[0]:.0f}/s theirs={each[1]:.0f}/s")  # noqa: T201
    print(f"  with our keys derived anew: ratio={best[1] / best[2]:.2f}")  # noqa: T201
    print(f"  {REQUESTS} requests, signatures {'identical' if same else 'DIFFERENT'}")  # noqa: T201
    return 0 if same and ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
