# ruff: noqa: E501 - a table reads best with a rule in few lines
"""The table of rules that names and types are read by. Order matters: the first rule that fits decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from doorward.catalog.vocabulary import ADDRESSED, CASE, CATALOGUE, ORGANIZATION, PERSON
from doorward.model.catalog import Label


class Kind(Enum):
    """What a type can hold, as far as rules care."""

    TEXT = "text"
    DOCUMENT = "document"  # json, xml, hstore
    BINARY = "binary"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"  # timestamps and times of day
    UUID = "uuid"
    ENUM = "enum"
    INTERNET = "internet"
    HARDWARE = "hardware"  # macaddr
    PLACE = "place"  # point, geometry
    SEARCH = "search"  # tsvector
    OTHER = "other"  # a type that nobody here knows: could hold text
    INERT = "inert"  # intervals, ranges of numbers, vectors: nothing personal fits


TEXTS = frozenset({Kind.TEXT, Kind.OTHER})
WRITTEN = TEXTS | {Kind.DOCUMENT, Kind.BINARY, Kind.SEARCH}
CODES = TEXTS | {Kind.INTEGER, Kind.DECIMAL, Kind.BINARY}
AMOUNTS = TEXTS | {Kind.INTEGER, Kind.DECIMAL}
TRAITS = TEXTS | {Kind.INTEGER, Kind.ENUM, Kind.DOCUMENT}
SECRETS = TEXTS | {Kind.BINARY, Kind.DOCUMENT}
DAYS = TEXTS | {Kind.DATE, Kind.MOMENT, Kind.INTEGER}


@dataclass(frozen=True, slots=True)
class Rule:
    """Propose *label* when a phrase fits: all its words are in the column's name, in any order.

    *unless* are words in the column's name that speak against it. *tables* (if any) must share a word with the table's
    name, *not_tables* must not. *bare* asks that the name holds nothing beyond the phrase, the table's own words and a
    short prefix. *long* asks for a document, or a text that is meant to be long: unbounded where others are bounded. *final* rules hold even if the name ends in a word like "type" or "date".
    """

    label: Label
    phrases: str
    kinds: frozenset[Kind]
    confidence: float = 0.9
    unless: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    not_tables: frozenset[str] = frozenset()
    bare: bool = False
    long: bool = False
    final: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NOT_A_PASSWORD = _words("response boarding season count hint reset_at policy length expire changed at date type method")
_NOT_AN_EMAIL = _words(
    "subject body text content message header footer template signature count status opened clicked hash digest checksum"
)
# Words that make a "name" something else than a person's.
NOT_A_PERSON = _words(
    "company organization business bank brand store shop product item file table column field event class group role plugin "
    "app application domain host server project team department category type style city country state currency page site "
    "queue service script method model plan tag label template module folder directory path vendor supplier template "
    "key variable parameter attribute institution school university hospital employer payment shipping_method tenant "
    "workspace channel account_type device browser os campaign list index schema database job title program course "
    "language locale theme section region zone district street pet animal ship vacancy status phase usage unit"
)
# "trainer name", "applicant name": whoever does or gets something. The words below look so and are things.
AGENT_NOUN = re.compile(r"[a-z]{2,}(er|or|ant|ee|ist|ian)")
NOT_AN_AGENT = tuple(
    _words(
        "server folder header footer printer parameter layer provider carrier supplier container cluster color vector sensor factor "
        "error number order filter paper buffer tenant center computer controller router scanner browser identifier user_agent "
        "character letter chapter newsletter counter trigger register ledger voucher tier adapter driver_class converter monitor "
        "editor_type cursor indicator descriptor operator_type processor connector generator variant restaurant merchant plant "
        "committee fee tree degree coffee list dist persist master parser loader handler helper wrapper worker manager_class "
        "scheduler logger listener observer subscriber_list provider vendor distributor manufacturer importer exporter mirror "
        "parameter meter water weather power tower poster_image banner timer other inner outer upper lower over under per ver "
        "integer double_er separator delimiter quarter semester trimester render finder sticker sender_type order transfer offer "
        "buyer_type power exchanger discriminator selector author_type executor calculator evaluator validator formatter"
    )
)
# The fewest characters that a text type must hold for a value to be what the name says. Traits and parts of addresses may be
# one-letter codes, and a password hash of four characters is none.
SHORTEST: Mapping[Label, int] = {
    Label.EMAIL: 6, Label.PHONE: 3, Label.PERSON_NAME: 3, Label.ONLINE_ID: 5, Label.SECRET: 3, Label.NATIONAL_ID: 4,
    Label.BANK_ACCOUNT: 4, Label.IP: 7, Label.DEVICE_ID: 6, Label.FREE_TEXT: 8, Label.ADDRESS: 2, Label.PHOTO: 16, Label.CARD: 2,
}  # fmt: skip
# What a document type holds that configures or describes things and tells of nobody.
PLAIN_DOCUMENT = _words(
    "flag limit quota color colour permission layout scope feature dimension metric chart size tag mapping sector country holding "
    "schedule period interval column sort order filter condition schema definition style theme role capability locale language "
    "currency price rate tax unit option choice widget dashboard icon geometry_style route event_type trigger weight category "
    "stat statistic cumulative attribute_type rule visibility width breakpoint menu navigation translation"
)
_NOT_TEXT = _words("id count format template type status code key hash checksum direction")

RULES: tuple[Rule, ...] = (
    # --- secrets -------------------------------------------------------------------------------------------------------
    Rule(Label.SECRET, "password|salt|cvv|otp|psk|credential|seed phrase|mnemonic", CODES | SECRETS, 0.98,
         _NOT_A_PASSWORD | _words("public device transport enabled failed attempt id")),
    Rule(Label.SECRET, "key hash|key hashed|hashed key|encrypted key|ciphertext|encrypted token|encrypted secret|auth challenge|challenge|"
         "encrypted|two factor|shared secret|request header authorization|login key|remember", SECRETS, 0.85,
         _words("at by is type status method count enabled confirmed date algorithm public expire required rating level name")),
    Rule(Label.SECRET, "secret|private key|api key|access key|auth key|signing key|encryption key|master key|license key|"
         "developer key|security key|host key|shared key|session key|service key|recovery key|deploy key", SECRETS, 0.95,
         _words("id public name alias")),
    Rule(Label.SECRET, "token|jwt|bearer|cookie value|magic link|nonce|csrf", SECRETS, 0.9,
         _words("count limit price name endpoint url uri budget used usage prompt input output symbol scope push device fcm apns registration")),
    Rule(Label.SECRET, "activation key|activation code|reset code|reset key|verification code|verify code|confirmation code|auth code|"
         "authorization code|recovery code|backup code|invite code|invitation code|login code|otp code|access code|"
         "security code|code verifier|security answer|secret answer|pin code|gift code|gift card code|door code|"
         "unlock code|validation key|validation code|verification key|confirmation key|one time code", SECRETS | {Kind.INTEGER}, 0.92,
         _words("expire sent")),
    Rule(Label.ADDRESS, "pin", CODES, 0.8, tables=_words("address dwelling"), bare=True),
    Rule(Label.SECRET, "pin", CODES, 0.9, _words("map board message post to location"), not_tables=_words("map board post address"), bare=True),
    Rule(Label.SECRET, "clave", SECRETS, 0.85, tables=PERSON | _words("login access session"), bare=True),
    Rule(Label.SECRET, "session id|session data|session blob|session token|session payload|session state", SECRETS, 0.9,
         _words("type count name duration id key value")),
    Rule(Label.SECRET, "data|payload|content|blob|value", SECRETS, 0.85, tables=_words("session cookie vault keystore"), bare=True),
    Rule(Label.SECRET, "key|code|hash|value", SECRETS, 0.85,
         tables=_words("token otp password api gdpr credential secret apikey reset"), bare=True),
    Rule(Label.SECRET, "code", TEXTS, 0.8, tables=_words("giftcard gift invitation invite recovery verification"), bare=True),
    Rule(Label.SECRET, "id", TEXTS, 0.75, tables=_words("session"), unless=_words("user person customer owner device account"), bare=True),
    # --- cards and accounts --------------------------------------------------------------------------------------------
    Rule(Label.CARD, "card number|pan|card pan|card last|card first|card bin|card digit|card expire|card last4|card masked|"
         "expire month card|expire year card", CODES | DAYS, 0.95,
         _words("gift loyalty type brand id token membership library report business sim"), final=True),
    Rule(Label.CARD, "expire month|expire year|expire date|number|last4|last digit|first6|bin", CODES | DAYS, 0.9,
         tables=_words("card creditcard"), not_tables=_words("gift loyalty report business membership cart"), bare=True, final=True),
    Rule(Label.CARD, "month|year", CODES | DAYS, 0.8, tables=_words("card creditcard"), not_tables=_words("gift loyalty report cart"), bare=True, final=True),
    Rule(Label.CARD, "credit card|debit card|card", TEXTS, 0.85, _words("type brand id holder name token code status gift scheme"), bare=True),
    Rule(Label.BANK_ACCOUNT, "iban|bic|routing|sort code|bank account|account number bank|bank branch|bank number|bban|clabe|"
         "bank code|account iban|branch number bank|ach|bsb", CODES, 0.95,
         _words("id type name holder status currency verified country owner")),
    Rule(Label.BANK_ACCOUNT, "account number|account no", CODES, 0.85, _words("type holder"),
         not_tables=_words("ledger chart journal") ),
    Rule(Label.BANK_ACCOUNT, "account|number", CODES, 0.85,
         tables=_words("bank debit payout payroll sepa directdebit mandate"), bare=True),
    # --- government and institution ids --------------------------------------------------------------------------------
    Rule(Label.NATIONAL_ID, "ssn|national id|passport|driver license|tax id|tax number|vat number|vat id|tax identifier|social security|"
         "national number|ni number|identity card|insurance number|patient number|medical record|health card|medicare|medicaid|"
         "sin number|alien number|visa number|identity document|document number identity|voter id|tin|ein|nhs|aadhaar|pesel|"
         "bsn|nino|ssn last|taxpayer|identification number|national identification|fiscal code|id number", CODES | {Kind.DOCUMENT}, 0.95,
         _words("type status expire issued date country flag rate class format scanned verified url filename key"), final=True),
    Rule(Label.NATIONAL_ID, "license number|license plate|registration number|vat|npi|dea number|plate number", CODES, 0.8,
         _words("type rate amount included exempt percent total software price sum net gross code"), tables=PERSON | _words("license vehicle car driver billing invoice company organization provider address")),
    Rule(Label.NATIONAL_ID, "tax", TEXTS, 0.8, tables=PERSON, bare=True),
    Rule(Label.NATIONAL_ID, "document|document number|identification|identification document|identity|dea", TEXTS, 0.75, tables=PERSON, bare=True),
    Rule(Label.NATIONAL_ID, "mrz|tax file number|sin", TEXTS, 0.85),
    # --- birth ---------------------------------------------------------------------------------------------------------
    Rule(Label.DOB, "birth date|birth year|date birth|birth month|birth day|birth time|born|born date|birth", DAYS, 0.97,
         _words("place city country certificate name rate estimated weight state number"), final=True),
    Rule(Label.DEMOGRAPHIC, "birth place|birth location|birth country|birth city|birth state", TRAITS, 0.9, final=True),
    Rule(Label.HEALTH, "death date|death cause|cause death|deceased date|death", DAYS, 0.85, _words("certificate count toll rate place type id"), final=True),
    # --- reachability --------------------------------------------------------------------------------------------------
    Rule(Label.DEVICE_ID, "mac address|imei|imsi|meid|iccid|udid|idfa|gaid|device id|push token|device token|device serial|"
         "fingerprint|visitor id|advertising id|device identifier|android id|client id cookie|anonymous id|device fingerprint|"
         "hardware id|installation id|tracking id cookie", TEXTS | {Kind.HARDWARE, Kind.UUID, Kind.INTEGER, Kind.BINARY}, 0.9,
         _words("type model certificate key public")),
    Rule(Label.DEVICE_ID, "serial number|serial", TEXTS, 0.75, tables=_words("device phone laptop mobile handset asset wearable")),
    Rule(Label.DEVICE_ID, "user agent|browser agent", TEXTS, 0.75, _words("type hash family")),
    Rule(Label.IP, "ip|ip address|remote addr|remote address|client address|source ip|remote host|peer address|x forwarded|forwarded for",
         TEXTS | {Kind.INTERNET, Kind.INTEGER, Kind.BINARY, Kind.DECIMAL}, 0.95, _words("right count version type")),
    Rule(Label.EMAIL, "email|e mail|paypal|cc address|bcc address|reply to|email address|mailbox|smtp from|envelope from", TEXTS | {Kind.DOCUMENT},
         0.97, _NOT_AN_EMAIL),
    Rule(Label.EMAIL, "sender|recipient|to|from|cc|bcc|sent as|sent to|to address|from address|reply", TEXTS, 0.8,
         tables=_words("email mail mailing newsletter smtp message outbox inbox envelope"), not_tables=_words("template"), bare=True),
    Rule(Label.EMAIL, "bcc|card", TEXTS, 0.8, tables=_words("mailing"), bare=True),
    Rule(Label.EMAIL, "identifier", TEXTS, 0.7, tables=_words("verification otp magic passwordless"), bare=True),
    Rule(Label.PHONE, "phone|mobile|fax|pager|whatsapp|sms number|contact number|phone number|landline|emergency number|"
         "recipient number|sender number|from number|to number|home number|office number|mobile number|fax number|work number|caller id|caller number|called number", CODES, 0.95,
         _words("model type os app version count verified provider carrier message text template url device code country brand platform")),
    Rule(Label.PHONE, "number", TEXTS, 0.8, tables=_words("phone fax mobile sms"), bare=True),
    Rule(Label.PHONE, "from|to|sender|recipient|caller|callee", CODES, 0.8, tables=_words("sms phone call"), bare=True),
    # --- places --------------------------------------------------------------------------------------------------------
    Rule(Label.GEO, "latitude|longitude|coordinate|geo location|geo point|gps|spatial location|geo|geohash|home location|last location|"
         "current location|position geometry", TEXTS | {Kind.DECIMAL, Kind.PLACE, Kind.BINARY, Kind.DOCUMENT, Kind.INTEGER}, 0.9,
         _words("zone region code type country"), not_tables=_words("city country airport station store shop warehouse state region province county municipality venue zone depot branch zip")),
    Rule(Label.GEO, "long|lat|x coordinate|y coordinate", frozenset({Kind.DECIMAL}), 0.85, bare=True,
         not_tables=_words("city country airport station store shop warehouse state region province county venue zone depot branch zip")),
    Rule(Label.GEO, "location|position|point|geometry", frozenset({Kind.PLACE}), 0.85,
         not_tables=_words("city country airport station store shop warehouse state region zone venue depot branch building road")),
    # --- names ---------------------------------------------------------------------------------------------------------
    Rule(Label.ONLINE_ID, "username|login|user name|screen name|nice name|user handle|twitter|facebook|instagram|linkedin|github|"
         "skype|telegram|telegram id|discord|social handle|user identity|user login|nicename|subject id|sso id|external user id|wechat|aim|msn|yahoo|"
         "mastodon|icq|jabber|xmpp|openid|user principal|upn|matrix id|gamertag|tiktok|snapchat|preferred username|"
         "provider uid|oauth uid|provider user id|provider subject|ldap dn|login id|login name|account name|slack id",
         TEXTS, 0.9, _words("count url_type attempt ip time date last_at date type token failed success full real first last display method page holder owner pixel app tag event feed role enable share bank")),
    Rule(Label.ONLINE_ID, "user|operator|actor|identity|performed by|username by", TEXTS, 0.75, tables=_words("log audit history login access journal trail event"), bare=True),
    Rule(Label.ONLINE_ID, "to user|from user|recipient user|sender user|multiple user", TEXTS, 0.75, _words("id agent type")),
    Rule(Label.ONLINE_ID, "uid|subject|subject uid|external id|identifier|account id|auth subject", TEXTS, 0.8, tables=_words("federated"), bare=True),
    Rule(Label.ONLINE_ID, "auth uid|auth subject|subject uid|sso uid", TEXTS, 0.8),
    Rule(Label.ONLINE_ID, "name|handle|account", TEXTS, 0.8, tables=_words("social"), bare=True, not_tables=_words("security insurance")),
    Rule(Label.ONLINE_ID, "third party id|provider account id|oauth id|google id|facebook id|apple id|github id|microsoft id|external account id|"
         "provider id user", TEXTS, 0.85, _words("type name")),
    Rule(Label.ONLINE_ID, "website|web|homepage|home page|web site|url|home page|blog|handle|nick|alias", TEXTS, 0.8,
         _words("store image logo thumbnail icon redirect callback webhook"),
         tables=_words("user author member contact person comment affiliate customer player social subscriber client"), not_tables=CATALOGUE, bare=True),
    Rule(Label.ONLINE_ID, "author url|author website|user url|sub", TEXTS, 0.8, _words("image thumbnail domain topic total")),
    Rule(Label.PERSON_NAME, "first name|last name|middle name|full name|nick name|maiden name|display name person|card holder|"
         "account holder|legal name person|preferred name|second last name|birth name|name first|initial person|patronymic|"
         "bank account name|name on card|mother maiden|next kin|beneficiary name|family name|second name|given name", TEXTS, 0.95,
         _words("product file brand state event page error sync")),
    Rule(Label.PERSON_NAME, "display name", TEXTS, 0.85, tables=PERSON | _words("account"), not_tables=_words("role group permission type")),
    Rule(Label.PERSON_NAME, "author|reviewer|interviewer|signatory|addressee|contact name|salesperson|reviewed by name|cheque|payee|holder|"
         "assignee name|physician name|doctor name|emergency contact|attending physician|referred by|consignee|recipient|"
         "insured name|guardian name|patient name|guest name|father name|mother name|spouse name", TEXTS, 0.85,
         _words("id url ip email type role rights uri code address count key external performer website number phone status time date")),
    Rule(Label.PERSON_NAME, "contact|contact person", TEXTS, 0.8, tables=PERSON | ORGANIZATION, bare=True),
    Rule(Label.PERSON_NAME, "poster|organizer|trainer|interviewer|submitter|requester|reporter|commenter|administrator|teacher|physician|"
         "guardian|witness|from name|sender name|recipient name|poster name|spokesperson", TEXTS, 0.8, bare=True),
    Rule(Label.PERSON_NAME, "principal", TEXTS, 0.7, tables=_words("school"), bare=True),
    Rule(Label.PERSON_NAME, "common name|known name|other name|name suffix", TEXTS, 0.75, tables=PERSON),
    Rule(Label.PERSON_NAME, "initial", TEXTS, 0.75, _words("value state amount balance"), tables=PERSON, bare=True),
    Rule(Label.PERSON_NAME, "first|last|middle", TEXTS, 0.75, tables=PERSON, bare=True),
    # --- addresses -----------------------------------------------------------------------------------------------------
    Rule(Label.ADDRESS, "street|house number|zip|address line|postal address|home address|billing address|shipping address|"
         "delivery address|residence|house name|apartment|apt|apt number|flat number|mailing address|door number|address full|"
         "building number|po box|work address|full address|street address", CODES | {Kind.DOCUMENT}, 0.93,
         _words("type format file template archive same id validated code_format mac ip url wallet bitcoin contract memory")),
    Rule(Label.ADDRESS, "address", TEXTS | {Kind.DOCUMENT}, 0.9, _words("type format template mac ip url web wallet bitcoin contract memory hex book verified host")),
    Rule(Label.ADDRESS, "city|province|district|county|state|zone|neighborhood|region|village", TEXTS, 0.85,
         _words("machine current previous last success id time tax from to before after new old validation payment shipment transition country user session sync task job order process ui"),
         tables=_words("address household residence location"), not_tables=_words("format type ip")),
    Rule(Label.ADDRESS, "city|province|district|county|state province|neighborhood|village|home state|home city|billing state|"
         "billing city|shipping city|shipping state|payment city|payment zone|shipping zone|delivery city|"
         "delivery state|mailing state|city code|province code", TEXTS, 0.85,
         _words("time tax id payment shipment process sync job"), tables=ADDRESSED),
    Rule(Label.ADDRESS, "line", TEXTS, 0.85, tables=_words("address"), bare=True),
    Rule(Label.ADDRESS, "number|complement|floor|door|building|unit|block|apartment|stair|entrance", TEXTS, 0.75, tables=_words("dwelling"), bare=True,
         not_tables=_words("order invoice ticket account contract case policy payment card"), unless=PERSON | ORGANIZATION),
    Rule(Label.ADDRESS, "state|region|zone", TEXTS, 0.75, tables=_words("customer person patient employee contact student donor lead patient address guest borrower voter resident"), bare=True,
         not_tables=_words("ticket attendance history log session event transition") | CATALOGUE),
    # --- money -----------------------------------------------------------------------------------------------------------
    Rule(Label.FINANCIAL, "earning|hour rate|ctc|salary|bonus|commission|pay rate|hourly rate|net worth|annual income|monthly income|credit score|credit rating|"
         "credit report|income|net pay|gross pay|base pay|tax withholding|tax exemption|tax federal|tax exception|tax status|"
         "tax state status|credit limit|overtime pay|stock grant|equity grant|severance|pension|garnishment|net salary|debt ratio",
         AMOUNTS | {Kind.ENUM}, 0.9,
          _words("id per cycle structure slip frequency mode currency period component code count grade type flagged rule rate_type plan"), final=True,
         not_tables=_words("order transaction invoice product seller")),
    Rule(Label.FINANCIAL, "saving|mortgage|benefit kind|national insurance|asset value|land value|home value|money owed|trust value|inheritance|"
         "current account|life assurance|bond|wealth|alimony|child support|rent paid|debt|maintenance payment|household income|student loan", frozenset({Kind.DECIMAL}), 0.8,
         _words("id currency count rate type price percent order product"), not_tables=_words("order product market security instrument")),
    Rule(Label.FINANCIAL, "amount|deduction|allowance|gross|net", AMOUNTS, 0.8, _words("id type count currency"),
         tables=_words("salary payroll payslip paycheck"), not_tables=_words("component structure type period")),
    Rule(Label.FINANCIAL, "gross|net|tax|national insurance", AMOUNTS, 0.8, _words("id type rate code"),
         tables=_words("employment payroll salary payslip wage"), bare=True),
    Rule(Label.FINANCIAL, "rate|amount|value|base|net|gross|tax", AMOUNTS, 0.8,
         tables=_words("employment wage income salary payroll payslip pay paycheck compensation debit"), not_tables=_words("grade currency tax payment order"), bare=True),
    # --- health ------------------------------------------------------------------------------------------------------------
    Rule(Label.HEALTH, "diagnosis|allergy|symptom|medication|prescription|blood type|blood pressure|blood group|disease|disability|hiv|pregnant|"
         "smoker|treatment|lab result|test result|vaccination|immunization|medical condition|medical history|icd|dosage|"
         "heart rate|glucose|bmi|body weight|chief complaint|vital|health condition|health status|illness|mental health|"
         "sick reason|pulse|temperature body|blood|pregnancy|dietary|insulin|observation value|allergen|surgery|handicap|"
         "medical note|triage|hypertension|diabetes|diabetic|stroke|heart attack|systolic|diastolic|asthma|cancer|tumor|cholesterol|"
         "kidney disease|respiratory rate|oxygen saturation|smoking|tobacco|alcohol|risk score|pathology|immunisation|vaccine dose|"
         "genetic|gestation|menstrual|contraception|hospitalization|admission reason|discharge reason|insurance claim|medical",
         TEXTS | {Kind.INTEGER, Kind.DECIMAL, Kind.ENUM, Kind.DOCUMENT, Kind.BOOLEAN, Kind.BINARY}, 0.88,
         _words("id code_system name_list order count unit date system type flag url by at license record number officer center insurance card"),
         not_tables=_words("product unit drug catalog formulary server service water")),
    Rule(Label.HEALTH, "name|drug|code|rxnorm code|dosage|strength", TEXTS, 0.75, tables=_words("prescription medication diagnosis allergy condition"), bare=True,
         not_tables=_words("type category reference concept list catalog unit lookup stock purpose")),
    Rule(Label.HEALTH, "value|result|reading|finding|severity|reaction|dose|height|weight|value text|value numeric|value coded", AMOUNTS, 0.8,
         tables=_words("observation obs patient lab vital allergy diagnosis condition medication clinical measurement drug procedure dose"), final=True,
         unless=_words("id unit code type order sort date by complex_type"), not_tables=_words("type unit range reference concept")),
    # --- traits ------------------------------------------------------------------------------------------------------------
    Rule(Label.DEMOGRAPHIC, "gender|ethnicity|marital|marital status|nationality|nationality code|religion|military|military service|veteran|"
         "sexual orientation|demographic|education level|political|age person|household size|mother tongue|ethnicity code|caste|"
         "immigration status|pronoun|union membership", TRAITS, 0.9, _words("id verification"), not_tables=_words("product store category lookup"), final=True),
    Rule(Label.DEMOGRAPHIC, "age", AMOUNTS, 0.85, tables=PERSON, bare=True),
    Rule(Label.DEMOGRAPHIC, "age", frozenset({Kind.INTEGER, Kind.DECIMAL}), 0.75, _words(
        "max min cache limit average group range day hour second file account stock password session category id count"), tables=PERSON),
    Rule(Label.DEMOGRAPHIC, "|".join(f"age {role}" for role in sorted(PERSON)), frozenset({Kind.INTEGER, Kind.DECIMAL}), 0.8,
         _words("max min cache limit average group range day hour second file account stock password session")),
    # --- pictures ----------------------------------------------------------------------------------------------------------
    Rule(Label.PHOTO, "photo|picture|image|avatar|portrait|signature|face|selfie|headshot|mugshot|scan|biometric|iris",
         frozenset({Kind.BINARY}), 0.9, not_tables=CATALOGUE - _words("page role") ),
    Rule(Label.PHOTO, "byte|data|content|image|blob", frozenset({Kind.BINARY}), 0.85, tables=_words("avatar photo picture portrait selfie"), bare=True),
    Rule(Label.PHOTO, "signature image|image base64|avatar image", TEXTS, 0.8, _words("id url type size")),
    Rule(Label.PHOTO, "avatar|selfie|profile picture|profile photo|portrait|face encoding|user photo|headshot|profile image", TEXTS | {Kind.DOCUMENT}, 0.8,
         _words("id type size")),
    Rule(Label.PHOTO, "photo|picture|image", TEXTS, 0.75, tables=PERSON, bare=True),
    Rule(Label.PHOTO, "|".join(f"{whose} image|{whose} photo|{whose} picture" for whose in
                               ("employee", "customer", "member", "student", "patient", "staff", "candidate", "contact", "person", "author", "driver")),
         TEXTS | {Kind.BINARY}, 0.8, _words("id type size")),
    # --- text to be scanned ------------------------------------------------------------------------------------------------
    Rule(Label.FREE_TEXT, "comment|note|message|feedback|bio|transcript|resume|cover letter|achievement|testimonial|"
         "complaint|rejection|reflection|snippet|narrative|cause|symptom note|circumstance|transcription|abstract|work reference|"
         "instruction delivery|delivery instruction|special instruction|special request|internal note|remark|"
         "medical note|answer|response|reply|narrative|anamnesis|correspondence|conversation|signature text|about me|memo|"
         "statement text|gift message|chat", WRITTEN, 0.85,
         _words("id count format template type status direction date code hash approved at by key language queue thread_id channel topic level checksum digest"),
         not_tables=_words("template translation faq")),
    Rule(Label.FREE_TEXT, "request header|response header|request body|response body", WRITTEN, 0.75, _words("key name size id count")),
    Rule(Label.FREE_TEXT, "header|request header|response header", WRITTEN, 0.75, _words("key name image logo color size type id"),
         tables=_words("email mail message request response webhook call http log queue thread campaign")),
    Rule(Label.FREE_TEXT, "amount", TEXTS, 0.7, tables=_words("setting parameter preference"), bare=True),  # "valor", for value
    Rule(Label.FREE_TEXT, "signature", TEXTS, 0.75, _words("type hash key algorithm id"), tables=PERSON, bare=True),
    Rule(Label.FREE_TEXT, "value", TEXTS | {Kind.DOCUMENT}, 0.7, tables=_words("pair"), bare=True, not_tables=CATALOGUE - _words("page item role")),
    Rule(Label.FREE_TEXT, "reason|additional information|background info|additional info|extra info|other info|other information|suggestion|explanation|justification|statement|improvement|nature|motivation|concern|"
         "grievance|allegation|circumstances|recommendation|impression|accommodation need", WRITTEN, 0.75,
         _words("id code type key name list category status count sql query prepared price account bank url template option"),
         not_tables=_words("reason template status type category lookup definition")),
    Rule(Label.FREE_TEXT, "result|request|setting|argument|input|output|information|info|purpose|attempt|statement|html|trace|progress|goal|"
         "cause|symptom|observation|object|instruction|plan text|evaluation|assessment|expectation", WRITTEN, 0.65,
         _words("id code type key name count format template css script permission field status"),
         not_tables=CATALOGUE - _words("page item role status type reason task"), long=True),
    Rule(Label.FREE_TEXT, "string value|text value|char value|value string|value text|raw source|raw message|raw email|raw body", WRITTEN, 0.75,
         _words("id type count")),
    Rule(Label.FREE_TEXT, "custom|custom field|custom value|custom data|custom attribute|free form|user defined|freeform", WRITTEN, 0.8,
         _words("id type name key label css html script"), not_tables=_words("definition")),
    Rule(Label.FREE_TEXT, "value", WRITTEN, 0.8, tables=_words(
        "setting option meta metadata property attribute field answer response setting parameter metum preference extra detail user profile "
        "variable entry kv registry"),
        unless=_words("default min max allowed key possible"), not_tables=_words("seo url product definition type filter")),
    Rule(Label.FREE_TEXT, "meta|metadata|data|payload|parameter|property|json|xml|body|content|raw|extra|detail|contact info|request body|"
         "response body|form data|context|log|stacktrace|stack trace|traceback|params|query string|history|old value|new value|"
         "before|after|diff|snapshot", WRITTEN, 0.75,
         _words("id type name path checksum utm page title description keyword count format template version date key hash encoding length element sort group element class code approved level"),
         not_tables=CATALOGUE - _words("page item state status role type reason task shift tag unit option module feature plan")),
    Rule(Label.FREE_TEXT, "text|description|summary|reason|title|subject|body|content|detail|outcome|finding|question|caption|"
         "transcription|result|resolution|explanation|action taken|display", WRITTEN, 0.7,
         _words("id type key format template product meta job code status department alt"),
         tables=CASE, not_tables=_words("template type category status definition reason setting email_template step")),
    Rule(Label.FREE_TEXT, "description|about|summary|title_text|background|interest|hobby|skill|experience|circumstance|special need", WRITTEN, 0.7,
         _words("id type key job meta code"), tables=PERSON | _words("incident transaction"), not_tables=_words("role group type permission status category plan tag")),
    Rule(Label.FREE_TEXT, "attachment|document|file content|file data|content|file|blob|body|data|scan|recording|voice", frozenset({Kind.BINARY}), 0.8,
         _words("hash size"), not_tables=CATALOGUE - _words("page item role tag reason task type status state job vacancy")),
    Rule(Label.FREE_TEXT, "text|body|content", TEXTS, 0.75, not_tables=CATALOGUE - _words("reason status type role task item"), bare=True,
         unless=_words("email_template")),
    Rule(Label.FREE_TEXT, "search|search document|search query|tsv|search vector|search term|fts|keyword search", WRITTEN, 0.7,
         not_tables=CATALOGUE, unless=_words("id type count engine config path")),
)  # fmt: skip
