"""What stands around a column changes what its name means."""

from __future__ import annotations

import pytest

from doorward.catalog.context import ALONE, bounds_texts, is_people, surroundings, table_references
from doorward.catalog.whole import NamedColumn, classify_all
from doorward.catalog.words import words


def labels(table: str, columns: str, *others: str) -> dict[str, str]:
    """The labels of ``name type, ...`` in *table*, in a database that has the tables *others* too."""
    named = [NamedColumn("db", "", table, *one.split(maxsplit=1)) for one in columns.split(", ")]
    found = classify_all([*named, *(NamedColumn("db", "", other, "id", "integer") for other in others)])
    return {column.name: finding.label.value for column, finding in zip(named, found, strict=False)}


def test_an_affix_that_most_names_share_says_nothing() -> None:
    """nom_adh, ville_adh: what is asked about is what differs."""
    beside = surroundings("adherents", ["nom_adh", "prenom_adh", "ville_adh", "sexe_adh", "id_adh"])
    assert beside.affixes == {"adh"}
    assert words("nom_adh", beside.affixes) == ("name",)
    assert surroundings("t", ["a_id", "b_id", "c_id", "d_id"]).affixes == frozenset()


def test_names_joined_to_their_tables_are_parted() -> None:
    """shiptoname in a table shipto is a name."""
    found = labels("shipto", "shiptoname text, shiptostreet text, shiptocity text, shiptophone text, shiptoemail text")
    assert found == {
        "shiptoname": "person_name", "shiptostreet": "address", "shiptocity": "address", "shiptophone": "phone",
        "shiptoemail": "email",
    }  # fmt: skip


def test_a_name_beside_traits_of_people_is_a_persons() -> None:
    """In a table whose own name tells nothing; an organisation has an address too, and is nobody."""
    assert labels("entries7", "name text, email text, phone text, gender text")["name"] == "person_name"
    assert labels("suppliers", "name text, email text, phone text")["name"] == "none"


def test_a_state_without_a_city_is_a_stage() -> None:
    """Orders and jobs have states too."""
    assert labels("customers", "name text, street text, city text, state text")["state"] == "address"
    assert labels("invoices", "state text, recipient_street text, recipient_town text, total numeric")["state"] == "none"


def test_an_id_of_another_table_is_a_key() -> None:
    """email_id refers to a table of e-mails where there is one, and is an address for mail where there is none."""
    assert labels("invitations", "email_id text, token text", "emails")["email_id"] == "none"
    assert labels("invitations", "email_id text, token text")["email_id"] == "email"


def test_a_lookup_tables_descriptions_are_nobodys() -> None:
    """Names, descriptions and an order: what a business configures."""
    assert (
        labels("ethnicity", "ethnicity_id integer, ethnicity_name varchar(255), sort_order integer")["ethnicity_name"] == "none"
    )


@pytest.mark.parametrize(
    ("type_name", "label"), [("char(1)", "none"), ("varchar(3)", "none"), ("varchar(80)", "email"), ("text", "email")]
)
def test_what_is_too_short_for_a_value_does_not_hold_it(type_name: str, label: str) -> None:
    """A column of one character that is called email is a flag."""
    assert labels("people", f"email {type_name}, name text")["email"] == label


def test_an_unbounded_text_is_long_where_others_are_bounded() -> None:
    """Where everything is text, it tells nothing."""
    assert bounds_texts(["varchar(20)", "varchar(255)", "text"])
    assert not bounds_texts(["text", "text", "varchar(3)"])
    bounded = "title varchar(80), code varchar(20), result text"
    assert labels("runs", bounded)["result"] == "free_text"
    assert labels("runs", "title text, code text, result text")["result"] == "none"


def test_people_are_known_by_their_tables_names() -> None:
    """A profile of a symbol is nobody."""
    assert is_people(("customer",))
    assert is_people(("user", "profile"))
    assert not is_people(("symbol", "profile"))
    assert not is_people(())


def test_references_leave_out_numbers() -> None:
    """orders_2024 is a table of orders."""
    assert table_references(["orders_2024", "", "e_mails"]) == {("order",), ("e", "email")}
    assert not ALONE.refers_to_a_table(("order", "id"))


@pytest.mark.parametrize(
    ("language", "columns"),
    [
        ("German", "vorname text, nachname text, geburtsdatum date, strasse text, plz text, ort text, telefonnummer text"),
        ("French", "prenom text, nom text, date_naissance date, adresse text, code_postal text, ville text, courriel text"),
        (
            "Spanish",
            "nombre text, apellidos text, fecha_nacimiento date, calle text, codpostal text, ciudad text, telefono text",
        ),
        (
            "Portuguese",
            "nome text, sobrenome text, data_nascimento date, rua text, cep text, cidade text, telefone text, cpf text",
        ),
        (
            "Italian",
            "nome text, cognome text, data_nascita date, indirizzo text, citta text, telefono text, codice_fiscale text",
        ),
        (
            "Dutch",
            "voornaam text, achternaam text, geboortedatum date, straat text, postcode text, woonplaats text, telefoon text",
        ),
    ],
)
def test_languages_are_read(language: str, columns: str) -> None:
    """Every one of these columns is somebody's."""
    found = labels("t", columns)
    assert "none" not in found.values(), (language, found)
