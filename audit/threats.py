"""What the ids of threats mean: Microsoft's Threat Matrix for Kubernetes and MITRE ATT&CK.

Ids, titles and addresses are those of https://microsoft.github.io/Threat-Matrix-for-Kubernetes/ and
https://attack.mitre.org/.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

_MATRIX = "https://microsoft.github.io/Threat-Matrix-for-Kubernetes/techniques/"
_ATTACK = "https://attack.mitre.org/techniques/"

#: Id → what the threat matrix calls its page.
_PAGES = {
    "MS-TA9001": "Using Cloud Credentials",
    "MS-TA9003": "Kubeconfig file",
    "MS-TA9005": "Exposed sensitive interfaces",
    "MS-TA9006": "Exec into container",
    "MS-TA9007": "bash or cmd inside container",
    "MS-TA9008": "New Container",
    "MS-TA9011": "Sidecar Injection",
    "MS-TA9012": "Backdoor container",
    "MS-TA9013": "Writable hostPath mount",
    "MS-TA9014": "Kubernetes CronJob",
    "MS-TA9015": "Malicious admission controller",
    "MS-TA9016": "container service account",
    "MS-TA9018": "Privileged container",
    "MS-TA9019": "Cluster-admin binding",
    "MS-TA9022": "Delete K8S events",
    "MS-TA9023": "Pod or container name similarily",
    "MS-TA9024": "Connect from Proxy server",
    "MS-TA9025": "List K8S secrets",
    "MS-TA9027": "Application credentials in configuration files",
    "MS-TA9029": "Access the K8S API server",
    "MS-TA9030": "Access Kubelet API",
    "MS-TA9033": "Instance Metadata API",
    "MS-TA9034": "Cluster internal networking",
    "MS-TA9035": "CoreDNS poisoning",
    "MS-TA9036": "ARP poisoning and IP spoofing",
    "MS-TA9038": "Data destruction",
    "MS-TA9041": "Collecting Data from Pod",
}

#: Threat matrix id → title.
THREATS: Mapping[str, str] = MappingProxyType(
    _PAGES
    | {
        "MS-TA9001": "Using cloud credentials",
        "MS-TA9007": "Bash or cmd inside container",
        "MS-TA9008": "New container",
        "MS-TA9011": "Sidecar injection",
        "MS-TA9016": "Container service account",
        "MS-TA9023": "Pod or container name similarity",
        "MS-TA9024": "Connect from proxy server",
        "MS-TA9041": "Collecting data from pod",
    }
)

#: ATT&CK id → title.
TECHNIQUES: Mapping[str, str] = MappingProxyType(
    {
        "T1046": "Network Service Discovery",
        "T1053.007": "Container Orchestration Job",
        "T1059": "Command and Scripting Interpreter",
        "T1069.003": "Permission Groups Discovery: Cloud Groups",
        "T1070": "Indicator Removal",
        "T1078": "Valid Accounts",
        "T1078.001": "Valid Accounts: Default Accounts",
        "T1078.004": "Valid Accounts: Cloud Accounts",
        "T1098": "Account Manipulation",
        "T1098.006": "Additional Container Cluster Roles",
        "T1105": "Ingress Tool Transfer",
        "T1133": "External Remote Services",
        "T1134": "Access Token Manipulation",
        "T1136": "Create Account",
        "T1485": "Data Destruction",
        "T1528": "Steal Application Access Token",
        "T1530": "Data from Cloud Storage",
        "T1543.005": "Container Service",
        "T1546": "Event Triggered Execution",
        "T1552": "Unsecured Credentials",
        "T1552.001": "Credentials In Files",
        "T1552.005": "Cloud Instance Metadata API",
        "T1552.007": "Container API",
        "T1557": "Adversary-in-the-Middle",
        "T1562": "Impair Defenses",
        "T1572": "Protocol Tunneling",
        "T1578": "Modify Cloud Compute Infrastructure",
        "T1595": "Active Scanning",
        "T1609": "Container Administration Command",
        "T1610": "Deploy Container",
        "T1611": "Escape to Host",
        "T1613": "Container and Resource Discovery",
        "T1036.005": "Masquerading: Match Legitimate Name or Location",
        "T1040": "Network Sniffing",
    }
)


def threat_link(threat: str) -> str:
    """Return the address of a threat matrix id's page; "" for an id that is not known."""
    page = _PAGES.get(threat)
    return f"{_MATRIX}{quote(page)}/" if page else ""


def technique_link(technique: str) -> str:
    """Return the address of an ATT&CK id's page; "" for an id that is not known."""
    return f"{_ATTACK}{technique.replace('.', '/')}/" if technique in TECHNIQUES else ""
