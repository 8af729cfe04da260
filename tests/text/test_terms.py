"""The terms of BM25: which queries find which texts."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.text.terms import LANGUAGES, NONE, Analyzer, checked_language

ENGLISH = Analyzer("english")


def shared(query, text, analyzer=ENGLISH):
    """Return the terms that a query and a text share."""
    return set(analyzer.query(query)) & set(analyzer.passage(text).counts)


SAME = [
    ("JX-740", "JX740"),
    ("e-mails", "email"),
    ("12GB", "12 GB"),
    ("9V", "9 V"),
    ("3.5kg", "3.5 kg"),
    ("7,340,100", "7340100"),
    ("7'340'100", "7340100"),
    ("7_340_100", "7340100"),
    ("12,34,567", "1234567"),
    ("1.250.000", "1250000"),
    ("0xC000021A", "C000021A"),
    ("E.U.", "EU"),
    ("U.K.", "UK"),
    ("M.Sc.", "MSc"),
    ("naïve", "naive"),
    ("Łódź", "Lodz"),
    ("Straße", "Strasse"),
    ("max_retry_count", "maxRetryCount"),
    ("max-retry-count", "maxRetryCount"),
    ("D'Angelo", "DAngelo"),
    ("2024-03-01", "20240301"),
    ("Next.js", "nextjs"),
    ("Vue.Draggable", "VueDraggable"),
    ("DC/AC", "DCAC"),
    ("UDP/IP", "udpip"),
    ("15,000km", "15000km"),
]


@pytest.mark.parametrize(("one_way", "other_way"), SAME)
def test_two_ways_to_write_a_word_find_each_other(one_way, other_way):
    assert shared(one_way, f"See {other_way}, please.")
    assert shared(other_way, f"See ({one_way}) please.")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("order status", "call `fetchOrderStatusByName` first"),
        ("json reader", "class JSONReader:"),
        ("timeout", "SOCKET_TIMEOUT_MS = 5"),
        ("B&O", "speakers of B&O, and more"),
        ("a/b", "an A/B test"),
        ("F#", "written in F#."),
        ("C++", "C++17 compilers"),
        (".NET", "the .NET runtime"),
        ("3.12", "Python 3.12 is out"),
        ("ﬂoor", "the floor"),
        ("handbuch", "Hand\u00adbuch"),
        ("1984", "since the 1984s"),
        ("urls", "one URL"),
        ("M6", "an M6x30 bolt"),
        ("M6x30", "bolts of M6"),
        ("T cell", "the T-cell response"),
    ],
)
def test_a_query_finds_the_text(query, text):
    assert shared(query, text)


@pytest.mark.parametrize("query", ["The Who", "to be or not to be", "IT", "it is", "don't", "Is it?"])
def test_a_query_of_stop_words_finds_texts_with_them(query):
    assert shared(query, "A song: the one who is it, or not to be. We don't.")


def test_stop_words_are_left_out_beside_other_words():
    assert set(ENGLISH.query("what is the tide")) == {"tide"}


@pytest.mark.parametrize(
    ("query", "kept"),
    [("IT costs", True), ("it costs", False), ("IT", True), ("WHAT DOES IT COST", False), ("What does it cost", False)],
)
def test_an_abbreviation_is_no_stop_word(query, kept):
    assert ("IT" in ENGLISH.query(query)) is kept
    assert "IT" in ENGLISH.passage("Ask the IT desk.").counts
    assert "IT" not in ENGLISH.passage("Ask it.").counts


def test_the_word_itself_is_found_before_its_part():
    counts = ENGLISH.passage("JavaScript or Java").counts
    assert counts["java"] == 1.25
    assert ENGLISH.passage("JavaScript").counts["java"] == 0.25


def test_other_forms_do_not_count_in_the_length():
    assert ENGLISH.passage("getUserById of the PX-500").length == 3
    assert ENGLISH.passage("caf\u00e9 cr\u00e8me").length == 2
    assert ENGLISH.passage("to be or not").length == 0


@pytest.mark.parametrize("word", ["1.5", "v1.5.2", "3/4", "7x30"])
def test_numbers_are_not_joined_and_have_no_parts(word):
    terms = {*ENGLISH.query(word), *ENGLISH.passage(word).counts}
    assert terms <= {word, *re.split("[./]", word)}


@pytest.mark.parametrize("language", ["chinese", "japanese", "korean", "thai", "russian", "greek", "arabic"])
def test_english_words_in_another_script_are_stemmed(language):
    mixed = Analyzer(language)
    assert shared("pump", "水 pumps 泵", mixed)
    assert shared("valves", "换valve吗", mixed)
    assert sum(mixed.query("pumps").values()) == 1.0
    assert mixed.passage("pumps").counts == {"pumps": 1.0, "pump": 1.0}
    assert mixed.passage("pumps").length == 1
    assert Analyzer(NONE).passage("pumps").counts == Analyzer("vietnamese").passage("pumps").counts == {"pumps": 1.0}


@pytest.mark.parametrize(
    "word", ["loadFileByName", "Next.js", "DC/AC", "M6x300", "QT-8800", "75GB", "Z\u00fcrich", "5 kg", "o.u."]
)
def test_a_word_with_other_forms_weighs_about_as_much_as_its_words(word):
    words = sum(weight for term, weight in ENGLISH.query(word).items())
    assert words <= ENGLISH.passage(word).length + 1


def test_a_repeated_word_counts_repeatedly():
    assert ENGLISH.query("tides and tide tables")["tide"] == 2
    assert ENGLISH.passage("Tide, tides; the tide.").counts["tide"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Tokyo 東京タワー", {"東京", "京タ", "タワ", "ワー"}),
        ("서울특별시", {"서울", "울특", "특별", "별시"}),
        ("กรุงเทพ", {"กร", "รุ"}),
        ("犬", {"犬"}),
    ],
)
def test_scripts_without_spaces_are_read_in_pairs_in_every_language(text, words):
    for language in ("english", "japanese", NONE):
        assert words <= set(Analyzer(language).query(text))
        assert words <= set(Analyzer(language).passage(f"a {text}.").counts)


def test_a_single_character_finds_the_words_that_contain_it():
    assert shared("塔", "東京の鉄塔") == {"塔"}
    assert "塔" not in ENGLISH.query("鉄塔")


def test_scripts_with_vowel_signs_keep_their_words_whole():
    assert set(Analyzer("none").query("हिन्दी भाषा")) == {"हिन्दी", "भाषा"}


@pytest.mark.parametrize(
    ("language", "query", "text"),
    [
        ("german", "Häuser", "das Haus"),
        ("de", "Strassen", "die Straße"),
        ("french", "chevaux", "l'homme et son cheval"),
        ("spanish", "canciones", "una canción"),
        ("russian", "книги", "новая книга"),
        ("turkish", "evlerde", "evler"),
    ],
)
def test_the_word_forms_of_a_language(language, query, text):
    assert shared(query, text, Analyzer(language))
    assert not shared(query, text, Analyzer(NONE))


def test_the_stop_words_of_a_language():
    assert set(Analyzer("german").query("der Hund und die Katze")) == {"hund", "katz"}
    assert set(Analyzer("german").query("der und die")) == {"der", "und", "die"}
    assert set(Analyzer("italian").query("l'acqua dell'isola")) == {"acqua", "isol"}


def test_no_language_has_no_word_forms():
    assert set(Analyzer(NONE).query("The Tides")) == {"the", "tides"}


@pytest.mark.parametrize("language", [*LANGUAGES, NONE])
def test_every_language_reads_a_text(language):
    terms = Analyzer(language).passage("Alpha 42 ист 猫")
    assert terms.length == 4


def test_names_and_codes_of_languages():
    assert checked_language("DE") == "german"
    assert checked_language("pt-BR") == "portuguese"
    assert checked_language(" French ") == "french"
    with pytest.raises(InvalidInput, match=r"language 'klingon' is unknown: give one of arabic, .*swedish"):
        checked_language("klingon")


@given(st.text(max_size=60))
def test_every_text_can_be_read(text):
    terms = ENGLISH.passage(text)
    assert 0 <= terms.length <= len(text)
    assert all(count > 0 for count in terms.counts.values())
    assert all(weight > 0 for weight in ENGLISH.query(text).values())


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40))
def test_a_text_finds_itself(text):
    assert bool(shared(text, text)) == bool(ENGLISH.query(text))
    assert bool(ENGLISH.query(text)) == bool(ENGLISH.passage(text).counts)


def test_long_runs_without_spaces_are_read_once():
    assert ENGLISH.passage("x" * 1_000_000).length == 1
    assert ENGLISH.passage("get_" * 100_000).length == 100_000
    assert ENGLISH.passage("-" * 1_000_000).length == 0


def test_several_threads_read_the_same_terms():
    words = [f"runners{place} running{place}" for place in range(3000)]
    expected = [Analyzer("english").query(word) for word in words]
    analyzer, answers = Analyzer("english"), {}

    def read(name):
        answers[name] = [analyzer.query(word) for word in words]

    threads = [threading.Thread(target=read, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[name] == expected for name in range(4)] == [True] * 4
