# ruff: noqa: E501, SIM905 - patterns and word lists, one to a line
"""Names of persons, where the words around them say that they are: no dictionary of names, so products are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doorward.detectors import spans
from doorward.detectors.context import Hint
from doorward.detectors.spans import Candidate

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĜĞĠĢĤĦĪĮİĴĶĹĻĽŁŃŅŇŌŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
# Repeats are possessive where what follows could share them: reading takes linear time whatever the text.
_WORD = rf"[{_UPPER}](?:[^\W\d_]|['’-]){{1,24}}+(?![0-9])"
_PIECE = rf"(?:{_WORD}|[{_UPPER}]\.)"
_LINK = r"(?:de|da|do|dos|das|di|del|della|van|von|der|den|la|le|los|el|al|bin|ibn|ter|ten|zu|af|av|mc|st\.)"
_RUN = re.compile(rf"(?<![\w.@/#-]){_PIECE}(?: (?:{_LINK} ){{0,2}}{_PIECE}){{0,6}}")

# Behind a title one word of a name is enough.
_TITLES = (
    "mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|dame|herr|frau|herrn|fräulein|señor|señora|señorita|sr|sra|srta|monsieur|madame|"
    "mademoiselle|mme|mlle|signor|signora|sig|dhr|mevr|mevrouw|meneer|pan|pani|dom|dona|don|doña"
)
_ROLES = (
    "customer|client|patient|applicant|employee|contact|user|guest|member|passenger|tenant|insured|policyholder|claimant|reporter|"
    "requester|caller|recipient|sender|buyer|seller|owner|holder|beneficiary|author|assignee|manager|agent|nurse|doctor|student|"
    "teacher|neighbour|neighbor|witness|cardholder|attn|attention|subscriber|candidate|interviewee|colleague|driver|supervisor|spouse|"
    "wife|husband|son|daughter|mother|father|brother|sister|kunde|kundin|klient|klientka|klant|cliente|clienta|patiente|paciente|"
    "paziente|ansprechpartner|ansprechpartnerin|mitarbeiter|mitarbeiterin|empleado|empleada|employé|employée|medewerker|kontaktperson|"
    "kund|nombre|nome|nom|naam|imię|namn|name|named"
)
_VERBS = (
    "spoke with|spoke to|talked with|talked to|met|met with|escalated to|assigned to|verified by|interviewed|complaint by|complaint from|"
    "call from|call by|called by|signed by|reported by|approved by|requested by|created by|written by|wire from|payment from|transfer from|"
    "email from|letter from|message from|sent by|received from|contacted|emailed|phoned|on behalf of|care of|c/o|refund to|refunded to|"
    "ship to|deliver to|delivered to|invoice to|bill to|regards|sincerely|thanks|signed|my name is|name is|this is|i am|i'm|it's|"
    "reçu de|überweisung von|gesprochen mit|gespräch mit|transferencia de|hablé con|parlé avec|parlé à|parlato con|gesproken met|"
    "rozmowa z|transferência de|falei com|bonifico da|born to|married to|dear|hello|hi|hallo|lieber|liebe|geehrter|geehrte|estimado|"
    "estimada|cher|chère|gentile|geachte|caro|cara|querido|querida|szanowny|szanowna|bonjour|hola|ciao|olá"
)
_ONE_WORD_AFTER = frozenset(
    "my name is|this is|i am|i'm|it's|dear|hi|hello|hallo|hola|bonjour|lieber|liebe|ciao|olá|cher|chère".split("|")
)
_DOINGS = (
    r"lives (?:at|in)|called|phoned|emailed|wrote|asked|requested|complained|was born|born|dob|signed in|can be reached|resides|said|"
    r"reported|is (?:a|our|the) (?:customer|patient|client|employee)|\((?:age|aged|dob|born)|aged? [0-9]|wohnt|habite|vive|mieszka|woont"
)
# What the engine looks for: a cue and a capital letter right behind it (in UTF-8, those with accents start with C3 to C5).
HEADS = (
    rf"\b(?i:{_TITLES}|{_ROLES}|{_VERBS})(?i:'s)?[ :=.,\"'(-]{{1,4}}(?i:(?:name|is|was|named|called|mr|mrs|ms|dr|prof|med|herr|frau)[.: ]{{1,3}})?"
    r"[\"'(]?[A-Z\xc3-\xc5]",
    r"[A-Za-z\x80-\xff] ?[<(\[] ?[A-Za-z0-9_.+%-]{1,64}@",
    rf"[A-Z\xc3-\xc5][A-Za-z\x80-\xff'-]{{1,24}},? (?:{_DOINGS})",
)  # fmt: skip
_TITLE_WORDS = frozenset(_TITLES.split("|"))
_ROLE_WORDS = frozenset(_ROLES.split("|"))
_CUES = frozenset(_ROLES.split("|")) | frozenset(_VERBS.split("|"))
_LONGEST_CUE = max(cue.count(" ") + 1 for cue in _CUES)
_FILLERS = frozenset("name is was named called".split())
_GAP = re.compile(r"[ :=,.\"'“(–-]{1,4}$")
_EMAIL_AFTER = re.compile(r" ?[<(\[] ?[\w.+%-]{1,64}@")
_DOING_AFTER = re.compile(rf",? (?:{_DOINGS})")
_AND = re.compile(rf" (?:and|und|et|y|e|en|i|och|&) ({_PIECE}(?: (?:{_LINK} ){{0,2}}{_PIECE}){{1,3}})")
_END_OF_CLAUSE = re.compile(r" ?(?:[,.!–-]|$| from\b| here\b)")
# Words that are part of no name, and words that make a name one of a company or a thing.
_NO_NAME = frozenset(
    "the this that these those please order invoice ticket case ref account new our your my his her their its it we you he she they "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october "
    "november december street road avenue team support service services office center centre company group bank university hospital "
    "school church no not for from to with and or but re fwd subject date api key token password all everyone there sir madam ssn iban "
    "dob phone email fax tel address card number id pesel cpf dni bsn nhs visa mastercard der die das el la le les los il lo o a an "
    "in on at by of is was are be has have had will can could would should what when where why how who which world friend friends folks guys "
    "colleague colleagues everybody customer customers user users client clients agent agents".split()
)
_COMPANY = frozenset(
    "inc ltd llc llp gmbh ag sa srl spa bv nv plc corp corporation company co group holdings bank university hospital school institute "
    "foundation traders partners associates industries solutions systems technologies labs team support department service services "
    "office store shop street road avenue lane drive center centre church airport station hotel park boots sauce sofa desk lamp tile "
    "set coffee chandelier vacuum edition pro max xl server database "
    "production staging environment portal interface program programme design project rendering login settings times post journal news "
    "bridge tower airport update page form module".split()
)


def people_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Names behind titles, roles and verbs of meeting, before an e-mail address, or before what only persons do."""
    for match in _RUN.finditer(text):
        start, end = match.span()
        words = match.group().split(" ")
        cue = _cue_before(text, start)
        # The run may start with the words of the cue itself: "Customer Betty Morrison", "Dear Dr Jones".
        while words:
            first = words[0].lower().rstrip(".")
            if first in _TITLE_WORDS:
                cue = "title"
            elif first in _CUES:
                cue = first
            elif first not in _NO_NAME:
                break
            start += len(words.pop(0)) + 1
        while words and words[-1].lower().rstrip(".") in _NO_NAME:
            end -= len(words.pop()) + 1
        if not words or start >= end:
            continue
        if cue in _ROLE_WORDS and (match.start(), match.end()) == (0, len(text)):
            continue  # a heading: "Client Side Rendering"
        rank = _rank(text, end, words, cue)
        if not rank:
            continue
        if words[-1].endswith(("'s", "’s")):
            end -= 2
        yield Candidate(start, end, spans.PERSON, "person-by-cue", rank)
        companion = _AND.match(text, end)
        if companion is not None and _is_person(companion.group(1).split(" ")):
            yield Candidate(*companion.span(1), spans.PERSON, "person-by-cue", rank)


def _rank(text: str, end: int, words: list[str], cue: str) -> int:
    """How surely *words*, which end at *end*, are a person's name; 0 for not at all."""
    if len(words) > 5 or not _is_person(words):
        return 0
    if cue == "title":
        return spans.CUED
    if len(words) == 1:
        return spans.GUESS if cue in _ONE_WORD_AFTER and len(words[0]) > 2 and _END_OF_CLAUSE.match(text, end) else 0
    if _company_follows(text, end):
        return 0
    if cue:
        return spans.CUED
    if text[end : end + 3].strip()[:1] in ("<", "(", "[") and _EMAIL_AFTER.match(text, end):
        return spans.SHAPED
    return spans.GUESS if _DOING_AFTER.match(text, end) else 0


def _cue_before(text: str, start: int) -> str:
    """The cue that ends right before *start*, or nothing."""
    before = text[max(0, start - 40) : start].lower()
    gap = _GAP.search(before)
    if gap is None:
        return ""
    sentence_ends = "." in gap.group() and " " in gap.group()
    words = before[: gap.start()].split()
    if words and words[-1].rstrip(".:,") in _TITLE_WORDS:
        return "title"
    if sentence_ends or not words:
        return ""
    for dropped in (0, 1):
        if dropped and (len(words) < 2 or words[-1].rstrip(":,.") not in _FILLERS):
            break
        known = words[: len(words) - dropped]
        for count in range(1, min(_LONGEST_CUE, len(known)) + 1):
            phrase = " ".join(known[-count:]).strip(":,.()\"'“-").removesuffix("'s")
            if phrase in _CUES:
                return phrase
    return ""


def _is_person(words: list[str]) -> bool:
    folded = [word.lower().rstrip(".") for word in words]
    return _NO_NAME.isdisjoint(folded) and _COMPANY.isdisjoint(folded)


def _company_follows(text: str, end: int) -> bool:
    after = text[end + 1 : end + 24].split(" ")[0].lower().rstrip(".,")
    return after in _COMPANY or text[end : end + 2] == " &"


_NAME_LIKE = re.compile(r"[^\W\d_](?:[^\W\d_]|['’.-]){0,30}+(?:,? [^\W\d_](?:[^\W\d_]|['’.-]){0,30}+){0,5}")
_SMALL = frozenset(_LINK[3:-1].replace("\\", "").split("|"))


def is_name_like(text: str, *, strictly: bool = False) -> bool:
    """Whether all of *text* could be a person's name. *strictly*: two to four capitalised words, none of a company's or thing's."""
    if not _NAME_LIKE.fullmatch(text):
        return False
    words = text.split()
    if not strictly:
        return True
    is_cased = all(word[0].isupper() or word in _SMALL or not word.isascii() for word in words)
    return 2 <= len(words) <= 5 and is_cased and _is_person(words)
