"""Query sets in files: what is read back, and the errors for rows that cannot be used."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import files
from shortlist.evaluation.query_sets.query_set import QuerySet, checked, resolve
from shortlist.types import Hit, Passage

SET = QuerySet("s", {"q1": "one thing", "q2": "another, thing"}, {"q1": {"a": 2, "b": 0}, "q2": {"c": 1}})
CORPUS = [
    Passage("a#0", "Let the dough\n rest for an hour.", "a"),
    Passage("a#1", "Bake it.", "a"),
    Passage("b#0", "Tax is due in April.", "b"),
    Passage("c#0", "Cats sleep.", "c"),
]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def same(query_set, other):
    return (dict(query_set.queries), dict(query_set.qrels), dict(query_set.snippets)) == (
        dict(other.queries),
        dict(other.qrels),
        dict(other.snippets),
    )


def test_beir_there_and_back(tmp_path):
    files.write_beir(SET, tmp_path / "x", passages=CORPUS)
    query_set = files.read(tmp_path / "x")
    assert same(query_set, SET)
    assert json.loads((tmp_path / "x" / "corpus.jsonl").read_text().splitlines()[2])["_id"] == "b#0"


def test_beir_counts_queries_without_judgments(tmp_path):
    files.write_beir(SET, tmp_path, split="dev")
    with (tmp_path / "queries.jsonl").open("a") as out:
        out.write('{"_id": "q3", "text": "not judged"}\n')
    query_set = files.read(tmp_path, split="dev")
    assert (set(query_set.queries), query_set.unjudged) == ({"q1", "q2"}, 1)


def test_trec_there_and_back(tmp_path):
    files.write_topics(SET.queries, tmp_path / "topics.tsv")
    files.write_qrels(SET.qrels, tmp_path / "qrels.txt")
    assert same(files.read(tmp_path / "topics.tsv", qrels=tmp_path / "qrels.txt"), SET)
    files.write_run({"q1": ["a", "b"], "q2": []}, tmp_path / "run.txt")
    assert files.read_run(tmp_path / "run.txt") == {"q1": {"a": 2.0, "b": 1.0}}


@pytest.mark.parametrize(
    "text",
    [
        "q Q0 a 0 3 t\nq Q0 b 0 2 t\n",
        "q Q0 a 7 3\nq Q0 b 7 2\n",
        "q Q0 a 1 3 my system\nq Q0 b 2 2 my system, run 4\n",
        "q Q0 a 1.0 3 t\nq Q0 b 2e0 2.0 t\n",
        "q\tQ0\ta\tfirst\t3\tt\r\nq\tQ0\tb\t-\t2\tt\r\n",
        "\ufeffq 0 a 2 3.0e0 t\n\nq 0 b 1 +2 t",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_runs_are_read_as_trec_eval_reads_them(tmp_path, text, packed):
    file = tmp_path / ("run.gz" if packed else "run.txt")
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert files.read_run(file) == {"q": {"a": 3.0, "b": 2.0}}


TABLES = {
    "semicolons": 'query;relevant;grade\n"first; query";a|b;2\nsecond, query;c;\n',
    "tabs in .csv": "query\trelevant\tgrade\nfirst; query\ta|b\t2\nsecond, query\tc\t\n",
    "commas": 'query,relevant,grade\nfirst; query,a|b,2\n"second, query",c,\n',
    "empty cells at the end": 'query,relevant,grade\nfirst; query,a|b,2,,\n"second, query",c,,\n',
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_query_tables_of_other_programs(tmp_path, name, ending):
    content = TABLES[name].encode()
    file = tmp_path / f"q{ending}"
    file.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    query_set = files.read(file)
    assert list(query_set.queries.values()) == ["first; query", "second, query"]
    assert list(query_set.qrels.values()) == [{"a": 2, "b": 2}, {"c": 1}]


def test_a_query_table_with_its_separator_in_the_first_line(tmp_path):
    query_set = files.read(write(tmp_path / "q.csv", 'sep=;\r\nQuery;Relevant\r\n"a; b";x\r\nc;y\r\n'))
    assert list(query_set.queries.values()) == ["a; b", "c"]


def test_a_tsv_file_may_have_commas(tmp_path):
    assert list(files.read(write(tmp_path / "q.tsv", "query,relevant\nx,a\ny,b\n")).qrels.values()) == [
        {"a": 1},
        {"b": 1},
    ]


def test_topics_and_qrels_in_gzip(tmp_path):
    (tmp_path / "topics.tsv.gz").write_bytes(gzip.compress(b"q1\tone thing\nq2\tother\n"))
    (tmp_path / "qrels.gz").write_bytes(gzip.compress(b"q1 0 a 1\nq2 0 b 1\n"))
    assert files.read(tmp_path / "topics.tsv.gz", qrels=tmp_path / "qrels.gz").qrels == {
        "q1": {"a": 1},
        "q2": {"b": 1},
    }


def test_a_damaged_gzip_file_is_an_error(tmp_path):
    (tmp_path / "run.gz").write_bytes(gzip.compress(b"q Q0 a 1 3 t\n" * 99)[:-9])
    with pytest.raises(InvalidInput, match=r"run\.gz is a damaged gzip file"):
        files.read_run(tmp_path / "run.gz")


def test_a_query_with_an_unquoted_separator_is_an_error_that_shows_how_to_quote(tmp_path):
    with pytest.raises(
        InvalidInput, match=r"line 2 has more cells .* put a text that contains ',' between double quotes"
    ):
        files.read(write(tmp_path / "q.csv", "query,relevant\nwhere, when,a\n"))


def test_trec_topic_blocks(tmp_path):
    text = "<top>\n<num> Number: 301\n<title> International\nOrganized Crime\n<desc> Description:\nx\n</top>\n"
    text += "<top><num>302</num><title>Polio</title></top>"
    assert files.read_topics(write(tmp_path / "t", text)) == {"301": "International Organized Crime", "302": "Polio"}


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_tables_there_and_back(tmp_path, suffix):
    query_set = QuerySet("s", SET.queries, SET.qrels, {"q2": {"Cats sleep": 1, 'he said "no", twice': 0}})
    getattr(files, f"write_{suffix}")(query_set, tmp_path / f"s.{suffix}")
    assert same(files.read(tmp_path / f"s.{suffix}"), query_set)


def test_csv_joins_rows_of_one_query_and_names_queries_by_their_text(tmp_path):
    text = "\ufeffQuery,Relevant,Snippet\nwhen is tax due,a|b,\nwhen is tax due,,April\nother,c,\nno judgment,,\n"
    query_set = files.read(write(tmp_path / "s.csv", text))
    first, second = query_set.queries
    assert first.startswith("q-")
    assert query_set.qrels == {first: {"a": 1, "b": 1}, second: {"c": 1}}
    assert query_set.snippets == {first: {"April": 1}}
    assert query_set.unjudged == 1
    reordered = "query,relevant\nother,c\nwhen is tax due,a\n"
    assert set(files.read(write(tmp_path / "t.csv", reordered)).queries) == {first, second}


def test_a_row_without_an_id_joins_the_one_above_that_has_it(tmp_path):
    text = "id,query,relevant\n1,same text,x\n,same text ,y\n2,other,z\n"
    query_set = files.read(write(tmp_path / "s.csv", text))
    assert query_set.qrels == {"1": {"x": 1, "y": 1}, "2": {"z": 1}}
    lines = (
        '{"id": 0, "query": "a", "relevant": ["x"]}\n{"query": "a", "relevant": ["y"]}\n{"query": "b", "snippets": "t"}'
    )
    assert files.read(write(tmp_path / "s.jsonl", lines)).qrels["0"] == {"x": 1, "y": 1}


def test_nulls_in_json_lines_count_as_missing(tmp_path):
    lines = '{"id": null, "query": "a", "relevant": ["x"], "snippets": null}\n'
    lines += '{"id": null, "query": "b", "relevant": null, "snippets": ["t"]}\n'
    query_set = files.read(write(tmp_path / "s.jsonl", lines))
    assert all(key.startswith("q-") for key in query_set.queries)
    assert (list(query_set.qrels.values()), list(query_set.snippets.values())) == ([{"x": 1}], [{"t": 1}])


def test_jsonl_takes_lists_grades_and_one_string(tmp_path):
    lines = '{"query": "x", "relevant": ["a"]}\n{"query": "y", "relevant": {"b": 2}}\n{"query": "z", "snippets": "t"}'
    query_set = files.read(write(tmp_path / "s.jsonl", lines))
    assert [list(grades.items()) for grades in query_set.qrels.values()] == [[("a", 1)], [("b", 2)]]
    assert list(query_set.snippets.values()) == [{"t": 1}]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.tsv", "1\twhat is tax\n", r"TREC topics need the file of their judgments, too \(qrels, or --qrels on"),
        ("s.csv", "", "the first row must name query"),
        ("s.csv", "query,relevant\n", "has no judged query"),
        ("s.csv", "query,text\nx,y\n", "'text' is unknown"),
        ("s.csv", "query,relevant\nx,a\n", "has one judged query"),
        ("s.csv", "query,relevant\nx,a\n,b\n", "line 3: the query is empty"),
        ("s.csv", "query,relevant\nx,a,b\n", "line 2 has more cells"),
        ("s.csv", "query,relevant,grade\nx,a,high\n", "line 2: grade 'high' is not a whole number"),
        ("s.csv", "query,relevant,grade\nx,a,0\ny,b,0\n", "every judgment in s is 0"),
        ("s.csv", "query,relevant,grade\nx,a,1\nx,a,2\n", "'a' is judged 2"),
        ("s.csv", "id,query,relevant\n1,x,a\n1,y,b\n", "query id '1' has another text in an earlier row"),
        ("s.csv", "id,query,relevant\n,x,a\n1,x,b\n", "line 3: the query has the id '1', and an earlier row has no id"),
        ("s.csv", "id,query,relevant\n1,x,a\n2,x,b\n,x,c\n", "line 4: .* with the ids '1', '2': give the id"),
        ("s.jsonl", "{oops", "line 1 is not JSON"),
        ("s.jsonl", "[1]", "is a JSON list, not a JSON object"),
        ("s.jsonl", '{"relevant": ["a"]}', 'no "query" string'),
        ("s.jsonl", '{"query": "x", "answer": "a"}', "unknown field 'answer'"),
        ("s.jsonl", '{"query": "x", "relevant": 3}', "relevant must be a list of non-empty strings"),
        ("s.jsonl", '{"query": "x", "relevant": {"a": 0.5}}', "grade 0.5 is not a whole number"),
        ("s.txt", "x", "qrels is missing, and .*s.txt can only be TREC topics"),
        ("missing.csv", None, "there is no query set at"),
    ],
)
def test_bad_query_sets_say_what_and_where(tmp_path, name, text, message):
    if text is not None:
        write(tmp_path / name, text)
    with pytest.raises(InvalidInput, match=message):
        files.read(tmp_path / name)


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (files.read_qrels, "q1 0 a\n", "line 1 has 3 columns; a judgment has 4"),
        (files.read_qrels, "q1 0 a x\n", "grade 'x' is not a whole number"),
        (files.read_qrels, "q1 0 a 1\nq1 0 a 0\n", "line 2: 'a' is judged 0 for query 'q1' and 1 in an earlier line"),
        (files.read_run, "q1 Q0 a 1 2.0 t\nq1 Q0 a 2 1.0 t\n", "passage 'a' occurs twice"),
        (files.read_run, "q1 Q0 a 1 nan t\n", "score 'nan' is not a finite number"),
        (files.read_run, "q1 Q0 a 1 t x\n", "score 't' is not a finite number"),
        (files.read_run, "q1 Q0 a 1\n", "has 4 columns; a run has at least 5"),
        (files.read_topics, "no tab here\n", "a topic is its id, a tab and its text"),
        (files.read_topics, "q\tx\nq\ty\n", "query 'q' occurs twice"),
        (files.read_topics, "<top><num>1</top>", "topic 1 lacks"),
    ],
)
def test_bad_trec_files_say_what_and_where(tmp_path, reader, text, message):
    with pytest.raises(InvalidInput, match=message):
        reader(write(tmp_path / "f", text))


def test_bad_beir_folders(tmp_path):
    with pytest.raises(InvalidInput, match="not a BEIR folder"):
        files.read(tmp_path)
    files.write_beir(SET, tmp_path)
    with pytest.raises(InvalidInput, match="its splits are test"):
        files.read(tmp_path, split="dev")
    write(tmp_path / "queries.jsonl", '{"_id": "q1", "text": "one thing"}\n')
    with pytest.raises(InvalidInput, match="judges 1 queries that have no text, such as 'q2'"):
        files.read(tmp_path)
    (tmp_path / "queries.jsonl").write_bytes(b"\x00\x01\x02")
    with pytest.raises(InvalidInput, match=r"queries\.jsonl: .*name its encoding"):
        files.read(tmp_path)
    with pytest.raises(InvalidInput, match="white space"):
        files.write_run({"q 1": ["a"]}, tmp_path / "run")


def test_judgments_beside_a_beir_folder_are_refused(tmp_path):
    files.write_beir(QuerySet("x", {"a": "what", "b": "why"}, {"a": {"p": 1}, "b": {"p": 1}}), tmp_path)
    with pytest.raises(InvalidInput, match="is a BEIR folder with judgments of its own"):
        files.read(tmp_path, qrels=tmp_path / "qrels.txt")


def test_a_first_row_that_is_not_csv_is_an_error(tmp_path):
    (tmp_path / "q.csv").write_text("query," + "x" * 131_073 + "\na,b\n")
    with pytest.raises(InvalidInput, match="line 1 is not readable as CSV"):
        files.read(tmp_path / "q.csv")


def test_ids_may_name_documents_or_passages():
    hit = Hit(CORPUS[1], 1.0, 1, 1.0, 1)
    documents = resolve(SET, CORPUS)
    assert (documents.level, documents.key(hit), documents.unknown) == ("document", "a", 0)
    query_set = QuerySet("s", SET.queries, {"q1": {"a#1": 1}, "q2": {"c#0": 1}})
    passages = resolve(query_set, CORPUS)
    assert (passages.level, passages.key(hit)) == ("passage", "a#1")


def test_ids_that_the_index_lacks_are_an_error_unless_allowed():
    query_set = QuerySet("s", SET.queries, {"q1": {"a": 1, "zz": 1}, "q2": {"c": 1}})
    with pytest.raises(InvalidInput, match=r"1 of 3 judged ids of s name neither a passage .* such as 'zz'"):
        resolve(query_set, CORPUS)
    allowed = resolve(query_set, CORPUS, allow_unknown=True)
    assert (allowed.unknown, allowed.qrels["q1"]) == (1, {"a": 1, "zz": 1})


def test_a_file_whose_pages_are_the_documents_shows_their_ids():
    pages = [Passage(f"m.pdf#page={n}#0", "x", f"m.pdf#page={n}", metadata={"source": "m.pdf"}) for n in range(1, 6)]
    query_set = QuerySet("s", SET.queries, {"q1": {"m.pdf": 1, "a-missing": 1}, "q2": {"c": 1}})
    with pytest.raises(
        InvalidInput,
        match=r"'m\.pdf' \(s, id q1.*is not a document but the source of 5 documents: "
        r"'m\.pdf#page=1', .*3', \.\.\.\. Judge by the ids",
    ):
        resolve(query_set, [*CORPUS, *pages])


def test_passage_and_document_ids_mixed_are_named_as_that():
    query_set = QuerySet("s", SET.queries, {"q1": {"a": 1, "a#1": 1}, "q2": {"c": 1}})
    for allow in (False, True):
        with pytest.raises(
            InvalidInput,
            match=r"mixes passage and document ids: most name documents, and 'a#1' names a passage \(s, id q1, query",
        ):
            resolve(query_set, CORPUS, allow_unknown=allow)


def test_a_snippet_that_nothing_holds_names_file_line_and_query_or_counts_as_never_found(tmp_path):
    file = write(tmp_path / "s.csv", "query,snippet\nmy question,dogs\nother,bake it\n")
    query_set = files.read(file)
    with pytest.raises(InvalidInput, match=r"s\.csv line 2, query 'my question': no passage .* 'dogs'.*allow_unknown"):
        resolve(query_set, CORPUS)
    allowed = resolve(query_set, CORPUS, allow_unknown=True)
    first, second = allowed.qrels.values()
    assert (allowed.unknown, list(first.values()), second) == (1, [1], {"a#1": 1})
    assert allowed.without_relevant == 0
    assert not {passage.id for passage in CORPUS} & first.keys()


def test_snippets_find_their_passages_in_any_case_and_spacing():
    query_set = QuerySet("s", SET.queries, {}, {"q1": {"the DOUGH rest": 1, "bake it": 1}, "q2": {"cats": 1}})
    assert resolve(query_set, CORPUS).qrels == {"q1": {"a#0": 1, "a#1": 1}, "q2": {"c#0": 1}}
    with pytest.raises(InvalidInput, match="no passage contains the text 'dogs'"):
        resolve(QuerySet("s", SET.queries, {}, {"q1": {"dogs": 1}, "q2": {"cats": 1}}), CORPUS)


def test_snippets_keep_their_grades_and_give_way_to_judgments_by_id(tmp_path):
    corpus = [Passage("a", "the start of it"), Passage("b", "the end of it"), Passage("c", "nothing")]
    text = "query,relevant,snippet,grade\nx,,the start,0\nx,,of it,3\nx,c,,1\ny,,of it,1\ny,a,,0\ny,b,,3\n"
    judged = resolve(files.read(write(tmp_path / "s.csv", text)), corpus)
    assert list(judged.qrels.values()) == [{"a": 3, "b": 3, "c": 1}, {"a": 0, "b": 3}]
    zero = "query,relevant,snippet,grade\nx,,the start,0\ny,b,,1\n"
    first = resolve(files.read(write(tmp_path / "t.csv", zero)), corpus).qrels.values()
    assert list(first) == [{"a": 0}, {"b": 1}]
    lines = '{"query": "x", "snippets": {"the end": 2}}\n{"query": "y", "relevant": "a"}\n'
    again = resolve(files.read(write(tmp_path / "s.jsonl", lines)), corpus).qrels.values()
    assert list(again) == [{"b": 2}, {"a": 1}]
    with pytest.raises(InvalidInput, match=r"'end' is judged 2 .* and 1 in an earlier line"):
        files.read(write(tmp_path / "u.csv", "query,snippet,grade\nx,end,1\nx,end,2\n"))
    with pytest.raises(InvalidInput, match="every judgment in v is 0"):
        files.read(write(tmp_path / "v.csv", "query,snippet,grade\nx,end,0\ny,start,0\n"))


@pytest.mark.parametrize(
    ("snippet", "text", "holds"),
    [
        ("art", "the start", False),
        ("art", "artful", False),
        ("art", "an art.", True),
        ("art", "(Art)", True),
        ("art", "starts with art", True),
        ("-5 °C", "at -5 °C", True),
        ("日本", "これは日本語です", True),
        ("ก", "ขกข", True),
        ("caf\u00e9", "the cafe\u0301 is open", True),
        ("file", "a \ufb01le", True),
    ],
)
def test_a_snippet_is_found_as_whole_words(snippet, text, holds):
    query_set = QuerySet("s", SET.queries, {}, {"q1": {snippet: 1}, "q2": {"other": 1}})
    corpus = [Passage("a", text), Passage("b", f"other {snippet}")]
    assert resolve(query_set, corpus).qrels["q1"] == ({"a": 1, "b": 1} if holds else {"b": 1})


def test_a_query_with_zeros_alone_is_counted():
    query_set = resolve(QuerySet("s", SET.queries, {"q1": {"a": 1}, "q2": {"c": 0}}), CORPUS)
    assert query_set.without_relevant == 1


def test_the_fingerprint_follows_texts_and_grades():
    first = resolve(SET, CORPUS)
    other = resolve(QuerySet("s", SET.queries, {"q1": {"a": 1, "b": 0}, "q2": {"c": 1}}), CORPUS)
    assert first.fingerprint == resolve(SET, CORPUS).fingerprint != other.fingerprint


def test_the_fingerprint_of_snippets_is_of_their_words_and_not_of_the_passages_that_hold_them():
    snippets = QuerySet("s", SET.queries, {"q2": {"c#0": 1}}, {"q1": {"bake it": 1}})
    shifted = [replace(passage, id=passage.id.replace("a#1", "a#2")) for passage in CORPUS]
    first, other = resolve(snippets, CORPUS), resolve(snippets, shifted)
    assert first.fingerprint == other.fingerprint
    assert first.resolved != other.resolved
    changed = (
        replace(snippets, snippets={"q1": {"tax is due": 1}}),
        replace(snippets, snippets={"q1": {"bake it": 2}}),
        replace(snippets, qrels={"q2": {"c#0": 2}}),
    )
    assert first.fingerprint not in {resolve(each, CORPUS).fingerprint for each in changed}


def test_an_empty_query_is_refused():
    with pytest.raises(InvalidInput, match="query 'q2' is empty"):
        checked(QuerySet("s", {"q1": "x", "q2": " "}, SET.qrels))
