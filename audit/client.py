"""From where a request came: the program that it says it is, and the one address that it cannot choose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final

#: What a user agent begins with, in lower case, and what the program is called. The longest match counts.
#: Anybody may write anything into a user agent: it tells what a client says it is.
CLIENTS: Final = MappingProxyType(
    {
        "kubectl": "kubectl",
        "oc": "oc",
        "helm": "Helm",
        "argocd": "Argo CD",
        "argocd-application-controller": "Argo CD",
        "argocd-server": "Argo CD",
        "argo-cd": "Argo CD",
        "argo": "Argo Workflows",
        "flux": "Flux",
        "source-controller": "Flux source-controller",
        "kustomize-controller": "Flux kustomize-controller",
        "helm-controller": "Flux helm-controller",
        "notification-controller": "Flux notification-controller",
        "terraform": "Terraform",
        "hashicorp": "Terraform",
        "opentofu": "OpenTofu",
        "pulumi": "Pulumi",
        "pulumi-kubernetes": "Pulumi",
        "lens": "Lens",
        "freelens": "Freelens",
        "openlens": "OpenLens",
        "k9s": "k9s",
        "headlamp": "Headlamp",
        "dashboard": "Kubernetes Dashboard",
        "rancher": "Rancher",
        "curl": "curl",
        "wget": "Wget",
        "httpie": "HTTPie",
        "postmanruntime": "Postman",
        "openapi-generator": "OpenAPI client",
        "python": "Python",
        "python-requests": "Python requests",
        "python-urllib3": "Python urllib3",
        "python-urllib": "Python urllib",
        "python-httpx": "Python httpx",
        "aiohttp": "Python aiohttp",
        "kubernetes-client": "Kubernetes client",
        "kubernetes java client": "Java client",
        "java": "Java",
        "okhttp": "Java okhttp",
        "fabric8": "Java fabric8",
        "fabric8-kubernetes-client": "Java fabric8",
        "go-http-client": "Go client",
        "kubernetes-csharp-client": "C# client",
        "node-fetch": "Node.js client",
        "axios": "Node.js axios",
        "perl": "Perl",
        "libwww-perl": "Perl",
        "ruby": "Ruby",
        "azureportal": "Azure portal",
        "aks-portal": "Azure portal",
        "mozilla": "web browser",
        "ansible": "Ansible",
        "ansible-httpget": "Ansible",
        "jenkins": "Jenkins",
        "gitlab-runner": "GitLab Runner",
        "github-actions": "GitHub Actions",
        "azure-pipelines": "Azure Pipelines",
        "vstsagentcore": "Azure Pipelines",
        "skaffold": "Skaffold",
        "tilt": "Tilt",
        "velero": "Velero",
        "velero-server": "Velero",
        "prometheus": "Prometheus",
        "kube-state-metrics": "kube-state-metrics",
        "kube-controller-manager": "kube-controller-manager",
        "kube-scheduler": "kube-scheduler",
        "kube-apiserver": "kube-apiserver",
        "kube-proxy": "kube-proxy",
        "kube-probe": "kubelet probe",
        "kubelet": "kubelet",
        "kubeadm": "kubeadm",
        "cloud-controller-manager": "cloud-controller-manager",
        "cloud-node-manager": "cloud-node-manager",
        "cluster-autoscaler": "cluster-autoscaler",
        "coredns": "CoreDNS",
        "metrics-server": "metrics-server",
        "konnectivity": "konnectivity",
        "hcpservice": "AKS",
        "aksservice": "AKS",
        "gatekeeper": "Gatekeeper",
        "manager": "Kubernetes operator",
    }
)
#: Longer user agents are read up to here.
MAX_AGENT = 512
_LONGEST_VERSION = 24

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*+(?: java client)?")
_VERSION = re.compile(r"/v?(\d{1,6}+(?:\.\d{1,6}+){0,3}+)")
#: Of these the patch number tells a reader nothing.
_SHORT_VERSIONS = frozenset({"kubectl", "kubelet"})
#: What follows these is the version of something else: HTTP's, or that of all browsers.
_NOT_ITS_VERSION = ("mozilla", "hashicorp", "go-http-client")
#: A part of an address that stands for a port: "20.1.2.3:443", "[::1]:443".
_WITH_PORT = re.compile(r"\[([0-9a-fA-F:.%]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}")


def client_of(user_agent: str) -> str:
    """Return the program and its version that a user agent names, such as "kubectl 1.31"; "" if it is unknown.

    The text is ours but for the version's digits. Linear in the user agent's length, of which MAX_AGENT counts.
    """
    agent = user_agent[:MAX_AGENT].strip()
    begins = _NAME.match(agent.casefold())
    name = _known(begins[0]) if begins else ""
    if not begins or not name:
        return ""
    found = _VERSION.match(agent, begins.end())
    if not found or begins[0].startswith(_NOT_ITS_VERSION):
        return name
    version = ".".join(found[1].split(".")[:2]) if name in _SHORT_VERSIONS else found[1]
    return f"{name} {version[:_LONGEST_VERSION]}"


def _known(name: str) -> str:
    """Look the name up, then what it begins with up to a hyphen or dot: "kubectl.exe", "terraform-provider-…"."""
    ends = [len(name), *(at for at in range(len(name) - 1, 0, -1) if name[at] in "-._")]
    for end in ends[:8]:
        if found := CLIENTS.get(name[:end]):
            return found
    return CLIENTS.get(re.split(r"[-._]", name, maxsplit=1)[0], "")


def trusted_address(source_ips: Sequence[str]) -> str:
    """Return the one address that the API server saw itself, the last; all before it the client may have made up.

    https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
    """
    return source_ips[-1] if source_ips else ""


def is_public(address: str) -> bool:
    """Whether it is an address of the open internet; what is no address is not."""
    wrapped = _WITH_PORT.fullmatch(address[:64].strip())
    try:
        found = ip_address((wrapped[1] or wrapped[2]) if wrapped else address[:64].strip())
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or found
    return bool(inner.is_global) and not inner.is_multicast
