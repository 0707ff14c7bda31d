"""From the objects of audit to Adaptive Cards, which people see. Pure: no I/O, no clock, no SDK."""
