"""Names in SQL that matter, said once: what the built-in worker refuses is what the effect statement warns of.

DuckDB and SQLite call functions by these names; whatever is not listed here is not known, and counts as the worst.
"""

from __future__ import annotations

import re
from typing import Final

REFUSED_FUNCTIONS: Final = re.compile(
    r"(pg|__internal|duckdb|inet|has|json_serialize|json_deserialize|json_execute|read|parquet|write|sniff|glob|"
    r"current_setting|current_query|current_connection|current_transaction|getenv|getvariable|setvariable|nextval|"
    r"currval|setval|setseed|sleep_ms|txid_current|stats|query|query_table|which_secret|parse_duckdb|col_description|"
    r"obj_description|shobj_description|in_search_path|vector_type|get_block_size|invoke)(_.*)?"
)
"""DuckDB's functions that tell about this machine, change something, or run text that nobody has seen."""
REACHING: Final = re.compile(
    r"(?:dblink|lo|load|xp|sp|utl|http|https|httpfs|ftp|s3|st_read|iceberg|delta|sqlite|mysql|postgres|openrowset|"
    r"opendatasource|edit|fsdir|readfile|writefile|scan|arrow|pandas|shell|system|dbms|file|url|copy|attach|install|"
    r"export|import|sys|eval|bfilename|crosstab|connectby|xpath_table|set_config|ts_stat|ts_rewrite)(?:_.*)?|"
    r".*(?:_scan|_file|_query|_extension|_to_xml|_to_xmlschema|_and_xmlschema|uritype)"
)
"""Functions of other engines that reach files, addresses or other databases, or read what a text tells them to: a pod
may hand the SQL on to one."""
PACKAGES: Final = re.compile(r"(?:utl|dbms|owa|apex|ctx)_.*")
"""Oracle's functions of that kind have plain names of their own, behind the name of a package and a dot."""
OWN_NAMES: Final = frozenset({"rowid", "oid", "_rowid_", "_rowid", "identitycol", "rowguidcol"})
"""What SQLite, MariaDB and SQL Server call the column by which a table numbers its records, whatever its name is."""
TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest"})
"""Functions in FROM that make rows out of nothing but their arguments."""
OF_A_ROW: Final = re.compile(r"array_agg|any_value|concat|count|max|min|(?:hash|num|pg|quote|record)_.*|.*json.*")
"""Functions of PostgreSQL that take a whole row, where `t.to_json` is another way to write `to_json(t)`."""
DATE_PARTS: Final = frozenset(
    {
        "year", "years", "quarter", "quarters", "month", "months", "week", "weeks", "day", "days", "hour", "hours",
        "minute", "minutes", "second", "seconds", "millisecond", "milliseconds", "microsecond", "microseconds",
        "decade", "decades", "century", "millennium", "dow", "isodow", "doy", "epoch", "isoyear",
    }
)  # fmt: skip
"""Words by which functions on dates are told what is meant."""


def reaches_out(function: str) -> bool:
    """Could a function of this name read a file, an address, another database or the engine itself?"""
    name = function.casefold()
    return bool(REFUSED_FUNCTIONS.fullmatch(name) or REACHING.fullmatch(name))
