"""``jsonata-python`` walks an expression's tree each time; what the closures give is what it gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonata import Jsonata
from jsonata.jexception import JException

from orchestrator.local.aws.server import adapt
from orchestrator.local.aws.step_functions import closures
from orchestrator.local.aws.step_functions.jsonata import evaluate

adapt()

EXPRESSIONS = (
    "$x.a", "$x.a.b", "$x[0].a", "$x.a[0]", "$x.a[-1]", "$x.a[b=1]", "$x[a]", "$x.*", "$x.(a;b)", '$x."a"', "$x.a[]",
    "[$x.a]", "[[$x.a]]", "[$x.a.b,[]]", '{"a":$x.a,"b":[1,$x,[2]]}', '{"a":null}', "{$x.a:1}", '{"a":1,"a":2}',
    "$y+1", "-$y", "$y%2", "$y/0", "$y..3", "$y=1", "$x.a=null", "$x!=$y", "$x<1", '$y<"a"', '$x.a & "q"',
    "$x in [1,2]", "true and $x", "$x or $y", '$x and $error("z")', "$x.a ? 1 : 2", "$x.a ? $y",
    "($q:=$x.a; $p:=$q.b; $p)", "a.b", "$", "$$.a", "$.a", "[1..3]", "$x^(a)", "$x{a:b}", "$x ~> $string", "$x@$q.a",
    "$x#$i.a", "$x.%.a",
    "$count($x.a)", "$sum($x.a)", "$max($x.a)", "$string($x)", "$type($x.a)", "$exists($x.a.b)", "$not($x.a)",
    "$boolean($x)", "$keys($x)", '$lookup($x,"a")', "$number($x.a)", "$substring($x.a,1,2)", "$uppercase($x.a)",
    "$length($x.a)", '$split($x.a,"b")', '$contains($x.a,"b")', '$join($x.a,"-")', "$append($x.a,[1])",
    '$merge([$x,{"q":1}])', "$reverse($x.a)", "$distinct($x.a)", "$round($y,2)", "$floor($x)", "$power($y,2)",
    "$map($x, function($v){$v.a})", "$filter($x.a, function($v){$v>1})", "$sift($x, function($v){$v=1})",
    "$each($x, function($v,$k){$k})", "$reduce($x.a, function($i,$j){$i&$j})", "$nothing($x)", "$substring($x.a)",
    '$match("ab",/a/)[0].match', '$match("zz",/a/)[0].match', '$replace("ab",/a/,"x")', '$error("x")', '$parse("[1]")',
    "$partition($x.a,2)", "$range(1,5,2)", "$millis()", '$hash("a","MD5")', "$fromMillis($y)",
)  # fmt: skip

values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([0.5, 1e21]), st.sampled_from(["", "a", "1"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)


def outcome(expression: str, bindings: dict[str, Any]) -> object:
    try:
        return evaluate(expression, bindings, NOW)
    except Exception as fault:
        return str(fault)


def by_the_library(tree: Any) -> closures.Closure:
    return lambda evaluator, context, frame: evaluator.eval(tree, context, frame)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(x=values, y=values)
def test_a_value_is_the_librarys(expression: str, x: Any, y: Any) -> None:
    ours = outcome(expression, {"x": x, "y": y})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closures, "compiled", by_the_library)
        patch.setattr("orchestrator.local.aws.step_functions.jsonata._parsed", {})
        assert outcome(expression, {"x": x, "y": y}) == ours


def test_what_is_rare_is_the_librarys_in_the_midst_of_what_is_not() -> None:
    expression = "($factor := 2; {'all': $map($x.a, function($v) { $v * $factor })[$ > 2], 'n': $count($x.a)})"
    assert evaluate(expression, {"x": {"a": [1, 2, 3]}}, NOW) == {"all": [4, 6], "n": 3}


def test_an_error_says_where_it_is() -> None:
    parsed = Jsonata("1 + $uppercase(2)")
    Jsonata.CURRENT.jsonata = parsed
    with pytest.raises(JException) as caught:
        closures.compiled(parsed.ast)(parsed, None, Jsonata.Frame(parsed.environment))
    assert (caught.value.error, caught.value.location) == ("T0410", 15)
