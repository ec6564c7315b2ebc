# ruff: noqa: E501 - word lists
"""What words of other languages mean in English, for names of tables and columns. General vocabulary, by language.

Words are in lower case without accents, in the singular where the plural is made with s; joined words are listed where
they are usual as column names. A word that means different things in two languages is left out, or stands for the meaning
that names in databases have.
"""

from __future__ import annotations

_GERMAN = {
    "rufname": "first name", "spitzname": "nick name", "nachnamen": "last name", "vornamen": "first name", "titel": "title",
    "anrede": "salutation", "kundin": "customer", "kundenname": "customer name", "kundennummer": "customer number",
    "kontakt": "contact", "kontakte": "contact", "empfaenger": "recipient", "empfanger": "recipient", "absender": "sender",
    "mieter": "renter", "vermieter": "landlord", "bewerber": "applicant", "teilnehmer": "participant", "arzt": "physician",
    "aerzte": "physician", "lehrer": "teacher", "fahrer": "driver", "gast": "guest", "gaeste": "guest", "spender": "donor",
    "besteller": "customer", "vertreter": "representative", "betreuer": "caregiver", "ehepartner": "spouse",
    "kinder": "child", "inhaber": "holder", "eigentuemer": "owner", "besitzer": "owner", "geschaeftsfuehrer": "director",
    "ansprechpartnerin": "contact name", "bearbeiter": "employee", "sachbearbeiter": "employee", "verfasser": "author",
    "anwender": "user", "versicherungsnehmer": "policyholder", "patienten": "patient", "mandant": "client",
    "wohnung": "apartment", "stiege": "house number", "adresszusatz": "address line", "postfach": "po box", "kreis": "county",
    "landkreis": "county", "ortsteil": "district", "stadtteil": "district", "gemeinde": "city", "kanton": "province",
    "wohnsitz": "residence", "lieferanschrift": "shipping address", "rechnungsanschrift": "billing address", "breitengrad": "latitude",
    "laengengrad": "longitude", "fon": "phone", "mobil": "mobile", "festnetz": "phone", "durchwahl": "phone", "mobiltel": "mobile",
    "telefonprivat": "phone", "telefongeschaeftlich": "phone", "emailadresse": "email", "mailadresse": "email", "epost": "email",
    "passwoerter": "password", "pwort": "password", "zugangscode": "access code", "zugangsdaten": "credential", "sitzung": "session",
    "geheim": "secret", "gebdatum": "birth date", "gebdat": "birth date", "gebtag": "birth date", "geburt": "birth",
    "geburtsjahr": "birth year", "geburtsland": "birth country", "alter": "age", "nationalitat": "nationality", "herkunft": "ethnicity",
    "familienstd": "marital status", "staatsbuergerschaft": "nationality", "kontonr": "bank account number",
    "kto": "bank account", "ktonr": "bank account number", "ktoinhaber": "account holder", "bankverbindung": "bank account", "bankname": "bank name",
    "kartennummer": "card number", "kartennr": "card number", "pruefziffer": "check digit", "gueltigbis": "expire", "monatsgehalt": "salary",
    "jahresgehalt": "salary", "stundenlohn": "salary", "verguetung": "salary", "einkommen": "income", "provision": "commission",
    "steuernr": "tax number", "steueridnr": "tax id", "steueridentifikationsnummer": "tax id", "ustidnr": "vat number", "ustidnummer": "vat number",
    "umsatzsteuerid": "vat number", "sozialversicherungsnr": "ssn", "rentenversicherungsnummer": "ssn", "ahv": "ssn", "ahvnummer": "ssn", "ausweisnr": "passport number",
    "personalausweisnummer": "passport number", "passnummer": "passport number", "passnr": "passport number", "fuehrerscheinnummer": "driver license",
    "krankenkasse": "health insurance", "krankenkassennummer": "health card", "versichertennummer": "insurance number", "versichertennr": "insurance number",
    "kennzeichen": "license plate", "medikament": "medication", "medikamente": "medication", "diagnosen": "diagnosis", "behandlung": "treatment",
    "symptome": "symptom", "allergien": "allergy", "blutdruck": "blood pressure", "befunde": "diagnosis", "impfung": "vaccination", "schwanger": "pregnant",
    "gewicht": "weight", "groesse": "size", "hinweis": "note", "hinweise": "note", "vermerk": "note", "mitteilung": "message", "antwort": "answer",
    "frage": "question", "grund": "reason", "verwendungszweck": "note", "stellungnahme": "comment", "lebenslauf": "resume", "anschreiben": "cover letter",
    "bewertung": "rating", "firma": "company", "firmenname": "company name", "abteilung": "department", "verein": "organization", "marke": "brand",
    "kategorie": "category", "waehrung": "currency", "sprache": "language", "menge": "quantity", "betrag": "amount", "summe": "amount", "rabatt": "discount",
    "steuersatz": "tax rate", "lager": "warehouse", "auftrag": "order", "angebot": "offer", "anzeige": "display", "erstellt": "created",
    "geaendert": "updated", "geloescht": "deleted", "gueltig": "valid", "aktiv": "active", "art": "type", "typ": "type", "laender": "country",
    "staedte": "city", "dateiname": "filename", "datei": "file", "wert": "value", "einstellung": "setting", "einstellungen": "setting", "schluesselwort": "keyword",
    "unterschrift": "signature", "lichtbild": "photo", "passbild": "photo", "profilbild": "profile picture", "webseite": "website", "protokoll": "log",
    "kurzname": "label", "kuerzel": "code", "zeitpunkt": "time", "uhrzeit": "time", "beginn": "start", "ende": "end",
}  # fmt: skip

_FRENCH = {
    "prenoms": "first name", "patronyme": "last name", "nomcomplet": "full name", "nomclient": "customer name", "surnom": "nick name",
    "nomjeunefille": "maiden name", "clientele": "customer", "membre": "member", "patiente": "patient", "etudiant": "student", "enseignant": "teacher",
    "conducteur": "driver", "chauffeur": "driver", "locataire": "renter", "proprietaire": "owner", "destinataire": "recipient", "expediteur": "sender",
    "beneficiaire": "beneficiary", "conjoint": "spouse", "enfant": "child", "parrain": "sponsor", "donateur": "donor", "candidat": "candidate",
    "gerant": "manager", "responsable": "manager", "auteur": "author", "abonne": "subscriber", "assure": "insured", "contribuable": "taxpayer",
    "interlocuteur": "contact name", "acheteur": "buyer", "vendeur": "seller", "medecintraitant": "physician name", "praticien": "practitioner",
    "adr": "address", "adresselivraison": "shipping address", "adressefacturation": "billing address", "lieudit": "address line", "complementadresse": "address line",
    "codepost": "zip", "commune": "city", "departement": "department", "quartier": "district", "lieunaissance": "birth place", "domiciliation": "bank branch",
    "telfixe": "phone", "telmobile": "mobile", "telport": "mobile", "gsm": "mobile", "numerotel": "phone", "adel": "email",
    "adressemail": "email", "motpasse": "password", "mdpasse": "password", "clef": "key", "datenaissance": "birth date", "ddn": "birth date",
    "datenaiss": "birth date", "naiss": "birth", "lieunaiss": "birth place", "etatcivil": "marital status", "situationfamiliale": "marital status",
    "ethnie": "ethnicity", "origine": "origin", "rib": "bank account", "numcompte": "bank account number", "comptebancaire": "bank account",
    "banque": "bank", "cartebancaire": "card number", "numcarte": "card number", "titulairecarte": "card holder", "cryptogramme": "cvv", "salairebrut": "salary",
    "salairenet": "salary", "revenu": "income", "revenus": "income", "numsecu": "ssn", "numeross": "ssn", "numerosecu": "ssn", "securitesociale": "social security",
    "nudoss": "patient number", "ipp": "patient number", "cni": "national id", "carteidentite": "identity card", "numpasseport": "passport number", "permisconduire": "driver license",
    "siren": "tax number", "numtva": "vat number", "tva": "vat", "tvaintra": "vat number", "immatriculation": "license plate",
    "traitement": "treatment", "medicament": "medication", "symptome": "symptom", "allergie": "allergy", "handicap": "disability", "groupesanguin": "blood type",
    "grossesse": "pregnancy", "ordonnance": "prescription", "maladies": "disease", "poids": "weight", "taille": "size",
    "avis": "review", "reponse": "answer", "motif": "reason", "objet": "subject", "corps": "body", "messages": "message", "memo": "note",
    "raisonsociale": "company name", "societe": "company", "entreprise": "company", "fournisseur": "supplier", "marque": "brand", "categorie": "category", "devise": "currency",
    "langue": "language", "prixunitaire": "price", "remise": "discount", "taux": "rate", "solde": "balance", "valeur": "value", "cree": "created", "modifie": "updated",
    "supprime": "deleted", "actif": "active", "etat": "status", "statut": "status", "fichier": "file", "nomfichier": "filename", "titre": "title",
    "parametre": "parameter", "preferences": "setting", "reglage": "setting", "heure": "time", "debut": "start", "fin": "end", "creation": "created",
    "siteweb": "website", "champ": "field", "champs": "field", "localite": "city", "voie": "street", "courrier": "email", "adherente": "member", "sessionid": "session id", "jour": "day", "mois": "month", "annee": "year", "numrue": "house number", "batiment": "building", "etage": "floor",
}  # fmt: skip

_SPANISH = {
    "primernombre": "first name", "segundonombre": "middle name", "primerapellido": "last name", "segundoapellido": "last name", "apellidopaterno": "last name",
    "apellidomaterno": "last name", "apellido1": "last name", "apellido2": "last name", "nombrecompleto": "full name", "nombreusuario": "username", "apodo": "nick name",
    "contacto": "contact", "contactos": "contact", "trabajador": "worker", "trabajadores": "worker", "socio": "member", "socios": "member", "huesped": "guest",
    "conductor": "driver", "propietario": "owner", "destinatario": "recipient", "remitente": "sender", "beneficiario": "beneficiary", "conyuge": "spouse", "hijo": "child",
    "hijos": "child", "medico": "physician", "medicos": "physician", "profesor": "teacher", "docente": "teacher", "alumnos": "student", "comprador": "buyer", "vendedor": "seller",
    "administrador": "administrator", "encargado": "manager", "representante": "representative", "autor": "author", "abonado": "subscriber", "asegurado": "insured", "candidato": "candidate",
    "solicitante": "applicant", "agente": "agent", "agentes": "agent", "proveedor": "supplier", "proveedores": "supplier", "padre": "father", "madre": "mother", "tutor": "tutor",
    "direcciones": "address", "calles": "street", "colonia": "district", "barrio": "district", "municipio": "city", "poblacion": "city", "localidad": "city", "codpostal": "zip",
    "apartado": "po box", "departamento": "department", "piso": "floor", "puerta": "door number", "comuna": "city", "latitud": "latitude", "longitud": "longitude", "ubicacion": "location",
    "tfno": "phone", "telf": "phone", "telef": "phone", "fono": "phone", "cel": "mobile", "movil1": "mobile", "correoelectronico": "email", "correos": "email", "mails": "email",
    "claveacceso": "access code", "pregunta": "question", "respuesta": "answer", "fechanacimiento": "birth date", "fechanac": "birth date", "fnacimiento": "birth date",
    "fecnac": "birth date", "nac": "birth", "lugarnacimiento": "birth place", "edad": "age", "estadocivil": "marital status", "raza": "ethnicity", "etnia": "ethnicity",
    "cuentabancaria": "bank account", "ctabancaria": "bank account", "numerocuenta": "bank account number", "numcuenta": "bank account number", "ccc": "bank account", "cbu": "bank account",
    "banco": "bank", "numerotarjeta": "card number", "numtarjeta": "card number", "vencimiento": "expire", "caducidad": "expire", "sueldobase": "salary", "ingresos": "income", "comision": "commission",
    "numerodocumento": "national id", "nrodocumento": "national id", "numdocumento": "national id", "documentoidentidad": "identity document", "cifnif": "tax number", "nifcif": "tax number",
    "cuil": "tax number", "cuit": "tax number", "ruc": "tax number", "nit": "tax number", "nss": "ssn", "numeross": "ssn", "segurosocial": "social security", "licenciaconducir": "driver license",
    "matricula": "license plate", "placa": "license plate", "patente": "license plate", "ine": "national id", "dui": "national id", "carnet": "identity card",
    "medicamento": "medication", "medicamentos": "medication", "sintoma": "symptom", "sintomas": "symptom", "tratamiento": "treatment", "gruposanguineo": "blood type", "tiposangre": "blood type",
    "embarazo": "pregnancy", "discapacidad": "disability", "peso": "weight", "altura": "height", "receta": "prescription", "vacuna": "vaccination", "antecedentes": "medical history",
    "nota": "note", "notas": "note", "detalle": "detail", "detalles": "detail", "motivo": "reason", "cuerpo": "body", "anotacion": "note", "opinion": "review", "resumen": "summary",
    "empresa": "company", "empresas": "company", "razonsocial": "company name", "marca": "brand", "categoria": "category", "moneda": "currency", "divisa": "currency", "idioma": "language",
    "descuento": "discount", "impuesto": "tax", "iva": "tax rate", "importe": "amount", "tasa": "rate", "creado": "created", "actualizado": "updated", "eliminado": "deleted",
    "activo": "active", "tipo": "type", "archivo": "file", "titulo": "title", "imagen": "image", "firma": "signature", "configuracion": "setting", "configuraciones": "setting", "ajuste": "setting",
    "parametro": "parameter", "hora": "time", "inicio": "start", "dia": "day", "mes": "month", "ano": "year", "anio": "year", "almacen": "warehouse", "tienda": "store", "ciudades": "city",
    "paises": "country", "provincias": "province", "sesion": "session", "bitacora": "log", "historial": "history", "cod": "code", "nro": "number", "cargo": "position",
}  # fmt: skip

_PORTUGUESE = {
    "primeironome": "first name", "ultimonome": "last name", "nomecompleto": "full name", "nomesocial": "full name", "nomemae": "mother name", "nomepai": "father name", "razaosocial": "company name",
    "nomefantasia": "company name", "mae": "mother", "pai": "father", "contato": "contact", "contatos": "contact", "colaborador": "employee", "colaboradores": "employee", "funcionaria": "employee",
    "servidor": "server", "associado": "member", "hospede": "guest", "motorista": "driver", "destinatario": "recipient", "remetente": "sender", "beneficiario": "beneficiary", "conjuge": "spouse",
    "filho": "child", "filhos": "child", "medico": "physician", "professor": "teacher", "alunos": "student", "vendedor": "seller", "responsavel": "guardian", "titular": "holder", "candidato": "candidate",
    "fornecedor": "supplier", "fornecedores": "supplier", "apelido": "nick name", "enderecos": "address", "complemento": "address line",
    "municipio": "city", "uf": "province", "distrito": "district", "codigopostal": "zip", "cep": "zip", "referencia": "reference", "fone": "phone", "celular": "mobile", "ddd": "phone", "telefones": "phone",
    "correio": "email", "correioeletronico": "email", "chave": "key", "segredo": "secret", "palavrachave": "keyword", "datanascimento": "birth date", "dtnascimento": "birth date", "dtnasc": "birth date", "nasc": "birth",
    "datanasc": "birth date", "naturalidade": "birth place", "idade": "age", "genero": "gender", "raca": "ethnicity", "etnia": "ethnicity", "religiao": "religion", "escolaridade": "education level",
    "contabancaria": "bank account", "numeroconta": "bank account number", "banco": "bank", "chavepix": "bank account", "pix": "bank account", "numerocartao": "card number", "validade": "expire", "salario": "salary", "remuneracao": "salary",
    "renda": "income", "comissao": "commission", "documento": "document", "numerodocumento": "national id", "cpfcnpj": "tax number", "identidade": "identity card", "nif": "tax number", "niss": "ssn", "ctps": "ssn", "pispasep": "ssn", "cns": "health card",
    "cnh": "driver license", "tituloeleitor": "voter id", "placa": "license plate", "medicamento": "medication", "remedio": "medication", "sintoma": "symptom", "sintomas": "symptom", "tratamento": "treatment", "tiposanguineo": "blood type",
    "gravidez": "pregnancy", "deficiencia": "disability", "vacina": "vaccination", "alergias": "allergy", "laudo": "diagnosis", "nota": "note", "notas": "note", "anotacao": "note", "anotacoes": "note", "detalhe": "detail", "detalhes": "detail",
    "motivo": "reason", "corpo": "body", "resposta": "answer", "pergunta": "question", "comentario": "comment", "historico": "history", "parecer": "note", "justificativa": "reason", "empresa": "company", "marca": "brand", "categoria": "category", "moeda": "currency",
    "idioma": "language", "desconto": "discount", "imposto": "tax", "criado": "created", "atualizado": "updated", "excluido": "deleted", "ativo": "active", "tipo": "type", "arquivo": "file", "titulo": "title", "imagem": "image", "foto": "photo",
    "assinatura": "signature", "configuracao": "setting", "configuracoes": "setting", "parametro": "parameter", "hora": "time", "inicio": "start", "dia": "day", "mes": "month", "ano": "year", "estoque": "stock", "loja": "store", "situacao": "status",
    "sessao": "session", "anexo": "attachment", "anexos": "attachment", "qtd": "quantity", "permissao": "permission", "permissoes": "permission", "matricula": "registration number",
    "defeito": "finding", "solucao": "resolution", "emitente": "company",
}  # fmt: skip

_ITALIAN = {
    "cognome": "last name", "nominativo": "full name", "nomecognome": "full name", "soprannome": "nick name", "utente": "user", "utenti": "user", "clienti": "customer", "dipendente": "employee", "dipendenti": "employee",
    "persone": "person", "paziente": "patient", "pazienti": "patient", "studente": "student", "studenti": "student", "medico": "physician", "socio": "member", "soci": "member", "autista": "driver", "indirizzo": "address", "citta": "city",
    "civico": "house number", "comune": "city", "regione": "region", "cellulare": "mobile", "posta": "email", "pec": "email", "codicefiscale": "fiscal code", "fiscale": "fiscal", "partitaiva": "vat number",
    "piva": "vat number", "datanascita": "birth date", "nascita": "birth", "luogonascita": "birth place", "sesso": "gender", "cittadinanza": "nationality", "stipendio": "salary", "reddito": "income", "carta": "card", "conto": "account", "targa": "license plate",
    "patente": "driver license", "passaporto": "passport", "documento": "document", "malattia": "disease", "diagnosi": "diagnosis", "farmaco": "medication", "commento": "comment", "messaggio": "message", "descrizione": "description", "testo": "text",
    "oggetto": "subject", "prodotto": "product", "prodotti": "product", "ordine": "order", "ordini": "order", "fattura": "invoice", "prezzo": "price", "quantita": "quantity", "azienda": "company", "ragionesociale": "company name", "fornitore": "supplier",
    "valuta": "currency", "lingua": "language", "stato": "status", "creato": "created", "codice": "code", "parola": "word", "chiave": "key",
}  # fmt: skip

_DUTCH = {
    "voornaam": "first name", "achternaam": "last name", "tussenvoegsel": "middle name", "voorletters": "initial", "roepnaam": "first name", "naam": "name", "gebruiker": "user", "gebruikers": "user", "gebruikersnaam": "username", "klant": "customer", "klanten": "customer",
    "medewerker": "employee", "medewerkers": "employee", "werknemer": "employee", "persoon": "person", "leden": "member", "patienten": "patient", "huisarts": "physician name", "straat": "street", "straatnaam": "street", "huisnummer": "house number", "postcode": "zip",
    "woonplaats": "city", "plaats": "city", "adres": "address", "telefoon": "phone", "telefoonnummer": "phone", "mobiel": "mobile", "wachtwoord": "password", "sleutel": "key", "geboortedatum": "birth date", "geboorteplaats": "birth place", "geboren": "born",
    "geslacht": "gender", "nationaliteit": "nationality", "burgerservicenummer": "national id", "rekeningnummer": "bank account number", "rekening": "account", "salaris": "salary", "inkomen": "income", "rijbewijs": "driver license", "paspoort": "passport", "kenteken": "license plate",
    "opmerking": "note", "opmerkingen": "note", "bericht": "message", "berichten": "message", "toelichting": "note", "omschrijving": "description", "onderwerp": "subject", "bestelling": "order", "factuur": "invoice", "prijs": "price", "aantal": "quantity", "bedrijf": "company", "waarde": "value",
    "medicatie": "medication", "ziekte": "disease",
}  # fmt: skip

_POLISH_AND_NORDIC = {
    "imie": "first name", "nazwisko": "last name", "uzytkownik": "user", "klient": "customer", "pracownik": "employee", "pacjent": "patient", "haslo": "password", "ulica": "street", "miasto": "city", "kodpocztowy": "zip",
    "adres": "address", "numertelefonu": "phone", "plec": "gender", "dataurodzenia": "birth date", "wynagrodzenie": "salary", "uwagi": "note", "wiadomosc": "message", "nazwa": "name", "komentarz": "comment",
    "fornamn": "first name", "efternamn": "last name", "fornavn": "first name", "etternavn": "last name", "efternavn": "last name", "personnummer": "national id", "fodselsnummer": "national id", "foedselsdato": "birth date",
    "fodelsedatum": "birth date", "gatuadress": "street", "postnummer": "zip", "postnr": "zip", "mobilnr": "mobile", "telefonnr": "phone", "losenord": "password", "adgangskode": "password", "passord": "password",
    "cprnr": "national id", "cpr": "national id", "kjonn": "gender", "anvandare": "user", "bruker": "user", "brukernavn": "username", "anstalld": "employee", "kund": "customer",
}  # fmt: skip

# Later languages do not override earlier ones: where two disagree, the one with more databases speaks.
LANGUAGES: tuple[dict[str, str], ...] = (_GERMAN, _FRENCH, _SPANISH, _PORTUGUESE, _ITALIAN, _DUTCH, _POLISH_AND_NORDIC)
