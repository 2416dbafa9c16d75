"""The cloud storage under test as the suites see it: clients of its accounts, buckets that each test owns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from conformance.peers.faults import BenchFault, DeviceFault, DeviceTerminated
from conformance.peers.http_connection import Endpoint
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.client import StorageClient, Version
from conformance.protocols.s3_credentials import Credentials
from conformance.protocols.s3_xml import read_listing, read_uploads
from conformance.wire import Wire
from specs.declaration import Account, LoadedDeclaration
from specs.declaration import Storage as Declared
from specs.dialects import Dialect, load_dialects
from specs.model import Limit

MOST_PAGES = 20


class StorageDown(DeviceFault):
    """The storage does not answer any more."""

    def __init__(self, why: str) -> None:
        super().__init__(f"存储没有响应: {why}", f"the storage does not answer: {why}")


class Storage:
    """``owner`` writes what tests need; ``other`` belongs to another tenant, None where none is declared; ``anonymous``
    signs nothing."""

    def __init__(self, wire: Wire, loaded: LoadedDeclaration, limits: Mapping[str, Limit]) -> None:
        self.wire, self.limits, self.loaded = wire, limits, loaded
        self.declared = loaded.declaration.storage or Declared()
        self.dialect: Dialect = load_dialects()[self.declared.dialect]
        self._buckets: list[tuple[StorageClient, str]] = []
        self._clients: list[StorageClient] = []
        self.attach(self.declared.endpoint)

    def attach(self, endpoint: str, ca_file: str = "") -> None:
        """The storage listens there. ``ca_file``: certificate that vouches for it, else the declared one."""
        folder = self.loaded.path.parent if self.loaded.path else None
        if folder and self.declared.ca_file and not ca_file:
            ca_file = str(folder / self.declared.ca_file)
        self.endpoint = Endpoint.of(endpoint, ca_file)
        accounts = self.loaded.accounts
        self.owner = self.client(accounts[0] if accounts else Account("owner", "", ""))
        self.other = self.client(accounts[1]) if len(accounts) > 1 else None
        self.anonymous = self.client(None)

    def client(
        self, account: Account | None, clock_offset: float = 0.0, version: Version | None = None
    ) -> StorageClient:
        """A client for an account, for nobody with None. ``version``: of its signatures, else that of the dialect."""
        credentials = self._credentials(account) if account else None
        region = self.declared.region or self.dialect.region
        chosen = version or self.dialect.signature
        in_host = self.declared.addressing == "virtual_host"
        client = StorageClient(
            self.wire, self.endpoint, credentials, region, chosen, self.limits, clock_offset, in_host
        )
        self._clients.append(client)
        return client

    def _credentials(self, account: Account) -> Credentials:
        """Keys whose signatures go on the tape one by one: a replay does not have the secret."""

        def witness(find: Callable[[], str]) -> str:
            return str(self.wire.fact(f"signature {account.access_key}", find))

        return Credentials(account.access_key, account.secret_key, account.token, witness)

    async def preflight(self) -> None:
        """Address and keys. Raises BenchFault with the server's own words."""
        if not self.loaded.accounts:
            raise BenchFault(
                "没有存储帐号：请在声明的 storage.accounts 中给出，或设置 KANDIAN_ACCESS_KEY 与 KANDIAN_SECRET_KEY",
                "no account: name one in storage.accounts of the declaration, or set KANDIAN_ACCESS_KEY and"
                " KANDIAN_SECRET_KEY",
            )
        answer = await self.owner.call("GET")
        if answer.ok:
            return
        words = answer.summary + (f" {answer.error.message}" if answer.error else "")
        raise BenchFault(
            f"列出存储桶未成功，请检查地址、区域与密钥: {words}",
            f"listing the buckets fails, check endpoint, region and key: {words}",
        )

    async def alive(self) -> Answer:
        """A probe: any answer at all will do."""
        return await self.anonymous.send(self.anonymous.build("GET"))

    async def settle(self) -> None:
        """The server answers. Raises StorageDown after `death_wait`."""
        until = self.wire.now() + self.limits["death_wait"].seconds
        while (answer := await self.alive()).http is None:
            if self.wire.now() >= until:
                raise StorageDown(answer.why)
            await self.wire.sleep(self.limits["listening_step"].seconds)

    async def judge_death(self, answer: Answer) -> None:
        """After a request without an answer: if the server is gone, this request ended it. Raises DeviceTerminated."""
        if answer.http is None:
            await self.wire.sleep(self.limits["listening_step"].seconds)
            probe = await self.alive()
            if probe.http is None:
                last = f"{answer.request.method} {answer.request.path[:80]}"
                raise DeviceTerminated(
                    f"服务器终止: {last} 之后不再响应 ({answer.why}; {probe.why})",
                    f"server terminated: after {last} nobody answers any more ({answer.why}; {probe.why})",
                )

    async def bucket(self, client: StorageClient | None = None) -> str:
        """A fresh private bucket of this test. Raises BenchFault when it cannot be made."""
        name = f"kandian-{self.wire.random.getrandbits(64):016x}"
        maker = client or self.owner
        answer = await maker.call("PUT", name)
        if not answer.ok:
            raise BenchFault(f"无法创建测试用存储桶: {answer.summary}", f"no bucket for the test: {answer.summary}")
        self._buckets.append((maker, name))
        return name

    async def clear(self) -> None:
        """Remove the buckets of this test as far as the server lets us."""
        for client, bucket in self._buckets:
            await _empty(client, bucket)
            await client.delete(bucket)
        self._buckets.clear()
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()

    @staticmethod
    def not_implemented(answer: Answer) -> bool:
        """An honest 501."""
        return answer.status == 501 or answer.code == "NotImplemented"


async def _empty(client: StorageClient, bucket: str) -> None:
    uploads = read_uploads((await client.call("GET", bucket, query=[("uploads", "")])).body)
    for key, upload in uploads:
        await client.abort(bucket, key, upload)
    for _ in range(MOST_PAGES):
        listing = read_listing((await client.list_v1(bucket)).body)
        if listing is None or not listing.keys:
            return
        await asyncio.gather(*(client.delete(bucket, key) for key in listing.keys))
