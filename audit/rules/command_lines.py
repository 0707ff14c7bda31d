"""What a command line that is run in a container gives away; of which class it is, audit.commands tells."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

#: Longer lines are not read to their end; an audit event of AKS is cut at 16 KiB.
_MAX_LINE = 32 * 1024

_REVERSE = re.compile(
    r"""
    /dev/(?:tcp|udp)/
    | \b(?:nc|ncat|netcat)(?:\.\w+)?\b[^|;&]{0,200}?\s(?:-[a-z]{0,6}[ec]\b|--(?:sh-)?exec\b)
    | \bmkfifo\b | \bmknod\s+\S{1,100}\s+p\b
    | \bsocat\b[^|;&]{0,300}?\b(?:exec|system):
    | \bpty\.spawn\b
    | \bfsockopen\b | \btcpsocket\b | \bnew-object\s+(?:system\.)?net\.sockets
    | \b(?:ba|z|k|a)?sh\s+-i\s{0,4}[<>]
    """,
    re.VERBOSE | re.DOTALL,
)
#: With a socket in the same line, a shell is put behind it.
_BEHIND_SOCKET = ("dup2", "subprocess", "/bin/sh", "/bin/bash", "exec ", "os.system")
_FETCHER = re.compile(
    r"(?:^|[\s/;|&('\"$`])(?:curl|wget|aria2c|invoke-webrequest|iwr|certutil)(?:\.exe)?(?=[\s;|&'\"])"
)
_HOST = re.compile(r"\b(?:https?|ftp)://(?:[^\s/@'\"]{0,200}@)?(\[[0-9a-f:.]{2,60}\]|[^\s/:'\"?#]{1,255})")
_INTO_SHELL = re.compile(r"\b(?:curl|wget)\b[^|;&]{1,300}\|\s{0,4}(?:sudo )?(?:ba|z|a|da)?sh\b")
#: Hosts of health checks and of the cluster itself.
_NEAR = re.compile(
    r"localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\]|169\.254\.[\d.]+|\$.*|[\w-]+|.*\.svc|.*\.local|.*\.internal|metadata\..*"
    r"|10\.[\d.]+|192\.168\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+"
)
#: Also as one number, which resolvers accept: 0xa9fea9fe and 2852039166 are 169.254.169.254.
_METADATA = (
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "fd00:ec2::254",
    "metadata.google.internal",
    "metadata.azure.",
    "0xa9fea9fe",
    "2852039166",
)
_TOKENS = (
    "/run/secrets/",
    "secrets/kubernetes.io",
    "kubernetes.io/serviceaccount",
    "azure-identity-token",
    "azure_federated_token_file",
    "aws_web_identity_token_file",
)
_CREDENTIALS = (
    "/etc/shadow",
    "/.kube/",
    "/.aws/",
    "/.azure/",
    "/.ssh/",
    "/.docker/config.json",
    "/.git-credentials",
    "/.netrc",
    "/.pgpass",
    "id_rsa",
    "id_ed25519",
    "/etc/kubernetes/",
    "/var/lib/kubelet",
    "/proc/1/environ",
    "/proc/self/environ",
)
_TAR_FLAGS = re.compile(r"-?[a-z]*[cx][a-z]*")


def command_line(words: Sequence[str]) -> str:
    """Return the words as one line in lower case, each run of spaces as one."""
    return " ".join(" ".join(words)[:_MAX_LINE].casefold().split())


def is_reverse_shell(line: str) -> bool:
    """Whether the line connects a shell with the network."""
    return _REVERSE.search(line) is not None or (
        "socket" in line and any(mark in line for mark in _BEHIND_SOCKET)
    )


def downloads(line: str) -> bool:
    """Whether the line fetches something from outside the cluster."""
    if _INTO_SHELL.search(line):
        return True
    return _FETCHER.search(line) is not None and any(
        not _NEAR.fullmatch(host) for host in _HOST.findall(line)
    )


def reads_metadata(line: str) -> bool:
    """Whether the line asks a cloud's metadata service, which hands out the node's credentials."""
    return any(mark in line for mark in _METADATA)


def reads_token(line: str) -> bool:
    """Whether the line touches the files that service account tokens lie in."""
    return any(mark in line for mark in _TOKENS)


def reads_credentials(line: str) -> bool:
    """Whether the line touches files of passwords and keys."""
    line = f" {line}".replace("~", "/")
    return any(mark in line or f" {mark.lstrip('/')}" in line for mark in _CREDENTIALS)


def copies_with_tar(line: str) -> bool:
    """Whether tar writes to or reads from its stream, which is how `kubectl cp` works."""
    parts = line.replace("'", " ").replace('"', " ").split()
    for position, part in enumerate(parts):
        if posixpath.basename(part) == "tar":
            rest = parts[position + 1 : position + 12]
            if "-" in rest and _TAR_FLAGS.fullmatch(rest[0]):
                return True
    return False
