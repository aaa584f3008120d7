"""Turn statements into what a bare driver takes: SQL text, parameters, and named tuples for the rows."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Delete, Insert, Select, Table, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.selectable import CompoundSelect, TextualSelect

from rekku.core.database import Statement, Write
from rekku.core.errors import PluginError

Parameters = tuple[Any, ...]
Call = tuple[str, Parameters]
"""SQL text and its parameters, ready for the driver."""

Rows = tuple[Sequence[Sequence[Any]], Sequence[str]]
"""Rows as the driver gives them, and the names of their columns."""

Processor = Callable[[Any], Any]


class Prepared:
    """A statement, compiled for one dialect."""

    __slots__ = (
        "_bind_processors",
        "_compiled",
        "_constants",
        "_known",
        "_pick",
        "_processors",
        "_results",
        "_row",
        "sql",
    )

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        clause = statement.clause
        self._row: Any = None
        self._results = _result_processors(clause, dialect)
        self._compiled: Any = None
        self._constants: dict[str, Any] = {}
        self._processors: dict[str, Processor] = {}
        names: Sequence[str] = ()
        keys: Sequence[str] = ()
        if isinstance(clause, ExecutableDDLElement):
            self.sql = str(clause.compile(dialect=dialect))
        else:
            columns = list(statement.columns) if statement.columns is not None else None
            compiled: Any = clause.compile(dialect=dialect, column_keys=columns)
            self.sql = str(compiled)
            self._constants = _constants(clause, compiled)
            self._processors = _bind_processors(compiled, dialect)
            names = compiled.positiontup or ()
            expanding = compiled.post_compile_params | compiled.literal_execute_params
            if any(bind.required for bind in expanding):
                self._compiled = compiled
            elif expanding:
                names = self._freeze(compiled)
            keys = [compiled.binds[name].key if name in compiled.binds else name for name in names]
        self._bind_processors = [(at, self._processors[n]) for at, n in enumerate(names) if n in self._processors]
        self._known = frozenset(keys)
        self._pick = _picker(keys)

    def bind(self, values: Mapping[str, Any]) -> Call:
        """The SQL text and the parameters for these values. Raises PluginError for missing and unknown names."""
        if not values.keys() <= self._known:
            unknown = ", ".join(sorted(values.keys() - self._known))
            raise PluginError(f"the statement has no parameter named {unknown}: {self.sql}")
        given = {**self._constants, **values} if self._constants else values
        try:
            if self._compiled is not None:
                return self._expand(given)
            picked = self._pick(given)
        except KeyError as error:
            raise PluginError(f"a value for {error.args[0]!r} is missing in: {self.sql}") from None
        if not self._bind_processors:
            return self.sql, picked
        parameters = list(picked)
        for index, process in self._bind_processors:
            parameters[index] = process(parameters[index])
        return self.sql, tuple(parameters)

    def rows(self, found: Rows) -> list[Any]:
        """Named tuples, with the values that the columns' types make of what the driver read."""
        raw, names = found
        if self._row is None:
            # Not `_make`: that is a call in Python for each row, only to count the columns once more.
            self._row = partial(tuple.__new__, namedtuple("Row", names, rename=True))
        make = self._row
        if not self._results:
            return list(map(make, raw))
        rows = []
        for row in raw:
            values = list(row)
            for index, process in self._results:
                values[index] = process(values[index])
            rows.append(make(values))
        return rows

    def _freeze(self, compiled: Any) -> Sequence[str]:
        """Expand lists that are part of the statement, once; the names of the parameters afterwards."""
        keys = {bind.key for bind in compiled.bind_names}
        state = compiled.construct_expanded_state({key: self._constants.get(key) for key in keys})
        self.sql = state.statement
        self._processors = {**self._processors, **state.processors}
        self._constants.update({n: v for n, v in state.parameters.items() if n not in compiled.binds})
        return state.positiontup  # type: ignore[no-any-return]

    def _expand(self, given: Mapping[str, Any]) -> Call:
        """The slow path: `in_` with a list, whose length is part of the SQL text."""
        missing = self._known - given.keys()
        if missing:
            raise KeyError(min(missing))
        state = self._compiled.construct_expanded_state(dict(given))
        processors = {**self._processors, **state.processors}
        parameters = [
            processors[name](state.parameters[name]) if name in processors else state.parameters[name]
            for name in state.positiontup
        ]
        return state.statement, tuple(parameters)


def prepared(statement: Statement | ClauseElement, dialect: Dialect) -> Prepared:
    """The compiled form of a statement; a `Statement` is compiled once, a bare clause each time."""
    if not isinstance(statement, Statement):
        return Prepared(Statement(statement), dialect)
    known: Prepared | None = statement.compiled.get(dialect.name)
    if known is None:
        known = statement.compiled[dialect.name] = Prepared(statement, dialect)
    return known


def bound(write: Write, dialect: Dialect) -> Call:
    """A write as the driver takes it."""
    known: Prepared | None = write.statement.compiled.get(dialect.name)
    if known is None:
        known = prepared(write.statement, dialect)
    return known.bind(write.values)


def _picker(keys: Sequence[str]) -> Callable[[Mapping[str, Any]], Parameters]:
    match len(keys):
        case 0:
            return lambda _: ()
        case 1:
            only = keys[0]
            return lambda given: (given[only],)
    return itemgetter(*keys)


def _constants(clause: ClauseElement, compiled: Any) -> dict[str, Any]:
    """Values that need not be given: literals of the statement, and defaults of columns."""
    constants = {bind.key: bind.effective_value for bind in compiled.bind_names if not bind.required}
    if isinstance(clause, Insert | Update) and isinstance(clause.table, Table):
        prefetch = compiled.insert_prefetch if isinstance(clause, Insert) else compiled.update_prefetch
        if isinstance(clause, Insert):
            columns = {column.key: column for column in clause.table.columns}
            absent = {bind.key for bind in compiled.bind_names if bind.required} & columns.keys()
            prefetch = [*prefetch, *(columns[key] for key in absent if _may_be_absent(columns[key]))]
        constants.update({column.key: _default(column, isinstance(clause, Update)) for column in prefetch})
    return constants


def _may_be_absent(column: Column[Any]) -> bool:
    return bool(column.nullable) or column.default is not None or column is column.table.autoincrement_column


def _default(column: Column[Any], update: bool) -> Any:
    default: Any = column.onupdate if update else column.default
    if default is None:
        return None
    if not default.is_scalar:
        raise PluginError(f"the default of column {column} is computed in Python; give the value with the statement")
    return default.arg


def _bind_processors(compiled: Any, dialect: Dialect) -> dict[str, Processor]:
    found = {}
    for name, bind in compiled.binds.items():
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None:
            found[name] = process
    return found


def _result_processors(clause: ClauseElement, dialect: Dialect) -> list[tuple[int, Processor]]:
    columns: Sequence[Any] = ()
    if isinstance(clause, Select | CompoundSelect | TextualSelect):
        columns = list(clause.selected_columns)
    elif isinstance(clause, Insert | Update | Delete):
        columns = list(clause.exported_columns)
    found = []
    for index, column in enumerate(columns):
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            found.append((index, process))
    return found
