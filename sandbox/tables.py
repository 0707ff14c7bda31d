"""The tables of the stand-in workspace, with the columns that Azure Monitor documents.

AKSAudit and AKSAuditAdmin: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit.
AKSControlPlane and KubeEvents, which alerts read too: …/tables/akscontrolplane and …/tables/kubeevents.
Usage, which the service fills: …/tables/usage.
AzureDiagnostics: the columns that a kube-audit row really fills, out of the hundreds of the shared table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: One row: column name -> value. Datetimes are aware UTC; dynamic values are plain JSON values.
Row = Mapping[str, Any]

AZURE_DIAGNOSTICS: Final = "AzureDiagnostics"
AKS_AUDIT: Final = "AKSAudit"
AKS_AUDIT_ADMIN: Final = "AKSAuditAdmin"
AKS_CONTROL_PLANE: Final = "AKSControlPlane"
KUBE_EVENTS: Final = "KubeEvents"
USAGE: Final = "Usage"

#: A key of a row that is no column: the aware time before which no query sees it.
ARRIVES: Final = "$Arrives"
#: Tables of which somebody may have chosen the Basic plan; AzureDiagnostics has none.
#: https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-azure-tables
CAN_BE_BASIC: Final = frozenset({AKS_AUDIT, AKS_AUDIT_ADMIN, AKS_CONTROL_PLANE})
#: Tables that hold the Kubernetes audit log.
AUDIT_TABLES: Final = frozenset({AZURE_DIAGNOSTICS, AKS_AUDIT, AKS_AUDIT_ADMIN})

_RESOURCE_SPECIFIC: Final = {
    "TimeGenerated": "datetime",
    "Annotations": "dynamic",
    "AuditId": "string",
    "Level": "string",
    "ObjectRef": "dynamic",
    "PodName": "string",
    "RequestObject": "dynamic",
    "RequestReceivedTime": "datetime",
    "RequestUri": "string",
    "ResponseObject": "dynamic",
    "ResponseStatus": "dynamic",
    "SourceIps": "dynamic",
    "SourceSystem": "string",
    "Stage": "string",
    "StageReceivedTime": "datetime",
    "TenantId": "string",
    "Type": "string",
    "User": "dynamic",
    "UserAgent": "string",
    "Verb": "string",
    "_BilledSize": "real",
    "_IsBillable": "string",
    "_ResourceId": "string",
    "_SubscriptionId": "string",
}

#: Table -> column -> Kusto type, in the order in which the columns are answered.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    AZURE_DIAGNOSTICS: {
        "TenantId": "string",
        "TimeGenerated": "datetime",
        "ResourceId": "string",
        "Category": "string",
        "ResourceGroup": "string",
        "SubscriptionId": "string",
        "ResourceProvider": "string",
        "Resource": "string",
        "ResourceType": "string",
        "OperationName": "string",
        "ResultType": "string",
        "CorrelationId": "string",
        "ResultDescription": "string",
        "Level": "string",
        "SourceSystem": "string",
        "attrs_s": "string",
        "ccpNamespace_s": "string",
        "log_s": "string",
        "stream_s": "string",
        "pod_s": "string",
        "containerID_s": "string",
        "Cloud_s": "string",
        "Environment_s": "string",
        "UnderlayClass_s": "string",
        "UnderlayName_s": "string",
        # Where the service itself puts what has no column of its own.
        "AdditionalFields": "dynamic",
        "Type": "string",
        "_BilledSize": "real",
        "_IsBillable": "string",
        "_ResourceId": "string",
        "_SubscriptionId": "string",
    },
    AKS_AUDIT: _RESOURCE_SPECIFIC,
    AKS_AUDIT_ADMIN: _RESOURCE_SPECIFIC,
    AKS_CONTROL_PLANE: {
        "TimeGenerated": "datetime",
        "Category": "string",
        "Level": "string",
        "Message": "string",
        "PodName": "string",
        "SourceSystem": "string",
        "Stream": "string",
        "TenantId": "string",
        "Type": "string",
        "_BilledSize": "real",
        "_IsBillable": "string",
        "_ResourceId": "string",
        "_SubscriptionId": "string",
    },
    KUBE_EVENTS: {
        "TimeGenerated": "datetime",
        "ClusterId": "string",
        "ClusterName": "string",
        "Computer": "string",
        "Count": "real",
        "FirstSeen": "datetime",
        "KubeEventType": "string",
        "LastSeen": "datetime",
        "Message": "string",
        "Name": "string",
        "Namespace": "string",
        "ObjectKind": "string",
        "Reason": "string",
        "SourceComponent": "string",
        "SourceSystem": "string",
        "TenantId": "string",
        "Type": "string",
        "_BilledSize": "real",
        "_IsBillable": "string",
        "_ResourceId": "string",
        "_SubscriptionId": "string",
    },
}

#: The same, of a table that nobody fills: what the rows of the others come to in an hour.
COMPUTED: Final[Mapping[str, Mapping[str, str]]] = {
    USAGE: {
        "TenantId": "string",
        "TimeGenerated": "datetime",
        "StartTime": "datetime",
        "EndTime": "datetime",
        "DataType": "string",
        "Solution": "string",
        "Quantity": "real",
        "QuantityUnit": "string",
        "IsBillable": "bool",
        "ResourceUri": "string",
        "SourceSystem": "string",
        "Type": "string",
    }
}

#: Kusto type -> DuckDB type. A zoned timestamp would shift with the session; Kusto has UTC only.
DUCKDB_TYPES: Final = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "real": "DOUBLE",
    "dynamic": "JSON",
    "bool": "BOOLEAN",
}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows for the workspace, by table. Each row has `TimeGenerated`; columns it lacks are filled when loaded."""

    tables: Mapping[str, tuple[Row, ...]]

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))
