"""How statements and tables are written for MariaDB, so that they mean the same as on SQLite."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.mysql.base import MySQLCompiler, MySQLTypeCompiler
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect


class _Compiler(MySQLCompiler):
    def _generate_prefixes(self, stmt: Any, prefixes: Iterable[tuple[Any, str | None]], **kw: Any) -> str:
        """Take prefixes that are meant for MySQL as ours, once."""
        generate: Any = super()._generate_prefixes
        own = {str(text): (text, None) for text, dialect in prefixes if dialect in (None, "*", "mysql", "mariadb")}
        return str(generate(stmt, tuple(own.values()), **kw))


class _Types(MySQLTypeCompiler):
    """Types without MariaDB's surprises: no end at 64 KB, no lost microseconds, no single precision."""

    def visit_large_binary(self, type_: Any, **kw: Any) -> str:
        return "LONGBLOB" if type_.length is None else super().visit_large_binary(type_, **kw)

    def visit_text(self, type_: Any, **kw: Any) -> str:
        return "LONGTEXT" if type_.length is None else super().visit_text(type_, **kw)

    def visit_float(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"

    def visit_datetime(self, type_: Any, **kw: Any) -> str:
        return "DATETIME(6)"


class MariaDialect(MariaDBDialect):
    """MariaDB, with `%s` parameters."""

    supports_statement_cache = True
    statement_compiler = _Compiler
    type_compiler_cls = _Types


DIALECT = MariaDialect(paramstyle="format")
