"""The subject: alerts, audit events, incidents, evidence and KQL. Pure: no I/O, no clock, no SDK."""
