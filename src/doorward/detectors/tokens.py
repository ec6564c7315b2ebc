# ruff: noqa: E501 - patterns and word lists, one to a line
"""Secrets that can be told by their own form: one table of the formats that providers document for their keys and tokens.

Each row is written from the provider's documentation of its format. *head* has a fixed end and is what the engine looks for;
*tail* reads on from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from doorward.detectors import spans
from doorward.detectors.context import Hint
from doorward.detectors.spans import Candidate


class Token(NamedTuple):
    """A documented form. Both parts are of the safe subset: no look-around, no back-references, repeats bounded or simple."""

    name: str
    head: str
    tail: str = ""


_W = "[A-Za-z0-9_-]"
_X = "[A-Za-z0-9]"
_H = "[0-9a-f]"

TOKENS = (
    # Cloud
    Token("aws-access-key", r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}"),
    Token("aws-bedrock-key", r"ABSK[A-Za-z0-9+/]{40}", r"[A-Za-z0-9+/]{0,300}={0,2}"),
    Token("google-api-key", rf"AIza{_W}{{30}}", rf"{_W}{{4,10}}"),
    Token("google-oauth-secret", rf"GOCSPX-{_W}{{20}}", rf"{_W}{{0,20}}"),
    Token("google-oauth-token", rf"ya29\.{_W}{{10}}", r"[A-Za-z0-9_.-]{0,2000}"),
    Token("google-refresh-token", rf"1//0{_W}{{20}}", rf"{_W}{{0,500}}"),
    Token("azure-client-secret", r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{28}", r"[A-Za-z0-9_~.-]{0,12}"),
    Token("azure-devops-token", r"[A-Za-z0-9]{20}JQQJ99[A-Za-z0-9]{10}", r"[A-Za-z0-9]{0,60}"),
    Token("alibaba-key", r"LTAI[A-Za-z0-9]{12}", r"[A-Za-z0-9]{0,12}"),
    Token("tencent-key", r"AKID[A-Za-z0-9]{32}"),
    Token("digitalocean-token", rf"do[opr]_v1_{_H}{{64}}"),
    Token("heroku-key", rf"HRKU-{_W}{{30}}", rf"{_W}{{0,60}}"),
    Token("linode-or-fly-token", r"fo1_[A-Za-z0-9_-]{20}|fm[12][ar]?_[A-Za-z0-9+/_-]{40}", r"[A-Za-z0-9+/=_-]{0,500}"),
    Token("scaleway-key", r"SCW[A-Z0-9]{17}"),
    Token("ibm-cloud-key", r"cos_hmac_keys_[A-Za-z0-9]{20}", "[A-Za-z0-9]{0,40}"),
    # Source code and packages
    Token("github-token", rf"gh[pousr]_{_X}{{30}}", rf"{_X}{{0,225}}"),
    Token("github-fine-grained", r"github_pat_[A-Za-z0-9_]{20}", r"[A-Za-z0-9_]{0,240}"),
    Token("gitlab-token", rf"gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|oas|ffct)-{_W}{{18}}", r"[A-Za-z0-9_.-]{0,300}"),
    Token("bitbucket-token", r"AT(?:BB|CTT3|ATT3)[A-Za-z0-9_=-]{20}", r"[A-Za-z0-9_=-]{0,300}"),
    Token("npm-token", rf"npm_{_X}{{34}}", rf"{_X}{{0,10}}"),
    Token("pypi-token", rf"pypi-{_W}{{16}}", rf"{_W}{{20,1000}}"),
    Token("rubygems-key", rf"rubygems_{_H}{{40}}", rf"{_H}{{0,24}}"),
    Token("nuget-key", r"oy2[a-z0-9]{43}"),
    Token("crates-token", rf"cio{_X}{{32}}"),
    Token("clojars-token", r"CLOJARS_[a-z0-9]{60}"),
    Token("docker-token", rf"dckr_(?:pat|oat)_{_W}{{20}}", rf"{_W}{{0,40}}"),
    Token("circleci-token", rf"CCI(?:PAT|PRJ)_{_W}{{20}}", rf"{_W}{{0,80}}"),
    Token("buildkite-token", rf"bk[uact][a-z]?_{_H}{{40}}"),
    Token("pulumi-token", rf"pul-{_H}{{40}}"),
    Token("terraform-token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40}", r"[A-Za-z0-9_=-]{0,60}"),
    Token("vault-token", rf"hv[sbr]\.{_W}{{24}}", rf"{_W}{{0,300}}"),
    Token("doppler-token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40}", r"[A-Za-z0-9_.-]{0,40}"),
    Token("onepassword-token", r"ops_eyJ[A-Za-z0-9+/_-]{100}", r"[A-Za-z0-9+/=_-]{0,1500}"),
    Token("sonar-token", rf"sq[upa]_{_H}{{40}}"),
    Token("artifactory-key", r"AKCp[A-Za-z0-9]{60}", r"[A-Za-z0-9]{0,20}"),
    Token("sentry-token", r"sntry[su]_[A-Za-z0-9+/=_-]{40}", r"[A-Za-z0-9+/=_-]{0,300}"),
    Token("postman-key", rf"PMAK-{_H}{{24}}-{_H}{{34}}"),
    Token("prefect-key", rf"pn[ub]_{_X}{{36}}"),
    # Messages
    Token("slack-token", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9]{1,14}-?[A-Za-z0-9]{6}", r"[A-Za-z0-9.-]{0,300}"),
    Token("slack-app-token", r"xapp-[0-9]-[A-Za-z0-9-]{20}", r"[A-Za-z0-9-]{0,150}"),
    Token("slack-webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20}", r"[A-Za-z0-9/]{0,80}"),
    Token("teams-webhook", r"https://[a-z0-9-]{1,60}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{40}", r"[A-Za-z0-9@/-]{0,160}"),
    Token("discord-webhook", r"https://(?:[a-z]{1,8}\.)?discord(?:app)?\.com/api/webhooks/[0-9]{16,20}/[A-Za-z0-9_-]{40}", r"[A-Za-z0-9_-]{0,40}"),
    Token("discord-token", rf"[MNO]{_W}{{23,27}}\.{_W}{{6}}\.{_W}{{27}}", rf"{_W}{{0,16}}"),
    Token("telegram-token", rf"[0-9]{{8,10}}:AA{_W}{{33}}"),
    Token("twilio-key", rf"SK{_H}{{32}}"),
    Token("sendgrid-key", rf"SG\.{_W}{{16,24}}\.{_W}{{35}}", rf"{_W}{{0,20}}"),
    Token("mailgun-key", rf"key-{_H}{{32}}"),
    Token("mailgun-signing-key", rf"{_H}{{32}}-{_H}{{8}}-{_H}{{8}}"),
    Token("mailchimp-key", rf"{_H}{{32}}-us[0-9]{{1,2}}"),
    Token("brevo-key", rf"xkeysib-{_H}{{64}}-{_X}{{16}}"),
    Token("zoom-or-intercom-token", r"dG9rO[A-Za-z0-9+/=]{40}", r"[A-Za-z0-9+/=]{0,40}"),
    # Money and shops
    Token("stripe-key", rf"(?:sk|rk)_(?:live|test)_{_X}{{10}}", rf"{_X}{{0,240}}"),
    Token("stripe-webhook", r"whsec_[A-Za-z0-9+/]{24}", r"[A-Za-z0-9+/=]{0,60}"),
    Token("square-token", rf"(?:sq0(?:atp|csp|idp)-{_W}{{20}}|EAAA{_W}{{56}})", rf"{_W}{{0,60}}"),
    Token("shopify-token", r"shp(?:at|ss|ca|pa|ua|ka)_[0-9a-fA-F]{32}"),
    Token("paypal-token", rf"access_token\$(?:production|sandbox)\$[0-9a-z]{{16}}\${_H}{{32}}"),
    Token("plaid-token", rf"access-(?:sandbox|development|production)-{_H}{{8}}-{_H}{{4}}-{_H}{{4}}-{_H}{{4}}-{_H}{{12}}"),
    Token("flutterwave-key", r"FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12}", r"[0-9a-zA-Z-]{0,40}"),
    Token("adyen-key", r"AQE[a-z]hmfxK[A-Za-z0-9+/=-]{20}", r"[A-Za-z0-9+/=<>\[\](){}!@#$%^&*.,;:_|~?-]{0,200}"),
    Token("easypost-key", rf"EZ[AT]K{_X}{{54}}"),
    Token("shippo-token", rf"shippo_(?:live|test)_{_H}{{40}}"),
    Token("lightspark-or-wise-key", r"sk_(?:prod|sandbox)_[A-Za-z0-9]{24}", r"[A-Za-z0-9]{0,40}"),
    # Models
    Token("openai-key", rf"sk-{_W}{{20}}", rf"{_W}{{0,220}}"),
    Token("huggingface-token", r"hf_[A-Za-z]{34}|api_org_[A-Za-z]{34}"),
    Token("replicate-token", rf"r8_{_X}{{37}}"),
    Token("groq-key", rf"gsk_{_X}{{40}}", rf"{_X}{{0,20}}"),
    Token("xai-key", rf"xai-{_X}{{60}}", rf"{_X}{{0,30}}"),
    Token("perplexity-key", rf"pplx-{_X}{{40}}", rf"{_X}{{0,20}}"),
    # Services
    Token("databricks-token", rf"dapi{_H}{{32}}", r"(?:-[0-9])?"),
    Token("databricks-oauth", rf"dose{_H}{{32}}"),
    Token("dynatrace-token", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Token("grafana-token", r"gl(?:sa|c)_[A-Za-z0-9+/=]{30}", r"[A-Za-z0-9+/=_]{0,300}"),
    Token("newrelic-key", r"NRAK-[A-Z0-9]{27}"),
    Token("newrelic-other-key", rf"NR(?:II|IQ|BR|JS|RA)-{_W}{{19}}", rf"{_W}{{0,32}}"),
    Token("datadog-pat", r"ddpat_[A-Za-z0-9_]{30}", r"[A-Za-z0-9_]{0,40}"),
    Token("planetscale-token", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30}", r"[A-Za-z0-9_.=-]{0,40}"),
    Token("supabase-key", rf"sb[ps]_{_H}{{40}}|sb_secret_{_W}{{20}}", rf"{_W}{{0,20}}"),
    Token("neon-key", r"napi_[a-z0-9]{50}", r"[a-z0-9]{0,20}"),
    Token("airtable-token", rf"pat{_X}{{14}}\.{_H}{{64}}"),
    Token("notion-token", rf"(?:secret_{_X}{{43}}|ntn_{_X}{{40}})", rf"{_X}{{0,10}}"),
    Token("linear-key", rf"lin_(?:api|oauth)_{_X}{{32}}", rf"{_X}{{0,40}}"),
    Token("figma-token", rf"fig[dour]h?_?[a-z]?_{_W}{{38}}", rf"{_W}{{0,20}}"),
    Token("asana-token", r"[0-9]/[0-9]{16}(?:/[0-9]{16})?:[0-9a-f]{32}"),
    Token("hubspot-token", rf"pat-(?:na|eu)[0-9]-{_H}{{8}}-{_H}{{4}}-{_H}{{4}}-{_H}{{4}}-{_H}{{12}}"),
    Token("typeform-token", rf"tfp_{_W}{{40}}", r"[A-Za-z0-9_.=-]{0,30}"),
    Token("dropbox-token", rf"sl\.{_W}{{100}}", rf"{_W}{{0,1500}}"),
    Token("contentful-token", rf"CFPAT-{_W}{{43}}"),
    Token("mapbox-secret", rf"sk\.eyJ{_W}{{40}}", r"[A-Za-z0-9_.-]{0,80}"),
    Token("facebook-token", r"EAA[A-Za-z0-9]{60}", r"[A-Za-z0-9]{0,300}"),
    Token("tailscale-key", rf"tskey-[a-z]{{3,12}}-{_X}{{8}}", r"[A-Za-z0-9-]{0,60}"),
    Token("cloudflare-origin-key", rf"v1\.0-{_H}{{24}}-{_H}{{100}}", rf"{_H}{{0,60}}"),
    Token("fcm-server-key", rf"AAAA{_W}{{7}}:APA91b{_W}{{100}}", rf"{_W}{{0,60}}"),
    Token("okta-or-duffel-token", r"duffel_(?:live|test)_[A-Za-z0-9_-]{43}|00[A-Za-z0-9_-]{18}SSWS"),
    Token("frameio-token", rf"fio-u-{_W}{{64}}"),
    Token("readme-key", r"rdme_[a-z0-9]{70}"),
    Token("adafruit-key", rf"aio_{_X}{{28}}"),
    Token("yandex-key", rf"(?:AQVN{_W}{{35}}|t1\.[A-Z0-9a-z_-]{{20}}[=]{{0,2}}\.[A-Z0-9a-z_-]{{86}})", r"[=]{0,2}"),
    Token("age-key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    Token("doorward-secret", rf"dw_[a-z]{{1,8}}_{_X}{{24}}", rf"{_X}{{0,60}}"),
    # Signed tokens and password hashes
    Token("jwt", rf"eyJ{_W}{{8,1000}}\.{_W}{{6}}", rf"{_W}{{0,8000}}(?:\.{_W}{{0,8000}}){{1,3}}"),
    Token("bcrypt-hash", r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}"),
    Token("argon2-hash", r"\$argon2(?:id|i|d)\$v=[0-9]{1,3}\$", r"[A-Za-z0-9+/=,$.-]{20,400}"),
    Token("crypt-hash", r"\$(?:1|5|6|7|y|gy|sha1|md5|apr1)\$[./A-Za-z0-9=,$-]{20}", r"[./A-Za-z0-9=,$-]{0,200}"),
    Token("scrypt-hash", r"\$(?:scrypt|pbkdf2(?:-sha[0-9]{1,3})?|s0|P5K2|bcrypt-sha256|shiro1)\$[A-Za-z0-9+/=,$.-]{16}", r"[A-Za-z0-9+/=,$.-]{0,400}"),
    Token("phpass-hash", r"\$[PHS]\$[./A-Za-z0-9]{31}", r"[./A-Za-z0-9]{0,30}"),
    Token("django-hash", r"(?:pbkdf2_sha[0-9]{1,3}|bcrypt_sha256|argon2|scrypt|sha1|md5)\$[A-Za-z0-9$=,./+-]{24}", r"[A-Za-z0-9$=,./+-]{0,300}"),
    Token("werkzeug-hash", r"(?:pbkdf2|scrypt):[a-z0-9:]{3,40}\$[A-Za-z0-9]{1,40}\$[0-9a-f]{32}", r"[0-9a-f]{0,200}"),
    Token("ldap-hash", r"\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[A-Z0-9-]{0,10}|ARGON2)\}[A-Za-z0-9+/$.]{16}", r"[A-Za-z0-9+/=$.,-]{0,300}"),
    Token("scram-verifier", r"SCRAM-SHA-(?:1|256|512)\$[0-9]{1,8}:[A-Za-z0-9+/=]{8}", r"[A-Za-z0-9+/=]{0,90}\$[A-Za-z0-9+/=]{20,100}:[A-Za-z0-9+/=]{20,100}"),
    Token("postgres-md5", rf"md5{_H}{{32}}"),
    Token("mysql-hash", r"\*[0-9A-F]{40}|\$A\$[0-9]{3}\$[ -~]{20}", r"[ -~]{0,60}"),
    Token("drupal-hash", r"\$S\$[./A-Za-z0-9]{52}"),
    Token("sha512-aws-v4-or-sig", r"[?&](?:X-Amz-Signature|sig|Signature)=[A-Za-z0-9%+/=_-]{30}", r"[A-Za-z0-9%+/=_~-]{0,300}"),
)  # fmt: skip

_GLUE = re.compile(r"[A-Za-z0-9_]")
_COMPILED = {token.name: re.compile(rf"(?:{token.head}){token.tail}") for token in TOKENS}
_PUBLIC = re.compile(r"sk-(?:learn|image|video|[a-z]+(?:-[a-z]+){2,})")


def finder_of(token: Token) -> Callable[[str, Hint], Iterator[Candidate]]:
    """The finder of one row of the table."""
    pattern, name = _COMPILED[token.name], token.name
    starts_with_word = re.match(r"[A-Za-z0-9\[(]", token.head) is not None

    def find(text: str, hint: Hint) -> Iterator[Candidate]:
        for match in pattern.finditer(text):
            start, end = match.span()
            if starts_with_word and start and _GLUE.match(text[start - 1]) and text[start - 1 : start] != "_":
                continue
            if end < len(text) and _GLUE.match(text[end]) and _GLUE.match(text[end - 1]):
                continue
            if name == "openai-key" and _reads_as_words(text[start:end]):
                continue
            if name == "mysql-hash" and start and text[start - 1].isalnum():
                continue
            yield Candidate(start, _trimmed(text, start, end), spans.SECRET, name, spans.CERTAIN)

    return find


def _trimmed(text: str, start: int, end: int) -> int:
    """Without the full stop or dash that ends a sentence rather than the token."""
    while end > start and text[end - 1] in ".,-":
        end -= 1
    return end


def _reads_as_words(written: str) -> bool:
    return not any(sign.isdigit() for sign in written) or _PUBLIC.fullmatch(written) is not None


PEM_HEAD = r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_PEM = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----(?:[^-]{0,65536}-----END \1-----|[A-Za-z0-9+/=\s\\:,.;-]{0,65536})"
)
PUTTY_HEAD = r"PuTTY-User-Key-File-[0-9]"
_PUTTY = re.compile(r"PuTTY-User-Key-File-[0-9].{0,65536}?Private-MAC: [0-9a-f]{40,64}|PuTTY-User-Key-File-[0-9].{0,65536}", re.DOTALL)  # fmt: skip


def private_keys_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Private keys in PEM (RFC 7468) and PuTTY's form, whole; what has lost its end is taken as far as it reads like one."""
    for pattern, name in ((_PEM, "private-key"), (_PUTTY, "putty-key")):
        for match in pattern.finditer(text):
            end = match.end()
            while text[end - 1].isspace():
                end -= 1
            yield Candidate(match.start(), end, spans.SECRET, name, spans.CERTAIN)
