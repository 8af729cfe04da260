from __future__ import annotations

import io
import zipfile

import pytest

from shortlist.documents import Skipped
from shortlist.types import Document


def pdf(*pages: str | None, title: str = "", password: str = "") -> bytes:
    """A PDF with a line of text on each page, None for a page without."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode() if text is not None else b""
        fonts = "/Resources << /Font << /F1 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {fonts} /Contents {5 + 2 * number} 0 R >>"
        objects += [page.encode(), b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)]
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n" % (size, table, size)
    data += b"startxref\n%d\n%%%%EOF\n" % start
    if not title and not password:
        return data
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_pdf_page_is_a_document(load, tmp_path):
    first, second = load("a.pdf", pdf("Hello first page", "And the second", title="A  title"))
    name = (tmp_path.resolve() / "a.pdf").as_posix()
    assert first == Document(
        f"{name}#page=1", "Hello first page", "A title", {"source": name, "format": "pdf", "page": 1}
    )
    assert (second.id, second.text) == (f"{name}#page=2", "And the second")


def test_a_pdf_without_title_takes_the_file_name(load):
    assert load("a.pdf", pdf("text"))[0].title == "a"


def test_pages_without_text_are_reported(load):
    document, skipped = load("a.pdf", pdf(None, "text"))
    assert document.metadata["page"] == 2
    assert (skipped.place, skipped.reason) == ("page 1", "no text: a scanned page needs OCR first")


def test_a_scanned_pdf_is_reported_once(load):
    [skipped] = load("a.pdf", pdf(None, None))
    assert (skipped.place, skipped.reason) == ("", "no text: a scanned page needs OCR first")


def test_an_encrypted_pdf_is_skipped(load):
    [skipped] = load("a.pdf", pdf("secret", password="word"))
    assert skipped.reason.startswith("encrypted")


@pytest.mark.parametrize(
    "content", [b"", b"not a pdf", b"%PDF-1.4\n%%EOF", pdf("text")[:200]], ids=["empty", "text", "bare", "cut off"]
)
def test_a_broken_pdf_is_skipped(load, content):
    [skipped] = load("a.pdf", content)
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("not readable as PDF")


def test_a_pdf_with_any_byte_changed_never_raises(load):
    content = pdf("Hello page", "Second")
    for at in range(0, len(content), 37):
        for item in load("a.pdf", content[:at] + b"\xff" + content[at + 1 :]):
            assert isinstance(item, Document | Skipped)


def word(title: str = ""):
    import docx

    file = docx.Document()
    file.core_properties.title = title
    return file


def saved(file) -> bytes:
    data = io.BytesIO()
    file.save(data)
    return data.getvalue()


def test_a_docx_becomes_light_markdown(load):
    file = word("The title")
    file.add_heading("Chapter", level=1)
    file.add_paragraph("A paragraph with\ttab.")
    file.add_paragraph("one", style="List Bullet")
    file.add_paragraph("two", style="List Number")
    file.add_heading("Part", level=2)
    table = file.add_table(rows=2, cols=2)
    for number, text in enumerate(["Name", "Age", "Ann", "7"]):
        table.cell(number // 2, number % 2).text = text
    file.add_paragraph("")
    file.add_paragraph("End.")
    [document] = load("a.docx", saved(file))
    assert document.title == "The title"
    assert document.text == (
        "# Chapter\n\nA paragraph with\ttab.\n\n- one\n1. two\n\n## Part\n\n| Name | Age |\n|-|-|\n| Ann | 7 |\n\nEnd."
    )


def test_a_docx_without_title_takes_its_first_heading_then_the_file_name(load):
    file = word()
    file.add_heading("Head", level=1)
    assert load("a.docx", saved(file))[0].title == "Head"
    plain = word()
    plain.add_paragraph("text")
    assert load("b.docx", saved(plain))[0].title == "b"


def test_text_in_content_controls_is_read(load):
    file = word()
    paragraph = file.add_paragraph("inside")._p
    body = file.element.body
    control = body.makeelement(paragraph.tag.replace("}p", "}sdt"))
    content = body.makeelement(paragraph.tag.replace("}p", "}sdtContent"))
    body.replace(paragraph, control)
    control.append(content)
    content.append(paragraph)
    assert load("a.docx", saved(file))[0].text == "inside"


def test_moved_text_is_at_its_new_place_only(load):
    file = word()
    old, new = file.add_paragraph("moved")._p, file.add_paragraph("moved")._p
    file.add_paragraph("stays")
    for paragraph, name in ((old, "moveFrom"), (new, "moveTo")):
        change = paragraph.makeelement(paragraph.tag.replace("}p", f"}}{name}"))
        change.extend(list(paragraph))
        paragraph.append(change)
    assert load("a.docx", saved(file))[0].text == "moved\n\nstays"


def test_an_empty_docx_is_skipped(load):
    assert [item.reason for item in load("a.docx", saved(word()))] == ["empty: no text"]


def other_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "text")
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not readable as .docx"),
        (b"not a zip", "not readable as .docx"),
        (other_zip(), "not readable as .docx"),
        (saved(word())[:3000], "not readable as .docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "encrypted"),
    ],
    ids=["empty", "text", "other zip", "cut off", "encrypted"],
)
def test_a_broken_docx_is_skipped(load, content, reason):
    [skipped] = load("a.docx", content)
    assert isinstance(skipped, Skipped)
    assert reason in skipped.reason


def test_a_docx_with_a_byte_changed_never_raises(load):
    file = word()
    file.add_paragraph("text")
    content = saved(file)
    for at in range(0, len(content), len(content) // 60):
        for item in load("a.docx", content[:at] + b"\xff" + content[at + 1 :]):
            assert isinstance(item, Document | Skipped)
