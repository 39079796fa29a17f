"""What columns are called: by field, its titles in English and in other languages.

A title counts by its letters and digits alone, without case and accents. Of several fields before a colon, the first
that a kind has is meant; `*` is the field that its records are known by. What has a `+` goes behind what is there. In
columns of `status=WORD` stand yes and no.
"""

# what records of a kind are called, so that `Company Name` and `Deal owner` are understood
KINDS = """
    contact: contact; person; people; lead; kontakt; ansprechpartner; contacto; personne; persona; pessoa; contato
    contact: contatto; contactpersoon; contact person; kontaktperson; personne de contact; persona de contacto; 担当者
    contact: 联系人
    company: company; organization; organisation; account; business; employer; firma; unternehmen; firmenname; societe
    company: entreprise; empresa; azienda; societa; bedrijf; organisatie; organizacion; organizacao; cuenta; compania
    company: foretag; yritys; ceg; sirket; spolecnost; virksomhed; bedrift; компания; организация; 会社; 会社名; 公司
    company: 회사; business name; org; الشركة; اسم الشركة
    deal: deal; opportunity; potential; geschaft; verkaufschance; affaire; opportunite; negocio; oportunidad
    deal: oportunidade
    task: task; to do; todo; activity; aktivitat; aufgabe; tache; tarea; tarefa
    ticket: ticket; case; issue; anfrage; vorgang; incident
    campaign: campaign; kampagne; campagne; campana; campanha
"""

FIELDS = """
    first_name *: first name; given name; forename; vorname; prenom; nombre; nome; voornaam; imie; keresztnev; fornamn
    first_name *: fornavn
    first_name: etunimi; jmeno; имя; 名; 名字; 이름; fname; first; الاسم الاول; الاسم الأول
    last_name: last name; family name; surname; nachname; familienname; zuname; nom de famille; apellido; apellidos
    last_name: cognome; sobrenome; achternaam; nazwisko; vezeteknev; soyadi; soyad; efternamn; etternavn; sukunimi
    last_name: prijmeni; фамилия; 姓; 姓氏; 성; lname; last; اسم العائلة; اللقب
    *: name; full name; display name; vollstandiger name; vor- und nachname; nom; nom complet; nombre completo
    *: nome completo; volledige naam; naam; nev; nimi; namn; navn; имя и фамилия; 名前; 氏名; 姓名
    *: 名称; الاسم; الاسم الكامل; ad soyad; adi soyadi
    * body: subject; betreff; objet; asunto; assunto; oggetto; onderwerp; 件名
    email: email; e-mail; mail; email address; e-mail address; primary email; work email; business email; email work
    email: email 1; email home; email other; personal email; home email; other email; secondary email; email 2
    email: e-mail 2 address; e-mail 3 address; e-mail-adresse; mailadresse; email adresse; adresse email
    email: adresse e-mail; adresse mail; courriel; adresse de messagerie; correo; correo electronico
    email: direccion de correo electronico; endereco de email; indirizzo email; indirizzo di posta elettronica
    email: emailadres; e-mailadres; adres e-mail; e-postadress; e-post; sahkoposti; eposta; электронная почта
    email: 电子邮箱; 邮箱; 이메일 주소; البريد الإلكتروني; البريد
    email: メールアドレス; 电子邮件; 이메일; email business; email personal; e-mail-adresse buro
    email: e-mail-adresse privat; e-mail-adresse sonstiger; e-mail geschaftlich; e-mail privat
    phone: phone; phone number; telephone; telephone number; tel; primary phone; work phone; business phone
    phone: business phone 2; direct phone; direct line; office phone; mobile; mobile phone; mobile phone number
    phone: mobile number; cell; cell phone; cellphone; home phone; home phone 2; other phone; phone 1; phone 2
    phone: phone work; phone mobile; phone home; phone other; telefon; telefonnummer; telefon geschaftlich
    phone: telefon privat; telefon mobil; mobil; mobiltelefon; handy; mobilnummer; telefon buro; telefon sonstiger
    phone: telefono; telefono movil; numero de telefono; telefono del trabajo; movil; celular; telefone; telemovel
    phone: numero de telephone; telephone bureau; telephone domicile; tel mobile; telephone portable; portable
    phone: cellulare; telefoon; telefoonnummer; mobiele telefoon; numer telefonu; telefonszam; puhelin; телефон
    phone: 電話番号; 电话; 手机; 전화; 전화번호; 휴대폰; الهاتف; رقم الهاتف; الجوال; رقم الجوال
    title subject: titel; titre; titulo; titolo
    job_title *: title
    job_title: job title; position; role; job; occupation; funktion; stellung; berufsbezeichnung; jobtitel; poste
    job_title: fonction; intitule du poste; profession; puesto; cargo; qualifica; posizione; functie; functietitel
    job_title: stanowisko; beosztas; должность; 役職; 职位; 직책; المسمى الوظيفي; designation; contact title
    address: address; street; street address; address 1; address line 1; mailing street; mailing address
    address: business street; strasse; anschrift; adresse; strasse und hausnummer; strasse geschaftlich; rue
    address: rue bureau; direccion; calle; calle del trabajo; endereco; rua; indirizzo; via; straat; adres; ulica; cim
    address: адрес; 住所; 地址; 주소; العنوان
    address +: address 2; address line 2; street 2; business street 2; business street 3; adresszusatz
    address +: complement d'adresse
    city: city; town; mailing city; business city; ort; stadt; wohnort; ort geschaftlich; ville; ville bureau; ciudad
    city: ciudad de trabajo; cidade; citta; plaats; stad; miasto; varos; город; 市区町村; 城市; 도시; المدينة; sehir
    region: region; state; province; state/region; state/province; county; mailing state; mailing state/province
    region: business state; bundesland; kanton; region geschaftlich; departement; dep/region bureau; provincia
    region: provincia o estado; estado; regione; provincie; wojewodztwo; регион; 都道府県; 省
    postal_code: postal code; zip; zip code; zip/postal code; postcode; mailing zip; mailing zip/postal code
    postal_code: mailing postal code; business postal code; plz; postleitzahl; postleitzahl geschaftlich; code postal
    postal_code: code postal bureau; codigo postal; codigo postal del trabajo; cep; cap; kod pocztowy; iranyitoszam
    postal_code: почтовый индекс; 郵便番号; 邮编; 우편번호; الرمز البريدي; posta kodu
    country: country; country/region; mailing country; business country/region; business country; country code; land
    country: land/region; land/region geschaftlich; pays; pays/region; pays/region bureau; pais; pais/region
    country: pais o region del trabajo; paese; kraj; orszag; страна; 国; 国家; 국가; الدولة; البلد; ulke
    latitude: latitude; lat; breitengrad; latitud
    longitude: longitude; lng; lon; langengrad; longitud
    timezone: timezone; time zone; zeitzone; fuseau horaire; zona horaria
    website: website; web site; web page; url; website url; homepage; webseite; internetseite; site web; page web
    website: sitio web; pagina web; sito web; strona www; сайт; ウェブサイト; 网站; linkedin url; profile url
    website: الموقع الإلكتروني
    domain: domain; company domain; domain name; company domain name; website domain; domaine; dominio
    owner on_behalf_of: owner; contact owner; company owner; assigned to; assigned; assigned to user; assignee
    owner on_behalf_of: record owner; account manager
    owner on_behalf_of: sales rep; zustandig; zustandiger; inhaber; besitzer; verantwortlich; verantwortlicher
    owner on_behalf_of: proprietaire
    owner on_behalf_of: responsable; propietario; proprietario; responsabile; eigenaar; wlasciciel; ответственный; 担当
    owner on_behalf_of: 负责人
    stage: stage; stage name; lifecycle stage; pipeline stage; deal stage; phase; etape; etapa; fase
    status done: status; statut; stato; deal status; ticket status; task status
    status: estado
    source: source; lead source; original source; quelle; lead-quelle; provenance; origine; fuente; origen; origem
    source: bron; источник
    source_id: external id; externe id; source id
    priority: priority; prioritat; priorite; prioridad; prioridade; priorita; prioriteit
    rating: rating; bewertung
    tags: tags; tag; labels; label; categories; category; groups; group membership; kategorien; kategorie; schlagworte
    tags: etiketten; etiquettes; etiquette; etiquetas; categorias; categoria; etichette; метки; タグ; 标签; 태그; 分類
    notes body: notes; note; comments; comment; notizen; notiz; bemerkung; bemerkungen; anmerkungen; kommentar
    notes body: remarques; commentaire; commentaires; notas; observaciones; observacoes; comentarios; note personali
    notes body: ملاحظات; notlar
    notes body: opmerkingen; notities; notatki; megjegyzes; заметки; メモ; 备注; 메모; remarks
    description body notes: description; beschreibung; descripcion; descricao; descrizione; beschrijving; details
    industry: industry; branche; industrie; secteur; secteur d'activite; sector; industria; setor; settore
    industry: bedrijfstak; отрасль
    employees: number of employees; no of employees; employee count; employees; anzahl mitarbeiter; mitarbeiter
    employees: mitarbeiterzahl; nombre d'employes; effectif; numero de empleados; empleados; numero dipendenti
    amount_cents value_cents: amount; value; deal value; deal amount; betrag; wert; montant; valeur; importe; valor
    amount_cents value_cents: importo; valore; bedrag; waarde; kwota; сумма; 金額; 金额; annual contract value
    estimated_cents: estimated value; estimated amount; potential value
    actual_cents: actual value; actual amount
    currency: currency; currency code; amount currency; deal currency; currency of value; wahrung; devise; moneda
    currency: moeda; valuta; waluta; валюта; 通貨; 货币; 통화
    probability: probability; win probability; wahrscheinlichkeit; probabilite; probabilidad; probabilidade
    probability: probabilita
    close_date closed_at: close date; closing date; date de cloture; fecha de cierre
    close_date: expected close date; expected close; estimated close date; abschlussdatum
    close_date: erwartetes abschlussdatum; date de cloture prevue
    close_date: fecha de cierre prevista; data de fechamento; data di chiusura; sluitingsdatum
    closed_at done_at: closed date; closed at; closed on; closed time; date closed; date/time closed
    closed_at done_at: actual close date; geschlossen am; abgeschlossen am; erledigt am; ferme le; cloture le
    closed_at done_at: cerrado el
    closed_at: closed; won time; lost time; won at; lost at; won date; lost date; deal closed on; resolved; resolved at
    closed_at: resolved date; resolution date; date resolved; solved at; solved; gelost am
    done_at: done at; done time; done date; completed at; completed date; completion date; completed time
    done_at: date completed; completed on; finished at; marked as done time; termine le; completado el
    status=closed: isclosed; is closed
    status=won: iswon; is won
    lost_reason: lost reason; loss reason; reason lost; closed lost reason; verlustgrund; raison de la perte
    lost_reason: motivo de perdida
    due_at: due date; due; due at; deadline; fallig; falligkeit; fallig am; falligkeitsdatum; echeance
    due_at: date d'echeance; fecha de vencimiento; vencimiento; data de vencimento; scadenza; vervaldatum; срок; 期日
    due_at: 截止日期
    done: done; completed; is completed; complete; closed; is closed; erledigt; termine; terminee; completada; hecho
    done: concluida; completato; gereed
    starts_on: start date; starts on; start; startdatum; date de debut; fecha de inicio
    ends_on: end date; ends on; end; enddatum; date de fin; fecha de fin
    occurred_at: at; when; date and time; التاريخ
    occurred_at: date; activity date; occurred at; time; timestamp; datum; zeit; fecha; data; 日付
    outcome: outcome; result; call outcome; ergebnis; resultat; resultado
    duration_minutes: duration; duration minutes; duration in minutes; call duration (hh:mm:ss); meeting duration
    duration_minutes: length
    duration_minutes: dauer; dauer minuten; duree; duracion; durata; duracao; duur
    kind: type; activity type; kind; art; typ
    follow_up_at: follow up; follow up date; next follow up; next step date; wiedervorlage; relance; seguimiento
"""

# words for a kind that begin other titles too
NO_START = {"business", "employer", "people", "issue", "todo", "case"}
# part of a name beside one of these, where it is a full name, or nothing, without
NAME_BESIDE = {
    "nom": ("last_name", ("prenom",)),
    "name": ("last_name", ("vorname",)),
    "naam": ("last_name", ("voornaam",)),
    "ad": ("first_name", ("soyad", "soyadi")),
    "adi": ("first_name", ("soyad", "soyadi")),
}
