"""A library management system.

Built in the page `scripts/02_Python_Foundations/05_library_management_system.py`:
edit the page, not this file.
"""

import argparse
import csv
import io
import json
import os
import re
import sqlite3
import sys
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

__all__ = [
    "KINDS",
    "POLICIES",
    "Accounts",
    "Book",
    "Catalogue",
    "Conflict",
    "Copy",
    "Entity",
    "Event",
    "EventKind",
    "Events",
    "Fine",
    "Library",
    "LibraryError",
    "Loan",
    "LoanDesk",
    "Malformed",
    "Member",
    "MemberKind",
    "MemoryRepository",
    "NotFound",
    "Policy",
    "Refused",
    "Reject",
    "Repository",
    "Reservation",
    "Service",
    "Shelf",
    "SqliteFile",
    "SqliteRepository",
    "StorageError",
    "Value",
    "WaitingList",
    "audit",
    "export_rows",
    "from_plain",
    "import_rows",
    "main",
    "make_report",
    "money",
    "parse_rows",
    "read_text",
    "rejects_to_csv",
    "to_plain",
    "write_new",
]


class LibraryError(ValueError):
    """Whatever the system says no with; its text is meant for the person at the desk."""


class Malformed(LibraryError):
    """Input that is not what it should be; ``field`` names the part, ``problem`` the reason."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


class NotFound(LibraryError):
    """A record that is asked for and is not there."""


class Refused(LibraryError):
    """A rule of the library says no."""


class Conflict(LibraryError):
    """The store says no: taken already, or it refers to what is not there."""


class StorageError(LibraryError):
    """The store cannot be used: locked for too long, damaged, or not a library."""


Value = str | int | date | None


def _kind_of(item: Field) -> tuple[type, bool]:
    """The type of a field, and whether it may be None: ``date | None`` gives (date, True)."""
    options = get_args(item.type)
    return (options[0], True) if options else (item.type, False)  # type: ignore[return-value]


def _check_value(item: Field, value: object) -> None:
    kind, optional = _kind_of(item)
    if value is None and optional:
        return
    if type(value) is not kind:
        raise Malformed(item.name, f"expected {kind.__name__}, got {value!r}")
    if isinstance(value, date) and not 1900 <= value.year < 3000:
        raise Malformed(item.name, f"expected a day from 1900 to 2999, got {value}")
    if isinstance(value, int) and not 0 <= value <= 10**12:
        raise Malformed(item.name, f"expected 0 to a million million, got {value}")
    if kind is not str or not isinstance(value, str):
        return
    if item.name.endswith("_id"):
        if not re.fullmatch(r"[\w./-]{1,64}", value):
            problem = "expected 1 to 64 letters, digits or . / - _, got"
            raise Malformed(item.name, f"{problem} {value[:80]!r}")
    elif not value and item.default != "":
        raise Malformed(item.name, "must not be empty")
    elif value != value.strip() or not value.isprintable() or len(value) > 2000:
        problem = "expected one line of at most 2000 printable characters, got"
        raise Malformed(item.name, f"{problem} {value[:80]!r}")


@dataclass(frozen=True)
class Entity:
    """A record: immutable, checked when it is made, identified by its first field.

    ``exclusive`` maps columns that no two records may share to a column that frees them
    once it is filled (or None); ``indexed`` lists what records are looked up by.
    """

    exclusive: ClassVar[dict[tuple[str, ...], str | None]] = {}
    indexed: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_value(item, getattr(self, item.name))

    @property
    def key(self) -> Any:
        """The value of the first field."""
        return getattr(self, fields(self)[0].name)


@dataclass(frozen=True)
class Book(Entity):
    """A title in the catalogue."""

    book_id: str
    title: str
    author: str
    about: str = ""


@dataclass(frozen=True)
class Copy(Entity):
    """One physical copy of a book."""

    indexed = (("book_id",),)
    copy_id: str
    book_id: str = field(metadata={"refers": Book})


class MemberKind(StrEnum):
    """What a member is, which decides the policy."""

    STUDENT = "student"
    TEACHER = "teacher"
    GUEST = "guest"


@dataclass(frozen=True)
class Member(Entity):
    """Somebody who may borrow."""

    member_id: str
    name: str
    kind: MemberKind


@dataclass(frozen=True)
class Loan(Entity):
    """A copy in somebody's hands, or the memory of it."""

    exclusive = {("copy_id",): "returned_on"}  # noqa: RUF012
    indexed = (("member_id", "returned_on"), ("returned_on",))
    number: int
    copy_id: str = field(metadata={"refers": Copy})
    member_id: str = field(metadata={"refers": Member})
    lent_on: date
    due_on: date
    renewals: int = 0
    returned_on: date | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("due_on", "returned_on"):
            day = getattr(self, name)
            if day is not None and day < self.lent_on:
                raise Malformed(name, f"{day} is before the loan of {self.lent_on}")

    def days_late(self, on: date) -> int:
        """Whole days after the due day, 0 if there are none."""
        return max(0, (on - self.due_on).days)


@dataclass(frozen=True)
class Reservation(Entity):
    """A place in the queue for a book; with ``copy_id``, a copy held until ``held_until``."""

    exclusive = {("copy_id",): None, ("book_id", "member_id"): None}  # noqa: RUF012
    indexed = (("member_id",), ("held_until",))
    number: int
    book_id: str = field(metadata={"refers": Book})
    member_id: str = field(metadata={"refers": Member})
    copy_id: str | None = field(default=None, metadata={"refers": Copy})
    held_until: date | None = None


@dataclass(frozen=True)
class Fine(Entity):
    """What a loan cost, in cents, and how much of it is paid."""

    indexed = (("member_id",),)
    loan: int = field(metadata={"refers": Loan})
    member_id: str = field(metadata={"refers": Member})
    cents: int
    paid: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.paid > self.cents:
            raise Malformed("paid", f"{self.paid} cents are more than the {self.cents}")


class EventKind(StrEnum):
    """What can happen."""

    LENT = "lent"
    RETURNED = "returned"
    RENEWED = "renewed"
    RESERVED = "reserved"
    HELD = "held"
    LAPSED = "lapsed"
    FINED = "fined"
    PAID = "paid"


@dataclass(frozen=True)
class Event(Entity):
    """Something that happened to a member, and whether it has been told to those who asked."""

    indexed = (("delivered",),)
    number: int
    kind: EventKind
    day: date
    member_id: str = field(metadata={"refers": Member})
    item: str
    delivered: bool = False


KINDS: tuple[type[Entity], ...] = (Book, Copy, Member, Loan, Reservation, Fine, Event)


def _later(on: date, days: int) -> date:
    try:
        return on + timedelta(days=days)
    except OverflowError:
        raise Malformed("on", f"there is no day {days} days after {on}") from None


@dataclass(frozen=True)
class Policy:
    """The rules for one kind of member; money in cents."""

    max_loans: int
    loan_days: int
    max_renewals: int
    fine_per_day: int
    max_fine: int = 1000
    max_debt: int = 500
    max_reservations: int = 5
    hold_days: int = 3

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_value(item, getattr(self, item.name))

    def check_loan(self, n_open: int, owed: int) -> None:
        """Refuse another loan to somebody with ``n_open`` loans who owes ``owed`` cents."""
        if n_open >= self.max_loans:
            raise Refused(f"{n_open} of {self.max_loans} loans are used")
        if owed > self.max_debt:
            raise Refused(f"{money(owed)} owed, more than {money(self.max_debt)}")

    def fine(self, loan: Loan, on: date) -> int:
        """Cents for a return on a day, equation eq-library-fine."""
        return min(self.max_fine, self.fine_per_day * loan.days_late(on))

    def renewed(self, loan: Loan, on: date, n_waiting: int) -> Loan:
        """The loan with its due day moved, or the reason why not."""
        if n_waiting:
            raise Refused(f"cannot renew: {n_waiting} waiting for this book")
        if loan.renewals >= self.max_renewals:
            raise Refused(f"cannot renew: {loan.renewals} renewals are used")
        if loan.days_late(on):
            raise Refused(f"cannot renew: it was due on {loan.due_on}")
        due = max(loan.due_on, _later(on, self.loan_days))
        return replace(loan, due_on=due, renewals=loan.renewals + 1)


def money(cents: int) -> str:
    """Cents as a decimal number, exactly: 1234 gives 12.34."""
    return f"{cents // 100}.{cents % 100:02d}"


POLICIES = {
    MemberKind.STUDENT: Policy(3, loan_days=14, max_renewals=1, fine_per_day=10),
    MemberKind.TEACHER: Policy(10, loan_days=28, max_renewals=2, fine_per_day=10),
    MemberKind.GUEST: Policy(1, loan_days=7, max_renewals=0, fine_per_day=20),
}


@dataclass(frozen=True)
class Shelf:
    """One title as the desk sees it: copies, open loans, and the queue in order of number."""

    book: Book
    copies: tuple[Copy, ...]
    loans: tuple[Loan, ...]
    queue: tuple[Reservation, ...]

    @property
    def free(self) -> list[Copy]:
        """Copies that are neither lent nor held."""
        away = {loan.copy_id for loan in self.loans}
        away |= {place.copy_id for place in self.queue if place.copy_id}
        return [copy for copy in self.copies if copy.copy_id not in away]

    @property
    def waiting(self) -> list[Reservation]:
        """Places in the queue with nothing held for them, the first first."""
        return [place for place in self.queue if place.copy_id is None]

    def place_of(self, member_id: str) -> Reservation | None:
        """A member's place in the queue."""
        mine = [place for place in self.queue if place.member_id == member_id]
        return mine[0] if mine else None

    def copy_for(self, member_id: str) -> tuple[str, Reservation | None]:
        """The copy that this member may take now, and the reservation that it fulfils."""
        place = self.place_of(member_id)
        if place and place.copy_id:
            return place.copy_id, place
        if not self.free:
            counts = f"copies: {len(self.copies)}, in the queue: {len(self.queue)}"
            raise Refused(f"no copy of {self.book.title!r} is free ({counts})")
        return self.free[0].copy_id, place

    def check_place(self, member_id: str) -> None:
        """Refuse a reservation that would break equation eq-library-idle or be idle itself."""
        if self.place_of(member_id):
            raise Refused(f"{member_id} is in the queue already")
        if any(loan.member_id == member_id for loan in self.loans):
            raise Refused(f"{member_id} has {self.book.title!r} at home")
        if self.free:
            raise Refused(f"a copy of {self.book.title!r} is free: lend it instead")


_E = TypeVar("_E", bound=Entity)


class Repository(ABC):
    """Where records are kept; every implementation passes the same contract."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """A block whose changes all happen or none; nested, only the inner block's are undone."""

    @abstractmethod
    def insert(self, entity: Entity) -> None:
        """Keep a new record; Conflict if it is taken or refers to what is not there."""

    @abstractmethod
    def replace(self, entity: Entity) -> None:
        """Keep this in place of the record with its key; NotFound if there is none."""

    @abstractmethod
    def remove(self, entity: Entity) -> None:
        """Forget a record to which nothing refers; NotFound if it is not there."""

    @abstractmethod
    def find(self, kind: type[_E], /, **equal: Value) -> list[_E]:
        """Records whose fields have these values, in order of their keys."""

    @abstractmethod
    def next_number(self, kind: type[Entity]) -> int:
        """One more than the largest key of a kind that is numbered."""

    def get(self, kind: type[_E], key: Value) -> _E:
        """The record with a key; NotFound if there is none."""
        found = self.find(kind, **{fields(kind)[0].name: key})
        if not found:
            raise NotFound(f"no {kind.__name__.lower()} {key!r}")
        return found[0]

    def close(self) -> None:  # noqa: B027
        """Let go of what is open; nothing, unless an implementation says otherwise."""

    def __enter__(self) -> "Repository":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_query(kind: type[Entity], equal: Mapping[str, Value]) -> None:
    known = {item.name: item for item in fields(kind)}
    for name, value in equal.items():
        if name not in known:
            raise Malformed(name, f"a {kind.__name__.lower()} has no such field")
        _check_value(known[name], value)


class MemoryRepository(Repository):
    """Records in dictionaries, for tests and experiments; one thread, nothing survives."""

    def __init__(self) -> None:
        self._tables: dict[type[Entity], dict[Any, Any]] = {kind: {} for kind in KINDS}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = {kind: dict(table) for kind, table in self._tables.items()}
        try:
            yield
        except BaseException:
            self._tables = before
            raise

    def insert(self, entity: Entity) -> None:
        if entity.key in self._tables[type(entity)]:
            raise Conflict(f"{type(entity).__name__.lower()} {entity.key!r} exists")
        self._put(entity)

    def replace(self, entity: Entity) -> None:
        self.get(type(entity), entity.key)
        self._put(entity)

    def remove(self, entity: Entity) -> None:
        self.get(type(entity), entity.key)
        del self._tables[type(entity)][entity.key]

    def find(self, kind: type[_E], /, **equal: Value) -> list[_E]:
        _check_query(kind, equal)
        rows = sorted(self._tables[kind].items())
        return [row for _, row in rows if all(getattr(row, name) == value for name, value in equal.items())]

    def next_number(self, kind: type[Entity]) -> int:
        return max(self._tables[kind], default=0) + 1

    def _put(self, entity: Entity) -> None:
        for item in fields(entity):
            other, value = item.metadata.get("refers"), getattr(entity, item.name)
            if other and value is not None and value not in self._tables[other]:
                raise Conflict(f"no {other.__name__.lower()} {value!r}")
        claims = _claims(entity)
        for one in self._tables[type(entity)].values():
            if one.key != entity.key and claims & _claims(one):
                raise Conflict(f"taken by {type(one).__name__.lower()} {one.key!r}")
        self._tables[type(entity)][entity.key] = entity


def _claims(entity: Entity) -> set[tuple[tuple[str, ...], tuple[Value, ...]]]:
    """What no other record of the kind may hold at the same time."""
    held = set()
    for names, free_when in entity.exclusive.items():
        values = tuple(getattr(entity, name) for name in names)
        given_up = free_when is not None and getattr(entity, free_when) is not None
        if None not in values and not given_up:
            held.add((names, values))
    return held


def to_plain(entity: Entity) -> dict[str, str | int | None]:
    """A record as text, whole numbers and None; days in ISO form."""
    row: dict[str, str | int | None] = {}
    for item in fields(entity):
        value = getattr(entity, item.name)
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, StrEnum):
            value = value.value
        row[item.name] = int(value) if isinstance(value, bool) else value
    return row


def from_plain(kind: type[_E], row: Mapping[str, object]) -> _E:
    """A record from plain values, such as a row of a file; Malformed names the field."""
    known = {item.name for item in fields(kind)}
    for name in row:
        if name not in known:
            raise Malformed(str(name), f"a {kind.__name__.lower()} has no such field")
    values = {
        item.name: _value_from(item, row[item.name])
        for item in fields(kind)
        if item.name in row or _required(item)
    }
    return kind(**values)


def _required(item: Field) -> bool:
    """False for a field that may be left out; Malformed for any other."""
    if item.default is MISSING:
        raise Malformed(item.name, "is missing")
    return False


def _value_from(item: Field, value: object) -> object:
    kind, optional = _kind_of(item)
    text = value.strip() if isinstance(value, str) else value
    if text is None or (text == "" and kind is not str):
        if not optional:
            raise Malformed(item.name, "must not be empty")
        return None
    if text == "" and optional:
        return None
    if issubclass(kind, int) and isinstance(text, str):
        text = int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else text
    if kind is bool and text in (0, 1):
        return bool(text)
    try:
        if kind is date and isinstance(text, str):
            return date.fromisoformat(text)
        return kind(str(text)) if issubclass(kind, StrEnum) else text
    except ValueError:
        choices = list(kind) if issubclass(kind, StrEnum) else ["a day as 2026-01-31"]
        wanted = ", ".join(str(one) for one in choices)
        raise Malformed(item.name, f"expected {wanted}, got {text!r}") from None


def _schema() -> Iterator[str]:
    """The statements that make the tables, from the fields of the records."""
    for kind in KINDS:
        table, columns = kind.__name__.lower(), []
        for position, item in enumerate(fields(kind)):
            of, optional = _kind_of(item)
            column = f"{item.name} {'INTEGER' if issubclass(of, int) else 'TEXT'}"
            column += "" if optional else " NOT NULL"
            column += "" if position else " PRIMARY KEY"
            if other := item.metadata.get("refers"):
                column += f" REFERENCES {other.__name__.lower()}"
            columns.append(column)
        yield f"CREATE TABLE {table} ({', '.join(columns)}) STRICT"
        for names, free_when in kind.exclusive.items():
            where = f" WHERE {free_when} IS NULL" if free_when else ""
            made = f"CREATE UNIQUE INDEX one_{table}_{'_'.join(names)}"
            yield f"{made} ON {table} ({', '.join(names)}){where}"
        for names in kind.indexed:
            made = f"CREATE INDEX {table}_by_{'_'.join(names)}"
            yield f"{made} ON {table} ({', '.join(names)})"


@contextmanager
def _storage_errors(where: str) -> Iterator[None]:
    """Turn what SQLite raises into the answers of this system."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(f"the store refuses: {error}") from error
    except sqlite3.OperationalError as error:
        busy = "locked" in str(error)
        advice = " by another program; nothing was changed, try again" if busy else ""
        raise StorageError(f"{where}: {error}{advice}") from error
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{where} is not a library: {error}") from error


class SqliteFile(Repository):
    """An SQLite file that is a library: opening, transactions, closing."""

    begin = "BEGIN IMMEDIATE"
    mark = (0x4C494252, 1)  # "LIBR" and the version of the tables, in the header

    def __init__(self, path: str | Path, *, create: bool = True, timeout_s: float = 10.0) -> None:
        self.path, self._depth = Path(path), 0
        if not create and not self.path.exists():
            raise StorageError(f"no library at {self.path.name}: add something first")
        with _storage_errors(self.path.name):
            self.connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
        try:
            self._run("PRAGMA foreign_keys = ON")
            if self._found() != self.mark:
                with self.transaction():
                    self._prepare()
        except BaseException:
            self.connection.close()
            raise

    def _found(self) -> tuple[int, int]:
        sql = "SELECT * FROM pragma_application_id, pragma_user_version"
        mark, version = self._run(sql).fetchone()
        return mark, version

    def _prepare(self) -> None:
        found = self._found()  # again: another process may have been faster
        if found == self.mark:
            return
        if found != (0, 0) or self._run("SELECT 1 FROM sqlite_master").fetchone():
            problem = f"is marked {found}, not {self.mark}"
            raise StorageError(f"{self.path.name} {problem}: no library of this version")
        for statement in _schema():
            self._run(statement)
        self._run(f"PRAGMA application_id = {self.mark[0]}")
        self._run(f"PRAGMA user_version = {self.mark[1]}")

    def _run(self, sql: str, values: Sequence[Value] = ()) -> sqlite3.Cursor:
        with _storage_errors(self.path.name):
            return self.connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        inner = f"level_{self._depth}" if self._depth else ""
        self._run(f"SAVEPOINT {inner}" if inner else self.begin)
        self._depth += 1
        try:
            yield
            self._run(f"RELEASE {inner}" if inner else "COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self._run(f"ROLLBACK TO {inner}" if inner else "ROLLBACK")
                if inner:
                    self._run(f"RELEASE {inner}")
            raise
        finally:
            self._depth -= 1

    def close(self) -> None:
        self.connection.close()


class SqliteRepository(SqliteFile):
    """Records in an SQLite file that several processes may use at once."""

    def insert(self, entity: Entity) -> None:
        row = to_plain(entity)
        marks = ", ".join("?" * len(row))
        sql = f"INSERT INTO {type(entity).__name__.lower()} VALUES ({marks})"
        self._run(sql, list(row.values()))

    def replace(self, entity: Entity) -> None:
        row = to_plain(entity)
        (key, *names), (of, *values) = row, row.values()
        changes = ", ".join(f"{name} = ?" for name in names)
        sql = f"UPDATE {type(entity).__name__.lower()} SET {changes} WHERE {key} = ?"
        if not self._run(sql, [*values, of]).rowcount:
            raise NotFound(f"no {type(entity).__name__.lower()} {of!r}")

    def remove(self, entity: Entity) -> None:
        table, key = type(entity).__name__.lower(), fields(entity)[0].name
        sql = f"DELETE FROM {table} WHERE {key} = ?"
        if not self._run(sql, [entity.key]).rowcount:
            raise NotFound(f"no {table} {entity.key!r}")

    def find(self, kind: type[_E], /, **equal: Value) -> list[_E]:
        _check_query(kind, equal)
        columns = [item.name for item in fields(kind)]
        tests = [f"{name} IS NULL" if v is None else f"{name} = ?" for name, v in equal.items()]
        sql = f"SELECT {', '.join(columns)} FROM {kind.__name__.lower()}"
        sql += f" WHERE {' AND '.join(tests)}" if tests else ""
        values = [v.isoformat() if isinstance(v, date) else v for v in equal.values() if v is not None]
        rows = self._run(f"{sql} ORDER BY {columns[0]}", values).fetchall()
        return [from_plain(kind, dict(zip(columns, row))) for row in rows]

    def next_number(self, kind: type[Entity]) -> int:
        key = fields(kind)[0].name
        sql = f"SELECT coalesce(max({key}), 0) + 1 FROM {kind.__name__.lower()}"
        (number,) = self._run(sql).fetchone()
        return int(number)


class Events:
    """What happened: recorded with the change itself, delivered afterwards at least once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._handlers: dict[EventKind, list[Callable[[Event], object]]] = defaultdict(list)

    def subscribe(self, kind: EventKind, handler: Callable[[Event], object]) -> None:
        """Call the handler with every event of a kind that is delivered from now on."""
        self._handlers[kind].append(handler)

    def record(self, kind: EventKind, on: date, member_id: str, item: str) -> None:
        """Write an event down; to be called inside the transaction that it tells of."""
        number = self._repository.next_number(Event)
        self._repository.insert(Event(number, kind, on, member_id, item))

    def deliver(self) -> int:
        """Tell the handlers what they have not been told; return the number of events.

        A handler that raises stops the delivery; its event is delivered again next time.
        """
        waiting = self._repository.find(Event, delivered=False)
        for event in waiting:
            for handler in self._handlers[event.kind]:
                handler(event)
            with self._repository.transaction():
                self._repository.replace(replace(event, delivered=True))
        return len(waiting)


class Service:
    """What all services share; subclasses are the operations."""

    def __init__(
        self,
        repository: Repository,
        events: Events,
        policies: Mapping[MemberKind, Policy],
    ) -> None:
        self.repository, self.events, self.policies = repository, events, policies

    def policy_of(self, member_id: str) -> Policy:
        """The policy of a member, or NotFound."""
        return self.policies[self.repository.get(Member, member_id).kind]

    def shelf(self, book_id: str) -> Shelf:
        """One title with its copies, open loans and queue."""
        find = self.repository.find
        book = self.repository.get(Book, book_id)
        copies = find(Copy, book_id=book_id)
        loans = [loan for copy in copies for loan in find(Loan, copy_id=copy.copy_id, returned_on=None)]
        queue = find(Reservation, book_id=book_id)
        return Shelf(book, tuple(copies), tuple(loans), tuple(queue))

    def open_loan(self, copy_id: str) -> Loan:
        """The loan that a copy is out on."""
        copy = self.repository.get(Copy, copy_id)
        found = self.repository.find(Loan, copy_id=copy.copy_id, returned_on=None)
        if not found:
            raise Refused(f"copy {copy_id} is not lent")
        return found[0]


class Accounts(Service):
    """Fines and payments."""

    def owed(self, member_id: str) -> int:
        """Cents that a member has not paid."""
        fines = self.repository.find(Fine, member_id=member_id)
        return sum(fine.cents - fine.paid for fine in fines)

    def charge(self, loan: Loan, on: date) -> int:
        """Fine a late return; part of the transaction of the return."""
        cents = self.policy_of(loan.member_id).fine(loan, on)
        if cents:
            self.repository.insert(Fine(loan.number, loan.member_id, cents))
            self.events.record(EventKind.FINED, on, loan.member_id, money(cents))
        return cents

    def pay(self, member_id: str, cents: int, on: date) -> int:
        """Pay the oldest fines first; return what is still owed."""
        with self.repository.transaction():
            self.policy_of(member_id)
            owed = self.owed(member_id)
            if not 0 < cents <= owed:
                raise Refused(f"{money(owed)} owed; cannot pay {cents} cents")
            left = cents
            for fine in self.repository.find(Fine, member_id=member_id):
                part = min(left, fine.cents - fine.paid)
                self.repository.replace(replace(fine, paid=fine.paid + part))
                left -= part
            self.events.record(EventKind.PAID, on, member_id, money(cents))
        return owed - cents


class WaitingList(Service):
    """The queue for each book."""

    def reserve(self, member_id: str, book_id: str, on: date) -> Reservation:
        """Take the last place in the queue for a book of which no copy is free."""
        with self.repository.transaction():
            policy = self.policy_of(member_id)
            self.shelf(book_id).check_place(member_id)
            places = self.repository.find(Reservation, member_id=member_id)
            if len(places) >= policy.max_reservations:
                raise Refused(f"{len(places)} reservations are the most")
            number = self.repository.next_number(Reservation)
            place = Reservation(number, book_id, member_id)
            self.repository.insert(place)
            self.events.record(EventKind.RESERVED, on, member_id, book_id)
        return place

    def cancel(self, member_id: str, book_id: str, on: date) -> Reservation:
        """Give up a place in the queue; a held copy goes to the next."""
        with self.repository.transaction():
            self.repository.get(Member, member_id)
            place = self.shelf(book_id).place_of(member_id)
            if place is None:
                raise Refused(f"{member_id} has not reserved {book_id}")
            self._leave(place, on)
        return place

    def expire(self, on: date) -> int:
        """End every hold whose last day is over; return their number."""
        with self.repository.transaction():
            held = self.repository.find(Reservation)
            over = [place for place in held if place.held_until and place.held_until < on]
            for place in over:
                self._leave(place, on)
        return len(over)

    def pass_on(self, copy_id: str, on: date) -> None:
        """Hold a copy that has become free for the first who waits; part of a transaction."""
        book_id = self.repository.get(Copy, copy_id).book_id
        for place in self.shelf(book_id).waiting[:1]:
            until = _later(on, self.policy_of(place.member_id).hold_days)
            held = replace(place, copy_id=copy_id, held_until=until)
            self.repository.replace(held)
            self.events.record(EventKind.HELD, on, place.member_id, copy_id)

    def _leave(self, place: Reservation, on: date) -> None:
        self.repository.remove(place)
        self.events.record(EventKind.LAPSED, on, place.member_id, place.book_id)
        if place.copy_id:
            self.pass_on(place.copy_id, on)


class LoanDesk(Service):
    """Lending, taking back, renewing."""

    def __init__(self, accounts: Accounts, waiting: WaitingList) -> None:
        super().__init__(waiting.repository, waiting.events, waiting.policies)
        self.accounts, self.waiting = accounts, waiting

    def lend(self, member_id: str, book_id: str, on: date) -> Loan:
        """Lend a book: the copy that is held for the member, or else a free one."""
        with self.repository.transaction():
            policy = self.policy_of(member_id)
            mine = self.repository.find(Loan, member_id=member_id, returned_on=None)
            policy.check_loan(len(mine), self.accounts.owed(member_id))
            copy_id, place = self.shelf(book_id).copy_for(member_id)
            number = self.repository.next_number(Loan)
            due = _later(on, policy.loan_days)
            loan = Loan(number, copy_id, member_id, on, due)
            self.repository.insert(loan)
            if place:
                self.repository.remove(place)
            self.events.record(EventKind.LENT, on, member_id, copy_id)
        return loan

    def take_back(self, copy_id: str, on: date) -> Loan:
        """Close the loan of a copy, fine a delay, and hold the copy for the next."""
        with self.repository.transaction():
            closed = replace(self.open_loan(copy_id), returned_on=on)
            self.repository.replace(closed)
            self.events.record(EventKind.RETURNED, on, closed.member_id, copy_id)
            self.accounts.charge(closed, on)
            self.waiting.pass_on(copy_id, on)
        return closed

    def renew(self, copy_id: str, on: date) -> Loan:
        """Move the due day of a loan, unless somebody waits."""
        with self.repository.transaction():
            loan = self.open_loan(copy_id)
            shelf = self.shelf(self.repository.get(Copy, copy_id).book_id)
            policy = self.policy_of(loan.member_id)
            longer = policy.renewed(loan, on, len(shelf.waiting))
            self.repository.replace(longer)
            self.events.record(EventKind.RENEWED, on, loan.member_id, copy_id)
        return longer


class Catalogue(Service):
    """Books, copies and members: adding and searching."""

    def __init__(self, waiting: WaitingList) -> None:
        super().__init__(waiting.repository, waiting.events, waiting.policies)
        self.waiting = waiting

    def add(self, entity: Entity, on: date) -> None:
        """Keep a new record; a new copy goes to the first who waits for its book."""
        with self.repository.transaction():
            for item in fields(entity):  # a kinder answer than the store's
                other, value = item.metadata.get("refers"), getattr(entity, item.name)
                if other and value is not None:
                    self.repository.get(other, value)
            key = {fields(entity)[0].name: entity.key}
            if self.repository.find(type(entity), **key):
                name = type(entity).__name__.lower()
                raise Conflict(f"{name} {entity.key} is there already")
            self.repository.insert(entity)
            if isinstance(entity, Copy):
                self.waiting.pass_on(entity.copy_id, on)

    def search(self, text: str) -> list[Shelf]:
        """Titles whose record contains every word of the text, in any case."""
        words = text.casefold().split()
        found = []
        for book in self.repository.find(Book):
            record = f"{book.book_id} {book.title} {book.author} {book.about}".casefold()
            if all(word in record for word in words):
                found.append(self.shelf(book.book_id))
        return found


class Library:
    """The whole system over one repository."""

    def __init__(
        self,
        repository: Repository,
        policies: Mapping[MemberKind, Policy] = POLICIES,
    ) -> None:
        self.repository, self.policies = repository, policies
        self.events = Events(repository)
        self.accounts = Accounts(repository, self.events, policies)
        self.waiting = WaitingList(repository, self.events, policies)
        self.desk = LoanDesk(self.accounts, self.waiting)
        self.catalogue = Catalogue(self.waiting)


def audit(repository: Repository) -> list[str]:
    """What breaks the rules of the library in the stored state; an empty list is good.

    References
    ----------
    Equations eq-library-hands, eq-library-idle and eq-library-fine of the page.
    """
    found: list[str] = []
    loans, places = repository.find(Loan), repository.find(Reservation)
    copies = {copy.copy_id: copy.book_id for copy in repository.find(Copy)}
    hands = [loan.copy_id for loan in loans if loan.returned_on is None]
    hands += [place.copy_id for place in places if place.copy_id]
    found += [f"copy {c} is in {hands.count(c)} hands" for c in set(hands) if hands.count(c) > 1]
    for book_id in sorted({place.book_id for place in places}):
        queue = [place for place in places if place.book_id == book_id]
        free = {copy for copy, of in copies.items() if of == book_id} - set(hands)
        has_copy = [place.copy_id is not None for place in queue]
        if free and not all(has_copy):
            found.append(f"{sorted(free)} idle while somebody waits for {book_id}")
        if has_copy != sorted(has_copy, reverse=True):
            found.append(f"the queue for {book_id} was overtaken")
        if any(place.copy_id and copies.get(place.copy_id) != book_id for place in queue):
            found.append(f"a copy of another book is held for {book_id}")
    if len({(place.book_id, place.member_id) for place in places}) < len(places):
        found.append("somebody is in one queue twice")
    for fine in repository.find(Fine):
        if not 0 <= fine.paid <= fine.cents:
            found.append(f"fine {fine.loan} is negative")
    return found


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start}", "not UTF-8; save it as UTF-8") from None


def parse_rows(text: str, form: str) -> list[tuple[int, dict[str, object]]]:
    """Rows with their line (CSV) or position (JSON); Malformed if the file is not one table."""
    if form == "json":
        return list(enumerate(_json_rows(text), start=1))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}", f"{error}; nothing read") from None
    if not lines:
        raise Malformed("line 1", "the file is empty; expected a line of field names")
    (first, names), *rest = lines
    if len(set(names)) < len(names) or "" in names:
        raise Malformed(f"line {first}", f"field names must differ, got {names}")
    rows = []
    for line, cells in rest:
        extra = [f"column {n}" for n in range(len(names) + 1, len(cells) + 1)]
        rows.append((line, dict[str, object](zip(names + extra, cells))))
    return rows


def _json_rows(text: str) -> list[dict[str, object]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise Malformed(f"line {error.lineno}", f"not JSON: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise Malformed("file", f"not JSON that can be read: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Malformed("file", "expected a list of objects")
    return rows


@dataclass(frozen=True)
class Reject:
    """A row that was not imported: where, which field, why, and the row itself."""

    line: int
    field: str
    problem: str
    row: Mapping[str, object]


def import_rows(
    library: Library,
    kind: type[Entity],
    rows: Sequence[tuple[int, Mapping[str, object]]],
    on: date,
    keep: Callable[[list[Reject]], object] = lambda rejects: None,
) -> list[Reject]:
    """Add every row that can be added; hand the others to ``keep`` before anything commits.

    The columns line, field and problem of an earlier file of rejects are ignored.
    """
    rejects: list[Reject] = []
    with library.repository.transaction():
        for line, row in rows:
            row = {k: v for k, v in row.items() if k not in ("line", "field", "problem")}
            try:
                library.catalogue.add(from_plain(kind, row), on)
            except (Malformed, NotFound, Refused, Conflict) as error:
                name = getattr(error, "field", fields(kind)[0].name)
                rejects.append(Reject(line, name, str(error), row))
        if problems := audit(library.repository):
            raise Refused(f"these rows break the rules: {'; '.join(problems)}")
        if rejects:
            keep(rejects)
    return rejects


def rejects_to_csv(rejects: Sequence[Reject]) -> str:
    """The rejects as CSV that can be mended and imported again."""
    rows = [{"line": r.line, "field": r.field, "problem": r.problem, **r.row} for r in rejects]
    return _to_csv(list(dict.fromkeys(name for row in rows for name in row)), rows)


def export_rows(repository: Repository, kind: type[Entity], form: str) -> str:
    """All records of a kind as the text of a CSV or JSON file."""
    rows = [to_plain(entity) for entity in repository.find(kind)]
    if form == "json":
        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    return _to_csv([item.name for item in fields(kind)], rows)


def _to_csv(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_new(path: str | Path, text: str) -> None:
    """Write a file that does not exist yet, down to the disk; never over another."""
    try:
        with open(path, "x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Refused(f"{Path(path).name} exists; move it away first") from None


def make_report(library: Library, on: date) -> list[tuple[str, ...]]:
    """What is out, late, held, awaited and owed on a day, as rows of a table."""
    find = library.repository.find
    with library.repository.transaction():  # one moment, not several
        loans, places = find(Loan, returned_on=None), find(Reservation)
        rows = [("titles", str(len(find(Book)))), ("copies", str(len(find(Copy))))]
        rows.append(("lent", str(len(loans))))
        found: list[tuple[str, ...]] = [
            ("overdue", loan.copy_id, loan.member_id, f"{loan.days_late(on)} days")
            for loan in loans
            if loan.days_late(on)
        ]
        found += [
            ("held", place.copy_id, place.member_id, f"until {place.held_until}")
            for place in places
            if place.copy_id
        ]
        waiting = Counter(place.book_id for place in places if not place.copy_id)
        found += [("waiting", book, str(n)) for book, n in sorted(waiting.items())]
        for member in find(Member):
            if cents := library.accounts.owed(member.member_id):
                found.append(("owes", member.member_id, money(cents)))
        found += [("FAULT", problem) for problem in audit(library.repository)]
    return [*rows, *found]


def _table_of(word: str) -> type[Entity]:
    return next(kind for kind in KINDS if kind.__name__.lower() == word)


def _form(path: str) -> str:
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in ("csv", "json"):
        raise Malformed("file", f"expected a name ending in .csv or .json, got {path!r}")
    return form


def _add(library: Library, words: argparse.Namespace) -> str:
    kind = _table_of(words.kind)
    names = [item.name for item in fields(kind)]
    if len(words.values) > len(names):
        raise Malformed(words.kind, f"expected {' '.join(names)}")
    entity = from_plain(kind, dict(zip(names, words.values)))
    library.catalogue.add(entity, words.on)
    return f"added {words.kind} {entity.key}"


def _search(library: Library, words: argparse.Namespace) -> str:
    lines = [
        f"{shelf.book.book_id}: {shelf.book.title}, {shelf.book.author}; "
        f"{len(shelf.free)} of {len(shelf.copies)} free, {len(shelf.queue)} in the queue"
        for shelf in library.catalogue.search(" ".join(words.text))
    ]
    return "\n".join(lines) or "nothing found"


def _import(library: Library, words: argparse.Namespace) -> str:
    form, rejected = _form(words.file), f"{words.file}.rejects.csv"
    rows = parse_rows(read_text(words.file), form)

    def keep(rejects: list[Reject]) -> None:
        write_new(rejected, rejects_to_csv(rejects))

    rejects = import_rows(library, _table_of(words.kind), rows, words.on, keep)
    lines = [f"{len(rows) - len(rejects)} of {len(rows)} rows imported"]
    lines += [f"line {reject.line}: {reject.problem}" for reject in rejects]
    return "\n".join(lines + [f"the rejected rows are in {rejected}"] * bool(rejects))


def _export(library: Library, words: argparse.Namespace) -> str:
    text = export_rows(library.repository, _table_of(words.kind), _form(words.file))
    write_new(words.file, text)
    return f"exported to {words.file}"


def _report(library: Library, words: argparse.Namespace) -> str:
    return "\n".join("  ".join(row) for row in make_report(library, words.on))


_COMMANDS: dict[str, tuple[str, Callable[[Library, argparse.Namespace], Any], str]] = {
    "add": ("kind values", _add, "{}"),
    "search": ("text", _search, "{}"),
    "lend": (
        "member book",
        lambda library, w: library.desk.lend(w.member, w.book, w.on),
        "{0.copy_id} lent to {0.member_id}, due on {0.due_on}",
    ),
    "return": (
        "copy",
        lambda library, w: library.desk.take_back(w.copy, w.on),
        "{0.copy_id} returned by {0.member_id}",
    ),
    "renew": (
        "copy",
        lambda library, w: library.desk.renew(w.copy, w.on),
        "due on {0.due_on}",
    ),
    "reserve": (
        "member book",
        lambda library, w: library.waiting.reserve(w.member, w.book, w.on),
        "{0.member_id} waits for {0.book_id}",
    ),
    "cancel": (
        "member book",
        lambda library, w: library.waiting.cancel(w.member, w.book, w.on),
        "{0.member_id} waits for {0.book_id} no longer",
    ),
    "pay": (
        "member cents",
        lambda library, w: money(library.accounts.pay(w.member, w.cents, w.on)),
        "still owed: {}",
    ),
    "report": ("", _report, "{}"),
    "import": ("kind file", _import, "{}"),
    "export": ("kind file", _export, "{}"),
}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"expected a day as 2026-01-31, got {text!r}"
        raise argparse.ArgumentTypeError(problem) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="library", description="A lending library in a file.")
    parser.add_argument("--db", default="library.db", help="the file (default: library.db)")
    parser.add_argument("--on", type=_day, default=None, help="the day (default: today)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (words, _, _) in _COMMANDS.items():
        command = commands.add_parser(name)
        for word in words.split():
            options: dict[str, Any] = {"type": int} if word == "cents" else {}
            if word == "kind":
                kinds = KINDS[:3] if name == "add" else KINDS
                options = {"choices": [kind.__name__.lower() for kind in kinds]}
            elif word in ("values", "text"):
                options = {"nargs": "+" if word == "values" else "*"}
            command.add_argument(word, **options)
    return parser


def _notice(event: Event) -> None:
    print(f"to {event.member_id}: {event.item} is held for you")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 refused, 2 not understood."""
    words = _parser().parse_args(arguments)
    words.on = words.on or date.today()
    try:
        creates = words.command in ("add", "import")
        with SqliteRepository(words.db, create=creates) as repository:
            library = Library(repository)
            library.events.subscribe(EventKind.HELD, _notice)
            library.waiting.expire(words.on)
            _, run, say = _COMMANDS[words.command]
            print(say.format(run(library, words)))
            library.events.deliver()
    except (LibraryError, OSError) as error:
        print(f"library: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__" and __spec__ is not None:  # python -m, not a notebook
    raise SystemExit(main())


# seal: ceaa6ab29ca2f09d
