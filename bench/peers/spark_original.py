"""The job that this project replaces, written anew with the same behaviour.

A folder of CSV files as a stream; each batch is counted, split into good and bad rows, and appended
by JDBC. `original` takes one file a batch; `best` takes all that is there, keeps the batch in memory
instead of reading it once for each question, and lets the driver send many rows in one INSERT.

Ends when all that was in the folder is stored. Its last line is JSON: seconds of Spark's own start,
seconds from the start of the query to the last row, and the number of batches.
"""

import argparse
import json
import os
import time

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.types import (
    DecimalType,
    IntegerType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

SCHEMA = StructType(
    [
        StructField("event_id", StringType()),
        StructField("event_time", TimestampType()),
        StructField("event_type", StringType()),
        StructField("product_id", IntegerType()),
        StructField("price", DecimalType(10, 2)),
        StructField("user_id", IntegerType()),
        StructField("session_id", StringType()),
    ]
)
IDS = ["event_id", "product_id", "user_id", "session_id"]
ALL_FILES = 1_000_000


def main() -> None:
    arguments = read_arguments()
    best = arguments.mode == "best"
    started = time.monotonic()
    spark = session(arguments.driver)
    ready = time.monotonic()
    batches = 0

    def store(batch: DataFrame, batch_id: int) -> None:
        nonlocal batches
        if batch.isEmpty():
            return
        batches += 1
        if best:
            batch.persist()
        batch.count()
        good_row = (
            (f.col("price") > 0)
            & f.col("event_type").isin("view", "purchase")
            & all_present(IDS + ["event_time"])
        )
        good, bad = batch.filter(good_row), batch.filter(~f.coalesce(good_row, f.lit(False)))
        append(with_lineage(good), "user_activity", arguments)
        if not bad.isEmpty():
            append(as_errors(bad), "user_activity_errors", arguments)
        if best:
            batch.unpersist()

    query = (
        spark.readStream.schema(SCHEMA)
        .option("header", True)
        .option("maxFilesPerTrigger", ALL_FILES if best else 1)
        .csv(arguments.input)
        .writeStream.foreachBatch(store)
        .option("checkpointLocation", arguments.checkpoint)
        .start()
    )
    query.processAllAvailable()
    drained = time.monotonic()
    query.stop()
    spark.stop()
    answer = {"start_up_seconds": ready - started, "seconds": drained - ready, "batches": batches}
    print(json.dumps(answer))


def session(driver: str) -> SparkSession:
    spark = (
        SparkSession.builder.appName("original")
        .master("local[*]")
        .config("spark.jars", driver)
        .config("spark.driver.memory", "4g")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", False)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def all_present(columns: list[str]):
    present = f.lit(True)
    for column in columns:
        present = present & f.col(column).isNotNull()
    return present


def with_lineage(rows: DataFrame) -> DataFrame:
    return rows.withColumn("file_id", f.lit(1)).withColumn("line_no", f.lit(2))


def as_errors(rows: DataFrame) -> DataFrame:
    return rows.select(
        f.lit(1).alias("file_id"),
        (f.monotonically_increasing_id() + 2).alias("line_no"),
        f.lit(0).alias("byte_offset"),
        f.lit("out_of_range").alias("reason"),
        f.lit("refused by the filter").alias("error_message"),
        f.to_json(f.struct(*rows.columns)).cast("binary").alias("raw_line"),
    )


def append(rows: DataFrame, table: str, arguments: argparse.Namespace) -> None:
    # Else the server would refuse a text for a uuid.
    url = f"{arguments.url}?stringtype=unspecified"
    writer = rows.write.format("jdbc")
    if arguments.mode == "best":
        url += "&reWriteBatchedInserts=true"
        writer = writer.option("batchsize", 10_000)
    (
        writer.option("url", url)
        .option("driver", "org.postgresql.Driver")
        .option("dbtable", table)
        .option("user", arguments.user)
        .option("password", os.environ["POSTGRES_PASSWORD"])
        .mode("append")
        .save()
    )


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["original", "best"], required=True)
    for name in ["--input", "--checkpoint", "--driver", "--url", "--user"]:
        parser.add_argument(name, required=True)
    return parser.parse_args()


main()
