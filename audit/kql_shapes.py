"""The tables of audit events: how each of them says who did what, as expressions of KQL.

Every expression reads a row as audit.event.parse_event does. `log_s` may be cut
(https://github.com/Azure/AKS/issues/4635) and is no JSON then; what stood before the bodies is taken from the text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audit.actor import (
    PLATFORM_NAMESPACES,
    PLATFORM_PREFIXES,
    PLATFORM_USERS,
    SERVICE_ACCOUNT,
    ActorKind,
)
from audit.kql_text import lines, literal, literals

#: The tables that hold the Kubernetes audit log; the two typed ones have the same columns.
DIAGNOSTICS = "AzureDiagnostics"
TYPED = ("AKSAudit", "AKSAuditAdmin")
TABLES = (DIAGNOSTICS, *TYPED)

CATEGORIES = ("kube-audit", "kube-audit-admin")
IS_AUDIT = f"| where Category in {literals(CATEGORIES)}"

_COMMON = ("TimeGenerated", "Type", "_ResourceId")
_LOG = ("Category", "log_s", "pod_s", "ResourceId")
#: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit
_TYPED = (
    *("AuditId", "Stage", "Level", "Verb", "RequestUri", "User", "SourceIps", "UserAgent", "ObjectRef"),
    *("ResponseStatus", "RequestReceivedTime", "StageReceivedTime", "Annotations", "PodName"),
)
BODIES = ("RequestObject", "ResponseObject")

# A quote in a JSON string is escaped, so that nothing inside one looks like a key.
_TEXT = r"""("(?:[^"\\]|\\.)*")"""
_FLAT = r"""(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*)"""


# Kubernetes writes both keys ahead of everything that a client may fill, so that this also reads rows
# which Azure cut and which parse_json would not.
LOG_ID = """extract(@'"auditID":\\s*"([^"\\\\]+)"', 1, log_s)"""
LOG_STAGE = """extract(@'"stage":\\s*"([^"\\\\]+)"', 1, log_s)"""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Which of the two ways of holding an event the rows have; a union of tables may have both."""

    has_log: bool
    has_columns: bool

    @classmethod
    def of(cls, tables: Collection[str]) -> Shape:
        return cls(has_log=DIAGNOSTICS in tables, has_columns=any(table in tables for table in TYPED))

    @property
    def columns(self) -> tuple[str, ...]:
        """What parse_event reads, bodies included."""
        return (
            *_COMMON,
            *(_LOG if self.has_log else ()),
            *((*_TYPED, *BODIES) if self.has_columns else ()),
        )


def light_columns(table: str) -> str:
    """Return what parse_event reads of a table's rows, but for the bodies of a typed one."""
    return ", ".join((*_COMMON, *(_LOG if table == DIAGNOSTICS else _TYPED)))


def prepared(shape: Shape, at: Mapping[str, str]) -> str:
    """Return lines that add Json_, Cut_, Head_, Ref_ and Status_, which the expressions read.

    `at` says under which name a column is, where that is another.
    """
    if not shape.has_log:
        return ""
    log = at.get("log_s", "log_s")
    starts, ends = rf"{log} matches regex @'^\s*\{{'", rf"{log} matches regex @'\}}\s*$'"
    cut_in = f"isnotempty({_found('auditID', log)}) or not({ends})"
    return lines(
        f"| extend Json_ = parse_json({log})",
        f'| extend Cut_ = gettype(Json_) != "dictionary" and {starts} and ({cut_in})',
        # What a client sends begins here; keys of its own must not pass for the event's.
        f"""| extend Head_ = iff(Cut_, tostring(split({log}, '"requestObject":')[0]), "")""",
        """| extend Head_ = tostring(split(Head_, '"responseObject":')[0])""",
        f"""| extend Ref_ = extract(@'"objectRef":\\s*{_FLAT}', 1, Head_)""",
        """| extend Status_ = extract(@'"responseStatus":(.*)', 1, Head_)""",
    )


def fields(shape: Shape, at: Mapping[str, str]) -> dict[str, str]:
    """Return an expression for each thing that is known of an event. All are text, but for these:

    Code is a long (0 for none), Received and Happened are times, IsCut, IsEvent and IsLog are true or false.
    """
    log, typed = _log_fields(), _typed_fields(at)
    if not shape.has_columns:
        return log | _about_row(at)
    if not shape.has_log:
        return typed | _about_row(at)
    is_log = f"isnotempty({at.get('log_s', 'log_s')})"
    both = {name: f"iff({is_log}, {log[name]}, {typed[name]})" for name in log}
    return both | _about_row(at)


def kind(user: str, impersonated: str) -> str:
    """Return audit.actor.classify as KQL: a number, of two columns or expressions."""
    other = f'iff({impersonated} == "", {max(ActorKind):d}, {_kind(impersonated)})'
    return f"min_of({_kind(user)}, {other})"


def _about_row(at: Mapping[str, str]) -> dict[str, str]:
    return {"Generated": at.get("TimeGenerated", "TimeGenerated")}


def _kind(user: str) -> str:
    prefixes = " or ".join(f"{user} startswith_cs {literal(prefix)}" for prefix in PLATFORM_PREFIXES)
    namespace = f"extract(@'^{SERVICE_ACCOUNT}([^:]*)', 1, {user})"
    workload = (
        f"iff({namespace} in {literals(sorted(PLATFORM_NAMESPACES))},"
        f" {ActorKind.PLATFORM:d}, {ActorKind.WORKLOAD:d})"
    )
    return (
        f"case({user} in {literals(sorted(PLATFORM_USERS))} or {prefixes}, {ActorKind.PLATFORM:d},"
        f" {user} startswith_cs {literal(SERVICE_ACCOUNT)}, {workload}, {ActorKind.PERSON:d})"
    )


def _found(key: str, text: str, before: str = "") -> str:
    """Return the JSON string of a key as it is written; "" where it is not there to its closing quote."""
    return f"""extract(@'{before}"{key}":\\s*{_TEXT}', 1, {text})"""


def _decoded(found: str) -> str:
    return f"tostring(parse_json({found}))"


def _either(path: str, cut: str) -> str:
    return f"iff(Cut_, {_decoded(cut)}, tostring(Json_.{path}))"


def _log_fields() -> dict[str, str]:
    reason = _found("reason", """tostring(split(Status_, '"details":')[0])""")
    code = """tolong(iff(Cut_, extract(@'"code":\\s*([0-9]{3})[,}]', 1, Status_), tostring(Json_.responseStatus.code)))"""
    is_event = "isnotempty(Json_.auditID) or isnotempty(Json_.verb) or isnotempty(Json_.requestURI)"
    telling = [_found(key, "Head_") for key in ("auditID", "verb", "requestURI", "username")]
    cut_event = " or ".join(f"strlen({each}) > 2" for each in telling)
    return {
        "AuditId": _either("auditID", _found("auditID", "Head_")),
        "Stage": _either("stage", _found("stage", "Head_")),
        "Verb": _either("verb", _found("verb", "Head_")),
        "Uri": _either("requestURI", _found("requestURI", "Head_")),
        "User": _either("user.username", _found("username", "Head_", r'"user":\s*\{\s*')),
        "Impersonated": _either(
            "impersonatedUser.username", _found("username", "Head_", r'"impersonatedUser":\s*\{\s*')
        ),
        **{
            name: _either(f"objectRef.{key}", _found(key, "Ref_"))
            for name, key in (
                ("ApiGroup", "apiGroup"),
                ("Resource", "resource"),
                ("Subresource", "subresource"),
                ("Namespace", "namespace"),
                ("Name", "name"),
            )
        },
        "Code": _status(code),
        "Reason": _either("responseStatus.reason", reason),
        "Decision": _decision('iff(Cut_, "", tostring(Json_.annotations["authorization.k8s.io/decision"]))'),
        "Received": "todatetime(tostring(Json_.requestReceivedTimestamp))",
        "Address": 'iff(Cut_, "", tostring(Json_.sourceIPs[-1]))',
        # All of them as JSON; of a cut row as much as there is.
        "Addresses": r"""iff(Cut_, extract(@'"sourceIPs":\s*\[([^\]]*)', 1, Head_), tostring(Json_.sourceIPs))""",
        "UserAgent": _either("userAgent", _found("userAgent", "Head_")),
        "IsCut": "Cut_",
        "IsEvent": f'({is_event} or gettype(Json_.user) == "dictionary" or (Cut_ and ({cut_event})))',
        "IsLog": "true",
    }


def _typed_fields(at: Mapping[str, str]) -> dict[str, str]:
    def column(name: str) -> str:
        return at.get(name, name)

    ref, status = column("ObjectRef"), column("ResponseStatus")
    bodies = [column(name) for name in ("User", "ObjectRef", *BODIES)]
    cut = (rf"""(gettype({b}) == "string" and tostring({b}) matches regex @'^\s*[\[{{"]')""" for b in bodies)
    return {
        "AuditId": column("AuditId"),
        "Stage": column("Stage"),
        "Verb": column("Verb"),
        "Uri": column("RequestUri"),
        "User": f"tostring({column('User')}.username)",
        "Impersonated": '""',
        "ApiGroup": f"tostring({ref}.apiGroup)",
        "Resource": f"tostring({ref}.resource)",
        "Subresource": f"tostring({ref}.subresource)",
        "Namespace": f"tostring({ref}.namespace)",
        "Name": f"tostring({ref}.name)",
        "Code": _status(f"tolong(tostring({status}.code))"),
        "Reason": f"tostring({status}.reason)",
        "Decision": _decision(f'tostring({column("Annotations")}["authorization.k8s.io/decision"])'),
        "Received": column("RequestReceivedTime"),
        "Address": f"tostring({column('SourceIps')}[-1])",
        "Addresses": f"tostring({column('SourceIps')})",
        "UserAgent": column("UserAgent"),
        "IsCut": f"({' or '.join(cut)})",
        "IsEvent": (
            f"(isnotempty({column('AuditId')}) or isnotempty({column('Verb')})"
            f" or isnotempty({column('RequestUri')}))"
        ),
        "IsLog": "false",
    }


def _status(code: str) -> str:
    return f"iff({code} between (100 .. 599), {code}, 0)"


def _decision(found: str) -> str:
    return f'iff({found} in ("allow", "forbid"), {found}, "")'
