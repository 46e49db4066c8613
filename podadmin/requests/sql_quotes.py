"""Backticks to double quotes: requesters of this field quote names as MySQL does, DuckDB as the SQL standard does.

Only backticks outside string literals, comments and quoted names mean anything; everything else stays byte for byte.
bitfount's own pod does neither: over files it takes every backtick out of the text and runs what is left (`bare`).
"""

from __future__ import annotations

import re

# One token of text at a time. The alternatives that may contain a backtick stand before the backtick itself.
# A dollar quote opens only where no letter, digit or underscore stands before it, as in `$$…$$` and `$tag$…$tag$`.
_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*(?:'|\Z)                       # string literal, also one that never ends
    | "(?:[^"]|"")*(?:"|\Z)                       # quoted name
    | --[^\n]*                                    # comment to the end of the line
    | /\*.*?(?:\*/|\Z)                            # block comment
    | (?<![A-Za-z0-9_])\$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|\Z)   # dollar-quoted string
    | `(?P<name>(?:[^`]|``)*)`                    # what this module is for
    | ;                                           # end of a statement
    """,
    re.VERBOSE | re.DOTALL,
)
_FROM_TABLE = re.compile(r"(?:from|FROM) `([^`]*)`")


def bare(query: str) -> tuple[tuple[str, str], ...]:
    """Each text that bitfount's own pod could run over files instead of `query`, and the table for which it is made.

    It looks for the table of the task behind FROM, takes the hyphens out of the first piece between backticks that is
    its name, and then takes out all backticks, wherever they stand (bitfount 13, `SqlQuery.execute_query_in_memory`):
    what a requester wrote as a name is then SQL. Nothing for a query that it would not run.
    """
    found = []
    for table in dict.fromkeys(_FROM_TABLE.findall(query)):
        pieces = query.split("`")
        pieces[pieces.index(table)] = table.replace("-", "")
        found.append(("".join(pieces), table))
    return tuple(found)


def standard_quotes(query: str) -> str:
    """`query` with every pair of backticks turned into a pair of double quotes.

    A doubled backtick inside is one backtick of the name; a double quote inside is doubled. Escape strings
    (`E'…\\'…'`) end for DuckDB at other places than for this function: `sql.read` refuses them. A single backtick
    without a partner stays and becomes DuckDB's syntax error.
    """

    def one(match: re.Match[str]) -> str:
        name = match.group("name")
        if name is None:
            return match.group(0)
        return '"' + name.replace("``", "`").replace('"', '""') + '"'

    return _TOKEN.sub(one, query)


def first_statement(query: str) -> str:
    """`query` up to its first semicolon that ends a statement, without space around it."""
    ends = (token.start() for token in _TOKEN.finditer(query) if token.group() == ";")
    return query[: next(ends, None)].strip()
