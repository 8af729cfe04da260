"""Names to parts: attributes of a user's own module, devices, and the two forms of a cross-encoder."""

import sys

import numpy as np
import pytest

import shortlist
import standin_devices
import tiny
from attribute_parts import DOCUMENTS, Holder, OwnReranker
from fakes import WordReranker
from shortlist import SearchConfig, registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, ModelNotFound
from shortlist.inference import stage_engines
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.search.retriever import RowsRetriever


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("package:make", True),
        ("package.module:Class.method", True),
        ("package", False),
        ("cohere:rerank-v3.5", False),
        ("tei:http://127.0.0.1:8080", False),
        ("C:\\models\\mine", False),
        ("org/name", False),
        ("a:", False),
        (":b", False),
        ("", False),
    ],
)
def test_the_form_of_an_attribute(name, expected):
    assert registry.is_attribute(name) is expected


def test_objects_are_returned_and_classes_and_factories_called():
    assert registry.load_attribute("attribute_parts:ENCODER") is sys.modules["attribute_parts"].ENCODER
    assert isinstance(registry.load_attribute("attribute_parts:make_encoder"), HashedEncoder)
    assert isinstance(registry.load_attribute("attribute_parts:OwnReranker"), OwnReranker)
    assert registry.load_attribute("attribute_parts:Holder.reranker") is Holder.reranker


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:make", "there is no module 'no_such_module'. Install it, or put its folder into PYTHONPATH"),
        ("attribute_parts:nothing", "AttributeError: .*no attribute 'nothing'"),
        ("attribute_parts:NeedsArguments", "TypeError: .*missing 1 required positional argument: 'url'"),
        ("attribute_parts:broken", "RuntimeError: no connection"),
    ],
)
def test_an_attribute_that_cannot_be_loaded_is_named_with_the_error(name, message):
    with pytest.raises(InvalidInput, match=f"{name} cannot be loaded: {message}"):
        registry.load_attribute(name)


def test_an_error_of_this_package_keeps_its_kind():
    with pytest.raises(ModelNotFound, match="there is no such model"):
        registry.load_reranker("attribute_parts:missing_model")


def test_the_current_folder_is_not_searched(tmp_path, monkeypatch):
    (tmp_path / "module_of_the_folder.py").write_text("raise SystemExit('this file must not run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    with pytest.raises(InvalidInput, match="there is no module 'module_of_the_folder'"):
        registry.load_reranker("module_of_the_folder:make")


def test_encoders_by_name():
    assert isinstance(registry.load_encoder("attribute_parts:make_encoder"), HashedEncoder)
    assert registry.load_encoder("hashed-16").name == "hashed-16"
    assert registry.encoder_name("attribute_parts:make_encoder") == "attribute_parts:make_encoder"
    assert registry.encoder_name("sentence-transformers/all-MiniLM-L6-v2") == BI_ENCODER
    with pytest.raises(InvalidInput, match="dimension of at least 1, not 0"):
        registry.load_encoder("hashed-0")
    for name in ("attribute_parts:make_reranker", "attribute_parts:NOT_A_PART"):
        with pytest.raises(InvalidInput, match=f"{name} is .*: an encoder has the methods encode_queries and"):
            registry.load_encoder(name)


def test_rerankers_by_name():
    assert isinstance(registry.load_reranker("attribute_parts:OwnReranker"), OwnReranker)
    registry.check_reranker("attribute_parts:OwnReranker")
    registry.check_reranker(CROSS_ENCODER)
    with pytest.raises(ModelNotFound, match="'nope' is not a packaged model"):
        registry.check_reranker("nope")
    for name in ("attribute_parts:NOT_A_PART", "attribute_parts:make_encoder"):
        with pytest.raises(InvalidInput, match=r"has no method score\(query, texts\)"):
            registry.load_reranker(name)


@pytest.mark.parametrize("name", ["attribute_parts:matches", "attribute_parts:make_matches"])
def test_a_function_or_its_factory_is_a_retriever(name):
    retriever = registry.make_retriever(name, index=None, encoder=None)
    assert isinstance(retriever, RowsRetriever)
    assert [hit.id for hit in retriever.retrieve("red cat", 2)] == ["a", "b"]


@pytest.mark.parametrize("name", ["chrome:notes@./chroma", "foo:notes@x", 5])
def test_a_retriever_of_an_unknown_kind_is_an_error_over_an_index_too(name):
    with pytest.raises(InvalidInput, match="write kind:COLLECTION@WHERE with a kind of"):
        registry.make_retriever(name, index=None, encoder=None)
    with pytest.raises(InvalidInput, match="write kind:COLLECTION@WHERE with a kind of"):
        registry.load_retriever(name)


def test_an_object_with_retrieve_is_a_retriever():
    retriever = registry.make_retriever("attribute_parts:OwnRetriever", index=None, encoder=None)
    assert [hit.id for hit in retriever.retrieve("red cat", 2)] == ["a", "b"]
    with pytest.raises(InvalidInput, match="attribute_parts:NOT_A_PART is 7: a retriever is an object with a method"):
        registry.make_retriever("attribute_parts:NOT_A_PART", index=None, encoder=None)


def test_an_index_searches_with_parts_of_the_users_own_module(tmp_path):
    config = SearchConfig(
        bi_encoder="attribute_parts:make_encoder",
        reranker="attribute_parts:OwnReranker",
        retriever="attribute_parts:matches",
    )
    with shortlist.open(tmp_path / "index", create=True, config=config) as index:
        index.add([{"id": key, "text": text} for key, text in DOCUMENTS.items()])
        assert index.encoder.dimension == 16
        ranking = index.search("red house", top_k=3)
        assert [hit.id for hit in ranking] == ["d", "a", "b"]
        assert ranking.status == "ok"
        with pytest.raises(InvalidInput, match="cannot filter, because the function has no parameter"):
            index.search("red", where={"year": 2024})
    with shortlist.open(tmp_path / "index") as index:
        assert index.collection.manifest.encoder == "attribute_parts:make_encoder"
        assert isinstance(index.encoder, HashedEncoder)


def test_the_device_goes_from_the_configuration_to_both_models(tmp_path):
    encoder, reranker = tiny.encoder(tmp_path / "bi"), tiny.cross_encoder(tmp_path / "cross")
    config = SearchConfig(bi_encoder=str(encoder), reranker=str(reranker), device="cuda")
    with (
        standin_devices.cuda() as session,
        shortlist.open(tmp_path / "index", create=True, config=config) as index,
    ):
        assert index.encoder.runtime.device == "cuda"
        assert index.searcher.reranker.runtime.device == "cuda"
        assert len(session.settings) == 2


@pytest.mark.parametrize("progressive", [False, True])
def test_each_kind_of_search_loads_the_form_that_it_uses(tmp_path, monkeypatch, progressive):
    pytest.importorskip("openvino")
    loads, load = [], stage_engines.load
    monkeypatch.setattr(stage_engines, "load", lambda files, *rest: loads.append(len(files)) or load(files, *rest))
    folder = tiny.staged(tmp_path / "model", drop=True, window=256)
    config = SearchConfig(
        bi_encoder="hashed-16", reranker=str(folder), device="openvino:CPU", precision="exact", progressive=progressive
    )
    with shortlist.open(tmp_path / "index", create=True, config=config) as index:
        index.add([{"id": word, "text": f"the {word} sat"} for word in tiny.WORDS[4:]])
        for query in ("cat", "dog"):
            ranking = index.search(query, pool_size=8)
            assert (ranking.status, ranking.dropped > 0) == ("ok", progressive)
        assert loads == ([1, 1, 1] if progressive else [3])
        index.search("cat", progressive=not progressive)
        index.search("dog", progressive=not progressive)
        assert len(loads) == 4


def test_only_a_cross_encoder_with_a_drop_rule_has_a_progressive_form(tmp_path):
    assert registry.progressive_of(WordReranker()) is None
    assert registry.progressive_of(registry.load_reranker(str(tiny.staged(tmp_path / "none")), device="cpu")) is None
    model = registry.load_reranker(str(tiny.staged(tmp_path / "rule", drop=True)), device="cpu")
    make = registry.progressive_of(model)
    assert make() is make()
    assert np.isfinite(make().score("query", ["cat", "dog"])).all()


@pytest.mark.parametrize("name", ["DSPY", "LANGCHAIN", "asynchronous", "LlamaIndexRetriever"])
def test_a_retriever_of_a_framework_is_loaded_by_its_name(name):
    retriever = registry.load_retriever(f"framework_fakes:{name}")
    assert [hit.text for hit in retriever.retrieve("tax", 2)] == ["cats sleep", "tax is due"]
