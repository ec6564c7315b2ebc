# ruff: noqa: E501 - tables of examples
"""What is found and what is not, in context and out of it; and that hostile values cost bounded time and never pass."""

from __future__ import annotations

import json
import time

import pytest

from doorward.detectors.scanner import MAX_VALUE_BYTES, Scanner, default_scanner, replaced
from doorward.detectors.spans import UNSCANNED

FOUND = [
    ("write to bob.o'neil+x@mail.example.co.uk!", "EMAIL", "bob.o'neil+x@mail.example.co.uk"),
    ("user=a_b@example.org logged in", "EMAIL", "a_b@example.org"),
    ("call (201) 555-0123 now", "PHONE", "(201) 555-0123"),
    ("tel: +49 30 901820", "PHONE", "+49 30 901820"),
    ("ring 06 12 34 56 78", "PHONE", "06 12 34 56 78"),
    ("phone 555 1234", "PHONE", "555 1234"),
    ("555-123-4567 ext. 12 is mine", "PHONE", "555-123-4567 ext. 12"),
    ("card 4111-1111-1111-1111 exp 09/27", "CARD", "4111-1111-1111-1111"),
    ("paid with 378282246310005", "CARD", "378282246310005"),
    ("IBAN DE89 3704 0044 0532 0130 00, thanks", "IBAN", "DE89 3704 0044 0532 0130 00"),
    ("gb82west12345698765432", "IBAN", "gb82west12345698765432"),
    ("from 203.0.113.7:443", "IP", "203.0.113.7"),
    ("http://203.0.113.9/x", "IP", "203.0.113.9"),
    ("peer 2001:db8::8a2e:370:7334.", "IP", "2001:db8::8a2e:370:7334"),
    ("lease 00:1b:44:11:3a:b7 given", "MAC", "00:1b:44:11:3a:b7"),
    ("port 001b.4411.3ab7", "MAC", "001b.4411.3ab7"),
    ("dob 02 Jun 1974", "DOB", "02 Jun 1974"),
    ("geboren am 3.4.1980 in Köln", "DOB", "3.4.1980"),
    ("Passport no. C01X00T47 seen", "NATIONAL_ID", "C01X00T47"),
    ("lives at 12 Main Street, 12345 Springfield", "ADDRESS", "12 Main Street, 12345 Springfield"),
    ("Neue Adresse: Lindenstraße 12, 10969 Berlin.", "ADDRESS", "Lindenstraße 12, 10969 Berlin"),
    ("Dear Mr Smith, welcome", "PERSON", "Smith"),
    ("patient: Anna Maria Lund, ward 3", "PERSON", "Anna Maria Lund"),
    ("Spoke with José Ángel García about it", "PERSON", "José Ángel García"),
    ("postgres://app:s3cr3t!x@db/prod", "SECRET", "s3cr3t!x"),
    ("the password is Tr0ub4dor&3", "SECRET", "Tr0ub4dor&3"),
    ("export API_KEY='a8f5f167f44f4964e6c998dee827110c'", "SECRET", "a8f5f167f44f4964e6c998dee827110c"),
    ("Server=x;User Id=sa;Password=hunter2;", "SECRET", "hunter2"),
    ("mongodb://u:ab/cd@host/d", "SECRET", "ab/cd"),
    ("curl -s -u admin:S3cret9 https://x", "SECRET", "S3cret9"),
    ("mysqldump -u root -pS3cretPw db", "SECRET", "S3cretPw"),
    ("jdbc:oracle:thin:scott/tiger@h:1521:x", "SECRET", "tiger"),
    ("pwd: Summer2023!", "SECRET", "Summer2023!"),
    ('config = {\\"token\\": \\"abc123def456\\"}', "SECRET", "abc123def456"),
]
LEFT_ALONE = [
    "Order 4546914544167292 shipped, tracking 62897, expected 2022-05-20.", "build 4.5.4.8167", "fixed in 16.29.1785",
    "5b1f4c8e-9d0a-4a7b-8c3d-2e1f0a9b8c7d", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "2025-05-08T08:01:52.598+02:00", "1695238708", "1740169742000", "20220320054559", "9780306406157", "icon-71@2x.png", "react@18.2.0",
    "git@github.com:acme/web.git", "The API key was rotated on 2022-07-16", "password must be at least 12 characters",
    "Please reset the password policy", "secret: {{ vault.token }}", "password=changeme", "token=null", "::", "12:34:56", "127.0.0.1",
    "Johnson & Johnson", "Paris Chandelier XL", "Customer prefers Sofia Sofa over Madison Desk.", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA",
    "666-03-9116", "DE82474446304797362989", "#6460701432", "$1,234,567.89", "1234567.pdf", "compass: north", "monkey: wrench business",
    "1,000,000,000 rows", "http://host:8080/path/x@y", "mysql -u root -p db", "Client Side Rendering", "User Interface Design", "Hello World", "100 Main Points", "5 Star Way to go",
    "Am Montag 12 Uhr", "Zum Beispiel 15000 Euro", "place 5 orders", "Dear Customer, your order", "Call from London Bridge", "curl -u $USER:$PASS https://x", "GPS 52.5200065, 13.4049540",
]  # fmt: skip


@pytest.mark.parametrize(("text", "type_", "value"), FOUND)
def test_value_is_found_where_it_stands(scanner: Scanner, text: str, type_: str, value: str) -> None:
    """Type, start and end."""
    assert [(span.type, text[span.start : span.end]) for span in scanner.find(text)] == [(type_, value)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_look_alike_is_left_alone(scanner: Scanner, text: str) -> None:
    """Order numbers, versions, hashes, timestamps and prose are none."""
    assert scanner.find(text) == []


@pytest.mark.parametrize(
    ("column", "value", "type_"),
    [
        ("phone", "5551234", "PHONE"),
        ("home_phone", "123 4567", "PHONE"),
        ("userPassword", "winter", "SECRET"),
        ("ssn", "123456789", "NATIONAL_ID"),
        ("date_of_birth", "1980-02-03", "DOB"),
        ("last_name", "lund", "PERSON"),
        ("zip", "10969", "ADDRESS"),
        ("card_number", "4000000000000001", "CARD"),
        ("email", "bob@localhost", "EMAIL"),
        ("iban", "DE82474446304797362989", "IBAN"),
    ],
)
def test_column_says_what_a_bare_value_is(scanner: Scanner, column: str, value: str, type_: str) -> None:
    """Whatever its check digit: the name is the cue."""
    assert [(span.type, span.start, span.end) for span in scanner.find(value, column=column)] == [(type_, 0, len(value))]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("order_number", "4111111111111111"),
        ("version", "10.20.30.40"),
        ("build_id", "323010052"),
        ("password_changed_at", "2024-01-01"),
        ("phone_type", "home"),
        ("email_verified", "true"),
        ("password", "null"),
        ("product_name", "Lincoln Log"),
        ("token_type", "bearer"),
        ("isbn", "9780306406157"),
        ("sku", "12345678Z"),
    ],
)
def test_column_says_what_a_value_is_not(scanner: Scanner, column: str, value: str) -> None:
    """Flags, kinds and numbers of things."""
    assert scanner.find(value, column=column) == []


def test_replacing_keeps_the_rest() -> None:
    """Text around a value stays as it was; a clean text is the very object."""
    scanner = default_scanner()
    assert scanner.replace("to bob@example.com and back") == "to [EMAIL] and back"
    assert scanner.replace("é bob@example.com ß".encode()) == "é [EMAIL] ß".encode()
    clean = "nothing here"
    assert scanner.replace(clean) is clean


def test_json_stays_json_and_keys_say_what_values_are(scanner: Scanner) -> None:
    """Texts in their quotes, numbers as numbers, keys in force in lists and inner objects."""
    document = {
        "user": {"name": "Anna Lund", "ssn": "123", "phones": ["5551234", 5551234], "id": 8812},
        "password": "x1y2",
        "product": {"name": "Paris Chandelier", "sku": "12345678Z"},
        "note": "mail bob@example.com",
        "born": {"date": "1980-02-03"},
        "ok": True,
        "bob@example.com": None,
    }
    cleaned = json.loads(str(scanner.replace(json.dumps(document))))
    assert cleaned["user"] == {"name": "[PERSON]", "ssn": "123", "phones": ["[PHONE]", 0], "id": 8812}
    assert cleaned["password"] == "[SECRET]"
    assert cleaned["product"] == document["product"]
    assert cleaned["note"] == "mail [EMAIL]"
    assert cleaned["born"] == {"date": "[DOB]"}
    assert "[EMAIL]" in cleaned


def test_escapes_in_json_hide_nothing(scanner: Scanner) -> None:
    """Values are read as a parser reads them, and replaced where they are written."""
    written = r'{"n\u006fte": "\u0062ob\u0040example.com \ud83d\ude00", "p\u0061ssword": "a\"b\\c1"}'
    assert scanner.replace(written) == r'{"n\u006fte": "[EMAIL] \ud83d\ude00", "p\u0061ssword": "[SECRET]"}'


def test_known_values_of_the_row_are_found_in_its_texts(scanner: Scanner) -> None:
    """A name from a labelled column, whole, turned around, or one of its words."""
    known = [("PERSON", "Wren Halvorsen"), ("PHONE", "99-1")]
    found = scanner.find("Halvorsen, Wren said that wren and HALVORSEN dialled 99-1; the wrench stays.", known=known)
    assert [(span.start, span.end, span.type) for span in found] == [
        (0, 15, "PERSON"), (26, 30, "PERSON"), (35, 44, "PERSON"), (53, 57, "PHONE"),
    ]  # fmt: skip
    assert json.loads(str(scanner.replace('{"a": "for wren", "n": 5551234}', known=[*known, ("PHONE", "5551234")]))) == {
        "a": "for [PERSON]",
        "n": 0,
    }


def test_same_value_in_two_columns_is_read_in_each(scanner: Scanner) -> None:
    """What is remembered of a value is remembered with its context."""
    assert scanner.find("323010052") != []
    assert scanner.find("323010052", column="order_number") == []
    assert scanner.find("323010052") != []


def test_bytes_are_counted_in_bytes(scanner: Scanner) -> None:
    """Also behind letters of several bytes, and behind what is no text."""
    value = "ärger 😀 bob@example.com".encode()
    (span,) = scanner.find(value)
    assert value[span.start : span.end] == b"bob@example.com"
    broken = b"\xff\xfe\xc3 bob@example.com \xff"
    (span,) = scanner.find(broken)
    assert broken[span.start : span.end] == b"bob@example.com"


def test_half_a_surrogate_pair_is_read(scanner: Scanner) -> None:
    """JSON can carry one; Python's text then has it too."""
    (span,) = scanner.find("\ud83d bob@example.com")
    assert (span.start, span.end) == (2, 17)


def test_long_value_is_masked_whole_at_once(scanner: Scanner) -> None:
    """Ten megabytes are neither read nor passed."""
    text = "a " * 5_000_000
    began = time.process_time()
    (span,) = scanner.find(text)
    assert (span.start, span.end, span.type) == (0, len(text), UNSCANNED)
    assert replaced(text, [span]) == "[UNSCANNED]"
    assert time.process_time() - began < 1


@pytest.mark.parametrize("depth", [300, 5_000, 60_000])
def test_deep_json_is_masked_whole(scanner: Scanner, depth: int) -> None:
    """Whatever the parser's own limit is."""
    for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        assert [span.type for span in scanner.find(text)] == [UNSCANNED]


def test_value_full_of_findings_is_masked_whole(scanner: Scanner) -> None:
    """A list of thousands of addresses is no text any more."""
    assert [span.type for span in scanner.find("a@example.com " * 10_000)] == [UNSCANNED]
    assert [span.type for span in scanner.find(json.dumps(["a@example.com"] * 9_000))] == [UNSCANNED]


ADVERSARIAL = [
    "a", "A", "Aa ", "1 ", "12 ", "1234 ", "(1", "a@", "a@a.", "a.", ":", "1:", "ab:", "1.", "eyJa.", "eyJaaaaaaaaaa", "password is ",
    "api key: x1 ", "a://a:a", "-----BEGIN PRIVATE KEY-----\n", "$1$", "sk-", "Rua A ", "Rua Aa, 1, ", "1 Aa Street ", "Mr Aa Bb ",
    "dob 01/", "DE12 ", "GB12ABCD ", "Ä ", "+1 ", "H.No. 1, A, ", "Aweg 1, ", "A-", "Aa von ", "PuTTY-User-Key-File-2 ", "AB12",
    '{"a":"\\', "Customer ", "0", "xX1" * 13 + " aws ",
]  # fmt: skip


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_hostile_repetition_costs_little(scanner: Scanner, piece: str) -> None:
    """No text makes a detector go back and forth: what is left to read at most takes about a second."""
    size = MAX_VALUE_BYTES // 8
    text = (piece * (size // len(piece.encode()) + 1))[: size // 2]
    began = time.process_time()
    scanner.find(text)
    assert time.process_time() - began < 1
