# ruff: noqa: E501 - tables of examples
"""National ids: every row of the tables, against numbers that authorities publish as examples."""

from __future__ import annotations

import random

import pytest

from doorward.detectors.national_ids import BY_SHAPE, LETTERED_IDS, NUMERIC_IDS, Strength
from doorward.detectors.scanner import Scanner

PUBLISHED = {
    "us-ssn": "078-05-1120", "ca-sin": "123-456-782", "br-cpf": "111.444.777-35", "br-cnpj": "16.727.230/0001-97",
    "nl-bsn": "111222333", "de-idnr": "36574261809", "pl-pesel": "44051401359", "no-fnr": "15108695088", "tr-tckn": "17291716060",
    "ee-lt-code": "36805280109", "lv-pk": "161175-19997", "be-nn": "85.07.30-033.28", "hr-oib": "33392005961",
    "gr-amka": "01013099997", "cz-rc": "710319/2745", "dk-cpr": "211062-5629", "is-kt": "120174-3399", "ro-cnp": "1630615123457",
    "za-id": "7503305044089", "th-id": "1-2345-45678-78-1", "jmbg": "0101006500006", "cn-ric": "360426199101010071",
    "jp-my-number": "5831 8068 7683", "in-aadhaar": "2341 2341 2346", "fr-nir": "255081416802538", "pt-nif": "501964843",
    "uk-nhs": "943 476 5870", "au-tfn": "123 456 782", "au-medicare": "2123 45670 1", "nz-ird": "136-410-132",
    "ch-ahv": "756.9217.0769.85", "at-svnr": "1237 010180", "hu-taj": "111111110", "ru-snils": "112-233-445 95",
    "ru-inn": "500100732259", "ua-rnokpp": "1759013776", "il-id": "039337423", "my-nric": "770305-02-1234",
    "ar-cuit": "20-26756539-3", "uy-ci": "1.234.567-2", "ec-cedula": "1710034065", "cl-rut": "12.531.909-2",
    "lu-id": "1893120105732",
}  # fmt: skip
LETTERED = {
    "es-dni": "54362315K", "it-cf": "RCCMNL83S18D969H", "mx-curp": "BOXW310820HNERXN09", "fi-hetu": "131052-308T",
    "cn-ric": "11010519491231002X", "ie-pps": "6433435F", "sg-nric": "S1234567D", "hk-id": "G123456(A)", "tw-id": "A123456789",
    "de-rvnr": "15070649C103",
}  # fmt: skip


def digits_of(written: str) -> str:
    """The digits alone."""
    return "".join(sign for sign in written if sign.isdigit())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_number_is_valid_in_its_shape(name: str) -> None:
    """The check and the spelling of each country, by a number that was published."""
    written = PUBLISHED[name]
    shape = "".join("9" if sign.isdigit() else sign for sign in written)
    assert [row for row in NUMERIC_IDS if row.name == name and shape in dict(row.shapes) and row.is_valid(digits_of(written))]


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"us-ssn", "my-nric"}))
def test_one_wrong_digit_is_noticed(name: str) -> None:
    """What check digits are for: of nine changes of the digit before the last, few pass."""
    digits = digits_of(PUBLISHED[name])
    row = next(row for row in NUMERIC_IDS if row.name == name and row.is_valid(digits))
    others = [digits[:-2] + other + digits[-1] for other in "0123456789" if other != digits[-2]]
    assert sum(row.is_valid(other) for other in others) <= 2


@pytest.mark.parametrize("row", NUMERIC_IDS, ids=lambda row: row.name)
def test_every_row_says_no_to_most_random_numbers_or_is_told_by_its_shape(row: object) -> None:
    """A bare number is believed only after a check that random digits fail."""
    dice = random.Random(7)
    for shape, strength in row.shapes:  # type: ignore[attr-defined]
        if strength is Strength.CUE or not shape.isdigit():
            continue
        passed = sum(row.is_valid("".join(dice.choices("0123456789", k=len(shape)))) for _ in range(2000))  # type: ignore[attr-defined]
        assert passed < 300, shape


def test_checks_answer_for_every_number_of_their_length() -> None:
    """No combination of digits makes a check fail otherwise than by saying no."""
    dice = random.Random(11)
    for shape, rows in BY_SHAPE.items():
        count = shape.count("9")
        for digits in ("0" * count, "9" * count, *("".join(dice.choices("0123456789", k=count)) for _ in range(50))):
            assert {row[2](digits) for row in rows} <= {True, False}


def test_more_than_twenty_countries_are_known() -> None:
    """What the documentation says."""
    assert len({row.name[:2] for row in (*NUMERIC_IDS, *LETTERED_IDS)}) >= 40


@pytest.mark.parametrize("name", LETTERED)
def test_lettered_ids_are_found_alone_and_in_a_sentence(scanner: Scanner, name: str) -> None:
    """Those with letters need no cue."""
    written = LETTERED[name]
    assert [(span.type, span.start, span.end) for span in scanner.find(written)] == [("NATIONAL_ID", 0, len(written))]
    assert [span.rule for span in scanner.find(f"We have {written} on file.")] == [name]


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"jmbg", "br-cnpj"}))
def test_named_number_is_found_whatever_its_shape(scanner: Scanner, name: str) -> None:
    """Behind words that say what it is, and in a column that does."""
    written = PUBLISHED[name]
    in_text = scanner.find(f"Her tax id {written} is on file")
    assert [(span.type, span.start) for span in in_text] == [("NATIONAL_ID", 11)]
    assert [(span.type, span.end) for span in scanner.find(written, column="national_id")] == [("NATIONAL_ID", len(written))]


@pytest.mark.parametrize("name", sorted(set(PUBLISHED)))
def test_number_of_a_column_that_says_otherwise_is_left(scanner: Scanner, name: str) -> None:
    """An order number is one, whatever its check digit."""
    assert scanner.find(digits_of(PUBLISHED[name]), column="order_number") == []
