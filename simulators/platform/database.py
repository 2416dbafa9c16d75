"""SQLite by SQLAlchemy Core: one connection, each statement a transaction of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Executable, Select, StaticPool, create_engine, event

from simulators.platform.tables import METADATA

Row = dict[str, Any]


class Database:
    """The store of a platform in ``folder``; what it holds survives a restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(
            f"sqlite:///{folder / 'platform.sqlite'}", poolclass=StaticPool, isolation_level="AUTOCOMMIT"
        )
        event.listen(self._engine, "connect", _tune)
        METADATA.create_all(self._engine)
        self._connection = self._engine.connect()

    def rows(self, statement: Select[Any]) -> list[Row]:
        """Every row of a query."""
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def row(self, statement: Select[Any]) -> Row | None:
        """The first row of a query."""
        found = self._connection.execute(statement).mappings().first()
        return None if found is None else dict(found)

    def value(self, statement: Select[Any]) -> Any:
        """The first field of the first row."""
        return self._connection.execute(statement).scalar()

    def change(self, statement: Executable, **values: Any) -> int:
        """Insert, update or delete; how many rows were touched. ``values``: of the parameters of a statement."""
        return self._connection.execute(statement, values or None).rowcount

    def change_all(self, statement: Executable, values: list[Row]) -> None:
        """The same insert or update for many rows, as one transaction."""
        self._connection.exec_driver_sql("BEGIN")
        self._connection.execute(statement, values)
        self._connection.exec_driver_sql("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._engine.dispose()


def _tune(connection: Any, record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=OFF"):
        connection.execute(f"PRAGMA {pragma}")
