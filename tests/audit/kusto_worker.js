// Microsoft's own KQL parser as a worker: one JSON request a line, one JSON answer a line.
// {"kql": "…"} -> {"errors": […], "tokens": [[kind, text]…], "calls": […], "plugins": […], "kinds": […]}
// {"lex": "…"} -> {"tokens": "…"}, a hash of them all without what stands in string literals
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const readline = require("readline");

const folder = path.dirname(require.resolve("@kusto/language-service-next/package.json"));
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(folder, file), "utf8"), { filename: file });
}
const { GlobalState, KustoCode } = globalThis.Kusto.Language;
const { DatabaseSymbol, TableSymbol } = globalThis.Kusto.Language.Symbols;
const { SyntaxKind, SyntaxElement } = globalThis.Kusto.Language.Syntax;
const { TokenParser } = globalThis.Kusto.Language.Parsing;

let globals = GlobalState.Default;

const STRING = SyntaxKind.StringLiteralToken;
const kind = (value) => globalThis.System.Enum.toString(SyntaxKind, value);

function judge(kql) {
  const code = KustoCode.ParseAndAnalyze(kql, globals);
  const found = code.GetDiagnostics();
  const errors = [];
  for (let i = 0; i < found.Count; i++) {
    const d = found.getItem(i);
    if (d.Severity === "Error") errors.push({ code: d.Code, message: d.Message, at: d.Start });
  }
  const calls = [];
  const plugins = [];
  const kinds = new Set();
  SyntaxElement.WalkNodes(code.Syntax, (node) => {
    const name = kind(node.Kind);
    kinds.add(name);
    if (name === "FunctionCallExpression") calls.push(node.Name.SimpleName);
    if (name === "EvaluateOperator") plugins.push(node.FunctionCall ? node.FunctionCall.Name.SimpleName : "");
  });
  const tokens = TokenParser.ParseTokens(kql).map((t) => [kind(t.Kind), t.Text]);
  return { errors, calls, plugins, kinds: [...kinds], tokens };
}

function lex(kql) {
  const told = TokenParser.ParseTokens(kql).map((t) => (t.Kind === STRING ? "a string" : `${t.Kind} ${t.Text}`));
  return { tokens: crypto.createHash("sha256").update(told.join("\0")).digest("hex") };
}

function declare(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) => TableSymbol.From(columns).WithName(name));
  globals = GlobalState.Default.WithDatabase(new DatabaseSymbol.$ctor1("workspace", symbols));
  return { tables: symbols.length };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  const answer = request.tables ? declare(request.tables) : request.lex ? lex(request.lex) : judge(request.kql);
  process.stdout.write(JSON.stringify(answer) + "\n");
});
