import json

import pytest
from typer.testing import CliRunner

import tiny
from shortlist.cli.app import app
from shortlist.errors import ModelError, ModelNotFound
from shortlist.models import cross_encoder_spec, encoder_spec
from shortlist.models.folder import BGE_QUERY, read_cross_encoder, read_encoder
from shortlist.models.onnx_file import choose_onnx
from shortlist.models.packaged import packaged_folder, packaged_names, write_manifest


@pytest.mark.parametrize(
    ("files", "chosen", "reason"),
    [
        (["onnx/model.onnx", "onnx/model_O4.onnx", "model.onnx"], "onnx/model.onnx", "first choice among 3"),
        (["model.onnx"], "model.onnx", "the only ONNX file"),
        (["onnx/model_qint8_avx512.onnx", "onnx/model_O2.onnx"], "onnx/model_O2.onnx", "first choice among 2"),
        (["odd.onnx", "model_quantized.onnx"], "odd.onnx", "not quantised"),
        (["onnx/model_quantized.onnx"], None, "only quantised ONNX files"),
        (["model.safetensors"], None, "no ONNX file"),
    ],
)
def test_the_choice_of_the_onnx_file(files, chosen, reason):
    assert choose_onnx(files)[0] == chosen
    assert reason in choose_onnx(files)[1]


def test_a_file_requested_by_name_is_used_or_refused():
    assert choose_onnx(["a.onnx", "b_int8.onnx"], "b_int8.onnx")[0] == "b_int8.onnx"
    with pytest.raises(ModelNotFound, match=r"this model has no file 'c\.onnx'; its ONNX files: a\.onnx"):
        choose_onnx(["a.onnx"], "c.onnx")


@pytest.mark.parametrize(
    ("mode", "pooling"), [("mean_tokens", "mean"), ("cls_token", "cls"), ("max_tokens", "max"), ("lasttoken", "last")]
)
def test_old_pooling_files(tmp_path, mode, pooling):
    assert read_encoder(tiny.encoder(tmp_path, pooling=mode), "x").pooling == pooling


@pytest.mark.parametrize(("mode", "pooling"), [("cls", "cls"), ("mean", "mean"), ("lasttoken", "last")])
def test_new_pooling_files(tmp_path, mode, pooling):
    tiny.encoder(tmp_path)
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": mode}))
    assert read_encoder(tmp_path, "x").pooling == pooling


def test_unsupported_pooling_is_named(tmp_path):
    tiny.encoder(tmp_path, pooling="weightedmean_tokens")
    with pytest.raises(ModelError, match=r"weightedmean_tokens.*not supported; supported: cls, mean, max, last"):
        read_encoder(tmp_path, "x")


def test_normalise_and_dimension_and_lengths(tmp_path):
    tiny.encoder(tmp_path, max_position_embeddings=514, model_type="roberta")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 10**30}))
    spec = read_encoder(tmp_path, "x")
    assert (spec.normalize, spec.dimension, spec.max_length) == (True, tiny.WIDTH, 512)
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 128}))
    assert read_encoder(tmp_path, "x").max_length == 128


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("BAAI/bge-small-en-v1.5", BGE_QUERY, ""),
        ("intfloat/e5-small-v2", "query: ", "passage: "),
        ("intfloat/multilingual-e5-base", "query: ", "passage: "),
        ("intfloat/e5-mistral-7b-instruct", "", ""),
        ("acme/other", "", ""),
    ],
)
def test_documented_prompts_if_the_files_have_none(tmp_path, name, query, passage):
    spec = read_encoder(tiny.encoder(tmp_path), name)
    assert (spec.query_prompt, spec.passage_prompt) == (query, passage)


def test_the_models_own_prompts_take_precedence(tmp_path):
    tiny.encoder(tmp_path)
    prompts = {"prompts": {"query": "ask: ", "document": "doc: "}}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    spec = read_encoder(tmp_path, "BAAI/bge-small-en-v1.5")
    assert (spec.query_prompt, spec.passage_prompt) == ("ask: ", "doc: ")


@pytest.mark.parametrize(
    ("config", "activation"),
    [
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, "identity"),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, "identity"),
        ({}, "sigmoid"),
    ],
)
def test_activation_is_read(tmp_path, config, activation):
    tiny.cross_encoder(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    settings.pop("sentence_transformers")
    (tmp_path / "config.json").write_text(json.dumps(settings | config))
    assert read_cross_encoder(tmp_path, "x").activation == activation


def test_more_labels_than_one_are_refused(tmp_path):
    with pytest.raises(ModelError, match="x has 3 labels"):
        read_cross_encoder(tiny.cross_encoder(tmp_path, labels=3), "x")


@pytest.mark.parametrize(
    ("files", "is_cross_encoder"),
    [
        ({"config_sentence_transformers.json": {"model_type": "CrossEncoder"}, "modules.json": [{"type": "P"}]}, True),
        ({"config_sentence_transformers.json": {"model_type": "SentenceTransformer"}}, False),
        ({"modules.json": [{"type": "sentence_transformers.models.Transformer"}]}, False),
        ({"config.json": {"architectures": ["BertForSequenceClassification"]}}, True),
        ({"config.json": {"architectures": ["BertModel"]}}, False),
        ({}, None),
    ],
)
def test_without_an_onnx_file_the_other_files_tell_the_kind_of_model(tmp_path, files, is_cross_encoder):
    tiny.write_tokenizer(tmp_path)
    for name, content in {"config.json": {}, **files}.items():
        (tmp_path / name).write_text(json.dumps(content))
    if is_cross_encoder is False:
        with pytest.raises(ModelError, match="x is not a cross-encoder with one label"):
            read_cross_encoder(tmp_path, "x")
    else:
        assert read_cross_encoder(tmp_path, "x").files.onnx is None
    if is_cross_encoder:
        with pytest.raises(ModelError, match="x is not a bi-encoder"):
            read_encoder(tmp_path, "x")
    else:
        assert read_encoder(tmp_path, "x").files.onnx is None


def test_pull_shows_the_order_of_stages():
    output = CliRunner().invoke(app, ["models", "pull", "shortlist-reranker-v1"]).output
    assert "stage-2.onnx, stage-4.onnx, stage-6.onnx: one model in 3 stages, which run in this order" in output


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path, file):
    tiny.encoder(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(ModelNotFound, match=file):
        read_encoder(tmp_path, "x")


@pytest.mark.parametrize("file", ["config.json", "modules.json", "1_Pooling/config.json"])
def test_broken_json_is_named(tmp_path, file):
    tiny.encoder(tmp_path)
    (tmp_path / file).write_text("{oops")
    with pytest.raises(ModelError, match="is not readable JSON"):
        read_encoder(tmp_path, "x")


def test_a_local_folder_is_a_name(tmp_path):
    tiny.encoder(tmp_path)
    assert encoder_spec(str(tmp_path)).files.onnx == tmp_path.resolve() / "onnx" / "model.onnx"


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ModelNotFound, match="Did you mean all-MiniLM-L6-v2"):
        encoder_spec("all-MiniLM-L6-v3")
    with pytest.raises(
        ModelNotFound, match=r"or a hub id of the form org/name\. The packaged models are all-MiniLM-L6-v2 and "
    ):
        cross_encoder_spec("./nowhere")


def test_packaged_models_are_checked_by_hash(tmp_path):
    tiny.encoder(tmp_path / "small")
    write_manifest(tmp_path / "small")
    assert packaged_names(tmp_path) == ["small"]
    assert packaged_folder("small", tmp_path) == tmp_path / "small"
    (tmp_path / "small" / "1_Pooling" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"1_Pooling/config\.json is damaged \(sha256 [0-9a-f]+, expected [0-9a-f]+"):
        packaged_folder("small", tmp_path)
    (tmp_path / "small" / "1_Pooling" / "config.json").unlink()
    with pytest.raises(ModelError, match="is missing"):
        packaged_folder("small", tmp_path)
    with pytest.raises(ModelNotFound, match="packaged: small"):
        packaged_folder("large", tmp_path)


def test_the_packaged_models():
    assert packaged_names() == ["all-MiniLM-L6-v2", "shortlist-reranker-v1"]
    spec = encoder_spec("sentence-transformers/all-MiniLM-L6-v2")
    assert (spec.dimension, spec.max_length, spec.pooling, spec.normalize) == (384, 256, "mean", True)
    stages = [file.name for file in cross_encoder_spec("shortlist-reranker-v1").stages]
    assert stages == ["stage-2.onnx", "stage-4.onnx", "stage-6.onnx"]


def test_a_model_with_modules_outside_its_onnx_file_runs_under_torch(tmp_path):
    tiny.encoder(tmp_path)
    modules = json.loads((tmp_path / "modules.json").read_text())
    modules.append({"path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    spec = read_encoder(tmp_path, "x")
    assert spec.files.onnx is None
    assert "modules.json lists Dense" in spec.files.onnx_reason


def test_a_cross_encoder_whose_onnx_file_is_its_transformer_alone_runs_under_torch(tmp_path):
    tiny.cross_encoder(tmp_path)
    kinds = ("base.modules.Transformer", "models.Pooling", "models.Dense", "models.LayerNorm", "models.Dense")
    modules = [{"path": f"{place}", "type": f"sentence_transformers.{kind}"} for place, kind in enumerate(kinds)]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"model_type": "CrossEncoder"}))
    spec = read_cross_encoder(tmp_path, "x")
    assert spec.files.onnx is None
    assert "modules.json lists Dense, LayerNorm, Dense, which the ONNX file does not contain" in spec.files.onnx_reason
