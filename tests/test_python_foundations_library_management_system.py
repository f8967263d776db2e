"""The library: one contract for two stores, a state machine, races, kills, and wrong input everywhere."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import journey
from journey.python_foundations import library_management_system as system
from journey.python_foundations.library_management_system import (
    KINDS,
    POLICIES,
    Book,
    Conflict,
    Copy,
    Event,
    EventKind,
    Events,
    Fine,
    Library,
    LibraryError,
    Loan,
    Malformed,
    Member,
    MemberKind,
    MemoryRepository,
    NotFound,
    Policy,
    Refused,
    Reservation,
    SqliteRepository,
    StorageError,
    audit,
    export_rows,
    from_plain,
    import_rows,
    main,
    make_report,
    money,
    parse_rows,
    read_text,
    rejects_to_csv,
    to_plain,
    write_new,
)

quick = settings(deadline=None, derandomize=True, max_examples=40)
DAY = date(2026, 1, 5)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(journey.__file__).parents[1]), "PYTHONUTF8": "1"}
MODULE = "journey.python_foundations.library_management_system"


def after(days):
    return DAY + timedelta(days=days)


def fill(library, books=("hamlet", "macbeth"), copies=1, members=4):
    for book in books:
        library.catalogue.add(Book(book, book.title(), "William Shakespeare"), DAY)
        for n in range(copies):
            library.catalogue.add(Copy(f"{book}/{n + 1}", book), DAY)
    for n in range(members):
        library.catalogue.add(Member(f"m{n}", f"Member {n}", MemberKind.STUDENT), DAY)
    return library


def state(repository):
    return [repository.find(kind) for kind in KINDS]


@pytest.fixture(params=["memory", "sqlite", "file"])
def repository(request, tmp_path):
    made = {
        "memory": MemoryRepository,
        "sqlite": lambda: SqliteRepository(":memory:"),
        "file": lambda: SqliteRepository(tmp_path / "library.db"),
    }[request.param]()
    with made:
        yield made


@pytest.fixture
def library(repository):
    return fill(Library(repository))


# --- The contract of a repository -------------------------------------------------------------------------

HAMLET, LEAR = Book("hamlet", "Hamlet", "W. S."), Book("lear", "King Lear", "W. S.", "a king")
ANN = Member("ann", "Ann", MemberKind.STUDENT)
LOAN = Loan(1, "hamlet/1", "ann", DAY, after(14))


def stock(repository):
    for entity in (LEAR, HAMLET, Copy("hamlet/1", "hamlet"), Copy("hamlet/2", "hamlet"), ANN):
        repository.insert(entity)


def test_what_was_put_in_is_found_in_order_of_its_key(repository):
    stock(repository)
    assert repository.find(Book) == [HAMLET, LEAR]
    assert repository.get(Book, "lear") == LEAR
    assert repository.find(Copy, book_id="hamlet", copy_id="hamlet/2") == [Copy("hamlet/2", "hamlet")]
    assert repository.find(Copy, book_id="lear") == []
    for number in (9, 10, 2):
        repository.insert(Event(number, EventKind.LENT, DAY, "ann", "x"))
    assert [event.number for event in repository.find(Event)] == [2, 9, 10]
    assert repository.find(Event, kind=EventKind.LENT, day=DAY, delivered=False, number=9)[0].number == 9


def test_replacing_and_removing(repository):
    stock(repository)
    repository.replace(replace(LEAR, about="mad"))
    assert repository.get(Book, "lear").about == "mad"
    repository.remove(LEAR)
    assert repository.find(Book) == [HAMLET]
    for act in (repository.remove, repository.replace):
        with pytest.raises(NotFound, match="no book 'lear'"):
            act(LEAR)
    with pytest.raises(NotFound, match="no member 'zoe'"):
        repository.get(Member, "zoe")


def test_a_key_is_taken_once_and_references_lead_somewhere(repository):
    stock(repository)
    with pytest.raises(Conflict):
        repository.insert(replace(HAMLET, title="Another"))
    assert repository.get(Book, "hamlet") == HAMLET
    for orphan in (Copy("x/1", "x"), replace(LOAN, member_id="zoe"), Reservation(1, "x", "ann")):
        with pytest.raises(Conflict):
            repository.insert(orphan)
    repository.insert(LOAN)
    with pytest.raises(Conflict):
        repository.replace(replace(LOAN, copy_id="nowhere"))


def test_no_two_open_loans_of_a_copy_and_no_two_holds(repository):
    stock(repository)
    repository.insert(Member("ben", "Ben", MemberKind.GUEST))
    repository.insert(LOAN)
    second = replace(LOAN, number=2, member_id="ben")
    with pytest.raises(Conflict):
        repository.insert(second)
    repository.replace(replace(LOAN, returned_on=DAY))
    repository.insert(second)
    with pytest.raises(Conflict):
        repository.replace(LOAN)  # opened again
    repository.insert(Reservation(1, "hamlet", "ann", "hamlet/2", DAY))
    with pytest.raises(Conflict):
        repository.insert(Reservation(2, "hamlet", "ben", "hamlet/2", DAY))
    with pytest.raises(Conflict):
        repository.insert(Reservation(3, "hamlet", "ann"))
    repository.insert(Reservation(4, "hamlet", "ben"))
    repository.insert(Reservation(5, "lear", "ben"))  # nothing held twice is no conflict


def test_numbers_grow(repository):
    stock(repository)
    assert repository.next_number(Loan) == 1
    repository.insert(replace(LOAN, number=41))
    assert repository.next_number(Loan) == 42


def test_a_transaction_happens_or_does_not(repository):
    stock(repository)
    before = state(repository)
    with pytest.raises(RuntimeError, match="half way"), repository.transaction():  # noqa: PT012
        repository.insert(LOAN)
        repository.replace(replace(HAMLET, title="X"))
        repository.remove(LEAR)
        raise RuntimeError("half way")
    assert state(repository) == before
    with repository.transaction():
        repository.insert(LOAN)
    assert repository.find(Loan) == [LOAN]


def test_an_inner_transaction_undoes_only_itself(repository):
    stock(repository)
    with repository.transaction():
        repository.insert(Book("first", "First", "A"))
        for _ in range(2):  # the name of a savepoint can be used again
            with pytest.raises(ValueError, match="inner"), repository.transaction():  # noqa: PT012
                repository.insert(Book("second", "Second", "A"))
                with repository.transaction():
                    repository.insert(Book("third", "Third", "A"))
                raise ValueError("inner")
        with repository.transaction():
            repository.insert(Book("fourth", "Fourth", "A"))
    assert [book.book_id for book in repository.find(Book)] == ["first", "fourth", "hamlet", "lear"]
    with pytest.raises(ValueError, match="outer"), repository.transaction():  # noqa: PT012
        with repository.transaction():
            repository.remove(LEAR)
        raise ValueError("outer")
    assert LEAR in repository.find(Book)


def test_a_query_is_checked_like_a_record(repository):
    with pytest.raises(Malformed, match="no such field"):
        repository.find(Book, colour="red")
    with pytest.raises(Malformed, match="no such field"):
        repository.find(Book, **{"title = '' OR 1 = 1 --": "x"})
    with pytest.raises(Malformed, match="expected int"):
        repository.get(Loan, "1")
    with pytest.raises(Malformed, match="book_id"):
        repository.get(Book, "x'; DROP TABLE book; --")
    assert repository.find(Book, title="x'; DROP TABLE book; --") == []


# --- Records ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Book("", "T", "A"), "book_id"),
        (lambda: Book("a b", "T", "A"), "book_id"),
        (lambda: Book("x" * 65, "T", "A"), "book_id"),
        (lambda: Book(7, "T", "A"), "book_id"),
        (lambda: Book("x", "", "A"), "title"),
        (lambda: Book("x", " T", "A"), "title"),
        (lambda: Book("x", "T\n", "A"), "title"),
        (lambda: Book("x", "T\0", "A"), "title"),
        (lambda: Book("x", "T\ud800", "A"), "title"),
        (lambda: Book("x", "T" * 2001, "A"), "title"),
        (lambda: Book("x", "T", None), "author"),
        (lambda: Member("m", "M", "student"), "kind"),
        (lambda: Loan(True, "c", "m", DAY, DAY), "number"),
        (lambda: Loan(-1, "c", "m", DAY, DAY), "number"),
        (lambda: Loan(10**13, "c", "m", DAY, DAY), "number"),
        (lambda: Loan(1.0, "c", "m", DAY, DAY), "number"),
        (lambda: Loan(1, "c", "m", datetime(2026, 1, 5), DAY), "lent_on"),
        (lambda: Loan(1, "c", "m", date.min, DAY), "lent_on"),
        (lambda: Loan(1, "c", "m", DAY, date.max), "due_on"),
        (lambda: Loan(1, "c", "m", DAY, after(-1)), "due_on"),
        (lambda: Loan(1, "c", "m", DAY, DAY, returned_on=after(-1)), "returned_on"),
        (lambda: Fine(1, "m", -1), "cents"),
        (lambda: Fine(1, "m", 10, 11), "paid"),
        (lambda: Policy(-1, 14, 1, 10), "max_loans"),
        (lambda: Policy(1, 14, 1, 0.1), "fine_per_day"),
    ],
)
def test_a_wrong_record_never_exists(make, field):
    with pytest.raises(Malformed) as caught:
        make()
    assert caught.value.field == field


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        HAMLET.title = "Macbeth"


words = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=1, max_size=20).filter(
    lambda text: text == text.strip() and text.isprintable()
)
names = st.from_regex(r"[\w./-]{1,12}", fullmatch=True)
days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
numbers = st.integers(0, 10**12)
entities = st.one_of(
    st.builds(Book, names, words, words, st.one_of(st.just(""), words)),
    st.builds(Copy, names, names),
    st.builds(Member, names, words, st.sampled_from(MemberKind)),
    st.builds(
        lambda n, c, m, a, b, r: Loan(n, c, m, min(a, b), max(a, b), r, max(a, b) if r % 2 else None),
        *[numbers, names, names, days, days, numbers],
    ),
    st.builds(Reservation, numbers, names, names, st.none() | names, st.none() | days),
    st.builds(lambda n, m, a, b: Fine(n, m, max(a, b), min(a, b)), numbers, names, numbers, numbers),
    st.builds(Event, numbers, st.sampled_from(EventKind), days, names, words, st.booleans()),
)  # fmt: skip


@given(entities)
@settings(quick, max_examples=150)
def test_every_record_survives_every_format(entity):
    kind = type(entity)
    assert from_plain(kind, to_plain(entity)) == entity
    assert from_plain(kind, json.loads(json.dumps(to_plain(entity)))) == entity
    text = system._to_csv(list(to_plain(entity)), [to_plain(entity)])
    ((_, row),) = parse_rows(text, "csv")
    assert from_plain(kind, row) == entity
    with SqliteRepository(":memory:") as repository:
        repository.connection.execute("PRAGMA foreign_keys = OFF")
        repository.insert(entity)
        assert repository.find(kind) == [entity]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "number: is missing"),
        ({"number": "1_000"}, "number: expected int, got '1_000'"),
        ({"number": "٣"}, "number: expected int"),
        ({"number": "1.0"}, "number: expected int"),
        ({"number": 1.5}, "number: expected int"),
        ({"number": "9" * 400}, "number: expected int"),
        ({"number": ""}, "number: must not be empty"),
        ({"number": None}, "number: must not be empty"),
        ({"number": []}, "number: expected int"),
        ({"kind": "borrowed"}, "kind: expected lent, returned, .* got 'borrowed'"),
        ({"kind": {}}, "kind: expected lent"),
        ({"day": "31.1.2026"}, "day: expected a day as 2026-01-31"),
        ({"day": "2026-02-30"}, "day: expected a day"),
        ({"day": 20260131}, "day: expected date"),
        ({"delivered": "maybe"}, "delivered: expected bool"),
        ({"colour": "red"}, "colour: a event has no such field"),
    ],
)
def test_a_wrong_row_is_told_by_its_field(row, message):
    good = {"number": "1", "kind": "lent", "day": "2026-01-31", "member_id": "m", "item": "x"}
    assert from_plain(Event, good).number == 1
    with pytest.raises(Malformed, match=message):
        from_plain(Event, (good | row) if row else {})


# --- Rules --------------------------------------------------------------------------------------------------


@given(st.integers(0, 100), st.integers(0, 10_000), st.integers(-100, 1000))
@quick
def test_a_fine_is_never_negative_grows_and_ends_at_its_cap(rate, cap, days_out):
    policy = Policy(1, 14, 0, rate, max_fine=cap)
    fines = [policy.fine(LOAN, after(14 + days_out + n)) for n in (0, 1)]
    assert 0 <= fines[0] <= fines[1] <= cap
    assert fines[0] == min(cap, rate * max(0, days_out))


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (5, "0.05"), (1234, "12.34"), (100, "1.00")])
def test_money_is_exact(cents, text):
    assert money(cents) == text


def test_lending_until_the_limit_and_the_debt(library):
    library.catalogue.add(Book("lear", "Lear", "W. S."), DAY)
    library.catalogue.add(Copy("lear/1", "lear"), DAY)
    library.catalogue.add(Member("g", "Guest", MemberKind.GUEST), DAY)
    assert library.desk.lend("g", "hamlet", DAY).due_on == after(7)
    with pytest.raises(Refused, match="1 of 1 loans are used"):
        library.desk.lend("g", "lear", DAY)
    library.desk.take_back("hamlet/1", after(100))
    assert library.accounts.owed("g") == 1000, "20 cents a day, at most ten"
    with pytest.raises(Refused, match=r"10\.00 owed, more than 5\.00"):
        library.desk.lend("g", "lear", after(100))
    assert library.accounts.pay("g", 500, after(100)) == 500
    library.desk.lend("g", "lear", after(100))
    for cents in (0, -5, 501):
        with pytest.raises(Refused, match="cannot pay"):
            library.accounts.pay("g", cents, after(100))
    assert library.accounts.owed("g") == 500


def test_payments_go_to_the_oldest_fine_first(library):
    for n, book in enumerate(("hamlet", "macbeth")):
        library.desk.lend("m0", book, DAY)
        library.desk.take_back(f"{book}/1", after(14 + 5 * (n + 1)))
    library.accounts.pay("m0", 70, after(30))
    assert [(fine.cents, fine.paid) for fine in library.repository.find(Fine)] == [(50, 50), (100, 20)]


def test_renewing_and_its_refusals(library):
    library.desk.lend("m0", "hamlet", DAY)
    assert library.desk.renew("hamlet/1", after(10)).due_on == after(24)
    with pytest.raises(Refused, match="1 renewals are used"):
        library.desk.renew("hamlet/1", after(11))
    library.desk.lend("m0", "macbeth", DAY)
    with pytest.raises(Refused, match="was due"):
        library.desk.renew("macbeth/1", after(15))
    library.waiting.reserve("m1", "macbeth", after(1))
    with pytest.raises(Refused, match="1 waiting"):
        library.desk.renew("macbeth/1", after(2))
    with pytest.raises(NotFound):
        library.desk.renew("nothing/1", after(2))


def test_a_renewal_never_shortens():
    policy = Policy(1, 14, 2, 10)
    longer = replace(LOAN, due_on=after(60))
    assert policy.renewed(longer, after(1), 0).due_on == after(60)


def test_the_queue_is_served_in_order(library):
    library.desk.lend("m0", "hamlet", DAY)
    for member in ("m1", "m2", "m3"):
        library.waiting.reserve(member, "hamlet", after(1))
    library.waiting.cancel("m1", "hamlet", after(2))
    library.waiting.reserve("m1", "hamlet", after(2))  # behind the others now
    library.desk.take_back("hamlet/1", after(3))
    for member in ("m1", "m3", "m0"):
        with pytest.raises(Refused, match="no copy of 'Hamlet' is free"):
            library.desk.lend(member, "hamlet", after(3))
    assert library.waiting.expire(after(6)) == 0, "the last day counts"
    assert library.waiting.expire(after(7)) == 1
    assert library.desk.lend("m3", "hamlet", after(7)).copy_id == "hamlet/1"
    library.desk.take_back("hamlet/1", after(8))
    library.waiting.cancel("m1", "hamlet", after(8))
    assert library.desk.lend("m0", "hamlet", after(8))


def test_a_second_copy_goes_to_the_second_in_the_queue(repository):
    library = fill(Library(repository), copies=2)
    for name in ("m0", "m1"):
        library.desk.lend(name, "hamlet", DAY)
    for name in ("m2", "m3"):
        library.waiting.reserve(name, "hamlet", DAY)
    for copy_id in ("hamlet/2", "hamlet/1"):
        library.desk.take_back(copy_id, DAY)
    held = [(place.member_id, place.copy_id) for place in library.desk.shelf("hamlet").queue]
    assert held == [("m2", "hamlet/2"), ("m3", "hamlet/1")]
    assert audit(repository) == []


def test_a_new_copy_goes_to_the_first_who_waits(library):
    library.desk.lend("m0", "hamlet", DAY)
    library.waiting.reserve("m1", "hamlet", DAY)
    library.catalogue.add(Copy("hamlet/2", "hamlet"), DAY)
    with pytest.raises(Refused):
        library.desk.lend("m2", "hamlet", DAY)
    assert library.desk.lend("m1", "hamlet", DAY).copy_id == "hamlet/2"


def test_reservations_that_are_refused(library):
    with pytest.raises(Refused, match="a copy of 'Hamlet' is free"):
        library.waiting.reserve("m0", "hamlet", DAY)
    library.desk.lend("m0", "hamlet", DAY)
    with pytest.raises(Refused, match="at home"):
        library.waiting.reserve("m0", "hamlet", DAY)
    library.waiting.reserve("m1", "hamlet", DAY)
    with pytest.raises(Refused, match="already"):
        library.waiting.reserve("m1", "hamlet", DAY)
    with pytest.raises(Refused, match="has not reserved"):
        library.waiting.cancel("m2", "hamlet", DAY)
    with pytest.raises(NotFound):
        library.waiting.cancel("nobody", "hamlet", DAY)
    with pytest.raises(Refused, match="is not lent"):
        library.desk.take_back("macbeth/1", DAY)


def test_a_reservation_limit(repository):
    policies = dict.fromkeys(MemberKind, Policy(9, 14, 1, 10, max_reservations=1))
    library = fill(Library(repository, policies))
    for book in ("hamlet", "macbeth"):
        library.desk.lend("m0", book, DAY)
    library.waiting.reserve("m1", "hamlet", DAY)
    with pytest.raises(Refused, match="are the most"):
        library.waiting.reserve("m1", "macbeth", DAY)


def test_a_refused_operation_changes_nothing(library):
    library.desk.lend("m0", "hamlet", DAY)
    before = state(library.repository)
    for act in (
        lambda: library.desk.lend("m1", "hamlet", DAY),
        lambda: library.desk.take_back("hamlet/1", after(-1)),  # before it was lent
        lambda: library.desk.lend("m1", "macbeth", date(2999, 12, 31)),  # due after the last day
        lambda: library.waiting.reserve("zoe", "hamlet", DAY),
        lambda: library.accounts.pay("m0", 1, DAY),
    ):
        with pytest.raises(LibraryError):
            act()
        assert state(library.repository) == before


def test_searching(library):
    library.catalogue.add(Book("henry-v", "Henry V", "William Shakespeare", "Pistol, Fluellen"), DAY)
    find = lambda text: [shelf.book.book_id for shelf in library.catalogue.search(text)]  # noqa: E731
    assert find("PISTOL shakespeare") == ["henry-v"]
    assert find("hamlet pistol") == []
    assert find("") == ["hamlet", "henry-v", "macbeth"]
    assert find("%_'\"") == []


# --- Events -------------------------------------------------------------------------------------------------


def test_events_are_delivered_in_order_and_once_if_nothing_fails(library):
    told = []
    for kind in EventKind:
        library.events.subscribe(kind, lambda event: told.append(event.kind))
    library.desk.lend("m0", "hamlet", DAY)
    library.waiting.reserve("m1", "hamlet", DAY)
    library.desk.take_back("hamlet/1", after(20))
    assert told == [], "not before delivery"
    assert library.events.deliver() == 5
    assert told == [EventKind(kind) for kind in ("lent", "reserved", "returned", "fined", "held")]
    assert library.events.deliver() == 0


def test_a_failing_handler_undoes_no_loan_and_is_called_again(library):
    calls = []

    def failing(event):
        calls.append(event.number)
        if len(calls) == 1:
            raise OSError("no paper")

    library.events.subscribe(EventKind.LENT, failing)
    loan = library.desk.lend("m0", "hamlet", DAY)
    with pytest.raises(OSError, match="no paper"):
        library.events.deliver()
    assert library.repository.find(Loan) == [loan]
    library.events.deliver()
    assert calls == [1, 1]


def test_what_was_rolled_back_is_not_told(library):
    told = []
    library.events.subscribe(EventKind.LENT, told.append)
    with pytest.raises(ZeroDivisionError), library.repository.transaction():  # noqa: PT012
        library.desk.lend("m0", "hamlet", DAY)
        raise ZeroDivisionError
    assert library.events.deliver() == 0
    assert not told


# --- The audit can fail -------------------------------------------------------------------------------------


def test_the_audit_finds_each_fault():
    def broken(*extra):
        repository = MemoryRepository()
        fill(Library(repository), copies=2)
        for entity in extra:
            repository._tables[type(entity)][entity.key] = entity
        return audit(repository)

    loan = Loan(1, "hamlet/1", "m0", DAY, after(14))
    assert broken(loan) == []
    assert broken(loan, replace(loan, number=2)) == ["copy hamlet/1 is in 2 hands"]
    held = Reservation(1, "hamlet", "m1", "hamlet/1", DAY)
    assert broken(loan, held)[0] == "copy hamlet/1 is in 2 hands"
    assert "idle" in broken(loan, Reservation(1, "hamlet", "m1"))[0]
    other = replace(loan, number=2, copy_id="hamlet/2")
    waits = Reservation(1, "hamlet", "m2")
    assert "overtaken" in broken(other, waits, replace(held, number=2))[0]
    assert "another book" in broken(replace(held, copy_id="macbeth/1"))[-1]
    assert "twice" in broken(loan, other, waits, replace(waits, number=2))[0]
    fine = Fine(1, "m0", 10)
    object.__setattr__(fine, "paid", 11)
    assert broken(loan, fine) == ["fine 1 is negative"]


# --- A machine that tries everything ------------------------------------------------------------------------

BOOKS = ("hamlet",)  # few, so that people meet
member = st.sampled_from([f"m{n}" for n in range(5)])
book = st.sampled_from(BOOKS)
copy = st.sampled_from([f"{book}/{n}" for book in BOOKS for n in (1, 2, 3)])


class LibraryMachine(RuleBasedStateMachine):
    """Both stores in lock-step, and beside them the queues as plain lists."""

    def __init__(self):
        super().__init__()
        many = {kind: replace(policy, max_reservations=2) for kind, policy in POLICIES.items()}
        stores = MemoryRepository(), SqliteRepository(":memory:")
        self.pair = [fill(Library(store, many), BOOKS, copies=2, members=5) for store in stores]
        self.queues = {book: [] for book in BOOKS}
        self.day = DAY

    def both(self, act):
        """Do the same on both; the same answer, or the same refusal."""
        answers = []
        for library in self.pair:
            try:
                answers.append((act(library), None))
            except LibraryError as error:
                answers.append((None, error))
        (first, error), (second, other) = answers
        assert first == second
        assert type(error) is type(other)
        assert str(error) == str(other)
        return error is None

    @rule(days=st.integers(1, 20))
    def time_passes(self, days):
        self.day += timedelta(days=days)

    @rule(member=member, book=book)
    def lend(self, member, book):
        done = self.both(lambda library: library.desk.lend(member, book, self.day))
        if done and member in self.queues[book]:
            self.queues[book].remove(member)

    @rule(copy=copy)
    def take_back(self, copy):
        lent = [loan.copy_id for loan in self.pair[0].repository.find(Loan, returned_on=None)]
        done = self.both(lambda library: library.desk.take_back(copy, self.day))
        assert done == (copy in lent), "whoever has a copy can always bring it back"

    @rule(copy=copy)
    def renew(self, copy):
        self.both(lambda library: library.desk.renew(copy, self.day))

    @rule(member=member, book=book)
    def reserve(self, member, book):
        if self.both(lambda library: library.waiting.reserve(member, book, self.day)):
            self.queues[book].append(member)

    @rule(member=member, book=book)
    def cancel(self, member, book):
        if self.both(lambda library: library.waiting.cancel(member, book, self.day)):
            self.queues[book].remove(member)

    @rule()
    def expire(self):
        places = self.pair[0].repository.find(Reservation)
        for place in places:
            if place.held_until and place.held_until < self.day:
                self.queues[place.book_id].remove(place.member_id)
        assert self.both(lambda library: library.waiting.expire(self.day))

    @rule(member=member, cents=st.integers(-1, 300))
    def pay(self, member, cents):
        self.both(lambda library: library.accounts.pay(member, cents, self.day))

    @rule(copy=copy)
    def buy(self, copy):
        self.both(lambda library: library.catalogue.add(Copy(copy, copy[:-2]), self.day))

    @rule(member=member, book=book, copy=copy)
    def give_up_half_way(self, member, book, copy):
        def act(library):
            before = state(library.repository)
            with pytest.raises(ZeroDivisionError), library.repository.transaction():  # noqa: PT012
                for step in (
                    lambda: library.desk.take_back(copy, self.day),
                    lambda: library.desk.lend(member, book, self.day),
                ):
                    with suppress(LibraryError):
                        step()
                raise ZeroDivisionError
            assert state(library.repository) == before

        self.both(act)

    @precondition(lambda self: self.day > DAY)
    @rule()
    def deliver(self):
        self.both(lambda library: library.events.deliver())

    @invariant()
    def the_rules_hold(self):
        for library in self.pair:
            assert audit(library.repository) == []
        assert state(self.pair[0].repository) == state(self.pair[1].repository)

    @invariant()
    def no_copy_in_two_hands_and_nobody_above_the_limit(self):
        repository = self.pair[0].repository
        away = [loan.copy_id for loan in repository.find(Loan, returned_on=None)]
        away += [place.copy_id for place in repository.find(Reservation) if place.copy_id]
        assert len(away) == len(set(away))
        for n in range(5):
            assert len(repository.find(Loan, member_id=f"m{n}", returned_on=None)) <= 3

    @invariant()
    def the_queue_is_the_list(self):
        for book, members in self.queues.items():
            places = self.pair[0].repository.find(Reservation, book_id=book)
            assert [place.member_id for place in places] == members
            held = [place.copy_id is not None for place in places]
            assert held == sorted(held, reverse=True)

    @invariant()
    def fines_are_never_negative_and_add_up(self):
        repository = self.pair[1].repository
        for fine in repository.find(Fine):
            loan = repository.get(Loan, fine.loan)
            assert 0 <= fine.paid <= fine.cents == min(1000, 10 * loan.days_late(loan.returned_on))
            assert fine.cents > 0

    def teardown(self):
        for library in self.pair:
            library.repository.close()


TestLibraryMachine = LibraryMachine.TestCase
TestLibraryMachine.settings = settings(
    deadline=None, derandomize=True, max_examples=50, stateful_step_count=50
)


# --- Races --------------------------------------------------------------------------------------------------

RACER = f"""
import sys
from datetime import date
from {MODULE} import Library, LibraryError, SqliteRepository

path, member = sys.argv[1:]
with SqliteRepository(path) as repository:
    library = Library(repository)
    print("ready", flush=True)
    for line in sys.stdin:
        act, word = line.split()
        try:
            if act == "lend":
                library.desk.lend(member, word, date(2026, 1, 6))
            else:
                library.desk.take_back(word, date(2026, 1, 6))
            print("done", flush=True)
        except LibraryError as error:
            print(f"{{type(error).__name__}}: {{error}}", flush=True)
"""


def run_python(program, *arguments, **options):
    command = [sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, **options)


def race(path, rounds):
    """Two processes ask for the last copy, again and again; returns the pairs of answers."""
    with SqliteRepository(path) as repository:
        fill(Library(repository), books=["hamlet"])
    racers = [run_python(RACER, path, name, stdin=subprocess.PIPE) for name in ("m0", "m1")]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 2

    def ask(line, some=racers):
        for racer in some:
            print(line, file=racer.stdin, flush=True)
        return [racer.stdout.readline().strip() for racer in some]

    answers = []
    for _ in range(rounds):
        answers.append(tuple(ask("lend hamlet")))
        ask("return hamlet/1", racers[:1])
    for racer in racers:
        racer.communicate()
        assert racer.returncode == 0
    return answers


def test_two_processes_race_for_the_last_copy_and_exactly_one_wins(tmp_path):
    for pair in race(tmp_path / "race.db", 40):
        assert sorted(answer.split(":")[0] for answer in pair) == ["Refused", "done"], pair
        assert any("no copy of 'Hamlet' is free" in answer for answer in pair)
    with SqliteRepository(tmp_path / "race.db") as repository:
        assert audit(repository) == []
        assert len(repository.find(Loan)) == 40


def test_two_processes_make_one_new_library(tmp_path):
    path = tmp_path / "new.db"
    program = f"import sys; from {MODULE} import main; raise SystemExit(main(sys.argv[1:]))"
    started = [run_python(program, "--db", path, "add", "member", f"m{n}", "Ann", "guest") for n in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    for process in started:
        process.stdout.close()
    with SqliteRepository(path) as repository:
        assert len(repository.find(Member)) == 4


def test_the_index_stands_even_if_the_service_looks_away(tmp_path):
    class Careless(SqliteRepository):
        @contextmanager
        def transaction(self):
            yield

    path = tmp_path / "library.db"
    with SqliteRepository(path) as first, Careless(path) as second:
        fill(Library(first))
        shelf = Library(second).desk.shelf("hamlet")
        Library(first).desk.lend("m0", "hamlet", DAY)
        assert shelf.copy_for("m1") == ("hamlet/1", None), "an old look at the shelf"
        with pytest.raises(Conflict, match="the store refuses"):
            second.insert(Loan(2, "hamlet/1", "m1", DAY, DAY))


# --- Kills --------------------------------------------------------------------------------------------------

# Runs in a process of its own, which has one thread and forks a child for every kill.
KILLER = f"""
import json, os, shutil, sys
from pathlib import Path
from datetime import date
import {MODULE} as system
from {MODULE} import KINDS, Book, Library, SqliteRepository, audit, import_rows

prepared, trial, what, every, step = sys.argv[1:]
rows = [(n, {{"book_id": f"b{{n}}", "title": "T", "author": "" if n == 2 else "A"}}) for n in range(4)]
kept = trial + ".rejects"

def act(library):
    day = date(2026, 2, 20)
    if what == "lend":
        library.desk.lend("m1", "hamlet", day)
    elif what == "return":
        library.desk.take_back("macbeth/1", day)
    else:
        import_rows(library, Book, rows, day, lambda rejects: Path(kept).write_text(str(len(rejects))))

def state():
    with SqliteRepository(trial) as repository:
        assert repository.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert audit(repository) == []
        return [repository.find(kind) for kind in KINDS]

def child(k):
    count = 0
    def tick(*_):
        nonlocal count
        count += 1
        if count == k:
            os._exit(9)
    def trace(frame, event, _):
        if frame.f_code.co_filename != system.__file__:
            return None
        if event == "line":
            tick()
        return trace
    repository = SqliteRepository(trial)
    if every == "statement":
        repository.connection.set_trace_callback(tick)
    else:
        sys.settrace(trace)
    act(Library(repository))
    sys.settrace(None)
    repository.connection.set_trace_callback(None)
    repository.close()
    os._exit(0)

def run(k):
    shutil.copy(prepared, trial)
    if os.path.exists(kept):
        os.remove(kept)
    pid = os.fork()
    if pid == 0:
        child(k)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

assert run(0) == 0
complete = state()
shutil.copy(prepared, trial)
nothing = state()
assert complete != nothing
seen, k = {{"nothing": 0, "all": 0, "half": 0, "kept without rejects": 0}}, 1
while run(k) == 9:
    found = state()
    seen["nothing" if found == nothing else "all" if found == complete else "half"] += 1
    if what == "import" and found != nothing and not os.path.exists(kept):
        seen["kept without rejects"] += 1
    k += int(step)
print(json.dumps(seen))
"""


def killed(tmp_path, what, every, step=1):
    """How often nothing, all or half was found after kills at every statement or line."""
    prepared = tmp_path / "prepared.db"
    with SqliteRepository(prepared) as repository:
        library = fill(Library(repository))
        library.desk.lend("m0", "hamlet", DAY)
        library.waiting.reserve("m1", "hamlet", after(1))
        library.desk.take_back("hamlet/1", after(44))  # held for m1 until day 47: 2026-02-21
        library.desk.lend("m2", "macbeth", DAY)  # will be late
        library.waiting.reserve("m3", "macbeth", after(1))
    process = run_python(KILLER, prepared, tmp_path / "trial.db", what, every, step)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return json.loads(output)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("what", ["lend", "return", "import"])
def test_killed_before_any_statement_all_or_nothing_is_there(tmp_path, what):
    seen = killed(tmp_path, what, "statement")
    assert seen["nothing"] >= 10
    assert seen["half"] == seen["kept without rejects"] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("what", "step"), [("lend", 13), ("return", 17), ("import", 17)])
def test_killed_at_any_line_of_python_all_or_nothing_is_there(tmp_path, what, step):
    seen = killed(tmp_path, what, "line", step)
    assert seen["nothing"] >= 20
    assert seen["half"] == seen["kept without rejects"] == 0


BUSY = f"""
import sys
from datetime import date, timedelta
from {MODULE} import Library, SqliteRepository

library, day = Library(SqliteRepository(sys.argv[1])), date(2026, 1, 6)
print("ready", flush=True)
while True:
    library.desk.lend("m0", "hamlet", day)
    library.waiting.reserve("m1", "hamlet", day)
    library.desk.take_back("hamlet/1", day + timedelta(days=15))
    library.desk.lend("m1", "hamlet", day)
    library.desk.take_back("hamlet/1", day)
    library.accounts.pay("m0", 10, day)
"""


def kill_at_random(path, times, rng):
    """SIGKILL a busy process after a random time, again and again on one file; returns its loans."""
    with SqliteRepository(path) as repository:
        fill(Library(repository), books=["hamlet"])
    for _ in range(times):
        process = run_python(BUSY, path)
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=rng.uniform(0.0, 0.06))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with SqliteRepository(path) as repository:
            assert repository.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert audit(repository) == []
            lent = [event for event in repository.find(Event) if event.kind is EventKind.LENT]
            loans = repository.find(Loan)
            assert len(lent) == len(loans)
            for loan in repository.find(Loan, returned_on=None):  # so that the next one can begin
                Library(repository).desk.take_back(loan.copy_id, loan.lent_on)
            for place in repository.find(Reservation):
                Library(repository).waiting.cancel(place.member_id, place.book_id, DAY)
            while owed := Library(repository).accounts.owed("m0"):
                Library(repository).accounts.pay("m0", owed, DAY)
    return len(loans)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_at_a_random_moment_the_file_is_whole(tmp_path):
    assert kill_at_random(tmp_path / "busy.db", 6, random.Random(0)) >= 1


# --- The file -----------------------------------------------------------------------------------------------


def test_what_was_committed_is_there_after_opening_again(tmp_path):
    path = tmp_path / "library.db"
    with SqliteRepository(path) as repository:
        loan = fill(Library(repository)).desk.lend("m0", "hamlet", DAY)
        before = state(repository)
    with SqliteRepository(path, create=False) as repository:
        assert state(repository) == before
        assert repository.find(Loan, returned_on=None) == [loan]


def test_files_that_are_no_library(tmp_path):
    with pytest.raises(StorageError, match=r"no library at missing\.db"):
        SqliteRepository(tmp_path / "missing.db", create=False)
    assert not (tmp_path / "missing.db").exists()
    letter = tmp_path / "letter.db"
    letter.write_text("Dear library, " * 100)
    with pytest.raises(StorageError, match="is not a library"):
        SqliteRepository(letter)
    assert letter.read_text().startswith("Dear library")
    with pytest.raises(StorageError):
        SqliteRepository(tmp_path)  # a folder
    for name, statement in (("other", "CREATE TABLE t (x)"), ("newer", "PRAGMA user_version = 9")):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute(statement)
        connection.close()
        with pytest.raises(StorageError, match="no library of this version"):
            SqliteRepository(tmp_path / name)


def test_a_library_that_is_locked_says_so_and_nothing_changes(tmp_path):
    path = tmp_path / "library.db"
    with SqliteRepository(path) as first, SqliteRepository(path, timeout_s=0.05) as second:
        fill(Library(first))
        before = state(first)
        with first.transaction(), pytest.raises(StorageError, match="locked by another program"):
            Library(second).desk.lend("m0", "hamlet", DAY)
        assert state(second) == before
        assert Library(second).desk.lend("m0", "hamlet", DAY)


def test_a_damaged_page_is_told_not_hidden(tmp_path):
    path = tmp_path / "library.db"
    with SqliteRepository(path) as repository:
        fill(Library(repository), members=200)
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with SqliteRepository(path) as repository, pytest.raises(StorageError):
        state(repository)


def test_a_record_that_was_damaged_in_the_file_is_refused(tmp_path):
    with SqliteRepository(tmp_path / "library.db") as repository:
        fill(Library(repository))
        repository.connection.execute("UPDATE member SET kind = 'janitor' WHERE member_id = 'm0'")
        with pytest.raises(Malformed, match="kind: expected student"):
            repository.find(Member)


# --- Import and export --------------------------------------------------------------------------------------


@given(st.lists(entities, max_size=6), st.sampled_from(["csv", "json"]))
@quick
def test_exported_tables_come_back(some, form):
    for kind in KINDS:
        repository = MemoryRepository()
        for entity in some:
            if type(entity) is kind:
                repository._tables[kind][entity.key] = entity
        rows = parse_rows(export_rows(repository, kind, form), form)
        assert [from_plain(kind, row) for _, row in rows] == repository.find(kind)


cells = st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["Cs"]), max_size=6)
lines = st.lists(
    st.lists(st.sampled_from(["hamlet", "T", "A", ""]) | cells, min_size=1, max_size=6), max_size=6
)


@given(lines)
@settings(quick, max_examples=100)
def test_every_row_is_imported_or_rejected_and_nothing_is_lost(table):
    text = system._to_csv(["book_id", "title", "author"], [])
    text += "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    rows = parse_rows(text, "csv")
    assert len(rows) == len(table), "a quoted cell is never no cell"
    library, kept = Library(MemoryRepository()), []
    rejects = import_rows(library, Book, rows, DAY, kept.extend)
    assert rejects == kept
    assert len(library.repository.find(Book)) + len(rejects) == len(rows)
    again = parse_rows(rejects_to_csv(rejects), "csv") if rejects else []
    assert len(again) == len(rejects), "the file of rejects has them all"
    for (_, row), reject in zip(again, rejects):
        assert {name: row[name] for name in reject.row} == reject.row
        assert row["line"] == str(reject.line)


def test_rejects_are_mended_and_imported(library):
    text = "member_id,name,kind\nann,Ann,student\nben,Ben,teecher\n\ncleo,Cleo,guest,extra\nann,Ann,guest\n"
    rejects = import_rows(library, Member, parse_rows(text, "csv"), DAY)
    assert [(reject.line, reject.field) for reject in rejects] == [
        (3, "kind"), (5, "column 4"), (6, "member_id"),
    ]  # fmt: skip
    mended = (
        rejects_to_csv(rejects[:1])
        .replace("teecher,", "teacher,")
        .replace("ben,Ben,teecher", "ben,Ben,teacher")
    )
    assert import_rows(library, Member, parse_rows(mended, "csv"), DAY) == []
    assert library.repository.get(Member, "ben").kind is MemberKind.TEACHER


@pytest.mark.parametrize(
    ("text", "form", "message"),
    [
        ("", "csv", "line 1: the file is empty"),
        ("\n\n", "csv", "the file is empty"),
        ("a,a\n1,2\n", "csv", "field names must differ"),
        ("a,\n1,2\n", "csv", "field names must differ"),
        ('a,b\n1,"2\n3,4\n', "csv", "line 3: .*nothing read"),
        ('a,b\n1,"2"x\n', "csv", "line 2: .*nothing read"),
        ("a,b\n1," + "x" * 200_000 + "\n", "csv", "field larger than field limit"),
        ("", "json", "line 1: not JSON"),
        ('[{"a": 1},\n{"a": }]', "json", "line 2: not JSON"),
        ("{}", "json", "expected a list of objects"),
        ("[1, 2]", "json", "expected a list of objects"),
        ("[" * 100_000, "json", "not JSON"),
        ("[" + "9" * 5000 + "]", "json", "not JSON that can be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(text, form, message):
    with pytest.raises(Malformed, match=message):
        parse_rows(text, form)


def test_encodings(tmp_path):
    file = tmp_path / "members.csv"
    file.write_bytes("\ufeffmember_id,name,kind\r\nzoë,Zoë,guest\r\n".encode())
    ((_, row),) = parse_rows(read_text(file), "csv")
    assert from_plain(Member, row) == Member("zoë", "Zoë", MemberKind.GUEST)
    file.write_bytes("zoë".encode("latin-1"))
    with pytest.raises(Malformed, match="byte 2: not UTF-8"):
        read_text(file)


def test_a_row_is_told_by_its_physical_line():
    text = 'book_id,title,author\n\nx,"two\nlines",A\ny,Y,A\n'
    rejects = import_rows(Library(MemoryRepository()), Book, parse_rows(text, "csv"), DAY)
    assert [(reject.line, reject.field) for reject in rejects] == [(4, "title")]


def test_if_the_rejects_cannot_be_kept_nothing_is_imported(library, tmp_path):
    before = state(library.repository)
    target = tmp_path / "rejects.csv"
    target.write_text("rejects of yesterday")
    rows = [(2, {"book_id": "x", "title": "X", "author": "A"}), (3, {"book_id": "y"})]
    with pytest.raises(Refused, match="exists; move it away"):
        import_rows(library, Book, rows, DAY, lambda rejects: write_new(target, rejects_to_csv(rejects)))
    assert state(library.repository) == before
    assert target.read_text() == "rejects of yesterday"


def test_tables_that_break_the_rules_are_refused_as_a_whole(library):
    before = state(library.repository)
    waits = [(1, to_plain(Reservation(1, "hamlet", "m0")))]  # beside a free copy
    with pytest.raises(Refused, match="idle while somebody waits"):
        import_rows(library, Reservation, waits, DAY)
    assert state(library.repository) == before


def test_a_store_that_fails_is_not_a_rejected_row(library, monkeypatch):
    def full(*_):
        raise StorageError("the disk is full")

    monkeypatch.setattr(library.catalogue, "add", full)
    with pytest.raises(StorageError, match="full"):
        import_rows(library, Book, [(1, {"book_id": "x", "title": "X", "author": "A"})], DAY)


# --- The report and the command line ------------------------------------------------------------------------


def test_the_report(library):
    library.desk.lend("m0", "hamlet", DAY)
    for name in ("m1", "m2"):
        library.waiting.reserve(name, "hamlet", DAY)
    library.desk.take_back("hamlet/1", after(20))
    library.desk.lend("m3", "macbeth", DAY)
    assert make_report(library, after(20)) == [
        ("titles", "2"),
        ("copies", "2"),
        ("lent", "1"),
        ("overdue", "macbeth/1", "m3", "6 days"),
        ("held", "hamlet/1", "m1", "until 2026-01-28"),
        ("waiting", "hamlet", "1"),
        ("owes", "m0", "0.60"),
    ]


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """The command line in an empty folder: status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(line):
        try:
            status = main(line.split())
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def stocked(desk):
    for line in (
        "add book hamlet Hamlet Shakespeare",
        "add copy hamlet/1 hamlet",
        "add member ann Ann student",
        "add member ben Ben teacher",
    ):
        assert desk(line)[0] == 0
    return desk


def test_a_day_at_the_desk(stocked):
    assert stocked("search HAMLET")[1] == "hamlet: Hamlet, Shakespeare; 1 of 1 free, 0 in the queue\n"
    assert stocked("search lear")[1] == "nothing found\n"
    assert "due on 2026-01-19" in stocked("--on 2026-01-05 lend ann hamlet")[1]
    assert "due on 2026-01-24" in stocked("--on 2026-01-10 renew hamlet/1")[1]
    assert stocked("--on 2026-01-11 reserve ben hamlet")[0] == 0
    status, out, _ = stocked("--on 2026-01-27 return hamlet/1")
    assert (status, out) == (0, "hamlet/1 returned by ann\nto ben: hamlet/1 is held for you\n")
    assert "owes  ann  0.30" in stocked("--on 2026-01-27 report")[1]
    assert stocked("--on 2026-01-28 pay ann 30")[1] == "still owed: 0.00\n"
    assert "waits for hamlet no longer" in stocked("--on 2026-01-28 cancel ben hamlet")[1]


def test_a_hold_ends_by_itself(stocked):
    for line in ("--on 2026-01-05 lend ann hamlet", "--on 2026-01-05 reserve ben hamlet",
                 "--on 2026-01-06 return hamlet/1"):  # fmt: skip
        assert stocked(line)[0] == 0
    assert stocked("--on 2026-01-09 lend ann hamlet")[0] == 1
    assert stocked("--on 2026-01-10 lend ann hamlet")[0] == 0


def test_a_letter_that_was_not_sent_is_sent_by_the_next_command(stocked):
    with SqliteRepository("library.db") as repository:
        library = Library(repository)
        library.desk.lend("ann", "hamlet", DAY)
        library.waiting.reserve("ben", "hamlet", DAY)
        library.desk.take_back("hamlet/1", DAY)  # and the process dies here
    assert "to ben: hamlet/1 is held for you" in stocked("--on 2026-01-05 report")[1]
    assert "to ben" not in stocked("--on 2026-01-05 report")[1]


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("", 2, "required: command"),
        ("borrow ann hamlet", 2, "invalid choice"),
        ("lend ann", 2, "required: book"),
        ("--on yesterday report", 2, "expected a day as 2026-01-31, got 'yesterday'"),
        ("--on 9999-12-31 lend ann hamlet", 1, "on: there is no day 14 days after 9999-12-31"),
        ("--on 3000-01-01 lend ann hamlet", 1, "expected a day from 1900 to 2999"),
        ("--on 2999-12-31 lend ann hamlet", 1, "due_on: expected a day from 1900 to 2999"),
        ("lend zoe hamlet", 1, "no member 'zoe'"),
        ("lend ann lear", 1, "no book 'lear'"),
        ("lend ann ;DROP", 1, "book_id: expected 1 to 64 letters"),
        ("return hamlet/1", 1, "is not lent"),
        ("return hamlet/9", 1, "no copy 'hamlet/9'"),
        ("reserve ann hamlet", 1, "is free"),
        ("cancel ann hamlet", 1, "has not reserved"),
        ("pay ann ten", 2, "invalid int value"),
        ("pay ann -5", 1, "cannot pay -5 cents"),
        ("add loan 1", 2, "invalid choice"),
        ("add book x", 1, "title: is missing"),
        ("add book x T A about more", 1, "expected book_id title author about"),
        ("add book hamlet T A", 1, "book hamlet is there already"),
        ("add copy x/1 x", 1, "no book 'x'"),
        ("add member x X janitor", 1, "expected student, teacher, guest"),
        ("import book missing.csv", 1, "No such file"),
        ("import book library.db", 1, "expected a name ending in .csv or .json"),
        ("export book library.db", 1, "expected a name ending in .csv or .json"),
        ("--db . report", 1, "unable to open"),
        ("--db nowhere/library.db add member x X guest", 1, "unable to open"),
        ("--db missing.db lend ann hamlet", 1, "no library at missing.db"),
    ],
)
def test_wrong_words_get_a_clear_answer_and_change_nothing(stocked, line, status, message):
    with SqliteRepository("library.db") as repository:
        before = state(repository)
    got, out, err = stocked(line)
    assert (got, out) == (status, "")
    assert message in err
    assert "Traceback" not in err
    assert not Path("missing.db").exists()
    with SqliteRepository("library.db") as repository:
        assert state(repository) == before


def test_import_and_export_at_the_desk(stocked):
    Path("members.csv").write_text("member_id,name,kind\ncleo,Cleo,guest\ndan,Dan,king\n")
    status, out, _ = stocked("import member members.csv")
    assert status == 0
    assert re.match(r"1 of 2 rows imported\nline 3: kind: expected .* got 'king'\n", out)
    assert "dan,Dan,king" in Path("members.csv.rejects.csv").read_text()
    assert stocked("import member members.csv")[0] == 1, "the file of rejects is not written over"
    for form in ("csv", "json"):
        assert stocked(f"export member out.{form}")[0] == 0
        assert stocked(f"export member out.{form}")[0] == 1, "nor is an export"
        assert stocked(f"--db other-{form}.db import member out.{form}")[1] == "3 of 3 rows imported\n"


def test_it_is_a_program_and_a_module_that_does_nothing_when_imported(tmp_path):
    command = [sys.executable, "-W", "error", "-m", MODULE]
    done = subprocess.run(
        [*command, "--help"], env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert all(word in done.stdout for word in ("add", "search", "lend", "return", "reserve", "report"))
    assert done.stderr == ""
    program = f"import sys, {MODULE}; print('matplotlib' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False False\n"
    assert list(tmp_path.iterdir()) == []


def test_services_take_what_they_are_given():
    repository = MemoryRepository()
    strict = {kind: Policy(0, 1, 0, 0) for kind in MemberKind}
    library = fill(Library(repository, strict))
    assert isinstance(library.events, Events)
    with pytest.raises(Refused, match="0 of 0 loans"):
        library.desk.lend("m0", "hamlet", DAY)
