"""Mutants of XML bodies, Expect and overrides."""

from __future__ import annotations

from conformance.protocols import s3_xml
from simulators.cloud_storage.disk import Stored
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-004")
class AnyRootDeletes(CloudStorage):
    """The name of the document's root is not looked at."""

    zh = "批量删除不检查根元素的名称。"

    async def delete_many(self, asked: Asked) -> Reply:
        root = s3_xml.read(await asked.read())
        if root is None:
            raise Fault("MalformedXML")
        keys = [s3_xml.text(entry, "Key") for entry in s3_xml.children(root, "Object")]
        return await self.objects.delete_many(asked, keys, quiet=False)


@mutant(violates="CS-020")
class NobodySays100(CloudStorage):
    """Expect is not answered."""

    zh = "不应答 Expect: 100-continue。"

    class _Waiting(Asked):
        def proceed(self) -> None:
            """Wait for the body."""

    asked_class = _Waiting


@mutant(violates="CS-020")
class EverybodyGets100(CloudStorage):
    """The body is asked for before the signature is looked at."""

    zh = "在核对签名之前即索取正文。"

    async def answer(self, asked: Asked) -> Reply:
        asked.proceed()
        return await super().answer(asked)


@mutant(violates="CS-046")
class OverridesAreIgnored(CloudStorage):
    """response- fields have no effect."""

    zh = "response- 参数不起作用。"

    class _Fixed(Objects):
        def headers(self, found: Stored, asked: Asked) -> list[tuple[str, str]]:
            for name in [name for name in asked.query if name.startswith("response-")]:
                del asked.query[name]
            return super().headers(found, asked)

    objects_class = _Fixed
