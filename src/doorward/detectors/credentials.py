# ruff: noqa: E501, SIM905 - patterns and word lists, one to a line
"""Secrets that are told by what stands before them: passwords in URLs and connection strings, ``key=value``, headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doorward.detectors import spans
from doorward.detectors.context import Hint
from doorward.detectors.spans import Candidate

# RFC 3986, section 3.2.1: what stands between the colon and the last @ of an authority.
URL_HEAD = r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[A-Za-z0-9_.~%!$&'()*+,;=-]{0,64}:[^\x00-\x20/?#@\"<>]"
_URL = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[\w.~%!$&'()*+,;=-]{0,64}:"
    # A slash in a password should be escaped and often is not; a port and a path are no password.
    r"(?:([^\s/?#\"<>]{1,256})|(?![0-9]{1,5}[/?#])([^\s\"<>@]{1,256}))@(?=[\w\[%.-]|/)"
)

_KEY = (
    r"pass(?:word|wd|phrase|code)?|pwd|pw|secret|token|api[ _-]?key|apikey|access[ _-]?key|auth[ _-]?key|private[ _-]?key|"
    r"secret[ _-]?key|signing[ _-]?key|encryption[ _-]?key|master[ _-]?key|account[ _-]?key|shared[ _-]?access[ _-]?(?:key|signature)|"
    r"client[ _-]?secret|auth[ _-]?token|credentials?|kennwort|passwort|contrase(?:ñ|n)a|senha|mot de passe|wachtwoord|hasło|lösenord|clave"
)
# Up to the sign between key and value: what the engine looks for. Written in bytes, so that accents stand for themselves.
PAIR_HEAD = (
    r"(?i)(?:pass|pwd|pw|passwo?r?d|passphrase|passcode|secret|token|key|signature|credentials?|kennwort|passwort|contrase..?a|senha|"
    r"mot de passe|wachtwoord|has\xc5\x82o|l\xc3\xb6senord|clave)s?(?:_[a-z0-9_]{1,20})?\\?[\"'`]?"
    r"(?:[ \t]{0,3}[=:]|[ \t]{1,3}(?:is|was|ist|es)[ :])"
)
_PAIR = re.compile(
    rf"({_KEY})(s|_[A-Za-z0-9_]{{1,20}})?(?![A-Za-z0-9_])(\\?[\"'`]?)"
    r"(?:[ \t]{0,3}(=>|:=|=|:)|[ \t]{1,3}(is|was|ist|es)(?::|(?=[ \t])))[ \t]{0,3}(\\?[\"'`]?)",
    re.IGNORECASE,
)
_KEY_BEFORE = re.compile(r"(?:[A-Za-z0-9]{1,24}[ _.-]){0,3}[A-Za-z0-9]{0,24}$")
_WHOLE_WORDS = frozenset({"pass", "pw", "pwd", "clave", "token"})
_BARE_VALUE = re.compile(r"(?:[^\s\"'`,;&<>)\]}]|&(?![\w.]{1,40}=)){1,512}")
_QUOTED_VALUE = {mark: re.compile(rf"[^{mark}\n]{{1,512}}") for mark in "\"'`"}
_NOT_SECRET_KEY = re.compile(
    r"(?i)(?:public|verification|expires?|expiry|reset|changed?|type|url|uri|endpoint|policy|length|name|count|limit|max|min|"
    r"primary|foreign|sort|partition|row|cache|object|s3|hot|short|version|id|hash|file|path|ttl|in|at|by)$|"
    r"(?:public|primary|foreign|sort|partition|row|cache|object|hot|max|min|next|csrf ?name|continuation|page|cursor)[ _.-]"
)
_PLACEHOLDER = re.compile(
    r"(?i)(?:[x*.#•\-_]{2,}|<.*|\$\{.*|\{\{.*|\$\(.*|\$[A-Z_]+|%\(?[a-z_]*\)?[sd]?%?|\[.*\]?|null|none|nil|undefined|true|false|yes|no|n/a|na|"
    r"changeme[!?.]*|change[_-]?me|redacted|hidden|masked|removed|example|todo|tbd|your[_-].*|my[_-]?(?:password|secret|token|key)|"
    r"placeholder|password|passwd|secret|token|string|env[.:(].*|os\.environ.*|process\.env.*|vault:.*|secret(?:s|manager)?[:./].*|arn:.*|"
    r"ref\+.*|file:.*|@.*|empty|unknown|unset|default|not[_ -]?set)"
)
_PROSE = frozenset(
    "must required require requires expired expires invalid reset changed incorrect wrong missing forgotten empty set ok rotated is was "
    "has have should can cannot will may not a an the for to of and or in on at by with from this that your their please see only "
    "failed accepted rejected valid revoked leaked compromised stored encrypted hashed needed optional enabled disabled updated "
    "too same strong weak protected here there below above sent emailed".split()
)


def is_placeholder(value: str) -> bool:
    """Whether *value* stands where a secret would, without being one."""
    stripped = value.strip().strip("\"'`")
    return not stripped or _PLACEHOLDER.fullmatch(stripped) is not None


def url_passwords_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """The password between user and host of a URL."""
    for match in _URL.finditer(text):
        group = 1 if match.group(1) else 2
        if not is_placeholder(match.group(group)):
            yield Candidate(*match.span(group), spans.SECRET, "url-password", spans.CERTAIN)


COMMAND_HEADS = (
    r"\b(?:curl|mysql|mysqldump|mariadb|mysqladmin|sshpass|redis-cli)[ \t]",
    r"oracle:(?:thin|oci):[^\x00/\n]{1,64}/",
)
_COMMANDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bcurl[ \t][^\n]{0,200}?(?<=[ \t])(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,64}:([^\s\"']{1,128})",
        r"\b(?:mysql|mysqldump|mariadb|mysqladmin)[ \t][^\n]{0,120}?(?<=[ \t])-p[\"']?([^\s\"'-][^\s\"']{2,64})",
        r"\bsshpass[ \t]{1,3}-p[ \t]?[\"']?([^\s\"']{3,64})",
        r"\bredis-cli[ \t][^\n]{0,120}?(?<=[ \t])(?:-a|--pass)[ =][\"']?([^\s\"']{3,128})",
        r"oracle:(?:thin|oci):[\w$#.]{1,64}/([^\s@\"']{1,128})@",
    )
)


def command_passwords_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Passwords in the arguments of commands that take them there, and in Oracle's thin URLs."""
    for pattern in _COMMANDS:
        for match in pattern.finditer(text):
            if not is_placeholder(match.group(1)):
                yield Candidate(*match.span(1), spans.SECRET, "command-line", spans.CHECKED)


def pairs_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """The values of ``password=...``, ``"api_key": "..."``, ``the password is ...`` and the like."""
    for match in _PAIR.finditer(text):
        word, tail, _, sign, verb, mark = match.groups()
        at = match.start()
        if (
            word.lower() in _WHOLE_WORDS
            and at
            and text[at - 1].isalpha()
            and not (text[at].isupper() and text[at - 1].islower())
        ):
            continue
        lead = _KEY_BEFORE.search(text, max(0, at - 60), at)
        key, sign = (lead.group() if lead else "") + word + (tail or ""), sign or verb
        start = match.end()
        if mark:
            value_match = _QUOTED_VALUE[mark[-1]].match(text, start)
        else:
            value_match = _BARE_VALUE.match(text, start)
        if value_match is None or _NOT_SECRET_KEY.search(key):
            continue
        value = value_match.group()
        end = value_match.end()
        if mark:
            value = value.removesuffix("\\")
        else:
            value = value.rstrip(".,:?") if sign not in ("=", ":=") else value.rstrip(".,")
        end = start + len(value)
        if value[:1] in "=>" or not _is_believable(key, value, sign, is_quoted=bool(mark)):
            continue
        yield Candidate(start, end, spans.SECRET, "key-value", spans.CHECKED)


def _is_believable(key: str, value: str, sign: str, *, is_quoted: bool) -> bool:
    if len(value) < 3 or is_placeholder(value) or value.lower() in _PROSE:
        return False
    has_digit = any(letter.isdigit() for letter in value)
    has_mark = any(not letter.isalnum() for letter in value)
    has_both_cases = value.lower() != value and value.upper() != value and not value.istitle()
    folded = key.lower()
    if "pass" in folded or "pw" in folded or sign in ("=", ":="):
        is_short = "token" in folded or "key" in folded or folded == "pass"
        if value.isdigit() and (is_short or len(value) < 4):
            return len(value) >= 8 and "key" not in folded
        if sign in ("=", ":=") or is_quoted:
            return len(value) >= (8 if is_short else 3)
        return has_digit or has_mark or has_both_cases or (sign == ":" and len(value) >= 6)
    return len(value) >= 8 and (has_digit or (has_mark and has_both_cases) or is_quoted) and not value.isdigit()


HEADER_HEAD = r"(?i)\b(?:bearer|basic|token|digest|apikey)[ \t]{1,3}[A-Za-z0-9_.~+/-]{12}"
_HEADER = re.compile(r"\b(?:bearer|basic|token|apikey)[ \t]{1,3}([A-Za-z0-9_.~+/=-]{12,4096})", re.IGNORECASE)


def headers_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """The credential behind the scheme of an Authorization header (RFC 9110, section 11.4)."""
    for match in _HEADER.finditer(text):
        value = match.group(1).rstrip(".")
        if any(sign.isdigit() for sign in value) and value.lower() != value.upper() and not is_placeholder(value):
            yield Candidate(match.start(1), match.start(1) + len(value), spans.SECRET, "authorization", spans.CUED)


AWS_SECRET_HEAD = r"[A-Za-z0-9/+]{40}"
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_AWS_NEAR = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{16}|aws|secret", re.IGNORECASE)


def aws_secrets_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """The forty characters of an AWS secret access key, where an access key or the word stands by."""
    for match in _AWS_SECRET.finditer(text):
        value = match.group()
        near = text[max(0, match.start() - 120) : match.end() + 120]
        if value.lower() != value and value.upper() != value and any(s.isdigit() for s in value) and _AWS_NEAR.search(near):
            yield Candidate(*match.span(), spans.SECRET, "aws-secret-key", spans.CUED)
