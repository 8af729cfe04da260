"""The options of the settings of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shortlist.config.search_config import FUSION, POOL_SIZE, RERANKER, TOP_K


class Setting(NamedTuple):
    """The option of a setting: the type of its values, its help, the default in words, and a name for the value."""

    kind: type
    text: str
    default: object
    metavar: str | None = None


MODEL = "a packaged name, a folder, a hub id, or package.module:attribute"
OPTIONS: Mapping[str, Setting] = {
    "pool_size": Setting(
        str, 'Passages that the reranker scores, or "auto" for the stored stop rule.', POOL_SIZE, "N|auto"
    ),
    "effort": Setting(str, "A level that tune --write stored, in place of --pool.", "none", "low|mid|high"),
    "top_k": Setting(int, "Length of the answer, at most the pool size without --tail.", TOP_K, "N"),
    "rerank": Setting(bool, "Both stages, or stage one alone.", "both"),
    "min_score": Setting(float, "Leave out hits with a lower final score; -inf leaves out nothing.", "-inf", "X"),
    "min_probability": Setting(
        float,
        "Leave out hits with a lower probability, by the curve that calibrate stored; 0 leaves out nothing.",
        "0",
        "P",
    ),
    "gate": Setting(bool, "Skip stage two if the signals of stage one reach the gate that calibrate stored.", "no"),
    "tail": Setting(bool, "Allow an answer longer than the pool; the rest has stage one's order.", "no"),
    "duplicates": Setting(
        bool, "Show passages with the same text, or almost the same, as hits of their own.", "fold them into one hit"
    ),
    "per_document": Setting(int, "The most hits of one document.", "no limit", "N"),
    "mmr": Setting(
        float,
        "Choose varied hits: the weight of relevance, 1 (the order stays) to 0 (the most different hits).",
        "off",
        "X",
    ),
    "progressive": Setting(
        bool,
        "Drop passages with low scores after the first layers: faster, slightly less accurate. No gain at --blend 0.",
        "no",
    ),
    "blend": Setting(float, "Factor of stage one's part of the final score; 0: the reranker alone.", "1", "X"),
    "weights": Setting(
        list[str],
        "Weight of a stage-one signal (dense, bm25, bm25_share) in the final score; repeat the option for several.",
        "the fitted weights of the two models",
        "SIGNAL=X",
    ),
    "fusion": Setting(float, "Weight of the vectors in hybrid retrieval, 0 (BM25 alone) to 1.", FUSION, "X"),
    "expand": Setting(
        str, "Expand the query of stage one: rm3, or a function as package.module:attribute; none: off.", "none", "NAME"
    ),
    "retriever": Setting(
        str,
        "Stage one: hybrid, dense or bm25 over the index; a store such as chroma:notes@./chroma; or "
        "package.module:attribute.",
        "hybrid",
        "NAME",
    ),
    "fields": Setting(
        list[str],
        "The name of a store's id, text, title, vector, document_id or metadata; repeat the option for several.",
        "found in the store",
        "FIELD=NAME",
    ),
    "words": Setting(bool, "Keep BM25 of the passages in the state folder, for a store that has vectors alone.", "no"),
    "language": Setting(
        str,
        "The language of BM25's word forms and stop words, for a new index or for BM25 of a store's passages: a name "
        "such as german, a code such as de, or none. An index has one language.",
        "found in the texts",
        "NAME",
    ),
    "bi_encoder": Setting(
        str,
        f"The model of stage one: {MODEL}; or openai:MODEL[@URL] (an embeddings endpoint).",
        "the index's own",
        "NAME",
    ),
    "pool_encoder": Setting(
        str,
        "The bi-encoder that encodes the pool, so that a store or a retriever of your own gets the cosine in the final "
        f"score: {MODEL}.",
        "none",
        "NAME",
    ),
    "reranker": Setting(
        str,
        f"The model of stage two: {MODEL}; or vendor:model (hosted), openai-list:MODEL[@URL] (a chat model), or "
        "colbert:NAME (late interaction).",
        RERANKER,
        "NAME",
    ),
    "index_options": Setting(
        list[str],
        "An option of an index: exact. Of one on a server also ef, timeout, and for a new one shards, replicas, "
        "write_consistency. Repeat the option for several.",
        "exact up to 100,000 passages",
        "OPTION=VALUE",
    ),
    "precision": Setting(str, "auto, exact (fp32), fast, fp16 or bf16.", "auto", "auto|exact|fast|fp16|bf16"),
    "device": Setting(str, "Where models run: auto, cpu, cuda, openvino:GPU or torch:cuda.", "auto", "NAME"),
    "threads": Setting(int, "CPU cores for the models.", "all", "N"),
}
"""Setting of `SearchConfig` -> its option. `add` has the option of `precompute`, which is no setting of a search."""
