# ruff: noqa: E501, SIM905 - word lists
"""The words that column and table names are made of: translations, abbreviations, and groups of words.

Every entry is general vocabulary of databases and of the language named, never the spelling of one product. Words are in
lower case without accents; :mod:`doorward.catalog.words` brings names into that form.
"""

from __future__ import annotations

# One spelling for each idea. A word on the left counts as the words on the right.
CANONICAL: dict[str, str] = {
    # English: abbreviations, joined words, synonyms
    "mail": "email", "emailaddr": "email", "eml": "email",
    "firstname": "first name", "lastname": "last name", "surname": "last name", "forename": "first name",
    "familyname": "last name", "givenname": "first name", "fname": "first name", "lname": "last name", "mname": "middle name",
    "middlename": "middle name", "fullname": "full name", "nickname": "nick name", "maidenname": "maiden name",
    "given": "first", "family": "last", "displayname": "display name", "realname": "full name", "legalname": "full name",
    "username": "username", "uname": "username", "userid": "user id", "usr": "user", "emp": "employee", "empl": "employee",
    "cust": "customer", "pers": "person", "people": "person", "children": "child", "staff": "staff", "acct": "account",
    "acc": "account", "addr": "address", "adr": "address", "addr1": "address", "street1": "street", "str": "street",
    "zipcode": "zip", "postcode": "zip", "postalcode": "zip", "postal": "zip", "pincode": "zip", "town": "city", "postbox": "po box", "ids": "id", "uids": "uid",
    "suburb": "city", "locality": "city", "municipality": "city", "prov": "province", "provin": "province",
    "tel": "phone", "telephone": "phone", "phoneno": "phone", "phonenumber": "phone", "cellphone": "phone", "cell": "mobile",
    "mob": "mobile", "mobileno": "mobile", "telefax": "fax", "msisdn": "phone", "ph": "phone",
    "passwd": "password", "pwd": "password", "pword": "password", "passwort": "password", "passphrase": "password",
    "pswd": "password", "passcode": "password", "pw": "password", "pass": "password", "passhash": "password hash",
    "apikey": "api key", "apitoken": "api token", "accesskey": "access key", "secretkey": "secret", "privkey": "private key",
    "privatekey": "private key", "authkey": "auth key", "authtoken": "auth token", "otps": "otp", "totp": "otp", "hotp": "otp",
    "mfa": "otp", "2fa": "otp", "tfa": "otp", "twofa": "otp", "twofactor": "otp", "sessionid": "session id", "sessid": "session id", "sess": "session",
    "sid": "session id", "creds": "credential", "authn": "auth", "authz": "auth", "cred": "credential",
    "no": "number", "num": "number", "nr": "number", "nbr": "number", "nmbr": "number", "cnt": "count", "qty": "quantity",
    "amt": "amount", "desc": "description", "descr": "description", "ts": "time", "dt": "date", "cmt": "comment",
    "cmnt": "comment", "msg": "message", "txt": "text", "memo": "note", "remark": "note", "notepad": "note", "val": "value",
    "param": "parameter", "args": "parameter", "props": "property", "prop": "property", "attr": "attribute",
    "config": "setting", "cfg": "setting", "pref": "setting", "preference": "setting", "conf": "setting", "opt": "option",
    "opts": "option", "configuration": "setting", "settings": "setting",
    "yob": "birth year", "dob": "birth date", "birthdate": "birth date", "birthday": "birth date", "bday": "birth date", "birthyear": "birth year",
    "sex": "gender", "nation": "nationality", "citizenship": "nationality", "citizen": "nationality", "race": "ethnicity",
    "ethnic": "ethnicity", "religious": "religion", "marriage": "marital", "wed": "wedding",
    "licence": "license", "lic": "license", "lice": "license", "dri": "driver", "driving": "driver", "drivers": "driver",
    "ssnum": "ssn", "sin": "sin", "socialsecurity": "ssn", "nin": "ssn", "nino": "ssn", "vat": "vat", "vatid": "vat number",
    "ccnumber": "card number", "ccn": "card number", "ship": "shipping", "cc": "card", "creditcard": "credit card", "cardnumber": "card number", "cvv2": "cvv",
    "cvc": "cvv", "cvc2": "cvv", "csc": "cvv", "pan": "pan", "cardholder": "card holder", "expiry": "expire", "exp": "expire",
    "expiration": "expire", "expires": "expire", "expired": "expire",
    "swift": "bic", "iban": "iban", "sortcode": "sort code", "routingnumber": "routing number", "aba": "routing",
    "lat": "latitude", "lng": "longitude", "lon": "longitude", "latlng": "latitude longitude",
    "geolocation": "geo location", "coord": "coordinate", "gps": "gps", "longit": "longitude", "geom": "geometry", "geog": "geometry",
    "pic": "picture", "img": "image", "thumb": "thumbnail", "photograph": "photo",
    "sal": "salary", "wage": "salary", "payrate": "pay rate", "remuneration": "salary", "compensation": "salary",
    "ipaddr": "ip address", "ipaddress": "ip address", "ipv4": "ip", "ipv6": "ip", "ips": "ip", "macaddr": "mac address",
    "macaddress": "mac address", "hwaddr": "mac address", "useragent": "user agent", "ua": "user agent",
    "cv": "resume", "curriculum": "resume", "biography": "bio", "aboutme": "bio", "diagnoses": "diagnosis", "dx": "diagnosis",
    "rx": "prescription", "med": "medication", "meds": "medication", "mrn": "patient number", "ward": "ward",
    "organisation": "organization", "org": "organization", "biz": "company", "dept": "department", "mgr": "manager",
    "faq": "faq", "kvs": "setting", "kv": "setting", "usermeta": "user meta", "postmeta": "post meta",
    "longdescription": "description", "freetext": "text", "fulltext": "text", "coun": "country", "ctry": "country",
    # German
    "vorname": "first name", "nachname": "last name", "zuname": "last name", "familienname": "last name",
    "geburtsname": "maiden name", "vollname": "full name", "anzeigename": "display name", "benutzername": "username",
    "benutzer": "user", "nutzer": "user", "nutzername": "username", "kunde": "customer", "kunden": "customer",
    "mitarbeiter": "employee", "angestellte": "employee", "personal": "employee", "ansprechpartner": "contact name",
    "lieferant": "supplier", "patientin": "patient", "versicherter": "patient", "schuler": "student", "schueler": "student",
    "mitglied": "member", "mitglieder": "member", "benutzerkonto": "user account", "person": "person", "personen": "person",
    "strasse": "street", "hausnummer": "house number", "hausnr": "house number", "plz": "zip", "postleitzahl": "zip",
    "ort": "city", "wohnort": "city", "stadt": "city", "bundesland": "province", "anschrift": "address", "adresse": "address",
    "adressen": "address", "lieferadresse": "shipping address", "rechnungsadresse": "billing address", "land": "country",
    "telefon": "phone", "telefonnummer": "phone", "telefonnr": "phone", "handy": "mobile", "handynummer": "mobile",
    "rufnummer": "phone", "mobilnummer": "mobile", "mobiltelefon": "mobile", "kennwort": "password", "losung": "password",
    "geheimnis": "secret", "schluessel": "key", "schlussel": "key", "geburtsdatum": "birth date", "geburtstag": "birth date",
    "geburtsort": "birth place", "geschlecht": "gender", "familienstand": "marital status", "staatsangehorigkeit": "nationality",
    "staatsangehoerigkeit": "nationality", "nationalitat": "nationality", "nationalitaet": "nationality",
    "konfession": "religion", "kontonummer": "bank account number", "kontoinhaber": "account holder", "blz": "routing",
    "bankleitzahl": "routing", "kreditkarte": "credit card", "kreditkartennummer": "card number", "gehalt": "salary",
    "lohn": "salary", "bruttogehalt": "salary", "nettogehalt": "salary", "steuernummer": "tax number", "steuerid": "tax id",
    "sozialversicherungsnummer": "ssn", "svnr": "ssn", "personalausweis": "passport", "ausweisnummer": "passport number",
    "reisepass": "passport", "fuehrerschein": "driver license", "fuhrerschein": "driver license", "ustid": "vat number",
    "bemerkung": "note", "bemerkungen": "note", "notiz": "note", "notizen": "note", "kommentar": "comment",
    "kommentare": "comment", "nachricht": "message", "beschreibung": "description", "anmerkung": "note", "anhang": "attachment",
    "krankheit": "disease", "befund": "diagnosis", "diagnose": "diagnosis", "allergie": "allergy", "bild": "picture",
    "blutgruppe": "blood type", "freitext": "text", "nachrichten": "message", "betreff": "subject", "inhalt": "content",
    "nummer": "number", "artikel": "article", "produkt": "product", "bezeichnung": "label", "anzahl": "count",
    "datum": "date", "bestellung": "order", "rechnung": "invoice", "preis": "price",
    # French
    "prenom": "first name", "nom": "name", "nomfamille": "last name", "courriel": "email", "utilisateur": "user",
    "utilisateurs": "user", "identifiant": "login", "pseudo": "username", "employe": "employee", "salarie": "employee",
    "personne": "person", "adherent": "member", "eleve": "student", "rue": "street", "ville": "city", "cp": "zip",
    "codepostal": "zip", "voie": "street", "portable": "mobile", "telecopie": "fax", "mdp": "password",
    "motdepasse": "password", "passe": "password", "jeton": "token", "cle": "key", "naissance": "birth", "sexe": "gender",
    "civilite": "salutation", "nationalite": "nationality", "salaire": "salary", "paie": "payroll", "remunerations": "salary",
    "carte": "card", "compte": "account", "nss": "ssn", "nir": "ssn", "secu": "ssn", "passeport": "passport",
    "permis": "license", "remarque": "note", "commentaire": "comment", "notesinternes": "note", "piece": "attachment",
    "maladie": "disease", "diagnostic": "diagnosis", "medecin": "physician", "antecedent": "diagnosis", "siret": "tax number",
    "sujet": "subject", "contenu": "content", "texte": "text", "titulaire": "holder", "numero": "number", "produit": "product",
    "commande": "order", "facture": "invoice", "prix": "price", "quantite": "quantity", "libelle": "label", "pays": "country",
    "montant": "amount", "chiffre": "count", "journal": "log", "clients": "customer", "client": "client",
    # Spanish
    "nombre": "name", "nombres": "first name", "apellido": "last name", "apellidos": "last name", "correo": "email",
    "usuario": "user", "usuarios": "user", "cliente": "customer", "clientes": "customer", "empleado": "employee",
    "empleados": "employee", "persona": "person", "personas": "person", "paciente": "patient", "pacientes": "patient",
    "alumno": "student", "estudiante": "student", "direccion": "address", "domicilio": "address", "calle": "street",
    "ciudad": "city", "provincia": "province", "codigopostal": "zip", "telefono": "phone", "celular": "mobile",
    "movil": "mobile", "contrasena": "password", "contrasenia": "password", "clave": "clave", "ficha": "token",
    "nacimiento": "birth", "fecha": "date", "sexo": "gender", "genero": "gender", "nacionalidad": "nationality",
    "salario": "salary", "sueldo": "salary", "nomina": "payroll", "tarjeta": "card", "cuenta": "account", "dni": "national id",
    "nie": "national id", "nif": "tax number", "cif": "tax number", "curp": "national id", "rfc": "tax number", "rut": "national id",
    "cedula": "national id", "pasaporte": "passport", "licencia": "license", "observacion": "note", "observaciones": "note",
    "comentario": "comment", "comentarios": "comment", "mensaje": "message", "mensajes": "message", "descripcion": "description",
    "asunto": "subject", "contenido": "content", "texto": "text", "titular": "holder", "alergia": "allergy", "alergias": "allergy",
    "diagnostico": "diagnosis", "enfermedad": "disease", "foto": "photo", "producto": "product", "pedido": "order",
    "factura": "invoice", "precio": "price", "cantidad": "quantity", "pais": "country", "estado": "state", "civil": "marital",
    "codigo": "code", "monto": "amount", "registro": "log",
    # Portuguese
    "nome": "name", "sobrenome": "last name", "apelido": "nick name", "usuaria": "user", "utilizador": "user",
    "funcionario": "employee", "funcionarios": "employee", "pessoa": "person", "pessoas": "person", "aluno": "student",
    "endereco": "address", "morada": "address", "rua": "street", "logradouro": "street", "bairro": "district", "cidade": "city",
    "cep": "zip", "telefone": "phone", "telemovel": "mobile", "senha": "password", "palavrapasse": "password",
    "nascimento": "birth", "nacionalidade": "nationality", "cartao": "card", "conta": "account", "agencia": "branch",
    "cpf": "national id", "cnpj": "tax number", "rg": "national id", "nis": "ssn", "pis": "ssn", "passaporte": "passport",
    "observacao": "note", "observacoes": "note", "mensagem": "message", "mensagens": "message", "descricao": "description",
    "assunto": "subject", "conteudo": "content", "doenca": "disease", "pedidos": "order", "fatura": "invoice", "preco": "price",
    "produtos": "product", "quantidade": "quantity", "valor": "amount", "salarios": "salary", "estadocivil": "marital status",
}  # fmt: skip

# Words that joined lower-case names are split into (passportexpiredate); all have four letters or more, or are unmistakable.
SEGMENTS: frozenset[str] = frozenset(
    """access account activation address amount answer api approval attachment author auth avatar bank basic billing birth body
    business card child city client code comment company contact content country county created credit customer data date
    debit default delivery department device direct display document driver email employee emergency error expire expiry
    external family field file first full gender given group hash history holder home house image invoice issued
    key last license line location login maiden mailing manager marital member message middle mobile mother
    name nationality national note number order owner page parent passport password patient payment permission person phone
    photo picture place postal private product profile province public purchase rate reason recovery reference refresh reset
    residence role routing salary salt secret security session setting shipping sign social state status street subject subscriber
    supplier support tax template ticket time title token type update updated user value vendor verification version
    website work year zip zone""".split()
)

# People whom a record may be about: their table's "name" is a person's name.
PERSON: frozenset[str] = frozenset(
    """person user customer client employee member patient contact candidate applicant student subscriber author guest lead
    driver profile attendee participant passenger beneficiary dependent dependant youth individual volunteer child spouse guardian physician doctor practitioner
    borrower voter resident donor recipient visitor player teacher caregiver nurse worker signup registrant affiliate staff
    buyer seller shopper holder cardholder signer signatory witness interviewer reviewer relative kin insured policyholder
    clinician therapist instructor tutor professor referrer sponsor volunteer freelancer consultant technician courier
    customeraddress account prospect enrollee learner pupil nominee heir renter landlord sender receiver payee payer
    respondent investor shareholder claimant defendant plaintiff attorney lawyer judge officer contributor
    friend follower identity admin administrator moderator operator agent assignee requester""".split()
)

# Of those, nouns that are as often about something else: a row is a person only if another word of the table says so.
WEAK_PERSON: frozenset[str] = frozenset(
    "profile account contact agent identity operator holder client affiliate contributor worker technician sender receiver recipient requester account_owner".split()
)

# Who is no natural person, though with a name, an address and a phone.
ORGANIZATION: frozenset[str] = frozenset(
    """company organization partner supplier vendor store shop warehouse branch bank institution school hospital department office group group     brand publisher clinic tenant workspace site location venue agency business manufacturer club facility mailbox domain
    team list council authority ministry foundation charity carrier hotel restaurant university library airport station depot merchant firm laboratory pharmacy""".split()
)

# People words that may be a thing or an organisation too: enough beside "name", not enough to make their table personal.
ROLE: frozenset[str] = PERSON | frozenset(
    """manager owner by mother father parent partner creator editor supervisor approver organizer host salesperson
    representative rep nick card emergency doctor cheque drawer signature chairman director
    billing shipping delivery invoice caller""".split()
)

# Tables whose "address", "city" and "state" belong to somebody.
ADDRESSED: frozenset[str] = PERSON | frozenset(
    "address billing shipping delivery order invoice checkout household residence appointment enrollment registration".split()
)

# Tables that record what happened with people: their descriptions and titles are free text.
CASE: frozenset[str] = frozenset(
    """ticket issue incident complaint case inquiry enquiry conversation chat message email thread request feedback
    review consultation encounter visit appointment claim dispute interview call inspection observation activity
    log history communication correspondence reply comment note task todo event support referral discharge""".split()
)

# Things a business publishes or configures: names, texts and pictures in their tables are meant for everybody.
CATALOGUE: frozenset[str] = frozenset(
    """product item catalog category film movie book track album template layout theme menu page plan
    currency country language locale permission role tag tagging taxonomy term type status reason unit
    translation i18n label layout widget banner promotion offer coupon discount model brand manufacturer department
    store shop warehouse location skill title kpi holiday shift zone region city state province
    definition vacancy job feature module plugin extension theme icon sku variant option tax workflow""".split()
)

# Of those, what is written for the public: not even a document without a telling name is protected there.
PUBLISHED: frozenset[str] = frozenset(
    "product item catalog category film movie book album template layout theme menu store shop brand label translation".split()
)

# What a name's last word says about its value: a property of the thing, not the thing itself.
ASPECT: frozenset[str] = frozenset(
    """type kind status count flag format size length width height method mode level order sort verified confirmed enabled
    disabled required visible active style class category group role version quantity interval frequency limit max
    min attempts attempt retries timeout ttl permission scope policy provider source target algorithm encoding charset
    template mime extension locale language currency country timezone color colour template priority weight total index position
    sequence rank score rating percent ratio created updated modified deleted expire time date at since until
    year month day hour timestamp placeholder hint strength label approved valid blocked optin subscribed domain plugin
    model category action event brand network issuer store product plan host port server protocol field column table
    validation mask choice prefix separator offset column symbol""".split()
)

# Every English word that means something here: at the beginning of a name these are no meaningless prefix.
KNOWN: frozenset[str] = (
    frozenset(word for meaning in CANONICAL.values() for word in meaning.split())
    | SEGMENTS
    | ROLE
    | CATALOGUE
    | ORGANIZATION
    | ASPECT
    | frozenset("time work home cell night mobile fax day web site old new raw ref".split())
)
