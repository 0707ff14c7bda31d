"""Kinds of object as people write them: "deploy", "Deployment", "deployments.apps" are `deployments` of the API."""

from __future__ import annotations

from collections.abc import Mapping

from audit.resources import RESOURCES, singular

#: Of Kubernetes' own, as `kubectl api-resources` lists them; the first is the shortest that people use.
#: https://kubernetes.io/docs/reference/kubectl/#resource-types
_SHORT: Mapping[str, tuple[str, ...]] = {
    "certificatesigningrequests": ("csr", "certificatesigningrequest"),
    "componentstatuses": ("cs",),
    "configmaps": ("cm",),
    "cronjobs": ("cj",),
    "customresourcedefinitions": ("crd", "crds"),
    "daemonsets": ("ds",),
    "deployments": ("deploy",),
    "endpoints": ("ep", "endpoint"),
    "events": ("ev",),
    "horizontalpodautoscalers": ("hpa",),
    "ingresses": ("ing",),
    "limitranges": ("limits",),
    "namespaces": ("ns",),
    "networkpolicies": ("netpol",),
    "nodes": ("no",),
    "persistentvolumeclaims": ("pvc",),
    "persistentvolumes": ("pv",),
    "poddisruptionbudgets": ("pdb",),
    "pods": ("po",),
    "podsecuritypolicies": ("psp",),
    "priorityclasses": ("pc",),
    "replicasets": ("rs",),
    "replicationcontrollers": ("rc",),
    "resourcequotas": ("quota", "quotas"),
    "serviceaccounts": ("sa",),
    "services": ("svc",),
    "statefulsets": ("sts",),
    "storageclasses": ("sc",),
    "volumeattributesclasses": ("vac",),
}
#: What AKS and its add-ons bring along, and what is often installed beside: their CRDs' names and short names.
#: https://learn.microsoft.com/azure/aks/integrations
_CUSTOM: Mapping[str, tuple[str, ...]] = {
    # Key Vault provider of the Secrets Store CSI driver, workload identity's predecessor, Azure Policy.
    "azureassignedidentities": (),
    "azureidentities": (),
    "azureidentitybindings": (),
    "constraints": (),
    "constrainttemplates": (),
    "secretproviderclasses": ("spc",),
    "secretproviderclasspodstatuses": ("spcps",),
    # Ingress and networks: application gateway, Gateway API, Istio, Cilium, Calico, NGINX add-on.
    "applicationloadbalancers": ("alb",),
    "authorizationpolicies": (),
    "azureingressprohibitedtargets": (),
    "ciliumclusterwidenetworkpolicies": ("ccnp",),
    "ciliumendpoints": ("cep", "ciliumep"),
    "ciliumidentities": ("ciliumid",),
    "ciliumnetworkpolicies": ("cnp", "ciliumnp"),
    "ciliumnodes": ("cn", "ciliumn"),
    "destinationrules": ("dr",),
    "envoyfilters": (),
    "gatewayclasses": ("gc",),
    "gateways": ("gtw", "gw"),
    "globalnetworkpolicies": ("gnp",),
    "grpcroutes": (),
    "httproutes": (),
    "nginxingresscontrollers": ("nic",),
    "nodenetworkconfigs": ("nnc",),
    "overlayextensionconfigs": (),
    "peerauthentications": ("pa",),
    "referencegrants": ("refgrant",),
    "requestauthentications": ("ra",),
    "serviceentries": ("se",),
    "virtualservices": ("vs",),
    "workloadentries": ("we",),
    "workloadgroups": ("wg",),
    # Scaling: KEDA, the vertical pod autoscaler, Karpenter (node auto-provisioning).
    "aksnodeclasses": ("aksnc", "aksncs"),
    "clustertriggerauthentications": ("cta", "clustertriggerauth"),
    "nodeclaims": (),
    "nodepools": (),
    "scaledjobs": ("sj",),
    "scaledobjects": ("so",),
    "triggerauthentications": ("ta", "triggerauth"),
    "verticalpodautoscalercheckpoints": ("vpacheckpoint",),
    "verticalpodautoscalers": ("vpa",),
    # GitOps: Flux and Argo CD.
    "applications": ("app", "apps"),
    "applicationsets": ("appset", "appsets"),
    "appprojects": ("appproj", "appprojs"),
    "buckets": (),
    "fluxconfigs": (),
    "gitrepositories": ("gitrepo",),
    "helmcharts": ("hc",),
    "helmreleases": ("hr",),
    "helmrepositories": ("helmrepo",),
    "kustomizations": ("ks",),
    "ocirepositories": ("ocirepo",),
    # Certificates, external secrets, backups, snapshots, monitoring.
    "alertmanagers": ("am",),
    "backups": (),
    "backupschedules": (),
    "certificaterequests": ("cr", "crs"),
    "certificates": ("cert", "certs"),
    "clusterissuers": ("ciss",),
    "clustersecretstores": ("css",),
    "externalsecrets": ("es",),
    "issuers": ("iss",),
    "podmonitors": ("pmon",),
    "prometheuses": ("prom",),
    "prometheusrules": ("promrule",),
    "restores": (),
    "schedules": (),
    "sealedsecrets": (),
    "secretstores": ("ss",),
    "servicemonitors": ("smon",),
    "volumesnapshotclasses": ("vsclass", "vsclasses"),
    "volumesnapshotcontents": ("vsc", "vscs"),
    "volumesnapshots": (),
}
#: Resources that are no objects: names that access reviews and impersonation use. `kind users` still asks for them.
_NO_OBJECTS = frozenset({"groups", "nodemetrics", "podmetrics", "signers", "uids", "userextras", "users"})
#: Where what one is called in plain words is not the API's own name for one.
_ONE: Mapping[str, str] = {
    "certificatesigningrequests": "certificatesigningrequest",
    "prometheuses": "prometheus",
}
_LONGEST_KIND = 253


def _one(resource: str) -> str:
    return _ONE.get(resource) or singular(resource).replace(" ", "").lower()


def _words() -> dict[str, str]:
    words: dict[str, str] = {}
    for table in (_CUSTOM, dict.fromkeys(RESOURCES, ()), _SHORT):
        for resource, others in table.items():
            if resource not in _NO_OBJECTS:
                words |= dict.fromkeys((resource, _one(resource), *others), resource)
    return words


#: Every word for a kind, in lower case, with the API's plural of it. Kubernetes' own win over others' short names.
KINDS: Mapping[str, str] = _words()
#: Of these, the words that mean a kind even where nothing says so: "app" alone may be anything, "app/x" may not.
CLEAR: frozenset[str] = (
    frozenset(KINDS) - {word for words in _CUSTOM.values() for word in words} - {"limits", "no"}
)


def resource_of(word: str) -> str:
    """Return the API's plural for a kind as somebody wrote it, "" for a word that is none. Case does not matter.

    A group after the first dot is taken as said: "deployments.apps". Total over hostile text.
    """
    plain = word[: _LONGEST_KIND + 1].lower()
    if plain in KINDS:
        return KINDS[plain]
    kind, dot, group = plain.partition(".")
    is_group = bool(dot) and group.replace("-", "").replace(".", "").isalnum() and group.isascii()
    return KINDS.get(kind, "") if is_group else ""
