# ruff: noqa: E501 - patterns and word lists, one to a line
"""National and tax numbers by country: one table, since a number is told by its shape first and a country only then.

Each check follows the issuing authority's published rule, named beside it. Shapes write 9 for a digit; separators stand
for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from doorward.detectors.check_digits import has_day, is_day, luhn, mod_11_10, verhoeff, weighted

Check = Callable[[str], bool]


class Strength(Enum):
    """Where a number with a right check is believed."""

    ANYWHERE = 3  # in running text too
    CELL = 2  # when it is all of a value, or a cue names it
    CUE = 1  # only when a cue or the column's name says what it is


class NumericId(NamedTuple):
    """A number of one country, in the shapes that it is written in."""

    name: str
    shapes: tuple[tuple[str, Strength], ...]
    is_valid: Check


ANYWHERE, CELL, CUE = Strength.ANYWHERE, Strength.CELL, Strength.CUE


def _us_ssn(d: str) -> bool:  # SSA, "Social Security Number Randomization"; IRS for ITIN ranges
    if d[0] == "9":
        return 50 <= int(d[3:5]) <= 99 and d[3:5] not in ("66", "67", "68", "69", "89", "93")
    return d[:3] not in ("000", "666") and d[3:5] != "00" and d[5:] != "0000"


def _ca_sin(d: str) -> bool:  # Service Canada
    return d[0] not in "08" and luhn(d)


def _two_mod_11(d: str, length: int) -> bool:
    return all(weighted(d[:place], range(place + 1, 1, -1)) * 10 % 11 % 10 == int(d[place]) for place in (length, length + 1))


def _br_cpf(d: str) -> bool:  # Receita Federal
    return len(set(d)) > 1 and _two_mod_11(d, 9)


def _br_cnpj(d: str) -> bool:  # Receita Federal
    for place in (12, 13):
        weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)[13 - place :]
        if (11 - weighted(d[:place], weights) % 11) % 11 % 10 != int(d[place]):
            return False
    return len(set(d)) > 1


def _nl_bsn(d: str) -> bool:  # Rijksdienst voor Identiteitsgegevens, "elfproef"
    return d != "000000000" and weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _de_idnr(d: str) -> bool:  # Bundeszentralamt für Steuern: one digit two or three times, no other repeated
    counts = sorted((d[:10].count(digit) for digit in set(d[:10])), reverse=True)
    return d[0] != "0" and counts[0] in (2, 3) and counts[1] == 1 and mod_11_10(d)


def _pl_pesel(d: str) -> bool:  # Polish act on population records
    month = int(d[2:4]) % 20
    return is_day(0, month, int(d[4:6])) and weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _no_fnr(d: str) -> bool:  # Skatteetaten; D-numbers add 40 to the day
    first = weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return first == second == 0 and is_day(0, int(d[2:4]) % 40, int(d[:2]) % 40)


def _tr_tckn(d: str) -> bool:  # Nüfus ve Vatandaşlık İşleri
    n = [int(digit) for digit in d]
    tenth = (sum(n[0:9:2]) * 7 - sum(n[1:8:2])) % 10
    return n[0] != 0 and tenth == n[9] and sum(n[:10]) % 10 == n[10]


def _baltic(d: str) -> bool:  # Estonian isikukood and Lithuanian asmens kodas share one rule
    if d[0] not in "12345678" or not has_day(d[1:7]):
        return False
    rest = weighted(d, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = weighted(d, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return rest == int(d[10])


def _lv_pk(d: str) -> bool:  # Latvian personas kods before 2017
    return has_day(d[:6], "dmy") and (1101 - weighted(d, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 % 10 == int(d[10])


def _be_nn(d: str) -> bool:  # Belgian national register; 2 before the number from 2000 on; bis numbers add 20 or 40
    number, check = int(d[:9]), int(d[9:])
    is_right = check in (97 - number % 97, 97 - (2_000_000_000 + number) % 97)
    return is_right and int(d[2:4]) % 20 <= 12 and int(d[4:6]) <= 31


def _hr_oib(d: str) -> bool:  # Porezna uprava
    return mod_11_10(d)


def _gr_amka(d: str) -> bool:  # Greek social security
    return has_day(d[:6], "dmy") and luhn(d)


def _bg_egn(d: str) -> bool:  # GRAO; months from 2000 on are shifted by 40
    month = int(d[2:4])
    month -= 40 if month > 40 else 0
    return is_day(0, month, int(d[4:6])) and weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(d[9])


def _cz_rc(d: str) -> bool:  # Czech and Slovak birth numbers: women's months are 50 higher, overflow 20
    month = int(d[2:4]) % 50
    return int(d) % 11 == 0 and is_day(0, month - 20 if month > 20 else month, int(d[4:6]))


def _se_pnr(d: str) -> bool:  # Skatteverket; coordination numbers add 60 to the day
    return is_day(0, int(d[2:4]), int(d[4:6]) % 60) and luhn(d)


def _se_pnr_long(d: str) -> bool:
    return d[:2] in ("18", "19", "20") and _se_pnr(d[2:])


def _dk_cpr(d: str) -> bool:  # CPR-kontoret; numbers since 2007 may fail the sum
    return has_day(d[:6], "dmy") and weighted(d, (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _dk_cpr_day(d: str) -> bool:
    return has_day(d[:6], "dmy")


def _is_kt(d: str) -> bool:  # Þjóðskrá
    return has_day(d[:6], "dmy") and d[9] in "089" and weighted(d, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _ro_cnp(d: str) -> bool:  # Romanian ordinance 97/2005
    rest = weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return d[0] in "123456789" and has_day(d[1:7]) and 1 <= int(d[7:9]) <= 52 and (rest if rest < 10 else 1) == int(d[12])


def _za_id(d: str) -> bool:  # South African Department of Home Affairs
    return has_day(d[:6]) and d[10] in "012" and luhn(d)


def _th_id(d: str) -> bool:  # Thai Department of Provincial Administration
    return d[0] in "12345678" and (11 - weighted(d, range(13, 1, -1)) % 11) % 10 == int(d[12])


def _jmbg(d: str) -> bool:  # the states that followed Yugoslavia
    n = [int(digit) for digit in d]
    check = 11 - sum((7 - place) * (n[place] + n[place + 6]) for place in range(6)) % 11
    return has_day(d[:4] + "00", "dmy") and d[4] in "09" and (check if check < 10 else 0) == n[12]


def _lu_id(d: str) -> bool:  # Luxembourg: two check digits, Luhn and Verhoeff
    in_century = d[:2] in ("18", "19", "20")
    return in_century and is_day(0, int(d[4:6]), int(d[6:8])) and luhn(d[:12]) and verhoeff(d[:11] + d[12])


def _cn_ric(d: str) -> bool:  # GB 11643-1999
    in_century = d[6:8] in ("18", "19", "20")
    rest = weighted(d, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11
    return in_century and is_day(0, int(d[10:12]), int(d[12:14])) and "10X98765432"[rest] == d[17].upper()


def _kr_rrn(d: str) -> bool:  # Korean Ministry of the Interior; numbers since October 2020 carry no sum
    return has_day(d[:6]) and (11 - weighted(d, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(d[12])


def _kr_rrn_day(d: str) -> bool:
    return has_day(d[:6]) and d[6] in "12345678"


def _jp_my_number(d: str) -> bool:  # Japanese ministerial ordinance 85 of 2014
    rest = weighted(d, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(d[11])


def _in_aadhaar(d: str) -> bool:  # UIDAI
    return d[0] in "23456789" and verhoeff(d)


def _fr_nir(d: str) -> bool:  # INSEE; the month is beyond 12 where the day of birth is not known
    return d[0] in "123478" and 97 - int(d[:13]) % 97 == int(d[13:])


def _pt_nif(d: str) -> bool:  # Autoridade Tributária
    check = 11 - weighted(d, range(9, 1, -1)) % 11
    return d[0] in "125689" and (check if check < 10 else 0) == int(d[8])


def _uk_nhs(d: str) -> bool:  # NHS Data Model and Dictionary
    check = 11 - weighted(d, range(10, 1, -1)) % 11
    return check != 10 and check % 11 == int(d[9]) and len(set(d)) > 1


def _au_tfn(d: str) -> bool:  # Australian Taxation Office
    return weighted(d, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _au_medicare(d: str) -> bool:  # Services Australia
    return d[0] in "23456" and weighted(d, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(d[8])


def _nz_ird(d: str) -> bool:  # Inland Revenue
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        rest = -weighted(d, weights) % 11
        if rest != 10:
            return rest == int(d[8])
    return False


def _ch_ahv(d: str) -> bool:  # Zentrale Ausgleichsstelle: an EAN-13 of the country number 756
    return d[:3] == "756" and (10 - weighted(d, (1, 3) * 6) % 10) % 10 == int(d[12])


def _at_svnr(d: str) -> bool:  # Dachverband der Sozialversicherungsträger; months 13 to 15 continue a full day
    in_year = 1 <= int(d[6:8]) <= 15 and 1 <= int(d[4:6]) <= 31
    return d[0] != "0" and in_year and weighted(d, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(d[3])


def _hu_taj(d: str) -> bool:  # Hungarian act XX of 1996
    return weighted(d, (3, 7) * 4) % 10 == int(d[8])


def _ru_snils(d: str) -> bool:  # Pension Fund of Russia
    return weighted(d, range(9, 0, -1)) % 101 % 100 == int(d[9:])


def _ru_inn(d: str) -> bool:  # Federal Tax Service
    first = weighted(d, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = weighted(d, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return first == int(d[10]) and second == int(d[11])


def _kz_iin(d: str) -> bool:  # Kazakhstan
    rest = weighted(d, range(1, 12)) % 11
    if rest == 10:
        rest = weighted(d, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return has_day(d[:6]) and d[6] in "123456" and rest == int(d[11])


def _ua_rnokpp(d: str) -> bool:  # State Tax Service of Ukraine
    return weighted(d, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(d[9])


def _il_id(d: str) -> bool:  # Population and Immigration Authority
    return luhn(d)


def _my_nric(d: str) -> bool:  # National Registration Department of Malaysia: day and place of birth, no sum
    place = int(d[6:8])
    return has_day(d[:6]) and (1 <= place <= 59 or 82 <= place <= 84) and place not in (17, 18, 19, 20)


def _eg_id(d: str) -> bool:  # Egypt: century, day, governorate
    return d[0] in "23" and has_day(d[1:7]) and (1 <= int(d[7:9]) <= 35 or d[7:9] == "88")


def _id_nik(d: str) -> bool:  # Indonesia: region, day (women's plus 40), serial
    return 11 <= int(d[:2]) <= 96 and is_day(0, int(d[8:10]), int(d[6:8]) % 40)


def _pk_cnic(d: str) -> bool:  # NADRA: province first, no sum
    return d[0] in "12345678"


def _ar_cuit(d: str) -> bool:  # AFIP
    check = 11 - weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return d[:2] in ("20", "23", "24", "27", "30", "33", "34") and {11: 0, 10: 9}.get(check, check) == int(d[10])


def _uy_ci(d: str) -> bool:  # DNIC
    return -weighted(d, (2, 9, 8, 7, 6, 3, 4)) % 10 == int(d[7])


def _ec_cedula(d: str) -> bool:  # Registro Civil
    return 1 <= int(d[:2]) <= 24 and luhn(d)


def _cl_rut(d: str) -> bool:  # Servicio de Impuestos Internos
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(d[:-1])))
    return "0K987654321"[total % 11] == d[-1].upper()


NUMERIC_IDS = (
    NumericId("us-ssn", (("999-99-9999", ANYWHERE), ("999 99 9999", CELL), ("999999999", CUE)), _us_ssn),
    NumericId("ca-sin", (("999-999-999", CELL), ("999 999 999", CELL), ("999999999", CUE)), _ca_sin),
    NumericId("br-cpf", (("999.999.999-99", ANYWHERE), ("999999999-99", ANYWHERE), ("99999999999", CELL)), _br_cpf),
    NumericId("br-cnpj", (("99.999.999/9999-99", ANYWHERE), ("99999999999999", CUE)), _br_cnpj),
    NumericId("nl-bsn", (("999999999", CELL), ("9999.99.999", CELL), ("9999 99 999", CELL), ("999 999 999", CUE)), _nl_bsn),
    NumericId("de-idnr", (("99999999999", CELL), ("99 999 999 999", ANYWHERE)), _de_idnr),
    NumericId("pl-pesel", (("99999999999", CELL),), _pl_pesel),
    NumericId("no-fnr", (("99999999999", ANYWHERE), ("999999 99999", ANYWHERE)), _no_fnr),
    NumericId("tr-tckn", (("99999999999", CELL),), _tr_tckn),
    NumericId("ee-lt-code", (("99999999999", CELL),), _baltic),
    NumericId("lv-pk", (("999999-99999", CELL), ("99999999999", CUE)), _lv_pk),
    NumericId(
        "be-nn",
        (("99.99.99-999.99", ANYWHERE), ("99.99.99-999-99", ANYWHERE), ("99 99 99 999 99", ANYWHERE), ("99999999999", CELL)),
        _be_nn,
    ),
    NumericId("hr-oib", (("99999999999", CUE),), _hr_oib),
    NumericId("gr-amka", (("99999999999", CELL),), _gr_amka),
    NumericId("bg-egn", (("9999999999", CELL),), _bg_egn),
    NumericId("cz-rc", (("999999/9999", ANYWHERE), ("9999999999", CUE)), _cz_rc),
    NumericId("se-pnr", (("999999-9999", ANYWHERE), ("999999+9999", ANYWHERE), ("9999999999", CELL)), _se_pnr),
    NumericId("se-pnr", (("99999999-9999", ANYWHERE), ("999999999999", CELL)), _se_pnr_long),
    NumericId("dk-cpr", (("999999-9999", ANYWHERE), ("9999999999", CELL)), _dk_cpr),
    NumericId("dk-cpr", (("999999-9999", CUE),), _dk_cpr_day),
    NumericId("is-kt", (("999999-9999", ANYWHERE), ("9999999999", CELL)), _is_kt),
    NumericId("ro-cnp", (("9999999999999", CELL),), _ro_cnp),
    NumericId("za-id", (("9999999999999", CELL), ("999999 9999 999", ANYWHERE), ("999999 9999 99 9", ANYWHERE)), _za_id),
    NumericId("th-id", (("9-9999-99999-99-9", ANYWHERE), ("9 9999 99999 99 9", ANYWHERE), ("9999999999999", CUE)), _th_id),
    NumericId("jmbg", (("9999999999999", CELL),), _jmbg),
    NumericId("lu-id", (("9999999999999", CELL),), _lu_id),
    NumericId("cn-ric", (("999999999999999999", ANYWHERE),), _cn_ric),
    NumericId("kr-rrn", (("999999-9999999", ANYWHERE), ("9999999999999", CUE)), _kr_rrn),
    NumericId("kr-rrn", (("999999-9999999", CELL),), _kr_rrn_day),
    NumericId("jp-my-number", (("999999999999", CUE), ("9999 9999 9999", CUE), ("9999-9999-9999", CUE)), _jp_my_number),
    NumericId("in-aadhaar", (("9999 9999 9999", ANYWHERE), ("9999-9999-9999", CUE), ("999999999999", CUE)), _in_aadhaar),
    NumericId(
        "fr-nir",
        (("999999999999999", ANYWHERE), ("9 99 99 99 999 999 99", ANYWHERE), ("9999999999999 99", ANYWHERE)),
        _fr_nir,
    ),
    NumericId("pt-nif", (("999999999", CUE), ("999 999 999", CUE)), _pt_nif),
    NumericId("uk-nhs", (("999 999 9999", ANYWHERE), ("999-999-9999", CUE), ("9999999999", CUE)), _uk_nhs),
    NumericId("au-tfn", (("999 999 999", CUE), ("999999999", CUE)), _au_tfn),
    NumericId("au-medicare", (("9999 99999 9", ANYWHERE), ("9999999999", CUE)), _au_medicare),
    NumericId("nz-ird", (("999-999-999", CUE), ("999999999", CUE)), _nz_ird),
    NumericId("ch-ahv", (("999.9999.9999.99", ANYWHERE), ("9999999999999", ANYWHERE)), _ch_ahv),
    NumericId("at-svnr", (("9999 999999", ANYWHERE), ("9999 99 99 99", ANYWHERE), ("9999999999", CELL)), _at_svnr),
    NumericId("hu-taj", (("999 999 999", CUE), ("999-999-999", CUE), ("999999999", CUE)), _hu_taj),
    NumericId("ru-snils", (("999-999-999 99", ANYWHERE), ("999-999-999-99", ANYWHERE), ("99999999999", CUE)), _ru_snils),
    NumericId("ru-inn", (("999999999999", CUE),), _ru_inn),
    NumericId("kz-iin", (("999999999999", CELL),), _kz_iin),
    NumericId("ua-rnokpp", (("9999999999", CUE),), _ua_rnokpp),
    NumericId("il-id", (("999999999", CUE), ("99999999-9", CUE)), _il_id),
    NumericId("my-nric", (("999999-99-9999", ANYWHERE), ("999999999999", CUE)), _my_nric),
    NumericId("eg-id", (("99999999999999", CUE),), _eg_id),
    NumericId("id-nik", (("9999999999999999", CUE),), _id_nik),
    NumericId("pk-cnic", (("99999-9999999-9", ANYWHERE), ("9999999999999", CUE)), _pk_cnic),
    NumericId("ar-cuit", (("99-99999999-9", ANYWHERE), ("99999999999", CUE)), _ar_cuit),
    NumericId("uy-ci", (("9.999.999-9", ANYWHERE), ("99999999", CUE)), _uy_ci),
    NumericId("ec-cedula", (("9999999999", CUE), ("999999999-9", CELL)), _ec_cedula),
    NumericId("cl-rut", (("99.999.999-9", ANYWHERE), ("9.999.999-9", ANYWHERE), ("99999999-9", CELL), ("9999999-9", CELL)), _cl_rut),
)  # fmt: skip

BY_SHAPE: dict[str, tuple[tuple[str, Strength, Check], ...]] = {}
for _row in NUMERIC_IDS:
    for _shape, _strength in _row.shapes:
        BY_SHAPE[_shape] = (*BY_SHAPE.get(_shape, ()), (_row.name, _strength, _row.is_valid))
BY_SHAPE = {_shape: tuple(sorted(_rows, key=lambda row: -row[1].value)) for _shape, _rows in BY_SHAPE.items()}


class LetteredId(NamedTuple):
    """A number with letters in it. *pattern* is all of it in capitals; *is_valid* gets letters and digits alone."""

    name: str
    strength: Strength
    pattern: str
    is_valid: Check


_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def _es_dni(t: str) -> bool:  # Spanish royal decree 1553/2005; NIE: X, Y, Z stand for 0, 1, 2
    return _DNI_LETTERS[int(t[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == t[-1]


_CF_ODD = dict(
    zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True)
)  # fmt: skip


def _it_cf(t: str) -> bool:  # Decreto ministeriale of 23 December 1976
    total = sum(_CF_ODD[sign] for sign in t[:15:2]) + sum(int(s) if s.isdigit() else ord(s) - 65 for s in t[1:15:2])
    return chr(total % 26 + 65) == t[15]


def _mx_curp(t: str) -> bool:  # RENAPO
    order = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(order.index(sign) * (18 - place) for place, sign in enumerate(t[:17]))
    return has_day(t[4:10]) and -total % 10 == int(t[17])


def _mx_rfc(t: str) -> bool:  # SAT; the last sign's sum is not kept by all
    return has_day(t[4:10])


def _fi_hetu(t: str) -> bool:  # Digi- ja väestötietovirasto
    return has_day(t[:6], "dmy") and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(t[:6] + t[-4:-1]) % 31] == t[-1]


def _cn_ric_x(t: str) -> bool:
    return _cn_ric(t)


def _uk_nino(t: str) -> bool:  # HMRC, NIM39110
    return t[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _ie_pps(t: str) -> bool:  # Irish Department of Social Protection
    total = weighted(t, range(8, 1, -1)) + (9 * (ord(t[8]) - 64) if len(t) == 9 and t[8] != "W" else 0)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == t[7]


def _sg_nric(t: str) -> bool:  # Immigration & Checkpoints Authority
    rest = weighted(t[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(t[0], 0)
    if t[0] == "M":
        return "KLJNPQRTUWX"[10 - rest % 11] == t[8]
    return ("JZIHGFEDCBA" if t[0] in "ST" else "XWUTRQPNMLK")[rest % 11] == t[8]


def _hk_id(t: str) -> bool:  # Hong Kong Immigration Department
    padded = t.rjust(9)
    values = [36 if sign == " " else int(sign, 36) for sign in padded[:8]]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return "0A987654321"[total % 11] == t[-1]


def _tw_id(t: str) -> bool:  # National Immigration Agency
    area = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(t[0]) + 10
    return (area // 10 + area % 10 * 9 + weighted(t[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def _de_rvnr(t: str) -> bool:  # Deutsche Rentenversicherung, VKVV
    digits = t[:8] + f"{ord(t[8]) - 64:02}" + t[9:11]
    sums = (int(digit) * weight for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return is_day(0, int(t[4:6]), int(t[2:4])) and sum(n // 10 + n % 10 for n in sums) % 10 == int(t[11])


def _fr_nir_corsica(t: str) -> bool:  # INSEE: 2A counts as 19, 2B as 18
    return _fr_nir(t.replace("2A", "19").replace("2B", "18"))


def _shaped(t: str) -> bool:
    return bool(t)


_MBI = "AC-HJKMNP-RT-Y"
LETTERED_IDS = (
    LetteredId("es-dni", ANYWHERE, r"[0-9]{8}[ -]?[A-HJ-NP-TV-Z]|[XYZ][ -]?[0-9]{7}[ -]?[A-HJ-NP-TV-Z]", _es_dni),
    LetteredId("es-dni", ANYWHERE, r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}[ -]?[A-HJ-NP-TV-Z]", _es_dni),
    LetteredId("it-cf", ANYWHERE, r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]", _it_cf),
    LetteredId("mx-curp", ANYWHERE, r"[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9][0-9]", _mx_curp),
    LetteredId("mx-rfc", ANYWHERE, r"[A-Z]{4}[0-9]{6}[A-Z0-9]{2}[0-9A]", _mx_rfc),
    LetteredId("fi-hetu", ANYWHERE, r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", _fi_hetu),
    LetteredId("cn-ric", ANYWHERE, r"[0-9]{17}X", _cn_ric_x),
    LetteredId(
        "uk-nino", ANYWHERE, r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", _uk_nino
    ),
    LetteredId("ie-pps", ANYWHERE, r"[0-9]{7}[A-W][A-IW]?", _ie_pps),
    LetteredId("sg-nric", ANYWHERE, r"[STFGM][0-9]{7}[A-Z]", _sg_nric),
    LetteredId("hk-id", ANYWHERE, r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)", _hk_id),
    LetteredId("tw-id", ANYWHERE, r"[A-Z][1289][0-9]{8}", _tw_id),
    LetteredId("de-rvnr", ANYWHERE, r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}", _de_rvnr),
    LetteredId("fr-nir", ANYWHERE, r"[1-478] ?[0-9]{2} ?[0-9]{2} ?2[AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", _fr_nir_corsica),
    LetteredId("cl-rut", ANYWHERE, r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-K|[0-9]{7,8}-K", _cl_rut),
    LetteredId("in-pan", CELL, r"[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]", _shaped),
    LetteredId("us-mbi", ANYWHERE, rf"[1-9][{_MBI}][0-9{_MBI}][0-9]-?[{_MBI}][0-9{_MBI}][0-9]-?[{_MBI}]{{2}}[0-9]{{2}}", _shaped),
    LetteredId("uk-driver", ANYWHERE, r"[A-Z]{2,5}9{0,3}[0-9][0156][0-9][0-3][0-9]{2}[A-Z9]{2}[0-9][A-Z]{2}", lambda t: len(t) == 16),
)  # fmt: skip

NOT_ALNUM = re.compile(r"[^0-9A-Z]")
