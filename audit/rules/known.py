"""The accounts that Kubernetes and AKS themselves use, by their whole names: whoever else bears such a name's
beginning, or lives in such a namespace, is none of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.actor import PLATFORM_USERS, account

#: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles
_CONTROL_PLANE = PLATFORM_USERS | {
    "system:kube-controller-manager",
    "system:kube-proxy",
    "system:kube-scheduler",
    "system:cloud-controller-manager",
}
#: Controllers of Kubernetes' own controller manager.
#: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
_CONTROLLERS = """
attachdetach-controller bootstrap-signer certificate-controller clusterrole-aggregation-controller cronjob-controller
daemon-set-controller deployment-controller device-taint-eviction-controller disruption-controller endpoint-controller
endpointslice-controller endpointslicemirroring-controller ephemeral-volume-controller expand-controller
generic-garbage-collector horizontal-pod-autoscaler job-controller legacy-service-account-token-cleaner
namespace-controller node-controller persistent-volume-binder pod-garbage-collector pv-protection-controller
pvc-protection-controller replicaset-controller replication-controller resource-claim-controller
resourcequota-controller root-ca-cert-publisher route-controller selinux-warning-controller service-account-controller
service-cidrs-controller service-controller statefulset-controller storage-version-garbage-collector
storage-version-migrator-controller taint-eviction-controller tokens-controller token-cleaner ttl-after-finished-controller
ttl-controller validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller
cloud-node-manager cloud-controller-manager node-problem-detector
"""
#: What AKS installs, with and without its add-ons: https://learn.microsoft.com/azure/aks/integrations
_ADD_ONS = """
aci-connector-linux aks-secrets-store-csi-driver aks-secrets-store-provider-azure ama-logs ama-metrics-serviceaccount
ama-metrics-operator-targets azure-cns azure-ip-masq-agent azure-npm azure-policy azure-policy-webhook-account
azure-wi-webhook-admin cilium cilium-operator cluster-autoscaler coredns coredns-autoscaler csi-azuredisk-controller-sa
csi-azuredisk-node-sa csi-azurefile-controller-sa csi-azurefile-node-sa csi-blob-controller-sa csi-blob-node-sa
eraser-controller-manager extension-agent extension-operator extension-operatorsa hubble-relay ingress-appgw-sa
keda-operator keda-metrics-server konnectivity-agent konnectivity-agent-autoscaler kube-proxy metrics-server
microsoft-defender-collector-sa microsoft-defender-publisher-sa retina-agent secrets-store-csi-driver
snapshot-controller-sa vpa-admission-controller vpa-recommender vpa-updater
"""
_ACCOUNTS: Mapping[str, frozenset[str]] = {
    "app-routing-system": frozenset(("external-dns", "nginx")),
    "calico-system": frozenset(
        (
            "calico-apiserver",
            "calico-kube-controllers",
            "calico-node",
            "calico-typha",
            "calico-cni-plugin",
            "csi-node-driver",
        )
    ),
    "gatekeeper-system": frozenset(("gatekeeper-admin", "gatekeeper-update-namespace-label")),
    "kube-system": frozenset((*_CONTROLLERS.split(), *_ADD_ONS.split())),
    "tigera-operator": frozenset(("tigera-operator",)),
}
#: Of istiod and its gateways, whose accounts have the revision in their names.
_ISTIO = ("istiod-asm-", "aks-istio-", "istio-ingressgateway")
#: Who gives roles to others as part of their work: AKS, the API server for its own roles, Azure's cluster extensions.
_BINDERS = frozenset(
    (
        "aksService",
        "hcpService",
        "system:apiserver",
        "system:serviceaccount:kube-system:extension-agent",
        "system:serviceaccount:kube-system:extension-operator",
        "system:serviceaccount:kube-system:extension-operatorsa",
        "system:serviceaccount:tigera-operator:tigera-operator",
    )
)


def is_known(username: str) -> bool:
    """Whether a user name of the platform's is one that Kubernetes or AKS is known to use."""
    if username in _CONTROL_PLANE:
        return True
    namespace, name = account(username)
    if namespace == "aks-istio-system":
        return name.startswith(_ISTIO)
    return name in _ACCOUNTS.get(namespace, ())


def binds_roles(username: str) -> bool:
    """Whether it is the usual work of a part of the platform to bind roles, cluster-admin among them."""
    return username in _BINDERS
