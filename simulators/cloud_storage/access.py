"""Who may do what: the owner of a bucket, whom its policy lets in, and what its access control list opens (S3 API)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.cloud_storage.exchange import Asked, Reply, document
from simulators.cloud_storage.faults import Fault, xml_text

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

ACL = "acl"
CANNED = ("private", "public-read", "public-read-write")
READING = frozenset({"GetObject", "ListBucket", "ListBucketMultipartUploads"})
WRITING = frozenset({"PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"})
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
_INSTANCE = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type='


class Access:
    """Decides on requests, and keeps the canned access control lists of buckets."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    def authorize(self, asked: Asked, action: str, bucket: str, key: str) -> None:
        """Raises Fault where the request is not allowed."""
        account = asked.identity.account
        decision = self.storage.policies.decide(asked, action, bucket, key)
        if decision is False and not self.may_repair(account, action, bucket):
            raise Fault("AccessDenied")
        if decision is not True and not self.opened(bucket, action):
            self.storage.check_access(bucket, account)

    def may_repair(self, account: str, action: str, bucket: str) -> bool:
        """The owner can always look after the policy, even one that shuts out everybody."""
        return action.endswith("BucketPolicy") and self.disk.owner(bucket) == account

    def opened(self, bucket: str, action: str) -> bool:
        """Whether the access control list of the bucket lets everybody do it."""
        acl = self.acl(bucket)
        return (acl != CANNED[0] and action in READING) or (acl == CANNED[2] and action in WRITING)

    def acl(self, bucket: str) -> str:
        """The canned list of a bucket."""
        return (self.disk.setting(bucket, ACL) or CANNED[0].encode()).decode()

    def canned(self, asked: Asked) -> str | None:
        """What x-amz-acl asks for; None for nothing. Raises Fault."""
        told = asked.header("x-amz-acl")
        if told is not None and told not in CANNED:
            raise Fault("InvalidArgument", "x-amz-acl is not supported")
        return told

    def set_canned(self, asked: Asked) -> None:
        """Put in force what x-amz-acl asks for, if it does. Raises Fault."""
        if (told := self.canned(asked)) is not None:
            self.disk.set_setting(asked.bucket, ACL, told.encode())

    def check_object_acl(self, asked: Asked) -> None:
        """Objects have no lists of their own. Raises Fault."""
        told = asked.header("x-amz-acl")
        if told not in (None, "private", "bucket-owner-full-control", "bucket-owner-read"):
            raise Fault("AccessControlListNotSupported")

    async def put_acl(self, asked: Asked) -> Reply:
        """PutBucketAcl, canned."""
        await asked.read()
        if asked.header("x-amz-acl") is None:
            raise Fault("NotImplemented", "Only canned access control lists are implemented")
        self.set_canned(asked)
        return Reply()

    async def get_acl(self, asked: Asked) -> Reply:
        """GetBucketAcl and GetObjectAcl."""
        if asked.key and self.disk.find(asked.bucket, asked.key) is None:
            raise Fault("NoSuchKey")
        owner = xml_text(self.disk.owner(asked.bucket) or "")
        opened = CANNED.index(self.acl(asked.bucket)) if not asked.key else 0
        grants = [
            f'<Grantee {_INSTANCE}"CanonicalUser"><ID>{owner}</ID></Grantee><Permission>FULL_CONTROL</Permission>'
        ]
        everybody = f'<Grantee {_INSTANCE}"Group"><URI>{ALL_USERS}</URI></Grantee>'
        grants += [f"{everybody}<Permission>{name}</Permission>" for name in ("READ", "WRITE")[:opened]]
        inner = "".join(f"<Grant>{grant}</Grant>" for grant in grants)
        listed = f"<AccessControlList>{inner}</AccessControlList>"
        return document("AccessControlPolicy", f"<Owner><ID>{owner}</ID></Owner>{listed}")
