"""Header rows as programs write them, each title with what it is for."""

# program and kind, then titles
OF_PROGRAMS = """
hubspot contact
    Record ID=source_id, First Name=first_name, Last Name=last_name, Email=email, Phone Number=phone,
    Contact owner=owner, Lead Status=custom."Lead Status", Lifecycle Stage=stage, Associated Company=company,
    Associated Company IDs (Primary)=company.source_id, Company Name=company, Website URL=website, City=city,
    State/Region=region, Postal Code=postal_code, Job Title=job_title, Time Zone=timezone
hubspot contact
    ID de registro=source_id, Nombre=first_name, Apellidos=last_name, Correo=email, Cargo=job_title, Ciudad=city,
    País/región=country, Número de teléfono=phone, Propietario del contacto=owner,
    Estado del lead=custom."Estado del lead", Associated Company IDs (Primary)=company.source_id
hubspot deal
    Record ID=source_id, Deal Name=title, Pipeline=custom.Pipeline, Deal Stage=stage, Amount=amount_cents,
    Close Date=close_date, Deal owner=owner, Associated Company (Primary)=company,
    Associated Contact IDs=contact.source_id, Associated Contact=contact, Deal probability=probability
hubspot company
    Record ID=source_id, Company name=name, Company Domain Name=domain, Company owner=owner, City=city,
    Industry=industry, Country/Region=country, Number of Employees=employees, Website URL=website
hubspot ticket
    Record ID=source_id, Ticket name=subject, Ticket description=body, Priority=priority, Ticket owner=owner
salesforce contact
    Salutation=custom.Salutation, First Name=first_name, Last Name=last_name, Title=job_title, Account Name=company,
    Mailing Street=address, Mailing City=city, Mailing State/Province=region, Mailing Zip/Postal Code=postal_code,
    Mailing Country=country, Phone=phone, Mobile=phone, Fax=custom.Fax, Email=email, Account Owner=owner,
    Contact ID=source_id, Account ID=company.source_id, Lead Source=source
salesforce contact
    Id=source_id, AccountId=company.source_id, LastName=last_name, FirstName=first_name, MailingStreet=address,
    MailingPostalCode=postal_code, Phone=phone, Email=email, OwnerId=custom.OwnerId
salesforce deal
    Opportunity Owner=owner, Account Name=company, Opportunity Name=title, Stage=stage, Amount=amount_cents,
    Close Date=close_date, Probability (%)=probability, Lead Source=source, Opportunity ID=source_id
salesforce company
    Account ID=source_id, Account Name=name, Billing Street=address, Billing City=city,
    Billing State/Province=region, Billing Zip/Postal Code=postal_code, Billing Country=country, Website=website,
    Industry=industry, Account Owner=owner
pipedrive contact
    Person - ID=source_id, Person - Name=name, Person - First name=first_name, Person - Organization=company,
    Person - Email - Work=email, Person - Phone - Mobile=phone, Person - Label=tags, Person - Owner=owner,
    Person - Marketing status=custom."Person - Marketing status", Person - Pipedrive System ID=source_id
pipedrive contact
    Person - Vorname=first_name, Person - Nachname=last_name, Person - Telefon - Büro=phone,
    Person - E-Mail-Adresse - Büro=email, Person - E-Mail-Adresse - Privat=email, Person - Organisation=company,
    Organisation - Website=company.website
pipedrive deal
    Deal - ID=source_id, Deal - Title=title, Deal - Value=amount_cents, Deal - Currency of Value=currency,
    Deal - Organization=company, Deal - Contact person=contact, Deal - Expected close date=close_date,
    Deal - Owner=owner, Deal - Stage=stage, Deal - Status=status, Deal - Lost reason=lost_reason,
    Deal - Probability=probability, Deal - Label=tags, Organization - Name=company,
    Organization - ID=company.source_id, Person - Email=contact.email
pipedrive company
    Organization - ID=source_id, Organization - Name=name, Organization - Address=address,
    Organization - Owner=owner
pipedrive task
    Activity - Subject=title, Activity - Due date=due_at, Activity - Done=done, Activity - Note=notes,
    Activity - Assigned to user=owner, Activity - ID=source_id
pipedrive activity
    Activity - Subject=body, Activity - Due date=occurred_at, Activity - Type=kind, Activity - Note=body,
    Activity - Done=
zoho contact
    Record Id=source_id, Contact Owner.id=custom."Contact Owner.id", Contact Owner=owner, Lead Source=source,
    First Name=first_name, Last Name=last_name, Account Name.id=company.source_id, Account Name=company, Email=email,
    Title=job_title, Phone=phone, Mobile=phone, Mailing Street=address, Mailing City=city, Mailing Zip=postal_code,
    Other City=city, Description=notes, Tag=tags
zoho deal
    Record Id=source_id, Deal Owner.id=custom."Deal Owner.id", Deal Owner=owner, Deal Name=title,
    Account Name.id=company.source_id, Account Name=company, Contact Name=contact, Contact Name.id=contact.source_id,
    Closing Date=close_date, Amount=amount_cents
google contact
    Name=name, Given Name=first_name, Family Name=last_name, Birthday=custom.Birthday, Notes=notes,
    Group Membership=tags, E-mail 1 - Type=custom."E-mail 1 - Type", E-mail 1 - Value=email, E-mail 2 - Value=email,
    Phone 1 - Value=phone, Address 1 - Street=address, Address 1 - City=city, Address 2 - City=city,
    Organization 1 - Name=company, Organization 1 - Title=job_title, Website 1 - Value=website,
    Occupation=custom.Occupation, Priority=custom.Priority
google contact
    First Name=first_name, Organization Name=company, Organization Title=job_title,
    Organization Department=custom."Organization Department", File As=custom."File As", Labels=tags,
    E-mail 1 - Value=email
outlook contact
    Title=custom.Title, First Name=first_name, Company=company, Job Title=job_title, Business Street=address,
    Business Street 2=address, Business Country/Region=country, Home Street=address, Business Phone=phone,
    Mobile Phone=phone, Categories=tags, E-mail Address=email, E-mail Type=custom."E-mail Type",
    E-mail 2 Address=email, Notes=notes, Priority=custom.Priority, Web Page=website,
    Business Fax=custom."Business Fax"
outlook contact
    Anrede=custom.Anrede, Vorname=first_name, Nachname=last_name, Firma=company, Position=job_title,
    Straße geschäftlich=address, Ort geschäftlich=city, Postleitzahl geschäftlich=postal_code,
    Land/Region geschäftlich=country, Telefon geschäftlich=phone, Mobiltelefon=phone, E-Mail-Adresse=email,
    E-Mail-Typ=custom.E-Mail-Typ, Kategorien=tags, Notizen=notes, Webseite=website
linkedin contact
    First Name=first_name, Last Name=last_name, URL=website, Email Address=email, Company=company,
    Position=job_title, Connected On=custom."Connected On"
mailchimp contact
    Email Address=email, First Name=first_name, MEMBER_RATING=rating, OPTIN_TIME=custom.OPTIN_TIME,
    LATITUDE=latitude, CC=country, REGION=region, TIMEZONE=timezone, LEID=custom.LEID, EUID=source_id, NOTES=notes,
    TAGS=tags
"""

# kind, then titles that are of no program in particular
OTHERS = """
contact
    Full Name=name, E-Mail=email, Mobile=phone, Organisation=company, Role=job_title, Notes=notes, Tags=tags
contact
    Vorname=first_name, Name=last_name, Straße=address, PLZ=postal_code, Ort=city, Land=country, Handy=phone
contact
    Prénom=first_name, Nom=last_name, Société=company, Fonction=job_title, Téléphone=phone, Code postal=postal_code
contact
    Nom=name, Courriel=email, Entreprise=company, Étiquettes=tags
contact
    Nombre=first_name, Apellidos=last_name, Correo electrónico=email, Empresa=company, Móvil=phone, País=country
contact
    Nome=first_name, Cognome=last_name, Azienda=company, Città=city, CAP=postal_code, Telefono=phone
contact
    Voornaam=first_name, Achternaam=last_name, Bedrijf=company, Functie=job_title, Plaats=city
contact
    Imię=first_name, Nazwisko=last_name, Firma=company, Miasto=city, Kraj=country
contact
    Имя=first_name, Фамилия=last_name, Компания=company, Телефон=phone, Город=city
contact
    姓=last_name, 名=first_name, 会社名=company, メールアドレス=email, 電話番号=phone
contact
    Ad=first_name, Soyad=last_name, Org=company, Şehir=city
contact
    Adı=first_name, Soyadı=last_name
contact
    Name=name, Ad=custom.Ad
contact
    名字=first_name, 姓氏=last_name, 手机=phone, 邮箱=email
contact
    이름=first_name, 성=last_name, 전화번호=phone
contact
    الاسم الأول=first_name, اسم العائلة=last_name, البريد الإلكتروني=email, رقم الهاتف=phone, الشركة=company,
    المدينة=city, الدولة=country, ملاحظات=notes
contact
    الاسم=name, العنوان=address
contact
    code=code, Code=custom.Code, Company Domain=company.domain,
    Company=company, Company Size=custom."Company Size", Score=custom.Score
company
    Firma=name, Branche=industry, Mitarbeiter=employees, Webseite=website, Domain=domain
deal
    Opportunity=title, Betrag=amount_cents, Währung=currency, Kontakt=contact, Firma=company
task
    Aufgabe=title, Fällig=due_at, Erledigt=done, Zuständig=owner
ticket
    Betreff=subject, Status=status, Description=body, Contact Email=contact.email
deal
    Deal name=title, Value=amount_cents, Email=contact.email, Contact name=contact, Domain=company.domain
activity
    Date=occurred_at, Type=kind, Notes=body, Duration (minutes)=duration_minutes, contact_id=contact_id, Room=
activity
    Note=body, Email=contact_id, Contact=, Company=company_id, Deal name=deal_id
activity
    at=occurred_at, Subject=body, Contact email=contact_id, Duration=duration_minutes,
    Assigned to=on_behalf_of
conversion
    Email=contact.email, Platform=platform, Value=value_cents, Currency=currency
"""
