"""Text in the encodings that programs and systems write."""

import pytest

from tests.files.made import Folder

WRITTEN = [
    ("cp1252", "Prénom;Nom;Société\nHélène;Lefèvre;Boulangerie d’été\nFrançois;Gérard;Crêperie Noël\n"),
    ("latin-1", "Prénom;Nom\nHélène;Lefèvre\nFrançois;Gérard\n"),
    ("cp1252", "Vorname;Straße\nJürgen;Königsallee 5\nSören;Mühlenstraße\n"),
    ("cp1252", "Nombre;Compañía\nJosé;Peñíscola S.A.\nÍñigo;Año Nuevo\n"),
    ("cp1252", "Nome,Cidade\nJoão Gonçalves,São Paulo\nConceição,Brasília\n"),
    ("cp1252", "Förnamn,Efternamn\nÅsa,Öberg\nBjörn,Sjöström\n"),
    ("cp1252", "name,email\nZoë van den Berg,zoe@x.example\nAda,ada@x.example\n"),
    ("cp1250", "Imię;Nazwisko\nŁukasz;Wójcik\nŻaneta;Dąbrowska\nGrażyna;Źródło\n"),
    ("iso8859-2", "Imię;Nazwisko\nŁukasz;Wójcik\nŻaneta;Dąbrowska\nGrażyna;Źródło\n"),
    ("cp1250", "Név;Város\nKővári Győző;Győr\nTűzoltó;Székesfehérvár\nŐri Ágnes;Pécs\n"),
    ("cp1250", "Jméno;Příjmení\nJiří;Dvořák\nŽofie;Němcová\nTomáš;Šťastný\n"),
    ("cp1251", "Имя,Фамилия,Город\nИван,Петров,Москва\nОльга,Смирнова,Казань\n"),
    ("koi8-r", "Имя,Фамилия,Город\nИван,Петров,Москва\nОльга,Смирнова,Казань\n"),
    ("cp866", "Имя,Фамилия,Город\nИван,Петров,Москва\nОльга,Смирнова,Казань\n"),
    ("shift_jis", "氏名,会社名,電話\n山田太郎,株式会社みどり,03-1234\n佐藤花子,鈴木商店,06-1111\n"),
    ("shift_jis", "name,company\nYuki,株式会社\nAda,Northwind\n"),
    ("euc_jp", "氏名,会社名,電話\n山田太郎,株式会社みどり,03-1234\n佐藤花子,鈴木商店,06-1111\n"),
    ("gb18030", "姓名,公司,电话\n张伟,北京科技有限公司,010\n王芳,上海贸易,021\n"),
    ("big5", "姓名,公司,電話\n張偉,臺北科技有限公司,02\n王芳,高雄貿易,07\n"),
    ("cp949", "이름,회사,전화\n김철수,서울전자,02\n이영희,부산상사,051\n"),
    ("cp1253", "Όνομα,Εταιρεία\nΓιώργος,Παπαδόπουλος\nΜαρία,Αθήνα\n"),
    ("cp1254", "Ad,Soyad,Şehir\nMüge,Işık,İstanbul\nÇağla,Şahin,İzmir\nOğuz,Güneş,Eskişehir\n"),
    ("cp1255", "שם,חברה\nדוד כהן,תל אביב\nשרה לוי,ירושלים\n"),
    ("cp1256", "الاسم,الشركة\nعمر الحداد,القاهرة\nفاطمة,الرياض\n"),
    ("cp1257", "Vardas,Pavardė\nJonas,Žukauskas\nŠarūnas,Jasikevičius\nRūta,Meilutytė\n"),
    ("cp874", "ชื่อ,บริษัท\nสมชาย,กรุงเทพ\nสมหญิง,เชียงใหม่\n"),
    ("mac_roman", "Prénom;Nom;Société\nHélène;Lefèvre;Boulangerie d’été\nFrançois;Gérard;Crêperie Noël\n"),
    ("cp850", "Vorname;Nachname;Straße\nJürgen;Müller;Königsallee 5\nSören;Groß;Mühlenstraße\n"),
]
WIDE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


def cells_of(text: str) -> list[list[str]]:
    delimiter = ";" if ";" in text else ","
    return [line.split(delimiter) for line in text.splitlines()]


def check(folder: Folder, text: str, encoding: str, content_type: str = "") -> None:
    table = folder.table(text.encode(encoding), content_type=content_type)
    assert [list(table.titles), *(list(row.cells) for row in table.rows())] == cells_of(text)


@pytest.mark.parametrize(("encoding", "text"), WRITTEN)
def test_an_encoding_is_found_by_content(folder: Folder, encoding: str, text: str) -> None:
    check(folder, text, encoding)
    check(folder, text.replace("\n", "\r\n"), encoding)


@pytest.mark.parametrize("encoding", WIDE)
def test_unicode_is_found_with_its_mark_and_without(folder: Folder, encoding: str) -> None:
    for _, text in WRITTEN:
        if encoding.endswith("e") and not text.isascii() and text[:4].encode("utf-16-le")[1::2] != b"\0" * 4:
            continue  # without a mark, what has no western letters is not known as UTF-16
        check(folder, text, encoding)


def test_a_declared_encoding_is_believed_where_it_fits(folder: Folder) -> None:
    text = "name,city\nMüge,Işık\n"
    check(folder, text, "cp1254", "text/csv; charset=windows-1254")
    check(folder, text, "utf-8", "text/csv; charset=us-ascii")
    check(folder, "name,city\nÉlan,x\n", "utf-8", "text/csv; charset=utf-16")
    for unknown in ("nonsense", "hex", "rot13", "zip", "undefined", "unicode_escape", ""):
        check(folder, text, "utf-8", f'text/csv; charset="{unknown}"')


def test_a_letter_beyond_ascii_late_in_the_file_is_found(folder: Folder) -> None:
    text = "name,city\n" + "Ada,Rome\n" * 100_000 + "Zoë,Köln\n"
    check(folder, text, "cp1252")
    check(folder, text, "utf-8")


@pytest.mark.parametrize("before", range(0, 6))
def test_where_the_file_is_cut_in_reading_does_not_matter(folder: Folder, before: int) -> None:
    line = "山田太郎,株式会社みどり\n"
    rows = "a,b\n" + "x" * before + ",y\n" + "Ada,Rome\n" * 29_126 + line * 3
    for text in (rows, rows + "Ada,Rome\n" * 100_000 + line):
        assert folder.table(text.encode("shift_jis")).count == text.count("\n") - 1
        assert list(folder.table(text.encode("shift_jis")).rows())[-1].cells == ("山田太郎", "株式会社みどり")


def test_utf_8_with_a_few_wrong_bytes_is_told_by_its_line(folder: Folder) -> None:
    text = "name,city\n" + "Zoë,Köln\n" * 30_000
    for wrong in (b"Zo\xeb,x\n", b"\xff\xfe\n"):
        assert "Line 30002 is not UTF-8" in folder.refusal(text.encode() + wrong)
        assert "Line 2 is not UTF-8" in folder.refusal(text.encode().replace(b"Z", wrong[:3] + b"Z", 1))


def test_bytes_that_are_no_text_are_refused(folder: Folder) -> None:
    assert "NUL" in folder.refusal(b"name,email\nAda\0,x\n")
    assert "NUL" in folder.refusal(b"name,email\n" + b"Ada,x\n" * 100_000 + b"\0\n")
    assert "UTF-8" in folder.refusal(b"\xef\xbb\xbfname\n\xff\xfe\n")
    assert "UTF-16" in folder.refusal("name\n".encode("utf-16") + b"x")
