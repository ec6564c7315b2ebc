# ruff: noqa: E501, SIM905 - patterns and word lists, one to a line
"""What surrounds a value: the words of its column or key, and the words in front of it in a text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from doorward.detectors import spans


class Hint(NamedTuple):
    """What a column's or key's name says of its values.

    *type* is a type of span, or "" where the name says nothing; *is_plain* says that the name belongs to something else (an
    order number, a version), so that guesses are not made.
    """

    type: str = ""
    is_plain: bool = False
    is_sure: bool = True  # False where the name alone may mean other things too ("name")


NO_HINT = Hint()
_PLAIN = Hint("", True)

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zà-ÿ]+|[0-9]+|[^\W\d_]+")

# A name that contains all the words of a row, whole, has its type. First row that fits wins.
_SAYS: tuple[tuple[str, str], ...] = (
    (spans.SECRET, "password|passwd|pwd|passphrase|passcode|pass word|secret|kennwort|passwort|contrasena|contraseña|senha|clave|motdepasse|mot de passe|hasło|haslo"),
    (spans.SECRET, "api key|apikey|access key|accesskey|auth key|authkey|private key|privatekey|secret key|account key|accountkey|signing key|encryption key|master key|license key|shared key|session key|webhook key|service key"),
    (spans.SECRET, "token|bearer|jwt|authorization|credential|credentials|otp|totp|psk|dsn|connection string|api secret|auth|cookie|apitoken|authtoken|accesstoken|refreshtoken"),
    (spans.MAC, "mac|mac address|macaddr|macaddress|hwaddr|hw addr|ethernet"),
    (spans.IP, "ip|ip address|ipaddr|ipaddress|ipv4|ipv6|remote addr|remoteaddr|client addr|x forwarded for"),
    (spans.EMAIL, "email|e mail|mail|correo|courriel|emailaddress|email address"),
    (spans.DOB, "dob|birth|birthday|birthdate|born|dateofbirth|birthdt|geburtsdatum|geburtstag|geboren|naissance|nacimiento|nascimento|nascita|geboortedatum|urodzenia"),
    (spans.NATIONAL_ID, "ssn|sin|tin|itin|nino|nhs|dni|nie|nif|cpf|cnpj|pesel|bsn|curp|rfc|hetu|aadhaar|aadhar|rrn|mrn|nir|rut|cuit|cuil|tckn|egn|cnp|oib|jmbg|amka|pps|ppsn|tfn|nric|snils|inn|iin|cnic|svnr|fnr|cpr|personnummer|personalnummer|cedula|cédula"),
    (spans.NATIONAL_ID, "passport|passeport|pasaporte|reisepass|social security|national id|nationalid|national insurance|national identification|national number|tax id|taxid|tax number|tax no|vat id|vat number|vat no|vatid|codice fiscale|steuer id|steuerid|identity number|identity card|id card|id number|identification|personal id|personal number|driver license|driving licence|driver licence|drivers license|license number|licence number|licence no|insurance number|medicare|ahv|avs|insee|sozialversicherungsnummer|steuernummer|resident registration"),
    (spans.IBAN, "iban|bank account|account number|account no|acct no|acct number|bankaccount|accountnumber|kontonummer|routing number|sort code|bic|swift"),
    (spans.PHONE, "phone|telephone|tel|mobile|cell|cellphone|fax|telefon|telefono|teléfono|telefone|téléphone|handy|msisdn|gsm|whatsapp|phonenumber|mobilenumber|rufnummer|celular|móvil|movil|portable|pager"),
    (spans.CARD, "pan|card number|card no|cardnumber|credit card|creditcard|ccn|cc number|cc no|debit card|ccnum|cardno|kartennummer|tarjeta|card num"),
    (spans.ADDRESS, "address|street|addr|strasse|straße|adresse|direccion|dirección|endereco|endereço|indirizzo|adres|adress|postal address|zip|zipcode|postcode|postal code|postalcode|plz|address1|address2|line1"),
    (spans.PERSON, "first name|last name|full name|middle name|maiden name|given name|family name|surname|forename|firstname|lastname|fullname|person name|contact name|customer name|patient name|employee name|user name real|display name|holder|cardholder|account holder|vorname|nachname|nom|prenom|prénom|apellido|apellidos|nombre|sobrenome|cognome|insured|applicant|patient|beneficiary|contact person|author name|legal name|holder name|recipient name|sender name|owner name|guest name|nazwisko|imię|achternaam|voornaam|naam|förnamn|efternamn"),
)  # fmt: skip
_SAYS_SOFTLY: tuple[tuple[str, str], ...] = (
    (
        spans.PERSON,
        "name|to|from|recipient|sender|contact|author|owner|customer|client|employee|guest|manager|agent|assignee|reporter|attn|person|buyer|seller|driver|doctor|physician|student|teacher|member|user",
    ),
)
# Words that turn a name around: password_changed_at is a time, card_type a word, phone_verified a flag.
_TURNS = frozenset(
    "type types kind at changed expires expiry expiration expired exp enabled disabled status state policy length min max count "
    "format version brand created updated modified date verified valid validated flag limit limits ttl algorithm algo usage "
    "used score is has required hint attempts retries retry index rank scheme issued scope scopes family verification uri "
    "url endpoint icon template domain provider network hash8 last4 total opt optin consent prefix suffix country code class "
    "label labels title subject body sent confirmed failed bounce bounced preference".split()
)
_PLAIN_WORDS = frozenset(
    "order orders sku version versions build builds sha sha1 sha256 sha512 md5 commit commits hash hashes digest checksum etag "
    "uuid guid ulid ean isbn isbn13 issn upc gtin barcode tracking invoice ref refs reference timestamp timestamps ts created "
    "updated deleted modified time times epoch date datetime amount total price qty quantity count size width height weight "
    "status code codes product products item items model build revision rev release id ids key keys number num no nr seq "
    "sequence position rank path file filename filepath image images asset port color colour currency country lang language "
    "locale category type kind brand batch lot bin shelf warehouse aisle ticket case trace span request correlation job run "
    "event shipment parcel package part duration elapsed ms seconds bytes offset cursor page counter value1 integrity "
    "fingerprint signature thumbprint serial organization organisation org company vendor supplier manufacturer city town "
    "region state province place location publickey pubkey placeholder example unit units score rating level tag tags "
    "slug metric measure dimension dimensions note_id transaction txn payment_id external source ip_version blob".split()
)
_TEXTY = frozenset("note notes comment comments message description text body content details remark remarks".split())


def _compiled(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
    return tuple((type_, tuple(tuple(phrase.split()) for phrase in phrases.split("|"))) for type_, phrases in rows)


_FIRM, _SOFT = _compiled(_SAYS), _compiled(_SAYS_SOFTLY)


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's or key's name, in lower case: split at signs, digits and capitals."""
    return tuple(piece.lower() for piece in _PIECE.findall(name[:200]))


def _contains(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    length = len(phrase)
    return any(words[at : at + length] == phrase for at in range(len(words) - length + 1))


@lru_cache(maxsize=8192)
def hint_of(name: str) -> Hint:
    """What *name*, of a column or a key, says of its values."""
    words = words_of(name)
    if not words:
        return NO_HINT
    plural_free = tuple(
        word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word for word in words
    )
    for type_, phrases in _FIRM:
        for phrase in phrases:
            if _contains(words, phrase) or _contains(plural_free, phrase):
                rest = [word for word in words if word not in phrase]
                if any(word in _TURNS for word in rest) and not (type_ is spans.DOB and set(rest) <= {"date", "at", "of"}):
                    return _PLAIN if type_ is not spans.ADDRESS or "code" not in rest else Hint(spans.ADDRESS)
                if type_ is spans.SECRET and ({"public", "id", "name"} & set(rest) or words in (("auth",), ("cookie",))):
                    return NO_HINT if "public" not in rest else _PLAIN
                if type_ is spans.EMAIL and {"server", "host", "id"} & set(rest):
                    return NO_HINT
                return Hint(type_)
    if set(words) & _TEXTY:
        return NO_HINT
    if set(words) & _PLAIN_WORDS or set(plural_free) & _PLAIN_WORDS:
        return _PLAIN
    for type_, phrases in _SOFT:
        if any(_contains(words, phrase) for phrase in phrases):
            return Hint(type_, False, False)
    return NO_HINT


BEFORE_CHARACTERS = 48  # how far back a cue may stand: a short clause

ID, PHONE, PASSPORT, CARD = "id", "phone", "passport", "card"
_TOKEN = re.compile(r"[^\W\d_]+|[0-9]+|[#$€£¥;.\n]")
_PASSPORT_WORDS = frozenset("passport passeport pasaporte reisepass reisepassnummer paszport paspoort passaporto".split())
_ID_WORDS = _PASSPORT_WORDS | frozenset(
    "ssn sin tin itin ein nino nhs dni nie nif cpf cnpj pesel bsn curp rfc hetu aadhaar rrn nir rut cuit tckn egn cnp oib jmbg amka pps "
    "ppsn tfn nric snils cnic svnr cpr ahv avs mrn personnummer cédula cedula medicare steuernummer steueridentifikationsnummer "
    "identification sozialversicherungsnummer versicherungsnummer burgerservicenummer".split()
)
_ID_PAIRS = frozenset(
    "social security|national id|national insurance|national number|national identity|tax id|tax number|tax no|tax payer|tax identification|"
    "vat id|vat number|vat no|codice fiscale|steuer id|steuer nummer|identity card|identity number|identity no|id card|id number|id no|"
    "personal id|personal number|personal code|driver license|driver licence|drivers license|driving licence|driving license|s license|"
    "d identité|de identidad|de identificación|de sécurité|de seguridad|citizen id|patient id|patient number".split("|")
)
_PHONE_WORDS = frozenset(
    "phone telephone tel mobile mob cell cellphone fax telefone téléphone handy móvil celular portable whatsapp sms call called calling "
    "ring dial dialed dialled reach reached contact contacted text texted nummer rufnummer hotline ligar rappelé kontakt gebeld voicemail desk "
    "2fa phones mobiles".split()
)
_PHONE_STARTS = ("telefon", "teléfon", "appel", "llam", "richiamat", "rückruf")
_PHONE_PAIRS = frozenset(
    "number changed|my number|his number|her number|our number|your number|whats app|new number|call me|answering at".split("|")
)
_CARD_WORDS = frozenset(
    "card cc creditcard pan kreditkarte karte tarjeta carte cartão carta kreditkort karta visa mastercard amex maestro".split()
)
# A number right behind one of these counts something else.
_OTHER_WORDS = frozenset(
    "order invoice inv ref reference tracking ticket case version build release rev id sku isbn ean upc gtin po bestellung commande pedido "
    "ordine zamówienie bestelling rechnung facture factura fattura batch lot serial model part item transaction txn job trace request "
    "commit sha hash checksum took claim room port pid epoch timestamp amount total usd eur # $ € £ ¥".split()
)
_BETWEEN = frozenset("no nr n number num nummer número numero nº is . #".split())
_ABBREVIATED = 4  # letters of a word whose full stop ends no sentence: "tel.", "no."
_REACH = 7  # words


class Cues(NamedTuple):
    """What the words in front of a number say: *kind* is ID, PHONE, PASSPORT, CARD or "", *is_other* that it counts something else."""

    kind: str = ""
    is_other: bool = False


_NO_CUES = Cues()


def cues_before(text: str, start: int) -> Cues:
    """The cues in the clause that ends at *start*: the nearest wins."""
    if not start:
        return _NO_CUES
    tokens = _TOKEN.findall(text[max(0, start - BEFORE_CHARACTERS) : start].lower())
    if not tokens:
        return _NO_CUES
    is_other = False
    for token in reversed(tokens):
        if token in _OTHER_WORDS:
            is_other = True
            break
        if token not in _BETWEEN:
            break
    behind = ""
    words = 0
    for place in range(len(tokens) - 1, -1, -1):
        token = tokens[place]
        if token == "\n" and not words:
            continue  # the value stands on the line below its name
        if token in (";", "\n") or token[0] in "0123456789" or words == _REACH:
            break
        if token == ".":
            if place and len(tokens[place - 1]) > _ABBREVIATED:
                break
            continue
        if token in _PASSPORT_WORDS:
            return Cues(PASSPORT, is_other)
        pair = f"{token} {behind}"
        if token in _ID_WORDS or pair in _ID_PAIRS:
            return Cues(ID, is_other)
        if token in _PHONE_WORDS or pair in _PHONE_PAIRS or token.startswith(_PHONE_STARTS):
            return Cues(PHONE, is_other)
        if token in _CARD_WORDS:
            return Cues(CARD, is_other)
        behind = token
        words += 1
    return Cues("", is_other)
