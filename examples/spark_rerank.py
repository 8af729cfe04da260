"""Rerank a table of pairs in Spark: each task loads the model once, and scores one partition of the table.

The table has the columns query_id, query, passage_id and text. The result has these columns without the texts, and
`score`: the reranker's logit, higher is better. Sort the table by query_id within its partitions (`main` does), so that
the pairs of a query are scored together and their query is tokenised once.

    spark-submit examples/spark_rerank.py pairs.parquet scores.parquet

Every worker needs shortlist, pandas and pyarrow; PYSPARK_PYTHON is the Python that has them. Loading takes about a
second, so a partition should have thousands of pairs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import shortlist as sl

if TYPE_CHECKING:
    import pandas as pd

MODEL = "shortlist-reranker-v1"
THREADS = 1
SCHEMA = "query_id string, passage_id string, score double"


def scores(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield each frame with a score in place of the texts: the function for `mapInPandas`."""
    reranker = sl.load_reranker(MODEL, threads=THREADS)
    for frame in frames:
        frame = frame.reset_index(drop=True)
        column = [0.0] * len(frame)
        for _, group in frame.groupby("query_id", sort=False):
            values = reranker.score(group["query"].iloc[0], group["text"].tolist())
            for place, value in zip(group.index, values, strict=True):
                column[place] = value
        yield frame[["query_id", "passage_id"]].assign(score=column)


def main(pairs: str, out: str, master: str | None = None) -> int:
    """Score the table `pairs` and write the table `out`, both in parquet. Returns the number of rows."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("rerank").config("spark.task.cpus", str(THREADS))
    spark = (builder.master(master) if master else builder).getOrCreate()
    table = spark.read.parquet(pairs)
    table = table.repartition("query_id").sortWithinPartitions("query_id")
    table.mapInPandas(scores, SCHEMA).write.mode("overwrite").parquet(out)
    rows = spark.read.parquet(out).count()
    spark.stop()
    return int(rows)


if __name__ == "__main__":
    print(f"{main(*sys.argv[1:])} pairs scored")
