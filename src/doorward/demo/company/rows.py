"""The rows of the sample company: the same every time, invented, and safe to print.

Numbers look real and belong to nobody: social security numbers begin with 9, telephone numbers are 555-01xx, mail domains
are the reserved example ones, cards have valid check digits in the networks' test ranges, routing numbers begin with 99,
addresses on the net are from the documentation ranges.
"""

# ruff: noqa: E501, S311 - long rows; sample data must be the same every time

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files
from random import Random

from doorward.demo.company.word_lists import (
    CITIES,
    DEPARTMENTS,
    FIRST_NAMES,
    GOOD_NAMES,
    GOODS,
    JOB_TITLES,
    LAST_NAMES,
    STREET_KINDS,
    STREETS,
    TICKETS,
    USER_AGENTS,
)

CHUNK_BYTES = 64 * 1024
EMPLOYEES, CUSTOMERS, PRODUCTS, ORDERS, TICKET_COUNT, KEYS, SIGN_INS = 160, 4_000, 300, 20_000, 4_000, 120, 9_000
UNTIL = date(2026, 6, 30)
_CARD_RANGES = (
    ("Visa", "400000000", 16),
    ("Mastercard", "555555555", 16),
    ("American Express", "37828224", 15),
    ("Discover", "601111111", 16),
)
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

Value = str | int | bool | date | datetime | None
Record = tuple[Value, ...]


def schema_sql() -> str:
    """What creates the tables and views; run it in an empty database."""
    return files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def finish_sql() -> str:
    """What to run after the rows are in: indexes, sequences, statistics. Outside a transaction block or in one."""
    return files(__package__).joinpath("finish.sql").read_text(encoding="utf-8")


def tables() -> Iterator[tuple[str, Iterable[bytes]]]:
    """Tables in an order that satisfies foreign keys: ``COPY`` target and its rows in COPY text format, in chunks."""
    company = _Company()
    for name, records in (
        ("departments (id, name, cost_center)", company.departments()),
        (
            "employees (id, department_id, manager_id, first_name, last_name, work_email, phone, job_title, hired_on,"
            " date_of_birth, ssn, salary, bank_account_number, bank_routing_number)",
            company.employees(),
        ),
        (
            "customers (id, first_name, last_name, email, phone, date_of_birth, national_id, street_address, city, state,"
            " postal_code, country, loyalty_tier, marketing_opt_in, created_at)",
            company.customers,
        ),
        ("payment_cards (id, customer_id, cardholder_name, card_number, brand, expiry_month, expiry_year)", company.cards),
        ("products (id, sku, name, category, description, price, stock)", company.products),
        ("orders (id, customer_id, status, total, placed_at, shipped_at)", company.orders),
        ("order_items (order_id, product_id, quantity, unit_price)", company.items),
        ("payments (order_id, card_id, amount, method, status, processed_at)", company.payments()),
        (
            "support_tickets (customer_id, assignee_id, status, priority, subject, body, opened_at, closed_at)",
            company.tickets(),
        ),
        ("api_keys (employee_id, label, api_key, scopes, created_at, last_used_at)", company.keys()),
        ("sign_ins (customer_id, signed_in_at, ip_address, user_agent, session_token, succeeded)", company.sign_ins()),
    ):
        yield name, _chunks(records)


def luhn_digit(digits: str) -> str:
    """The check digit that makes a card number valid."""
    doubled = (int(digit) * 2 if position % 2 == 0 else int(digit) for position, digit in enumerate(reversed(digits)))
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def _chunks(records: Iterable[Record]) -> Iterator[bytes]:
    pending, size = [], 0
    for record in records:
        line = "\t".join(map(_field, record)).encode() + b"\n"
        pending.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


def _field(value: Value) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S+00")
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


class _Company:
    """All rows of one company, made in a fixed order from one seed. Records that others refer to are kept."""

    def __init__(self) -> None:
        self._dice = Random(20_260_630)
        self.products = list(self._products())
        self.customers = list(self._customers())
        self.cards = list(self._cards())
        self.items: list[Record] = []
        self.orders = list(self._orders())

    def _token(self, length: int) -> str:
        return "".join(self._dice.choices(_ALPHABET, k=length))

    def _moment(self, days_back: int) -> datetime:
        """A moment within the last so many days, more of them recent and by day."""
        age = int(days_back * self._dice.random() ** 1.4)
        second = min(86_399, max(0, int(self._dice.gauss(15 * 3600, 4 * 3600))))
        return datetime(UNTIL.year, UNTIL.month, UNTIL.day) - timedelta(days=age) + timedelta(seconds=second)

    def _phone(self, area: str) -> str:
        return f"+1 {area}-555-01{self._dice.randrange(100):02d}"

    def _ssn(self) -> str:
        return f"{self._dice.randint(900, 999)}-{self._dice.randint(1, 49):02d}-{self._dice.randint(1, 9999):04d}"

    def _birth(self, youngest: int, oldest: int) -> date:
        return UNTIL - timedelta(days=self._dice.randint(youngest * 365, oldest * 365))

    def departments(self) -> Iterator[Record]:
        for number, name in enumerate(DEPARTMENTS, 1):
            yield number, name, f"CC-{100 + number * 10}"

    def employees(self) -> Iterator[Record]:
        dice = self._dice
        for number in range(1, EMPLOYEES + 1):
            first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
            # The first ten lead the departments; everybody else reports to one of them.
            department = (number - 1) % len(DEPARTMENTS) + 1
            manager = None if number == 1 else 1 if number <= len(DEPARTMENTS) else department
            title = "Head" if manager in (None, 1) else dice.choice(JOB_TITLES)
            salary = dice.randrange(44_000, 98_000, 500) * (2 if title == "Head" else 1)
            email = f"{first}.{last}{number}@example.net".lower()
            yield (
                number, department, manager, first, last, email, self._phone(dice.choice(CITIES)[3]),
                f"{title}, {DEPARTMENTS[department - 1]}", UNTIL - timedelta(days=dice.randint(20, 4000)), self._birth(21, 64),
                self._ssn(), _money(salary * 100), str(dice.randrange(10**9, 10**10)), f"99{dice.randrange(10**7):07d}",
            )  # fmt: skip

    def _customers(self) -> Iterator[Record]:
        dice = self._dice
        for number in range(1, CUSTOMERS + 1):
            first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
            city, state, zip_start, area = dice.choice(CITIES)
            domain = dice.choice(("example.com", "example.com", "example.org", "example.net"))
            street = f"{dice.randint(1, 2999)} {dice.choice(STREETS)} {dice.choice(STREET_KINDS)}"
            tier = dice.choices(("basic", "silver", "gold"), (70, 22, 8))[0]
            yield (
                number, first, last, f"{first}.{last}{number}@{domain}".lower(), self._phone(area) if dice.random() < 0.9 else None,
                self._birth(18, 85) if dice.random() < 0.8 else None, self._ssn() if dice.random() < 0.35 else None,
                street, city, state, f"{zip_start}{dice.randint(1, 99):02d}", "US", tier, dice.random() < 0.4, self._moment(1600),
            )  # fmt: skip

    def _cards(self) -> Iterator[Record]:
        for number in range(1, CUSTOMERS + 1):
            brand, start, length = self._dice.choices(_CARD_RANGES, (55, 30, 8, 7))[0]
            body = start + "".join(self._dice.choices("0123456789", k=length - len(start) - 1))
            customer = self.customers[number - 1]
            holder = f"{customer[1]} {customer[2]}"
            yield (
                number,
                number,
                holder,
                body + luhn_digit(body),
                brand,
                self._dice.randint(1, 12),
                self._dice.randint(2026, 2031),
            )

    def _products(self) -> Iterator[Record]:
        dice = self._dice
        for number in range(1, PRODUCTS + 1):
            category, things, low, high = dice.choice(GOODS)
            thing, name = dice.choice(things), dice.choice(GOOD_NAMES)
            text = f"{name} is our {thing.lower()} for {dice.choice(('summer', 'all seasons', 'winter', 'long trails'))}."
            price = _money(dice.randint(low, high) * 100 - 1)
            yield number, f"{category[:3].upper()}-{number:04d}", f"{name} {thing}", category, text, price, dice.randint(0, 400)

    def _orders(self) -> Iterator[Record]:
        dice = self._dice
        for number in range(1, ORDERS + 1):
            # Some customers come back often.
            customer = int(CUSTOMERS * dice.random() ** 1.7) + 1
            total = 0
            for product in dice.sample(self.products, dice.choices((1, 2, 3, 4, 6), (30, 30, 20, 12, 8))[0]):
                quantity = dice.choices((1, 2, 3), (80, 15, 5))[0]
                self.items.append((number, product[0], quantity, product[5]))
                total += quantity * int(str(product[5]).replace(".", ""))
            placed = self._moment(720)
            status = dice.choices(("delivered", "shipped", "paid", "cancelled", "returned"), (70, 10, 8, 7, 5))[0]
            shipped = placed + timedelta(hours=dice.randint(5, 90)) if status in ("delivered", "shipped", "returned") else None
            yield number, customer, status, _money(total), placed, shipped

    def payments(self) -> Iterator[Record]:
        for order in self.orders:
            if order[2] == "cancelled" and self._dice.random() < 0.6:
                continue
            by_card = self._dice.random() < 0.85
            status = "refunded" if order[2] in ("cancelled", "returned") else "settled"
            processed = order[4] + timedelta(minutes=self._dice.randint(0, 30)) if isinstance(order[4], datetime) else None
            method = "card" if by_card else self._dice.choice(("bank transfer", "gift card"))
            yield order[0], order[1] if by_card else None, order[3], method, status, processed

    def tickets(self) -> Iterator[Record]:
        dice = self._dice
        for _ in range(TICKET_COUNT):
            order = dice.choice(self.orders)
            customer = self.customers[int(str(order[1])) - 1]
            subject, body = dice.choice(TICKETS)
            text = body.format(
                order=order[0], name=f"{customer[1]} {customer[2]}", email=customer[3], phone=customer[4] or "the usual number",
                street=customer[7], city=customer[8], national_id=customer[6] or self._ssn(), card=self.cards[int(str(order[1])) - 1][3],
            )  # fmt: skip
            opened = self._moment(500)
            closed = opened + timedelta(hours=dice.randint(1, 200)) if dice.random() < 0.85 else None
            priority = dice.choices(("low", "normal", "high"), (30, 58, 12))[0]
            assignee = 10 * dice.randint(1, 15) + 2  # the people of Customer Support
            yield order[1], assignee, "closed" if closed else "open", priority, subject, text, opened, closed

    def keys(self) -> Iterator[Record]:
        for number in range(1, KEYS + 1):
            made = self._moment(700)
            used = made + timedelta(days=self._dice.randint(0, 60)) if self._dice.random() < 0.8 else None
            label = self._dice.choice(("reporting", "warehouse sync", "storefront", "nightly export", "ad hoc"))
            scopes = self._dice.choice(("{orders:read}", "{orders:read,orders:write}", "{products:read}"))
            yield self._dice.randint(1, EMPLOYEES), f"{label} {number}", f"nbo_live_{self._token(32)}", scopes, made, used

    def sign_ins(self) -> Iterator[Record]:
        dice = self._dice
        for _ in range(SIGN_INS):
            address = f"{dice.choice(('192.0.2', '198.51.100', '203.0.113'))}.{dice.randint(1, 254)}"
            customer = int(CUSTOMERS * dice.random() ** 1.7) + 1
            yield customer, self._moment(200), address, dice.choice(USER_AGENTS), self._token(40), dice.random() < 0.95
