"""The conditions of the rules about pods and what pods are made from. Each reads one request; none raises."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from audit.rules.bodies import elements, words
from audit.rules.facts import Facts
from audit.untyped import at, mapping

#: Beyond Pod Security's baseline and good for leaving the container or reading what others send:
#: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
_CAPABILITIES = frozenset(
    "all bpf checkpoint_restore dac_read_search mac_admin mac_override net_admin net_raw perfmon sys_admin sys_boot sys_module sys_ptrace sys_rawio syslog".split()  # noqa: SIM905 - to be read
)
#: With what lies below them, and with what lies above: who mounts /var has /var/lib/kubelet.
_HOST_PATHS = (
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/crio",
    "/run/cri-dockerd.sock",
    "/run/docker.sock",
    "/run/dockershim.sock",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
)
#: Below those, and read by many: certificates of authorities, time zones.
_HARMLESS_PATHS = (
    "/dev/null",
    "/dev/shm",  # noqa: S108
    "/etc/ca-certificates",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/ssl/certs",
    "/etc/timezone",
)


def is_privileged(facts: Facts) -> bool:
    """Whether a container is privileged, or a host process as Windows has it."""
    contexts = (*_contexts(facts.containers), *_contexts(facts.pods))
    return any(
        context.get("privileged") is True or at(context, "windowsOptions", "hostProcess") is True
        for context in contexts
    )


def runs_as_root(facts: Facts) -> bool:
    """Whether a pod or container asks to be root, or not to be kept from it."""
    contexts = (*_contexts(facts.containers), *_contexts(facts.pods))
    return any(
        context.get("runAsNonRoot") is False or _is_zero(context.get("runAsUser")) for context in contexts
    )


def _contexts(owners: tuple[Mapping[str, Any], ...]) -> Iterator[Mapping[str, Any]]:
    return (mapping(owner.get("securityContext")) for owner in owners)


def _is_zero(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == 0


def has_capabilities(facts: Facts) -> bool:
    """Whether a container gets capabilities that reach beyond it."""
    added = (words(at(context, "capabilities", "add")) for context in _contexts(facts.containers))
    return any(word.removeprefix("cap_") in _CAPABILITIES for found in added for word in found)


def mounts_host(facts: Facts) -> bool:
    """Whether a pod gets a part of the node's disk that rules the node."""
    volumes = (volume for spec in facts.pods for volume in elements(spec.get("volumes")))
    return any(_is_sensitive(at(volume, "hostPath", "path")) for volume in volumes)


def _is_sensitive(path: object) -> bool:
    if not isinstance(path, str) or not path:
        return False
    clean = posixpath.normpath(f"/{path.strip()}").replace("//", "/")
    # /var/run is a link to /run.
    clean = clean.removeprefix("/var") if _is_below(clean, "/var/run") else clean
    if any(_is_below(clean, harmless) for harmless in _HARMLESS_PATHS):
        return False
    return any(_is_below(clean, bad) or _is_below(bad, clean) for bad in _HOST_PATHS)


def _is_below(path: str, above: str) -> bool:
    return above in ("/", path) or path.startswith(f"{above}/")


def uses_host_network(facts: Facts) -> bool:
    """Whether a pod shares the node's network."""
    return any(spec.get("hostNetwork") is True for spec in facts.pods)


def uses_host_pid(facts: Facts) -> bool:
    """Whether a pod sees the node's processes."""
    return any(spec.get("hostPID") is True for spec in facts.pods)


def uses_host_ipc(facts: Facts) -> bool:
    """Whether a pod shares the node's memory segments."""
    return any(spec.get("hostIPC") is True for spec in facts.pods)


def uses_controller_account(facts: Facts) -> bool:
    """Whether a pod in kube-system runs as one of the controllers that live there."""
    names = (spec.get("serviceAccountName") or spec.get("serviceAccount") for spec in facts.pods)
    return facts.namespace == "kube-system" and any(
        isinstance(name, str) and name.endswith("-controller") for name in names
    )


def sets_containers(facts: Facts) -> bool:
    """Whether a patch adds containers or gives them another image."""
    return any(isinstance(container.get("image"), str) for container in facts.containers)
