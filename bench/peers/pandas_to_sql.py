"""Loads one CSV file as most people do it: read_csv, then to_sql."""

import argparse

import pandas
import sqlalchemy

parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("file")
arguments = parser.parse_args()

rows = pandas.read_csv(arguments.file)
rows["file_id"] = 1
rows["line_no"] = range(2, len(rows) + 2)
with sqlalchemy.create_engine(arguments.url).begin() as connection:
    rows.to_sql("user_activity", connection, if_exists="append", index=False, chunksize=10_000)
