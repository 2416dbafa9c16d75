"""Configurations of a bucket: documents that are put, got and deleted by sub-resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.protocols import s3_xml
from conformance.protocols.safe_xml import XmlElement
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage


class Configuration:
    """One kind. ``missing``: what a GET is answered where there is none; ``content_type``: of the document."""

    kind = ""
    missing = ""
    content_type = "application/xml"
    put_status = 200

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    def checked(self, asked: Asked, body: bytes) -> bytes:
        """The document to keep. Raises Fault."""
        raise NotImplementedError

    async def put(self, asked: Asked) -> Reply:
        """Put it in force; the one before goes."""
        body = self.checked(asked, await asked.read())
        self.disk.set_setting(asked.bucket, self.kind, body)
        return Reply(self.put_status)

    async def get(self, asked: Asked) -> Reply:
        """Tell it."""
        body = self.disk.setting(asked.bucket, self.kind)
        if body is None:
            raise Fault(self.missing)
        return Reply(headers=[("Content-Type", self.content_type)], body=body)

    async def delete(self, asked: Asked) -> Reply:
        """Forget it."""
        self.disk.set_setting(asked.bucket, self.kind, None)
        return Reply(204)


def root_of(body: bytes, name: str) -> XmlElement:
    """The root of a document of that name. Raises Fault."""
    root = s3_xml.read(body)
    if root is None or s3_xml.local(root.name) != name:
        raise Fault("MalformedXML")
    return root


def only(element: XmlElement, allowed: frozenset[str]) -> None:
    """No children but these. Raises Fault."""
    if any(s3_xml.local(child.name) not in allowed for child in element.children):
        raise Fault("MalformedXML")
