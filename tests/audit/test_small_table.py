from __future__ import annotations

import json

from audit.small_table import MAX_CELL, MOST_COLUMNS, MOST_ROWS, small_table


def test_rows_become_text_and_the_total_is_the_workspaces() -> None:
    rows = [{"Verb": "delete", "count_": 12}, {"Verb": "patch", "count_": 3.0}]
    table = small_table(rows, total=2, because="summarize")
    assert (table.columns, table.rows) == (("Verb", "count_"), (("delete", "12"), ("patch", "3")))
    assert (table.total, table.because) == (2, "summarize")


def test_columns_that_no_row_fills_are_left_out() -> None:
    table = small_table([{"A": "", "B": None, "C": "x"}, {"A": "", "B": 1, "C": ""}], total=2, because="")
    assert table.columns == ("B", "C")
    assert table.rows == (("", "x"), ("1", ""))


def test_it_is_kept_small_and_says_how_many_there_are() -> None:
    rows = [{f"c{n}": "x" * 5000 for n in range(60)}] * 50
    table = small_table(rows, total=1_000_000, because="project")
    assert (len(table.columns), len(table.rows), table.total) == (MOST_COLUMNS, MOST_ROWS, 1_000_000)
    assert max(len(cell) for row in table.rows for cell in row) == MAX_CELL


def test_secrets_stay_behind() -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4eHh4eHh4eHgifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
    rows = [{"password": "hunter2hunter2", "Message": f"got {jwt}", "log_s": '{"token": "abcdefabcdef"}'}]
    told = str(small_table(rows, total=1, because="").rows)
    assert "hunter2" not in told
    assert jwt not in told
    assert "abcdefabcdef" not in told


def test_no_rows_are_a_table_of_nothing() -> None:
    assert small_table([], total=0, because="summarize").rows == ()


def test_a_uri_and_a_whole_event_in_a_cell_are_cleaned_as_such() -> None:
    uri = (
        "/api/v1/namespaces/a/pods/b/exec?command=mysql&command=-phunter2&command=--password&command=hunter3"
    )
    event = {"auditID": "1", "verb": "create", "requestURI": uri, "user": {"username": "alice"}}
    table = small_table([{"RequestUri": uri, "log_s": json.dumps(event)}], total=1, because="project")
    told = str(table.rows)
    assert "hunter" not in told
    assert "alice" in told
