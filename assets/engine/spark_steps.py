"""A query as steps for Spark, which plans a common table expression anew wherever it is named."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

# A common table expression may be planned anew where it is named again if that reads no more tables than these.
REPEATED_READS = 8


@dataclass(frozen=True)
class Step:
    """A query whose rows later ones read by its name; the last of a model has none."""

    name: str
    query: exp.Query
    next_round: exp.Query | None = None


def steps_of(tree: exp.Query) -> list[Step]:
    """A query as steps, each after what it reads, the answer last.

    Spark puts a common table expression anew wherever it is named: one that is named twice is planned and computed twice,
    and one that rests on others like it many times. Such a one is a step of its own. So is a recursion: Spark's own
    knows no window.
    """
    definitions = {cte.alias: cte for cte in tree.ctes}
    named = [t.name for t in tree.find_all(exp.Table) if not t.db]
    recursive = {name for name, cte in definitions.items() if name in _named(cte)}
    kept, reads = set(recursive), {}
    for name, cte in definitions.items():
        # Tables that it reads by itself and by way of others.
        reads[name] = sum(reads.get(t.name, 1) for t in cte.find_all(exp.Table))
        if reads[name] * (named.count(name) - 1) > REPEATED_READS:
            kept.add(name)
        if name in kept:
            reads[name] = 1

    def statement(query: exp.Query) -> exp.Query:
        """A query under those definitions that it needs and that are no steps."""
        needed: set[str] = set()
        stack = [query]
        while stack:
            new = _named(stack.pop()) & definitions.keys() - kept - needed
            needed |= new
            stack += [definitions[name].this for name in new]
        query = query.copy()
        with_ = exp.With(expressions=[definitions[name].copy() for name in definitions if name in needed])
        query.set("with_", with_ if needed else None)
        return query

    steps = []
    for name in (n for n in definitions if n in kept):
        body = definitions[name].this
        if name in recursive:
            steps.append(Step(name, statement(body.this), statement(body.expression)))
        else:
            steps.append(Step(name, statement(body)))
    bare = tree.copy()
    bare.set("with_", None)
    return [*steps, Step("", statement(bare))]


def _named(tree: exp.Query | exp.CTE) -> set[str]:
    return {t.name for t in tree.find_all(exp.Table) if not t.db}
