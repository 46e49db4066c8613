"""How many lines a query can bring at most, what their columns are called, and which of them count records.

This is what a result is later held against. Only what every reading of the SQL bears out is promised (`sql_reading`);
where nothing bounds the number of lines, or an engine chooses the names, nothing is said. Pure, and bounded by the size
of the text like the reading itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from podadmin.requests.effect_facts import FIGURES
from podadmin.requests.sql_reading import parsed, readings, understand
from podadmin.requests.sql_sources import common_table
from podadmin.requests.sql_terms import is_plain_column, whole_number

if TYPE_CHECKING:
    from sqlglot import exp

_MOST_NESTED: Final = 16


@dataclass(frozen=True)
class Lines:
    """`most` None: nothing bounds their number. `columns` None: not all names are known. `counts`: those that count
    records. `grouped`: there is one line for each group, which bounds them by the size of the groups.
    """

    most: int | None = None
    columns: tuple[str, ...] | None = None
    counts: tuple[str, ...] = ()
    grouped: bool = False


def lines_of(query: str) -> Lines:
    """What the lines of a query's result are. Raises nothing: what cannot be said is left open."""
    return _lines_of(query) if understand(query).understood else Lines()


@lru_cache(maxsize=64)
def _lines_of(query: str) -> Lines:
    trees = [tree for tree, _acts in map(parsed, readings(query)) if tree is not None]
    figures = understand(query).level in FIGURES
    found = [_of(tree, figures, 0) for tree in trees]
    first = found[0]
    mosts = [each.most for each in found]
    same = all(each.columns == first.columns for each in found)
    return Lines(
        None if None in mosts else max(each for each in mosts if each is not None),
        first.columns if same else None,
        tuple(name for name in first.counts if all(name in each.counts for each in found)),
        figures and any(each.grouped for each in found),
    )


def _of(tree: exp.Expr, figures: bool, depth: int) -> Lines:
    from sqlglot import exp

    if isinstance(tree, exp.SetOperation) and depth <= _MOST_NESTED:
        one, other = _of(tree.this, figures, depth + 1), _of(tree.expression, figures, depth + 1)
        both = None if one.most is None or other.most is None else one.most + other.most
        return _limited(tree, Lines(both, one.columns))
    if isinstance(tree, exp.Subquery):
        return _limited(tree, _of(tree.this, figures, depth + 1))
    return _limited(tree, _of_select(tree, figures, depth)) if isinstance(tree, exp.Select) else Lines()


def _of_select(select: exp.Select, figures: bool, depth: int) -> Lines:
    from sqlglot import exp

    results = list(select.expressions)
    plain = [each.this if isinstance(each, exp.Alias) else each for each in results]
    names = [_name(each) for each in results]
    counts = tuple(name for name, each in zip(names, plain, strict=True) if name and _counts(each))
    columns = tuple(name for name in names if name) if all(names) else None
    if not figures:
        return Lines(None, columns, counts)
    inner = _inner(select)
    aggregated = any(each.find(exp.AggFunc) for each in plain)
    if inner is not None and not aggregated and not select.args.get("group"):
        below = _of(inner, figures, depth + 1)
        handed = tuple(name for name in names if name and name in below.counts)
        star = any(isinstance(each, exp.Star) for each in plain)
        return Lines(below.most, below.columns if star else columns, below.counts if star else handed, below.grouped)
    if select.args.get("group"):
        return Lines(None, columns, counts, grouped=True)
    return Lines(1, columns, counts)


def _inner(select: exp.Select) -> exp.Expr | None:
    from sqlglot import exp

    begin = select.args.get("from_")
    source = begin.this if begin is not None else None
    if isinstance(source, exp.Subquery):
        inner: exp.Expr = source.this
        return inner
    if isinstance(source, exp.Table) and (common := common_table(source)) is not None:
        behind: exp.Expr = common.this
        return behind
    return None


def _name(result: exp.Expr) -> str:
    """What a result is called by every engine; empty where an engine chooses."""
    from sqlglot import exp

    if isinstance(result, exp.Alias):
        return str(result.alias)
    return str(result.name) if is_plain_column(result) else ""


def _counts(result: exp.Expr) -> bool:
    from sqlglot import exp

    if not isinstance(result, exp.Count):
        return False
    counted = result.this
    return counted is None or isinstance(counted, (exp.Star, exp.Literal)) or is_plain_column(counted)


def _limited(query: exp.Expr, found: Lines) -> Lines:
    """The same with the bound of a LIMIT."""
    from sqlglot import exp

    limit = query.args.get("limit")
    bound = whole_number(limit.expression) if isinstance(limit, exp.Limit) else None
    if bound is None:
        return found
    return Lines(bound if found.most is None else min(bound, found.most), found.columns, found.counts, found.grouped)
