"""Names of countries -> their codes (ISO 3166-1)."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from crmkit.model import fold

# other names in English, and what countries call themselves
_OTHERS = """
    US: USA; U.S.; U.S.A.; United States of America; America; Estados Unidos; Etats-Unis; Vereinigte Staaten
    US: Stati Uniti; EE. UU.
    GB: UK; U.K.; United Kingdom; Great Britain; England; Scotland; Wales; Northern Ireland
    GB: Vereinigtes Königreich; Royaume-Uni; Reino Unido; Regno Unito
    DE: Deutschland; Allemagne; Alemania; Germania; Alemanha; BRD | AT: Österreich; Autriche
    CH: Schweiz; Suisse; Svizzera; Suiza | FR: Frankreich; Francia; França
    ES: España; Spanien; Espagne; Spagna; Espanha | IT: Italia; Italien; Italie; Itália
    NL: Nederland; Niederlande; The Netherlands; Holland; Pays-Bas; Países Bajos
    BE: België; Belgique; Belgien; Bélgica | LU: Luxemburg | PT: Portugal | PL: Polska; Polen; Pologne
    CZ: Czechia; Česko; Česká republika; Tschechien | SK: Slovensko; Slowakei; Slovak Republic
    HU: Magyarország; Ungarn; Hongrie | RO: România; Rumänien | BG: България; Bulgarien
    GR: Ελλάδα; Hellas; Griechenland; Grèce | SE: Sverige; Schweden; Suède | NO: Norge; Norwegen; Norvège
    DK: Danmark; Dänemark; Danemark | FI: Suomi; Finnland; Finlande | IS: Ísland; Island
    IE: Éire; Republic of Ireland; Irland; Irlande; Irlanda | TR: Türkiye; Türkei; Turquie | UA: Україна; Ukraina
    RU: Россия; Russian Federation; Russland; Russie; Rusia | HR: Hrvatska; Kroatien | SI: Slovenija; Slowenien
    RS: Srbija; Serbien | EE: Eesti; Estland | LV: Latvija; Lettland | LT: Lietuva; Litauen
    BR: Brasil; Brasilien; Brésil | MX: México; Mexiko; Mexique | JP: 日本; Japan
    CN: 中国; 中國; People's Republic of China; China | KR: 대한민국; South Korea; Korea; Republic of Korea; Südkorea
    KP: North Korea | TW: 臺灣; 台灣; Taiwan | HK: 香港; Hong Kong SAR | IN: भारत; Indien; Inde | VN: Việt Nam; Viet Nam
    TH: ประเทศไทย; ไทย | EG: مصر; Ägypten | SA: السعودية; المملكة العربية السعودية; Kingdom of Saudi Arabia
    AE: UAE; U.A.E.; الإمارات | IL: ישראל | ZA: RSA; Südafrika | CD: DR Congo; Democratic Republic of the Congo
    CG: Congo; Republic of the Congo; Congo-Brazzaville | CI: Ivory Coast; Cote d'Ivoire | MM: Burma; Myanmar
    MK: North Macedonia; Macedonia | VA: Vatican | CV: Cape Verde; Cabo Verde | BN: Brunei Darussalam | LA: Lao PDR
    SY: Syrian Arab Republic | IR: Islamic Republic of Iran | MD: Republic of Moldova
    TZ: United Republic of Tanzania | BO: Plurinational State of Bolivia | VE: Bolivarian Republic of Venezuela
    BA: Bosnia and Herzegovina | SZ: Swaziland | TL: Timor-Leste | PS: Palestine; State of Palestine
"""


def code(text: str) -> str | None:
    """Return the code of a country by its name, in English or what it calls itself, None for another text."""
    return _codes().get(_key(text))


def named(holds: Callable[[str], bool]) -> list[str]:
    """Return the codes of the countries of which one name holds, without case, accents, blanks and signs."""
    return sorted({code for name, code in _codes().items() if holds(name)})


def plain(text: str) -> str:
    """Return a name, or a part of one, as `named` has it."""
    return _key(text)


def _key(text: str) -> str:
    return "".join(letter for letter in fold.plain(text.replace("&", "and")).removeprefix("the ") if letter.isalnum())


@cache
def _codes() -> dict[str, str]:
    """Return the codes by names; the English ones are those of the package tzdata."""
    found = {}
    for line in files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8").splitlines():
        code, tab, name = line.partition("\t")
        if tab and not line.startswith("#"):
            found[_key(name)] = code
    for entry in _OTHERS.replace("\n", "|").split("|"):
        code, _, names = entry.strip().partition(": ")
        found |= {_key(name): code for name in names.split(";") if name.strip()}
    return found
