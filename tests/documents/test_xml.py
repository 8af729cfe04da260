"""XML as light Markdown."""

from __future__ import annotations

import pytest

from shortlist.documents import Skipped
from shortlist.types import Note

BOOK = """<?xml version="1.0" encoding="utf-8"?>
<?xml-stylesheet href="a.css"?>
<!DOCTYPE book PUBLIC "-//OASIS//DTD DocBook XML V4.5//EN" "docbookx.dtd" [<!ENTITY product "Krill 3">]>
<book><bookinfo><title>The &product; Handbook</title><author><firstname>Ann</firstname></author></bookinfo>
<chapter id="c1"><title>Starting</title>
<para>Use <command>krill</command> to
  start &product;.<footnote><para>Not on Sundays.</para></footnote> It is <emphasis>fast</emphasis>.</para>
<para>Order:<orderedlist><listitem><para>one</para><para>more</para></listitem>
<listitem><para>two</para></listitem></orderedlist>done.</para>
<programlisting>if a &lt; b:
    pass</programlisting>
<variablelist><varlistentry><term>--fast</term><listitem><para>Goes fast.</para></listitem></varlistentry>
</variablelist>
<section><title>Deep</title><para>Body.</para><note><title>Mind</title><para>the gap</para></note>
<table><title>Limits</title><tgroup cols="3"><colspec colname="a"/><colspec colname="b"/><colspec colname="c"/>
<thead><row><entry>Name</entry><entry namest="b" nameend="c">Values</entry></row></thead>
<tbody><row><entry morerows="1">x</entry><entry><para>1</para></entry><entry>2</entry></row>
<row><entry>3</entry><entry>4</entry></row></tbody></tgroup></table></section>
</chapter></book>"""

BOOK_TEXT = """# The Krill 3 Handbook

firstname: Ann

## Starting

Use krill to start Krill 3. It is fast.

Not on Sundays.

Order:

1. one

more

2. two

done.

```
if a < b:
    pass
```

--fast
: Goes fast.

### Deep

Body.

Mind

the gap

Limits

| Name | Values | Values |
|-|-|-|
| x | 1 | 2 |
| x | 3 | 4 |"""


def test_docbook_becomes_paragraphs_lists_code_and_tables(load):
    [document] = load("a.xml", BOOK)
    assert (document.title, document.text) == ("The Krill 3 Handbook", BOOK_TEXT)
    assert document.metadata["format"] == "xml"


RSS = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Krill News</title>
<link>https://k.example/</link><item><title>Old &amp;amp; new</title><guid isPermaLink="false">7</guid>
<description>&lt;p&gt;Krill are &lt;b&gt;small&lt;/b&gt;.&lt;/p&gt;&lt;p&gt;Second.&lt;/p&gt;</description>
<content:encoded><![CDATA[<h2>Long</h2><p>Text</p>]]></content:encoded></item>
<item><title>Two</title><description>Plain words</description></item></channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>Robots</title><summary>Short.</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <b>you</b></p><ul><li>a</li><li>b</li></ul>
</div></content></entry></feed>"""


def test_feeds_have_a_heading_for_each_entry_and_their_html_is_read(load):
    [document] = load("a.xml", RSS)
    assert document.title == "Krill News"
    assert document.text.split("\n\n") == [
        *("# Krill News", "link: https://k.example/", "## Old & new", "guid isPermaLink=false: 7"),
        *("Krill are small.", "Second.", "## Long", "Text", "## Two", "Plain words"),
    ]
    [document] = load("b.xml", ATOM)
    assert document.text == "# News\n\n## Robots\n\nShort.\n\nHello you\n\n- a\n- b"


JATS = """<article><front><article-meta><title-group><article-title>On <italic>krill</italic></article-title>
</title-group><abstract><p>We study.</p></abstract></article-meta></front><body><sec><title>Intro</title>
<p>See <xref>1</xref>.</p><sec><title>Sub</title><p>More</p></sec></sec></body>
<back><ref-list><title>References</title><ref><mixed-citation>Weber A. <article-title>Seas</article-title>. 2020.
</mixed-citation></ref></ref-list></back></article>"""

TEI = """<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title>Poems</title></titleStmt>
</fileDesc></teiHeader><text><body><div><head>First</head><lg><l>Line one</l><l>line<lb/>two</l></lg><p>Prose.</p>
</div></body></text></TEI>"""


def test_articles_and_editions(load):
    [document] = load("a.xml", JATS)
    assert document.title == "On krill"
    assert document.text == (
        "# On krill\n\nWe study.\n\n# Intro\n\nSee 1.\n\n## Sub\n\nMore\n\n# References\n\nWeber A. Seas. 2020."
    )
    [document] = load("b.xml", TEI)
    assert (document.title, document.text) == ("Poems", "Poems\n\n# First\n\nLine one\nline two\n\nProse.")


def test_data_has_a_line_for_each_value_with_its_attributes(load):
    [document] = load(
        "stock.xml",
        '<list xmlns:x="u"><part id="7"><title>Nut</title><price currency="EUR" x:y="z">4</price></part>'
        '<part id="8"><title>Bolt</title><add key="k" value="v"/><empty/><note>'
        + "long " * 50
        + "</note></part></list>",
    )
    assert document.title == "stock"
    assert document.text == (
        "- part: id=7\ntitle: Nut\nprice currency=EUR: 4\n\n- part: id=8\ntitle: Bolt\nadd: key=k value=v\n\n"
        + ("long " * 50).strip()
    )


def test_a_table_with_other_elements_than_cells_loses_nothing(load):
    rows = "<row><entry>one</entry> two <note>three</note></row><caption>four</caption>"
    [document] = load("a.xml", f"<a><p>x</p><table><tbody>{rows}</tbody></table></a>")
    assert [word for word in ("one", "two", "three", "four") if document.text.count(word) != 1] == []


def test_a_page_in_an_xml_file_is_read_as_html(load):
    [document] = load(
        "a.xml", '<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>A</h1><p>b&nbsp;c</p></body></html>'
    )
    assert document.text == "# A\n\nb\xa0c"


def test_entities_cannot_grow_or_read_other_files(load, tmp_path):
    (tmp_path / "secret.txt").write_text("password")
    ten = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    bomb = load("a.xml", f"<!DOCTYPE a [{ten}]><a><b>&e11;</b></a>")
    assert all(isinstance(item, Skipped) or len(item.text) < 100 for item in bomb)
    document, note = load(
        "b.xml",
        f'<!DOCTYPE a [<!ENTITY f SYSTEM "{tmp_path / "secret.txt"}"><!ENTITY m "<i>x</i>"><!ENTITY big "{"y" * 2000}">'
        "]><a><p>one &f; &m; &big;</p></a>",
    )
    assert document.text == "one &f; &m; &big;"
    assert note.note == Note("part_left_out", part="entity references", count=3, include="")


def test_undeclared_entities_of_html_are_characters(load):
    [document] = load("a.xml", "<a><p>caf&eacute; &lt;b&gt; &amp;copy;</p></a>")
    assert document.text == "café <b> &copy;"


@pytest.mark.parametrize("content", ["<a><b></a>", "no markup", "<a>" * 100_000 + "</a>" * 100_000, ""])
def test_a_file_that_is_no_xml_is_reported(load, content):
    [skipped] = load("a.xml", content)
    assert skipped.note.code in ("broken", "empty")


def test_deep_elements_are_read_or_reported(load):
    [item] = load("a.xml", "<a>" * 1500 + "x" + "</a>" * 1500)
    assert item.note.code == "broken" if isinstance(item, Skipped) else item.text == "x"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1251"])
def test_the_encoding_is_that_of_the_declaration(load, encoding):
    word = "вода" if encoding == "windows-1251" else "Größe"
    data = f'<?xml version="1.0" encoding="{encoding}"?><a><p>{word}\x0b1</p></a>'.encode(encoding)
    assert load("a.xml", data)[0].text == f"{word} 1"


@pytest.mark.parametrize("name", ["a.toml", "a.ini", "a.cfg"])
def test_settings_are_plain_text(load, name):
    [document] = load(name, "[owner]\nname = Ann\n")
    assert (document.text, document.metadata["format"]) == ("[owner]\nname = Ann\n", "txt")
