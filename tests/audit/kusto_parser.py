"""Microsoft's own KQL parser (npm @kusto/language-service-next) as a judge, in a Node process."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.environment import environment

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "node_modules/@kusto/language-service-next/package.json"

#: As in Microsoft's reference of the tables (azure-monitor-ref/tables), without what no query names.
TYPED = (
    "(Annotations: dynamic, AuditId: string, Level: string, ObjectRef: dynamic, PodName: string,"
    " RequestObject: dynamic, RequestReceivedTime: datetime, RequestUri: string, _ResourceId: string,"
    " ResponseObject: dynamic, ResponseStatus: dynamic, SourceIps: dynamic, SourceSystem: string,"
    " Stage: string, StageReceivedTime: datetime, _SubscriptionId: string, TenantId: string,"
    " TimeGenerated: datetime, Type: string, User: dynamic, UserAgent: string, Verb: string,"
    " _BilledSize: real, _IsBillable: string)"
)
TABLES = {
    "AzureDiagnostics": (
        "(TenantId: string, TimeGenerated: datetime, ResourceId: string, Category: string,"
        " ResourceGroup: string, SubscriptionId: string, ResourceProvider: string, Resource: string,"
        " ResourceType: string, OperationName: string, SourceSystem: string, ccpNamespace_s: string,"
        " log_s: string, stream_s: string, pod_s: string, Type: string, _ResourceId: string,"
        " _BilledSize: real, _IsBillable: string)"
    ),
    "AKSAudit": TYPED,
    "AKSAuditAdmin": TYPED,
    "AKSControlPlane": (
        "(Category: string, Level: string, Message: string, PodName: string, _ResourceId: string,"
        " SourceSystem: string, Stream: string, TenantId: string, TimeGenerated: datetime, Type: string,"
        " _BilledSize: real, _IsBillable: string)"
    ),
    "Usage": (
        "(TimeGenerated: datetime, StartTime: datetime, EndTime: datetime, DataType: string, Quantity: real,"
        " QuantityUnit: string, IsBillable: bool, ResourceUri: string, Solution: string, Type: string)"
    ),
    "Heartbeat": "(TimeGenerated: datetime, Computer: string)",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the parser found in one query. `errors` are its diagnostics as text, by severity Error only."""

    errors: tuple[str, ...]
    #: Kind and text of each token, in order.
    tokens: tuple[tuple[str, str], ...]
    #: Names of all functions called.
    calls: tuple[str, ...]
    #: Names of all plugins evaluated.
    plugins: tuple[str, ...]
    #: Kinds of all syntax nodes.
    kinds: frozenset[str]


class KustoParser:
    """One Node process; each question is a line in and a line out (about 4 ms)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def judge(self, kql: str) -> Verdict:
        answer = self._ask({"kql": kql})
        return Verdict(
            errors=tuple(f"{e['code']} at {e['at']}: {e['message']}" for e in answer["errors"]),
            tokens=tuple((kind, text) for kind, text in answer["tokens"]),
            calls=tuple(answer["calls"]),
            plugins=tuple(answer["plugins"]),
            kinds=frozenset(answer["kinds"]),
        )

    def lex(self, kql: str) -> str:
        """Return a hash of all tokens without what stands in string literals; nothing is judged."""
        return str(self._ask({"lex": kql})["tokens"])

    def declare(self, tables: Mapping[str, str]) -> None:
        """Say which tables there are: name -> "(column: type, …)"."""
        self._ask({"tables": dict(tables)})

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the parser's process ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def kusto_parser() -> Iterator[KustoParser]:
    """Start the parser with the schemas of our tables. Skips the test where Node or the package is missing."""
    node = shutil.which("node")
    if node is None or not PACKAGE.is_file():
        reason = "Node, or the npm packages (npm ci), are missing: Microsoft's KQL parser was not asked"
        if environment().ci:
            pytest.fail(reason)
        pytest.skip(reason)
    worker = Path(__file__).with_name("kusto_worker.js")
    with subprocess.Popen(
        [node, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        parser = KustoParser(process)
        try:
            parser.declare(TABLES)
            yield parser
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=10)
