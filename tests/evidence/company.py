"""A made-up company for made-up histories: forty people, a dozen agents, services, and what each of them runs."""

from __future__ import annotations

from dataclasses import dataclass

from doorward.model.entry import ColumnStamp

PEOPLE = {
    "developers": ("ada", "ben", "cleo", "dev", "eli", "finn", "gus", "hana", "ian", "jo", "kai", "lena", "milo", "nora"),
    "support": ("olga", "pia", "quinn", "rosa", "sam", "tess", "uma", "vic"),
    "analysts": ("wes", "xena", "yuri", "zoe", "amir", "bea", "carl", "dina"),
    "finance": ("emil", "fay", "gina", "hugo"),
    "security": ("iris", "jack", "kim"),
    "admins": ("dana", "leo"),
    "auditors": ("max",),
}
OWNERS = ["ada", "ben", "cleo", "olga", "pia", "wes", "xena", "yuri", "zoe", "emil", "fay", "iris"]
AGENTS = {f"{owner}-bot": owner for owner in OWNERS}
SERVICES = {"nightly-etl": ("pipelines",), "billing": (), "search-sync": (), "doorward-probe": ()}
# Group -> labels that the company has decided its members may see.
CLEARANCES = {"support": ("email", "phone"), "finance": ("bank_account",)}


@dataclass(frozen=True, slots=True)
class Form:
    """A statement that is run again and again."""

    text: str
    objects: tuple[str, ...]
    labels: tuple[str, ...] = ()
    action: str = "read"
    tag: str = "SELECT"
    rules: tuple[str, ...] = ("everyone-may-read",)
    columns: tuple[tuple[str, str, str], ...] = ()  # label, name, source
    rows: int = 50


EMAIL = ("email", "email", "public.customers.email")
PHONE = ("phone", "phone", "public.customers.phone")
SSN = ("national_id", "ssn", "public.customers.ssn")
IBAN = ("bank_account", "iban", "public.payments.iban")

READS = (
    Form("select id, status, total from orders where customer_id = ? order by placed_at desc limit ?", ("public.orders",)),
    Form("select count(*) from orders where placed_at > ?", ("public.orders",), rows=1),
    Form("select * from products where sku = ?", ("public.products",), rows=1),
    Form("select p.name, sum(l.quantity) from order_lines l join products p on p.id = l.product_id group by p.name",
         ("public.order_lines", "public.products"), rows=240),
    Form("select id, email, phone from customers where id = ?", ("public.customers",), ("email", "phone"),
         columns=(EMAIL, PHONE), rows=1),
    Form("select id, email, ssn from customers where created_at > ? limit ?", ("public.customers",), ("email", "national_id"),
         columns=(EMAIL, SSN)),
    Form("select id, iban, amount from payments where order_id = ?", ("public.payments",), ("bank_account",),
         columns=(IBAN,), rows=2),
    Form("select id, subject, status from tickets where assignee = ? and status <> ?", ("public.tickets",)),
)  # fmt: skip
WRITES = (
    Form("update orders set status = ? where id = ?", ("public.orders",), (), "write", "UPDATE",
         ("developers-may-write",), rows=1),
    Form("insert into tickets (subject, customer_id) values (?, ?)", ("public.tickets",), (), "write", "INSERT",
         ("services-may-write",), rows=1),
)  # fmt: skip
SCHEMA = (
    Form("alter table orders add column note text", ("public.orders",), (), "define", "ALTER TABLE",
         ("changes-of-what-is-there-need-review",), rows=0),
    Form("create index orders_by_status on orders (status)", ("public.orders",), (), "define", "CREATE INDEX",
         ("protected-schema-needs-review",), rows=0),
    Form("grant select on orders to reporting", ("public.orders",), (), "grant", "GRANT", ("grants-need-review",), rows=0),
)  # fmt: skip
PIPELINE = Form("create table staging.daily (day date, total numeric)", ("staging.daily",), (), "define", "CREATE TABLE",
                ("pipelines-may-define",), rows=0)  # fmt: skip
CLEAR_SSN = Form("select ssn from customers where id = ?", ("public.customers",), ("national_id",), columns=(SSN,), rows=1)
CLEAR_EMAIL = Form("select email from customers where id = ?", ("public.customers",), ("email",), columns=(EMAIL,), rows=1)
DROP = Form("drop table orders", ("public.orders",), (), "destroy", "DROP TABLE", ("no-drop-of-data",), rows=0)
PURGE = Form("delete from orders", ("public.orders",), (), "write", "DELETE", ("unbounded-write-needs-review",), rows=0)


def shown(form: Form, cleared: frozenset[str]) -> tuple[ColumnStamp, ...]:
    """The result columns of *form* for somebody who may see *cleared* labels."""
    return tuple(
        ColumnStamp(label, name, source, "cleared" if label in cleared else "labelled") for label, name, source in form.columns
    )
