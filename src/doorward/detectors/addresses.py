# ruff: noqa: E501 - patterns and word lists, one to a line
"""Postal addresses: a street by the words that streets are made of, a number beside it, and the place behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doorward.detectors import spans
from doorward.detectors.context import Hint
from doorward.detectors.spans import Candidate

_U = "A-ZÀ-ÖØ-ÞŁŚŻŹĆŠČŽÅÄÖ"
_W = rf"(?>[{_U}][\w'’.-]{{0,30}}+|(?:d[aeiou]s?|del|della|delle|degli|des|la|le|les|los|las|y|e|van|von|der|den)\b|[ld]'|[0-9]{{1,2}}(?:st|nd|rd|th))"
# Words that end a street's name in English, glued endings in the Germanic languages, and words that begin it elsewhere.
_EN_ENDS = (
    r"Street|St|Road|Rd|Avenue|Ave|Av|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Ways|Close|Crescent|"
    r"Cres|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail|Trl|Loop|Alley|Row|Mews|Grove|Gardens?|Hill|Hills|Walk|Path|Rise|Green|Park|View|"
    r"Heights|Landing|Island|Islands|Ridge|Point|Points|Plaza|Bypass|Pass|Turnpike|Expressway|Freeway|Junctions?|Station|Key|Keys|Fork|"
    r"Forks|Forge|Ford|Ferry|Field|Fields|Flat|Flats|Fall|Falls|Estates?|Extensions?|Drives|Divide|Dam|Dale|Curve|Crossing|Crossroad|"
    r"Creek|Cove|Coves|Corner|Corners|Common|Club|Cliffs?|Centers?|Causeway|Canyon|Camp|Burgs?|Brooks?|Bridge|Branch|Bluffs?|Bend|Beach|"
    r"Bayou|Arcade|Annex|Avenida|Mall|Manors?|Meadows?|Mills?|Mission|Motorway|Mount|Mountains?|Neck|Orchard|Oval|Overpass|Passage|Pike|"
    r"Pines?|Plains?|Port|Ports|Prairie|Radial|Ramp|Ranch|Rapids?|Rest|River|Roads|Route|Run|Shoals?|Shores?|Skyway|Springs?|Spurs?|"
    r"Stravenue|Stream|Summit|Throughway|Trace|Track|Trafficway|Tunnel|Union|Unions|Valley|Valleys|Via|Viaduct|Views|Village|Villages|"
    r"Ville|Vista|Walks|Wall|Well|Wells|Harbors?|Haven|Hollow|Inlet|Isle|Knolls?|Lakes?|Lights?|Loaf|Locks?|Lodge|Underpass|Glens?|"
    r"Groves|Gateway|Garden|Greens|Freeway|Courts|Chowk|Nagar|Marg|Circle|Path|Street"
)
_GLUED = (
    r"straße|strasse|str\.|weg|allee|platz|gasse|ring|damm|ufer|steig|stieg|chaussee|"
    r"straat|laan|plein|gracht|kade|dijk|singel|hof|pad|dreef|steeg|zicht|"
    r"gatan|vägen|gränd|stigen|torget|gata|väg|allén|backen|gården|gade|vej|veien|gaten|katu|tie|kuja"
)
_BEGINS = (
    r"rue|avenue|av\.|boulevard|bd|chemin|allée|allées|impasse|place|quai|cours|route|passage|prom\.|promenade|square|faubourg|"
    r"calle|c/|avenida|avda\.?|paseo|plaza|ronda|camino|carretera|glorieta|pasaje|acceso|cuesta|callejón|urbanización|rambla|alameda|vial|pasadizo|via|vía|cañada|"
    r"viale|piazza|piazzale|piazzetta|corso|vicolo|strada|stradone|contrada|borgo|largo|rotonda|incrocio|canale|salita|lungo\w*|"
    r"rua|praça|travessa|estrada|rodovia|alameda|viela|vereda|vila|ladeira|parque|jardim|setor|quadra|quinta|sítio|fazenda|favela|feira|distrito|"
    r"conjunto|condomínio|colônia|chácara|campo|aeroporto|área|esplanada|estação|lago|lagoa|loteamento|morro|núcleo|passarela|pátio|recanto|"
    r"residencial|trecho|trevo|vale|viaduto|via|"
    r"ul\.|ulica|al\.|aleja|aleje|pl\.|plac|os\.|osiedle|rondo|skwer|bulwar|"
    r"Am|An der|Auf der|Im|Zum|Zur|In der"
)
_PLACE = rf"[{_U}][\w'’.-]{{1,30}}(?:[ -](?:[{_U}(][\w'’.)-]{{1,30}}|am|an|der|im|bei|ob|unter|sur|sous|de|du|des|la|le|les|en|del|da|do|di|in|on|upon)){{0,4}}"
_CODE = r"(?:[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}|[A-Z]{1,2}-?[0-9]{4,5}|[0-9]{4} [A-Z]{2}|[0-9]{5}-[0-9]{3,4}|[0-9]{2}-[0-9]{3}|[0-9]{3} ?[0-9]{2,3}|[0-9]{4,8}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[A-Z]{2}[0-9]{2} ?[0-9][A-Z]{2}|[A-Z][A-Z0-9]{2,3} ?[0-9][A-Z]{2})"
_UNIT = r"(?:,? ?(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Piano|Appartamento|Interno|Apt|Puerta|Piso|bus|Bât|Whg|Wohnung|m|lok|Studio|étage|Esc|Bloco|Sala)\.? ?#?[0-9A-Za-z]{1,6} ?,?)?"
_TAIL = (
    rf"(?:(?:,|\.|;|\n| -| –)? ?(?:{_PLACE},? ?)?(?:(?:,? ?)(?:{_CODE}|[A-Z]{{2}},? {_CODE})(?![\w@])(?:,? ?{_PLACE})?)(?: ?[/,(] ?(?:[A-Z]{{2}}\b\)?))?"
    rf"|, {_PLACE}(?:, {_PLACE}){{0,2}}(?:-[0-9]{{6}}|,? {_CODE})?(?: / [A-Z]{{2}})?)?"
)
_NO = r"[0-9]{1,5}(?:[-/][0-9]{1,4})?[A-Za-z]?(?![0-9A-Za-z:.][0-9])"

_NUMBER_FIRST = re.compile(
    rf"(?<![\w.,/-])(?:(?:Flat|Apt|Unit|Suite|Studio) ?[0-9]{{1,4}}[A-Z]?,? )?(?:{_NO},? )?(?:{_W} ){{1,4}}(?:{_EN_ENDS})\b\.?(?: (?:North|South|East|West|[NSEW]{{1,2}})\b)?{_UNIT}{_TAIL}"
)
_GLUED_STREET = re.compile(
    rf"(?<![\w.-])(?:[{_U}][\w.ßäöüåé'-]{{1,30}}[ -]){{0,4}}(?:[{_U}][\w.ßäöüåéèë'-]{{0,30}}?(?:{_GLUED})|[{_U}][\w-]{{1,30}}-(?i:{_GLUED})|[Ss]traße(?: des [{_U}]\w+)?) ?{_NO}{_UNIT}{_TAIL}"
)
_NAME_AFTER = re.compile(
    rf"(?<![\w.-])(?:(?P<no>{_NO}),? )?(?i:{_BEGINS})(?<=[\w.]) ?(?:{_W}(?: |(?=,|$|\n))){{1,6}}(?P<after>,? ?(?:n[º°.] ?)?{_NO}|,? s/n)?{_UNIT}(?P<tail>{_TAIL})"
)
_INDIAN = re.compile(
    rf"(?<![\w])(?:H\.? ?No\.?|House No\.?|Flat No\.?|Plot No\.?|[0-9]{{1,4}}/[0-9]{{1,4}}|[0-9]{{1,4}}),? ?[0-9A-Z/-]{{0,8}},? (?:[{_U}][\w.'-]{{1,30}},? ){{1,6}}[{_U}][\w.' -]{{1,30}}[- ][0-9]{{6}}(?![0-9])|(?<![\w])[0-9]{{1,4}}(?:/[0-9]{{1,4}})?, (?:[{_U}][\w.'-]{{1,30}},? ){{1,6}}[0-9]{{6}}(?![0-9])"
)
_BOX = re.compile(
    rf"(?<![\w])(?:P\.? ?O\.? Box|Postfach|Boîte postale|BP|Apartado|Skrytka pocztowa|Postbus|Box) [0-9]{{1,6}}{_TAIL}"
)
_MILITARY = re.compile(
    r"(?<![\w])(?:(?:USS|USNS|USNV|USCGC|Unit|PSC|CMR) [\w' ]{1,30}?(?:,? Box [0-9]{1,5})?,? )?(?:APO|FPO|DPO),? A[AEP],? [0-9]{5}"
)
_BUILDING = re.compile(
    rf"(?<![\w])(?:Flat|Studio|Apartment|Suite|Unit) [0-9]{{1,4}}[A-Za-z]?,? (?:{_NO},? )?(?:{_W} ){{1,4}}[{_U}]\w+,? {_PLACE},? {_CODE}(?![\w@])"
)

# Many words that end a street's name end other things too ("100 Main Points"): then a postal code must follow.
_PLAIN_STREET = re.compile(
    r"\b(?:Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Terrace|Crescent|Close|Parkway|Pkwy|Highway|Hwy)\b"
)
_HAS_CODE = re.compile(
    r"[ -](?:[0-9]{4,8}\b|[0-9]{2,5}-[0-9]{3,4}\b|[A-Z0-9]{2,4} ?[0-9][A-Z]{2}\b|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]\b)"
)
_CAPITAL_WORD = re.compile(rf"[ .'][{_U}]")
_PREPOSITIONS = ("Am ", "An der ", "Auf der ", "Im ", "Zum ", "Zur ", "In der ")

# What the engine looks for: a word of a street and a number not far from it.
HEADS = (
    rf"[A-Za-z0-9'\x80-\xff] (?:{_EN_ENDS})\b",
    r"(?i)(?:stra\xc3\x9fe|strasse|str\.|weg|allee|platz|gasse|ring|damm|ufer|stieg|chaussee|straat|laan|plein|gracht|kade|dijk|singel|hof|pad|"
    r"dreef|steeg|zicht|gatan|v\xc3\xa4gen|gr\xc3\xa4nd|stigen|torget|gata|v\xc3\xa4g|all\xc3\xa9n|backen|g\xc3\xa5rden|gade|vej|veien|gaten|"
    r"katu|tie|kuja) ?[0-9]",
    r"\b(?i:rue|avenue|boulevard|chemin|all\xc3\xa9es?|impasse|place|quai|cours|route|passage|prom\.|promenade|square|faubourg|calle|avenida|avda|"
    r"paseo|plaza|ronda|camino|carretera|glorieta|pasaje|acceso|cuesta|callej\xc3\xb3n|urbanizaci\xc3\xb3n|rambla|alameda|vial|v\xc3\xada|via|"
    r"viale|piazza|piazzale|piazzetta|corso|vicolo|strada|stradone|contrada|borgo|largo|rotonda|incrocio|canale|salita|lungo[a-z]{0,12}|rua|"
    r"pra\xc3\xa7a|travessa|estrada|rodovia|viela|vereda|vila|ladeira|parque|jardim|setor|quadra|quinta|s\xc3\xadtio|fazenda|favela|feira|"
    r"distrito|conjunto|condom\xc3\xadnio|col\xc3\xb4nia|ch\xc3\xa1cara|campo|aeroporto|\xc3\xa1rea|esplanada|lago|lagoa|loteamento|morro|"
    r"n\xc3\xbacleo|passarela|p\xc3\xa1tio|recanto|residencial|trecho|trevo|vale|viaduto|esta\xc3\xa7\xc3\xa3o|pasadizo|ca\xc3\xb1ada|ul\.|ulica|al\.|aleja|aleje|pl\.|plac|"
    r"os\.|osiedle|rondo|skwer|bulwar|av\.|bd)[ ]?[0-9A-Z\xc3-\xc5dl]",
    r"\b(?:Am|An der|Auf der|Im|Zum|Zur|In der) [A-Z\xc3]",
    r"(?:H\.? ?No|House No|Flat|Plot No|Studio|Apartment|Suite|Unit|P\.? ?O\.? Box|Postfach|Postbus|\b[AFD]PO)[ .,]",
    r"[A-Za-z][- ][0-9]{6}\b",
)  # fmt: skip


def addresses_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Streets with their numbers, up to the postal code and place that follow."""
    for pattern in (_GLUED_STREET, _INDIAN, _BOX, _MILITARY, _BUILDING):
        for match in pattern.finditer(text):
            yield _candidate(text, match)
    for match in _NUMBER_FIRST.finditer(text):
        is_numbered = match.group()[0].isdigit() or match.group().startswith(("Flat", "Apt", "Unit", "Suite", "Studio"))
        if is_numbered and (_HAS_CODE.search(match.group()) or _PLAIN_STREET.search(match.group())):
            yield _candidate(text, match)
    for match in _NAME_AFTER.finditer(text):
        tail = match.group("tail") or ""
        name = text[match.start() : match.start("tail")]
        if not _CAPITAL_WORD.search(name) or (name.startswith(_PREPOSITIONS) and not _HAS_CODE.search(tail)):
            continue
        has_number = match.group("no") or match.group("after")
        if has_number or any(sign.isdigit() for sign in tail):
            yield _candidate(text, match)


def _candidate(text: str, match: re.Match[str]) -> Candidate:
    start, end = match.span()
    while end > start and text[end - 1] in " ,.;-–/\n":
        end -= 1
    return Candidate(start, end, spans.ADDRESS, "street", spans.SHAPED)
