"""The types of fields: which values are valid, and how they are stored, compared and described.

A record's annotation names the type of each field. `says` describes its values in one phrase, which the manual's field
table, OpenAPI and the error of a wrong value share. A new type is one class here; `render` decides how values look.
"""

from crmkit.model.cells import MAX_INTEGER
from crmkit.model.fields.addresses import Domain, Email, Website
from crmkit.model.fields.base import BadReference, FieldType, Invalid, Span
from crmkit.model.fields.choices import Choice, Currency, Flag
from crmkit.model.fields.custom import PLAIN_KEY, Custom
from crmkit.model.fields.keys import Key, KeyForm, KeyForms
from crmkit.model.fields.link import Link, LinkToAny
from crmkit.model.fields.moments import Date, Repeat, Time
from crmkit.model.fields.numbers import MAX_EXACT, Integer, Minutes, Number
from crmkit.model.fields.places import Country, Language, Location, Timezone
from crmkit.model.fields.tags import Addresses, Tags
from crmkit.model.fields.terms import Handle, Json, Word
from crmkit.model.fields.text import Identifier, LongText, Phone, Text

__all__ = [
    "MAX_EXACT",
    "MAX_INTEGER",
    "PLAIN_KEY",
    "Addresses",
    "BadReference",
    "Choice",
    "Country",
    "Currency",
    "Custom",
    "Date",
    "Domain",
    "Email",
    "FieldType",
    "Flag",
    "Handle",
    "Identifier",
    "Integer",
    "Invalid",
    "Json",
    "Key",
    "KeyForm",
    "KeyForms",
    "Language",
    "Link",
    "LinkToAny",
    "Location",
    "LongText",
    "Minutes",
    "Number",
    "Phone",
    "Repeat",
    "Span",
    "Tags",
    "Text",
    "Time",
    "Timezone",
    "Website",
    "Word",
]
