"""What is read in a database: a table with its columns, or the rows of a query. Names never become part of a text here;
SQLAlchemy quotes them for the database at hand.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import FromClause, Select, column, func, inspect, literal_column, select, table
from sqlalchemy import text as sa_text
from sqlalchemy.exc import NoSuchTableError, SAWarning
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement, TextClause, quoted_name
from sqlalchemy.sql.selectable import TextualSelect
from sqlalchemy.types import TypeEngine

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.datasources.database_columns import Cells, Column, cells_of
from podadmin.datasources.database_errors import Fault, said
from podadmin.datasources.database_expressions import Chance
from podadmin.datasources.database_query import checked
from podadmin.datasources.database_session import Session
from podadmin.datasources.model import SqlSource

_AT_MOST = 2
"""Chance may choose more rows than are wanted; a limit that cuts them off would leave out the end of the table."""


class _Verbatim(TextClause):
    """A query as somebody wrote it, in which a colon is a colon."""

    inherit_cache = False

    def __init__(self, text: str) -> None:
        self._bindparams = {}
        self.text = text


@compiles(_Verbatim)
def _verbatim(element: _Verbatim, compiler: Any, **kw: Any) -> str:
    # drivers that mark parameters with a percent sign read two of them as one
    double = compiler.preparer._double_percents
    # a comment to the end of the line must not swallow what follows
    return (element.text.replace("%", "%%") if double else element.text) + "\n"


@dataclass(frozen=True)
class Relation:
    """Rows of a database. `schema` and `table` are "" for a query, `stored` says that it is a table and no view."""

    columns: tuple[Column, ...]
    source: FromClause
    family: str
    schema: str = ""
    table: str = ""
    stored: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.columns)

    def cell(self, name: str) -> ColumnElement[Any]:
        """The cell of the column `name`, in any select over `source`."""
        return self.source.c[name]

    def few(self, what: Sequence[ColumnElement[Any]], wanted: int, rows: int | None = None) -> Select[Any]:
        """A select of `what` over `wanted` rows: of a table of `rows` rows some from all over it, else the first.

        Nothing is sorted for it: blocks of a stored table of PostgreSQL, a chance for each row elsewhere.
        """
        share = wanted / rows if rows else 1.0
        if share >= 1.0:
            return select(*what).select_from(self.source).limit(wanted)
        most = wanted * _AT_MOST
        if self.family == "postgresql" and self.stored and rows is not None and rows > 100 * wanted:
            part = self.source.tablesample(func.system(literal_column(f"{100 * share:.6f}")), seed=literal_column("1"))
            moved = _moved(what, self.source, part)
            return select(*moved).select_from(part).limit(most)
        return select(*what).select_from(self.source).where(Chance(share)).limit(most)


def _moved(what: Sequence[ColumnElement[Any]], source: FromClause, part: FromClause) -> list[ColumnElement[Any]]:
    from sqlalchemy.sql.util import ClauseAdapter

    adapter = ClauseAdapter(part)
    return [adapter.traverse(each) for each in what]


def relation(session: Session, source: SqlSource) -> Relation:
    """The table or the query that `source` names, with its columns.

    Raises NotFound `datasource.database-table`, BadInput `datasource.no-table` and `datasource.duplicate-columns`, and
    what `database_query.checked` and `Session.rows` raise.
    """
    if bool(source.table) == bool(source.query):
        raise BadInput(
            "datasource.no-table",
            "It is not said what is read in the database.",
            "A datasource of a database is one table or one query, and neither or both are given.",
            "Choose a table, or write a query.",
        )
    found = _table(session, source.table) if source.table else _query(session, source.query)
    folded = [name.casefold() for name in found.names]
    twice = next((name for name in found.names if folded.count(name.casefold()) > 1), None)
    if twice is not None and found.family != "postgresql":
        raise BadInput(
            "datasource.duplicate-columns",
            "Two columns have the same name.",
            f"“{stranger(twice, 60)}” is the name of two columns.",
            "Write a query that gives one of them another name.",
        )
    return found


def _table(session: Session, text: str) -> Relation:
    family = session.family
    look = _listed if family.name == "mysql" else _reflected
    schema, name, columns, stored = session.call(lambda: look(session, text))
    source = table(
        quoted_name(name, True),
        *(column(quoted_name(each.name, True)) for each in columns),
        **({"schema": quoted_name(schema, True)} if schema else {}),
    )
    return Relation(columns, source, family.name, schema, name, stored)


def _places(text: str) -> list[tuple[str, str]]:
    """Schema ("" for the account's own) and table that a text may mean."""
    before, dot, after = text.partition(".")
    return [("", text), *([(before, after)] if dot else [])]


_LIST: Final = sa_text(
    "SELECT c.column_name, c.data_type, t.table_type FROM information_schema.columns c "
    "JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
    "WHERE c.table_name = :name AND c.table_schema = CASE WHEN :schema = '' THEN DATABASE() ELSE :schema END "
    "ORDER BY c.ordinal_position"
)


def _listed(session: Session, text: str) -> tuple[str, str, tuple[Column, ...], bool]:
    """The columns as MySQL lists them. What SQLAlchemy asks for a view takes a right that readers need not have."""
    for schema, name in _places(text):
        found = session.connection.execute(_LIST.bindparams(name=name, schema=schema)).all()
        if found:
            columns = tuple(Column(str(each[0]), _by_name(session, str(each[1])), str(each[1])) for each in found)
            return schema, name, columns, "VIEW" not in str(found[0][2])
    raise said(Fault.TABLE, session.family.words)


def _reflected(session: Session, text: str) -> tuple[str, str, tuple[Column, ...], bool]:
    inspector = inspect(session.connection)
    family = session.family.name
    with warnings.catch_warnings():
        # a type that SQLAlchemy does not know is shown as text
        warnings.simplefilter("ignore", SAWarning)
        for schema, name in _places(text):
            if not inspector.has_table(name, schema or None):
                continue
            try:
                found = inspector.get_columns(name, schema or None)
            except NoSuchTableError:
                continue
            stored = name in inspector.get_table_names(schema or None)
            kinds = [(str(each["name"]), each["type"]) for each in found]
            return schema, name, tuple(Column(each, cells_of(t, family), _native(t)) for each, t in kinds), stored
    raise said(Fault.TABLE, session.family.words)


def _native(kind: TypeEngine[Any]) -> str:
    return stranger(type(kind).__name__.lower(), 40)


def _query(session: Session, text: str) -> Relation:
    family = session.family
    verbatim = checked(text, family.name)
    columns = session.call(lambda: _described(session, verbatim))
    named: list[Any] = [column(quoted_name(each.name, True)) for each in columns]
    source = TextualSelect(_Verbatim(verbatim), named).subquery("q")
    return Relation(columns, source, family.name)


def _described(session: Session, verbatim: str) -> tuple[Column, ...]:
    """The columns of a query, by asking for none of its rows."""
    family = session.family.name
    direct = session.connection.execution_options(no_parameters=True)
    if family == "mssql":
        both: list[Any] = [literal_column("name"), literal_column("system_type_name")]
        asked = select(*both).select_from(func.sys.dm_exec_describe_first_result_set(verbatim, None, 0))
        found = session.connection.execute(asked.order_by(literal_column("column_ordinal"))).all()
        return tuple(Column(str(each[0]), _by_name(session, str(each[1])), str(each[1])) for each in found)
    none = f"SELECT * FROM ({verbatim}\n) q WHERE 1 = 0"  # noqa: S608 - checked to be one SELECT; it gives no row
    result = direct.exec_driver_sql(none)
    description = list(result.cursor.description or ()) if result.cursor is not None else []
    result.close()
    codes: list[tuple[str, Any]] = [(str(each[0]), each[1]) for each in description]
    if family == "sqlite":
        return tuple(Column(name, Cells.DYNAMIC, "") for name, _ in codes)
    if family == "postgresql":
        kinds = session.connection.execute(select(*(func.format_type(code, None) for _, code in codes))).one()
        return tuple(
            Column(name, _by_name(session, str(kind)), str(kind)) for (name, _), kind in zip(codes, kinds, strict=True)
        )
    if family == "oracle":
        types = [(name, str(getattr(code, "name", "")).removeprefix("DB_TYPE_")) for name, code in codes]
        return tuple(Column(name, _ORACLE.get(kind, Cells.OTHER), kind.lower()) for name, kind in types)
    return tuple(Column(name, *_MYSQL.get(int(code), (Cells.TEXT, "text"))) for name, code in codes)


def _by_name(session: Session, name: str) -> Cells:
    known: Any = session.connection.dialect
    made = known.ischema_names.get(name.partition("(")[0].strip())
    unknown = Cells.BYTES if session.family.name == "mysql" else Cells.OTHER  # in MySQL, what lies on a map
    return cells_of(made(), session.family.name) if made is not None else unknown


_WHOLE = (Cells.WHOLE, "integer")
_MYSQL = {
    0: (Cells.DECIMAL, "decimal"), 1: _WHOLE, 2: _WHOLE, 3: _WHOLE, 4: (Cells.FLOAT, "float"),
    5: (Cells.FLOAT, "double"), 7: (Cells.MOMENT, "timestamp"), 8: _WHOLE, 9: _WHOLE, 10: (Cells.MOMENT, "date"),
    11: (Cells.OTHER, "time"), 12: (Cells.MOMENT, "datetime"), 13: _WHOLE, 16: (Cells.BYTES, "bit"),
    245: (Cells.OTHER, "json"), 246: (Cells.DECIMAL, "decimal"), 255: (Cells.BYTES, "geometry"),
}  # fmt: skip
"""Numbers of column types on the wire (MySQL manual, protocol, enum_field_types)."""
_ORACLE = {
    "NUMBER": Cells.DECIMAL, "BINARY_INTEGER": Cells.WHOLE, "BINARY_DOUBLE": Cells.FLOAT, "BINARY_FLOAT": Cells.FLOAT,
    "VARCHAR": Cells.TEXT, "NVARCHAR": Cells.TEXT, "CHAR": Cells.TEXT, "NCHAR": Cells.TEXT, "DATE": Cells.MOMENT,
    "TIMESTAMP": Cells.MOMENT, "TIMESTAMP_TZ": Cells.MOMENT, "TIMESTAMP_LTZ": Cells.MOMENT, "RAW": Cells.BYTES,
    "BLOB": Cells.BYTES, "BOOLEAN": Cells.BOOLEAN,
}  # fmt: skip
