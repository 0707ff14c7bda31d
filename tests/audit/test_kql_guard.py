from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from audit.kql_guard import RefusedQuery, guard, shape
from tests.audit.kusto_parser import KustoParser, Verdict
from tests.shared_data import shared_data

AUDIT = 'AzureDiagnostics | where Category == "kube-audit-admin"'


DANGEROUS = [
    # Calls that leave the workspace, or its granted tables.
    'workspace("g").AzureDiagnostics',
    'workspace ("g").AzureDiagnostics',
    'workspace\n\t("g").AzureDiagnostics',
    'workspace // of ours\n ("g").AzureDiagnostics',
    'workspace\u00a0("g").T',
    'WORKSPACE("g").T',
    "['workspace']('g').T",
    '["workspace"]("g").T',
    '["workspace"] // c\n ("g").T',
    "[@'workspace']('g').T",
    '[h"workspace"]("g").T',
    '["work\\x73pace"]("g").T',
    '["\\u0077orkspace"]("g").T',
    "[```workspace```]('g').T",
    'app("a").requests',
    'resource("/subscriptions/x").T',
    'adx("https://c.kusto.windows.net/db").T',
    'arg("").Resources',
    'cluster("c").database("d").T',
    'database("d").T',
    "database('*').T",
    'table("Secret") | take 1',
    'external_table("blob")',
    'materialized_view("m")',
    'stored_query_result("r")',
    'graph("g")',
    "entity_group [cluster('a').database('b')]",
    f"union ({AUDIT}), (workspace('g').T)",
    f"{AUDIT} | join kind=inner (app('a').requests) on TimeGenerated",
    f"{AUDIT} | where log_s in ((arg('').Resources | project id))",
    f"{AUDIT} | extend x = toscalar(table('T') | count)",
    "let w = workspace('g').T; w | take 1",
    "let f = (n: string) { workspace('g').T }; f('x')",
    "let f = () { set notruncation; AKSAudit }; f()",
    f"{AUDIT} | lookup (resource('x').T) on TimeGenerated",
    "AKSAudit | where Verb == 'it\\'s' and true | union (workspace('g').T)",
    'AKSAudit | where Verb == @"a\\" | union (workspace("g").T) // "',
    'AKSAudit | where Verb == "a" // "\n| union (workspace("g").T)',
    'AKSAudit | where Verb == ```"``` | union (workspace("g").T)',
    "AKSAudit | where Verb == ~~~'~~~ | union (workspace('g').T)",
    "AKSAudit | where Verb == 'x' 5.workspace('g')",
    # Data from elsewhere, and plugins.
    'externaldata(a: string) ["https://evil.example/x.csv"]',
    'external_data (a: string) ["https://evil.example/x.csv"]',
    'AKSAudit | union (externaldata(a:string)[@"https://evil.example"])',
    "inline_external_table (a: string) kind=storage ('https://evil.example')",
    "inline external table (a: string)",
    "macro-expand entity_group [cluster('a')] as x (x.T)",
    "macro-expand g as x (x.T)",
    "AKSAudit | evaluate http_request('https://evil.example')",
    "AKSAudit | evaluate http_request_post('https://evil.example')",
    "AKSAudit | evaluate python(typeof(*), 'print()')",
    "AKSAudit | evaluate hint.distribution=per_node python(typeof(*), 'x')",
    "AKSAudit | evaluate r(typeof(*), 'x')",
    "evaluate sql_request('Server=x', 'select 1')",
    "AKSAudit | evaluate cosmosdb_sql_request('x', 'y')",
    "AKSAudit | evaluate ['python'](typeof(*), 'x')",
    "AKSAudit | evaluate // bag_unpack(\n python(typeof(*), 'x')",
    "AKSAudit | evaluate azure_digital_twins_query_request('x', 'y')",
    "AKSAudit | evaluate",
    # Statements and commands.
    "set notruncation; AKSAudit",
    "SET notruncation; AKSAudit",
    "alias database d = cluster('c').database('d'); AKSAudit",
    "declare query_parameters(x: string = 'y'); AKSAudit",
    "declare pattern p; AKSAudit",
    "restrict access to (AKSAudit); AKSAudit",
    "pattern p; AKSAudit",
    "let a = 1; set notruncation; AKSAudit",
    ".show tables",
    " // harmless\n .drop table AKSAudit",
    "let a = 1; .show tables",
    ".set-or-append T <| AKSAudit",
    "AKSAudit <| AKSAudit",
    "#connect cluster('x')\nAKSAudit",
    "AKSAudit\n#crp x=1",
    # More than one answer, or none.
    "AKSAudit; AKSAuditAdmin",
    "AKSAudit; let a = 1",
    "let a = 1",
    "let a = 1;",
    "",
    "  \n\t ",
    "// only a comment",
    ";",
    # What would leave something open where our lines begin, or be read in two ways.
    "AKSAudit | where (Verb == 'x'",
    "AKSAudit | where Verb == 'x')",
    "AKSAudit | where f(Verb]",
    "AKSAudit | where Verb == 'x",
    'AKSAudit | where Verb == "x',
    'AKSAudit | where Verb == "x\ny"',
    'AKSAudit | where Verb == "\\q"',
    'AKSAudit | where Verb == "\\u12"',
    'AKSAudit | where Verb == "\\U00000041"',
    "AKSAudit | where Verb == ```x",
    "AKSAudit | where Verb == ~~~x",
    'AKSAudit | where Verb == @"x',
    "AKSAudit | where TimeGenerated > datetime(2020-01-01",
    "AKSAudit | where TimeGenerated > datetime(2020\n) | x",
    "AKSAudit | where x == int(\") | union (workspace('g').T) //\")",
    "AKSAudit | where x == long(1//) | union workspace('g')\n)",
    "AKSAudit // a\r| union (workspace('g').T)",
    "AKSAudit // a\u2028| union (workspace('g').T)",
    "AKSAudit // a\u0085| union (workspace('g').T)",
    "work\u200bspace('g').T",
    "AKSAudit\0",
    "AKSAudit \u202e | where x",
    "AKSAudit | where ｗ == 1",
    "AKSAudit | where x ? y",
    "AKSAudit | where @ == 1",
    "AKSAudit | where Verb in~~~ ('x') ~~~",
    "AKSAudit | where `x`",
    "AKSAudit | where x & y",
    "| render table",
    "(" * 61 + "AKSAudit" + ")" * 61,
    "AKSAudit | where Verb == '" + "x" * 20_000 + "'",
]

INNOCENT = [
    AUDIT,
    f'{AUDIT} | where log_s has "externaldata("',
    f"{AUDIT} | where log_s has 'workspace(\"g\")'",
    f'{AUDIT} | where log_s has_any ("\\"verb\\":\\"patch\\"", "\\"verb\\":\\"delete\\"" )',
    f"{AUDIT} | where log_s has @'C:\\workspace(' // workspace(\"g\")",
    f"{AUDIT} | where log_s contains ```set x; .drop table```",
    "AKSAudit | where log_s has ~~~evaluate python()~~~",
    "AKSAudit | where resource == 'x' and app != 'y'",
    "AKSAudit | where resource in ('a', 'b')",
    "AKSAudit | where table has 'x' or database has 'y' or cluster has 'z'",
    "AKSAudit | project app, resource, table, workspace, set, pattern, alias",
    "AKSAudit | summarize count() by resource, app",
    "AKSAudit | extend workspace = 'x' | where workspace =~ 'X'",
    "AKSAudit | where tostring(ObjectRef.resource) == 'secrets'",
    "AKSAudit | where ObjectRef['externaldata'] == 1",
    "AKSAudit | where ObjectRef['resource'] in ('secrets')",
    "AKSAudit | where tostring(ObjectRef['workspace']) == 'x'",
    "AKSAudit | where User.evaluate == 'x'",
    "AKSAudit | evaluate bag_unpack(User)",
    "AKSAudit | evaluate pivot(Verb, count())",
    "AKSAudit | project Verb, Level | evaluate hint.distribution=single autocluster()",
    "AKSAudit | evaluate narrow()",
    "let limit = 5; AKSAudit | where Level == 'x' | take 5",
    "let from = ago(1h); let verbs = dynamic(['create', 'delete']); AKSAudit | where Verb in (verbs)",
    "let f = (a: string) { AKSAudit | where Verb == a }; f('x')",
    "let T = datatable(a: string, b: long) ['x', 1, 'y', -2]; T",
    "union isfuzzy=true withsource=T AKSAudit, AKSAuditAdmin, (AzureDiagnostics | take 1)",
    "AKSAudit | join kind=leftouter (AKSAuditAdmin) on $left.AuditId == $right.AuditId",
    "AKSAudit | where TimeGenerated between (datetime(2026-03-04T09:32:52.1234567Z) .. 5m)",
    "AKSAudit | where TimeGenerated > datetime(3/22/2019 1:36:31 PM) and x == guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
    'AKSAudit | where TimeGenerated > datetime("2020-01-01") or x == int(-1) or y == real(1e5) or z == time(1.02:03:04)',
    "AKSAudit | where n > 1.5e+3 and m < 0x1F and o == 1.5 and d > 5m",
    "AKSAudit | summarize n = count() by bin(TimeGenerated, 5m) | render timechart",
    "AKSAudit | where ResponseStatus.code !in (200, 201) and Verb !has 'x' and Verb !~ 'y' and Verb in~ ('z')",
    "AKSAudit | parse RequestUri with '/api/' version '/' * | where version == 'v1'",
    "AKSAudit | mv-expand SourceIps to typeof(string) | top-nested 3 of Verb by count()",
    "AKSAudit | project-away User | project-rename who = Verb",
    "AKSAudit | make-series n = count() default = 0 on TimeGenerated step 1h by Verb",
    "AKSAudit | where Verb matches regex @'^(create|delete)$'",
    "AKSAudit\r\n// a comment: workspace('g')\r\n| where Verb == 'x'\r\n",
    "AKSAudit ;",
    "AKSAudit ; ; // end",
    "\ufeffAKSAudit | take 1",
    "AKSAudit | extend a = case(Verb == 'x', 1, Verb == 'y', 2, 3), b = iff(true, 'a', \"b\")",
    "AKSAudit | where * has 'coredns'",
    "search in (AKSAudit) 'coredns'",
    "AKSAudit | where Verb == 'Zoë 💥'",
    "AKSAudit | where Verb == h'secret' or Verb == H@\"s\"",
    "print x = 1",
    "range x from 1 to 5 step 1",
    "AKSAudit | extend p = dynamic({'set': {'a': [1, 2, null]}})",
    "(" * 60 + "AKSAudit" + ")" * 60,
    "Heartbeat | summarize arg_max(TimeGenerated, *) by Computer",
]


def test_the_tables_of_cases_are_as_long_as_they_should_be() -> None:
    assert len(set(DANGEROUS)) >= 60
    assert len(set(INNOCENT)) >= 40


@pytest.mark.parametrize("query", DANGEROUS)
def test_a_dangerous_query_is_refused_with_a_reason(query: str) -> None:
    with pytest.raises(RefusedQuery) as refused:
        guard(query)
    assert refused.value.reason.startswith("the query ")
    assert refused.value.reason.isprintable()
    assert len(refused.value.reason) < 100


@pytest.mark.parametrize("query", INNOCENT)
def test_an_innocent_query_is_run(query: str) -> None:
    assert guard(query)


@pytest.mark.parametrize("query", INNOCENT)
def test_guarding_twice_is_guarding_once(query: str) -> None:
    assert guard(guard(query)) == guard(query)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("AKSAudit;", "AKSAudit"),
        ("AKSAudit ; ;\n // workspace('g')", "AKSAudit"),
        ("// first\nAKSAudit // last", "AKSAudit"),
        ("AKSAudit // in between\n| take 1 // last", "AKSAudit // in between\n| take 1"),
        ("AKSAudit | take 1 | render barchart kind=stacked", "AKSAudit | take 1"),
        ("AKSAudit | where render == 1 | take 1", "AKSAudit | where render == 1 | take 1"),
        ("AKSAudit | where Verb == '| render x'", "AKSAudit | where Verb == '| render x'"),
        ("let a = 1; AKSAudit | render table ; ", "let a = 1; AKSAudit"),
        ("\ufeff AKSAudit", "AKSAudit"),
    ],
)
def test_what_would_swallow_our_lines_is_cut_off_the_end(query: str, kept: str) -> None:
    assert guard(query) == kept


def test_every_query_of_the_real_rules_is_run() -> None:
    text = shared_data("alerts/kubernetes-auditor/queries.kusto").read_text(encoding="utf-8")
    queries = [q for q in text.replace("\r\n", "\n").split("\n\n") if not q.isspace() and q]
    assert len(queries) >= 10
    for query in queries:
        assert guard(query)
    alert = shared_data("alerts/kubernetes-auditor/sample-alert-post-request.json").read_bytes()
    real = json.loads(alert)["data"]["alertContext"]["condition"]["allOf"][0]["searchQuery"]
    assert guard(real) == real.strip()


@pytest.mark.parametrize(
    "hostile", ["(" * 20_000, "['" * 6_000, "evaluate " * 2_200, "\\" * 20_000, '"' + "\\1" * 9_999]
)
def test_hostile_repetition_is_refused(hostile: str) -> None:
    with pytest.raises(RefusedQuery):
        guard(hostile)


# --- the shape -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "source", "reshapes"),
    [
        ("AKSAudit", "AKSAudit", False),
        ("AKSAudit | where x | extend y = 1 | sort by y | take 5", "AKSAudit", False),
        ("AKSAudit | where x in ((T | project y))", "AKSAudit", False),
        ("AKSAudit | project x", "AKSAudit", True),
        ("AKSAudit | project-away x", "AKSAudit", True),
        ("AKSAudit | mv-expand x", "AKSAudit", True),
        ("AKSAudit | parse-where x with *", "AKSAudit", False),
        ("AKSAudit | summarize count()", "AKSAudit", True),
        ("AKSAudit | union T", "AKSAudit", True),
        ("let x = 1; AKSAudit | where y == x", "AKSAudit", False),
        ("let AKSAudit = T; AKSAudit", "", True),
        ("union T, AKSAudit", "", True),
        ("(AKSAudit) | where x", "", True),
        ("['AKSAudit'] | where x", "", True),
        ("f('x') | where y", "", True),
    ],
)
def test_the_shape_tells_where_rows_come_from(query: str, source: str, reshapes: bool) -> None:
    found = shape(query)
    assert (found.source, found.reshapes) == (source, reshapes)


def test_the_shape_names_what_may_be_a_table_but_not_what_stands_in_strings() -> None:
    names = shape('union AKSAudit, (AzureDiagnostics | where log_s has "AKSAuditAdmin") // Heartbeat').names
    assert {"AKSAudit", "AzureDiagnostics"} <= names
    assert not names & {"AKSAuditAdmin", "Heartbeat"}


# --- against Microsoft's parser ----------------------------------------------------------------------

CALLS = {
    "workspace", "app", "resource", "adx", "arg", "cluster", "database", "table", "external_table",
    "materialized_view", "stored_query_result", "graph", "entity_group",
}  # fmt: skip
KINDS = {
    "ExternalDataExpression", "InlineExternalTableExpression", "MacroExpandOperator", "SetOptionStatement",
    "AliasStatement", "QueryParametersStatement", "PatternStatement", "RestrictStatement", "EntityGroup",
    "DirectiveBlock", "CommandBlock", "CustomCommand", "UnknownCommand",
}  # fmt: skip
PLUGINS = {"bag_unpack", "pivot", "narrow", "autocluster", "basket", "diffpatterns"}


def is_dangerous(verdict: Verdict) -> bool:
    """Judge by the tree that the official parser built, whether or not it found errors in it.

    Except that where it missed a ";" it goes on as if there were one: those statements nobody wrote.
    """
    calls = {name.casefold() for name in verdict.calls}
    kinds = set() if any("Expected: ;" in e for e in verdict.errors) else verdict.kinds & KINDS
    return bool(calls & CALLS or kinds or set(verdict.plugins) - PLUGINS)


PIECES = [
    "AKSAudit", "AzureDiagnostics", "T", "let", "x", "=", ";", ";", "|", "|", "where", "extend", "project", "union",
    "evaluate", "python", "bag_unpack", "(", ")", "(", ")", "[", "]", "{", "}", ".", ",", "..", "==", "!in", "in~", "in",
    "workspace", "workspace", "cluster", "table", "['workspace']", '["app"]', "[@'cluster']", "externaldata", "set",
    "declare", "macro-expand", "(a:string)", "('g')", '("g")', "('g').T", "'x'", '"x"', '@"x\\"', "@'x'", "h'x'",
    '"\\""', "'\\''", "```x```", "~~~x~~~", "'", '"', "\\", "// c\n", "//", "\n", "\r\n", "\r", " ", "\t", "\u00a0",
    "datetime(2020)", "datetime(", "int(')", "long(1)", "5m", "1.5", "0x1", "$left", "#", "@", "~", "!", "render", "table",
]  # fmt: skip
TEMPLATES = [
    "AKSAudit | where Verb == {} | take 1",
    "AKSAudit | union ({})",
    "let x = {}; AKSAudit",
    "AKSAudit | extend a = {} | where b has 'c'",
    "{}",
]


def generated(chance: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        pieces = chance.choices(PIECES, k=chance.randint(1, 7))
        yield chance.choice(TEMPLATES).replace("{}", chance.choice(["", " "]).join(pieces))


def test_no_query_that_the_official_parser_finds_dangerous_gets_past_the_guard(parser: KustoParser) -> None:
    let_through = dangerous = 0
    for query in [*DANGEROUS, *generated(random.Random(20260304), 1_500)]:
        found = is_dangerous(parser.judge(query))
        dangerous += found
        try:
            kept = guard(query)
        except RefusedQuery:
            continue
        let_through += 1
        assert not found, query
        # What we add must stand where it stands for us: outside every bracket, string and comment.
        tail = [text for _, text in parser.judge(f"{kept}\n| where Verb == 'end'").tokens]
        assert tail[-6:-1] == ["|", "where", "Verb", "==", "'end'"], query
    assert dangerous > 100
    assert let_through > 50


@pytest.mark.parametrize("query", INNOCENT)
def test_the_official_parser_agrees_that_a_query_is_innocent(query: str, parser: KustoParser) -> None:
    assert not is_dangerous(parser.judge(query))
