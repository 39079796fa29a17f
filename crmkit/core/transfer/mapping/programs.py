"""Programs that files come from: how they are recognised, and what their columns mean where `words` is not enough.

A title counts by its letters and digits. `known by` are titles of which a file has all that stand in one line, and
`begins` words before a hyphen that titles begin with; `id` are titles of its own ids, and `id begins` says how those
do; `as` names a program that has the same titles. A field is that of `words`, with `company.domain` for one of a
related record, `custom` for what is none though its title looks like one, and `left out` for what is no data. A field
behind `/` belongs to one of several addresses: of these the first that a row has is taken whole.
"""

PROGRAMS = """
zoho
    known by: record id; contact owner.id
    known by: record id; account owner.id
    known by: record id; deal owner.id
    known by: record id; lead owner.id
    known by: contact id; contact owner.id
    known by: deal id; deal owner.id
    known by: account id; account owner.id
    known by: record id; account name.id
    known by: record id; contact name.id
    known by: record id; parent account.id
    known by: record id; closing date
    id begins: zcrm_
    id: record id; contact id; account id; deal id; lead id; task id; case id
    company.source_id: account name.id; company name.id
    contact.source_id: contact name.id
    company: account name; company name
    tags: tag
    notes: description
    job_title: title; designation
    address /mailing: mailing street
    city /mailing: mailing city
    region /mailing: mailing state; mailing province
    postal_code /mailing: mailing zip; mailing code; mailing postal code
    country /mailing: mailing country
    address /other: other street
    city /other: other city
    region /other: other state
    postal_code /other: other zip
    country /other: other country
    address /billing: billing street
    city /billing: billing city
    region /billing: billing state
    postal_code /billing: billing code
    country /billing: billing country
hubspot
    known by: record id; lifecycle stage
    known by: record id; contact owner
    known by: record id; marketing contact status
    known by: record id; company owner
    known by: record id; deal stage
    known by: record id; deal owner
    known by: record id; ticket owner
    known by: record id; ticket status
    known by: record id; create date
    known by: id de registro; propietario del contacto
    known by: id de registro; propietario de la empresa
    known by: id de registro; etapa del negocio
    known by: datensatz-id; zustandiger mitarbeiter fur kontakt
    known by: datensatz-id; lifecycle-phase
    known by: datensatz-id; deal-phase
    known by: id de fiche d'informations; proprietaire du contact
    id: record id; record id - contact; record id - company; record id - deal; id de registro; datensatz-id
    id: id de fiche d'informations
    company: associated company; associated company (primary); associated company names
    company: associated company names (primary); primary associated company; unternehmensname; nombre de la empresa
    company: nom de l'entreprise
    company.source_id: associated company ids; associated company ids (primary); primary associated company id
    contact: associated contact; associated contact (primary); associated contacts
    contact.source_id: associated contact ids; associated contact ids (primary)
    stage: lifecycle-phase; deal-phase; etapa del ciclo de vida; etapa del negocio; phase du cycle de vie; dealstage
    owner: zustandiger mitarbeiter fur kontakt; zustandiger mitarbeiter fur unternehmen
    owner: zustandiger mitarbeiter fur deal; propietario del contacto; propietario de la empresa
    owner: propietario del negocio; proprietaire du contact; ticket owner
    *: deal name; deal-name; nombre del negocio; ticket name; ticketname; task title
    body: ticket description
    notes: associated note
    custom: lead status; estado del lead; lead-status
salesforce
    known by: salutation; account owner
    known by: salutation; account name
    known by: mailing state/province
    known by: mailing zip/postal code
    known by: billing state/province
    known by: billing zip/postal code; account name
    known by: opportunity name
    known by: opportunity owner
    known by: contact id; account id
    known by: case number; account name
    known by: id; accountid
    known by: id; ownerid; createdbyid
    known by: anrede; accountname
    id: contact id; lead id; opportunity id; account id; case id; case number; task id; id; kontakt-id
    company: account name; company / account; accountname
    owner: account owner; opportunity owner; lead owner; case owner; contact owner
    *: opportunity name
    address /mailing: mailing street; mailing address line 1; mailingstreet
    city /mailing: mailing city; mailingcity
    region /mailing: mailing state; mailing state/province; mailingstate
    postal_code /mailing: mailing zip/postal code; mailingpostalcode
    country /mailing: mailing country; mailingcountry
    address /other: other street; otherstreet
    city /other: other city; othercity
    region /other: other state/province; otherstate
    postal_code /other: other zip/postal code; otherpostalcode
    country /other: other country; othercountry
    address /billing: billing street; billingstreet
    city /billing: billing city; billingcity
    region /billing: billing state/province; billingstate
    postal_code /billing: billing zip/postal code; billingpostalcode
    country /billing: billing country; billingcountry
pipedrive
    begins: person; organization; organisation; deal; lead; activity; personne; persona; pessoa; organizacion
    begins: aktivitat
    id: id; pipedrive system id; system id
    company: organization; organisation; organizacion; organizacao
    contact: contact person; kontaktperson
    phone: phone; telefon
    notes: note
    city: address - city/town/village/locality of address; city/town/village/locality of address
    region: address - state/county of address; state/county of address
    postal_code: address - zip/postal code of address; zip/postal code of address
    country: address - country of address; country of address
    done: done
    due_at occurred_at: due date
    custom: marketing status
google
    known by: e-mail 1 - value
    known by: phone 1 - value
    known by: given name; group membership
    known by: organization name; file as
    company: organization name; organization 1 - name
    job_title: organization title; organization 1 - title
    email: e-mail 1 - value; e-mail 2 - value; e-mail 3 - value; e-mail 4 - value; e-mail 5 - value
    phone: phone 1 - value; phone 2 - value; phone 3 - value; phone 4 - value; phone 5 - value
    website: website 1 - value
    address /1: address 1 - street
    address + /1: address 1 - extended address
    city /1: address 1 - city
    region /1: address 1 - region
    postal_code /1: address 1 - postal code
    country /1: address 1 - country
    address /2: address 2 - street
    address + /2: address 2 - extended address
    city /2: address 2 - city
    region /2: address 2 - region
    postal_code /2: address 2 - postal code
    country /2: address 2 - country
    custom: priority; subject; location; language; occupation
vcard
    as: google
    id: uid
    left out: photo; logo; prodid; version; rev
outlook
    known by: e-mail address; e-mail type
    known by: e-mail display name
    known by: business street; home street
    known by: e-mail-adresse; e-mail-typ
    known by: strasse geschaftlich; ort geschaftlich
    known by: rue (bureau); ville (bureau)
    known by: calle del trabajo; ciudad de trabajo
    email: e-mail 2 address; e-mail 3 address; e-mail 2: adresse; e-mail 3: adresse
    phone: business phone; business phone 2; mobile phone; home phone; home phone 2; primary phone; other phone
    address /business: business street; strasse geschaftlich; rue (bureau); calle del trabajo
    address + /business: business street 2; business street 3; strasse geschaftlich 2; strasse geschaftlich 3
    city /business: business city; ort geschaftlich; ville (bureau); ciudad de trabajo
    region /business: business state; region geschaftlich; bundesland/kanton geschaftlich; dep/region (bureau)
    region /business: provincia o estado de trabajo
    postal_code /business: business postal code; postleitzahl geschaftlich; code postal (bureau)
    postal_code /business: codigo postal del trabajo
    country /business: business country/region; business country; land/region geschaftlich; pays/region (bureau)
    country /business: pais o region del trabajo
    address /home: home street; strasse privat; rue (domicile); calle del domicilio particular
    address + /home: home street 2; home street 3; strasse privat 2; strasse privat 3
    city /home: home city; ort privat; ville (domicile); ciudad de residencia
    region /home: home state; bundesland/kanton privat; dep/region (domicile)
    postal_code /home: home postal code; postleitzahl privat; code postal (domicile)
    country /home: home country/region; home country; land/region privat; pays/region (domicile)
    custom: title; anrede; titre; tratamiento; priority; prioritat; priorite; prioridad; sensitivity; location
    custom: language; profession
linkedin
    known by: first name; last name; connected on
    website: url; profile url
mailchimp
    known by: member_rating; optin_time
    known by: leid; euid
    known by: optin_time; confirm_time
    id: euid
    country: cc
    rating: member_rating
    custom: birthday
"""
