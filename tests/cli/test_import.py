from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Commands

from segmentd.cli.app import run

HEADING = "userId,event,timestamp,messageId,properties.revenue,properties.sku,context.os.name\n"


def imported(segmentd: Commands, what: str, file: Path, *options: str | Path) -> Any:
    return segmentd.fine("import", what, file, "--json", *options).json


def rejects(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.rejects.jsonl").read_text().splitlines()]


def test_the_same_events_twice_change_nothing(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    row = "c1,Order Completed,2025-12-01 10:00:00,,12.5,007,iOS\n"
    file.write_text(HEADING + row + row + "c1,Order Completed,2025-12-02,m-1,3,007,\n")
    first = imported(segmentd, "events", file)
    assert (first["stored"], first["duplicate"], first["refused"], first["rejects_file"]) == (3, 0, 0, None)
    before = segmentd.fine("status", "--json").json
    again = imported(segmentd, "events", file)
    assert (again["stored"], again["duplicate"], again["refused"]) == (0, 3, 0)
    assert segmentd.fine("status", "--json").json == before


def test_neither_the_name_of_a_file_nor_the_order_of_rows_makes_an_event_new(
    segmentd: Commands, tmp_path: Path
) -> None:
    rows = [{"userId": "c2", "event": "X", "timestamp": f"2025-12-0{day}T00:00:00Z"} for day in (1, 2, 2, 3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as packed:
        packed.write("\n".join(json.dumps(row) for row in reversed(rows)))
    assert imported(segmentd, "events", tmp_path / "a.jsonl")["stored"] == 4
    assert imported(segmentd, "events", tmp_path / "b.jsonl.gz")["duplicate"] == 4


def test_bad_rows_are_written_down_and_do_not_stop_the_rest(segmentd: Commands, tmp_path: Path) -> None:
    good = {"userId": "r1", "event": "X", "timestamp": "2025-12-01T00:00:00Z"}
    lines = [
        json.dumps(good),
        "{",
        "[1]",
        json.dumps({**good, "userId": 5}),
        json.dumps({**good, "timestamp": "2025-12-01T00:00:00"}),
        json.dumps({"userId": "r1", "event": "X"}),
        json.dumps({**good, "user_id": "r1"}),
        json.dumps({**good, "properties": {"big": 2**60}}),
        json.dumps({**good, "type": "identify"}),
        json.dumps({**good, "event": "Order Completed", "properties": {"revenue": "much"}}),
        "",
        json.dumps({**good, "event": "Y"}),
    ]
    file = tmp_path / "bad.jsonl"
    file.write_text("\n".join(lines))
    answer = imported(segmentd, "events", file)
    assert (answer["rows"], answer["stored"], answer["refused"]) == (11, 2, 9)
    found = {each["position"]: each["reason"] for each in rejects(tmp_path, "bad.jsonl")}
    assert found == {
        2: "not JSON",
        3: "no object",
        4: "userId is no text",
        5: "timestamp is no instant",
        6: "no time",
        7: "the field user_id is not known",
        8: "a value cannot be sent",
        9: "another type of call",
        10: "WRONG_TYPE",
    }
    refused = next(each for each in rejects(tmp_path, "bad.jsonl") if each["position"] == 10)
    assert refused["row"]["properties"] == {"revenue": "much"}
    assert "properties.revenue" in refused["detail"]
    text = segmentd.fine("import", "events", file).out
    assert "2 duplicate, 9 refused" in text
    assert "1 x WRONG_TYPE (first at line 10: " in text
    strict = segmentd("import", "events", file, "--strict")
    assert (strict.code, strict.err) == (1, "error: 9 rows were refused (--strict)\n")


def test_rejects_of_a_csv_have_the_cells_as_they_stand(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    heading = "userId,event,timestamp,properties.revenue,properties.total\n"
    file.write_text(heading + " c7 ,X,2025-12-01,1e999,007\nc7,X,never,1,2\n ,X,2025-12-01,1,\nc7,X,2025-12-01,x,\n")
    assert segmentd("import", "events", file, "--json").json["refused"] == 4
    rows = {each["position"]: each["row"] for each in rejects(tmp_path, "cells.csv")}
    columns = heading.strip().split(",")
    assert rows == {
        2: dict(zip(columns, [" c7 ", "X", "2025-12-01", "1e999", "007"], strict=True)),
        3: dict(zip(columns, ["c7", "X", "never", "1", "2"], strict=True)),
        4: dict(zip(columns[:-1], [" ", "X", "2025-12-01", "1"], strict=True)),
        5: dict(zip(columns[:-1], ["c7", "X", "2025-12-01", "x"], strict=True)),
    }


def test_a_reused_message_id_is_refused_by_name(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "reuse.csv"
    file.write_text(HEADING + "c4,X,2025-12-01,same,,,\nc4,X,2025-12-02,same,,,\n")
    answer = imported(segmentd, "events", file)
    assert answer["reasons"] == {"MESSAGE_ID_REUSED": 1}
    assert rejects(tmp_path, "reuse.csv")[0]["position"] == 3


def test_a_row_nested_without_end_does_not_stop_the_rest(segmentd: Commands, tmp_path: Path) -> None:
    row = {"userId": "n1", "event": "X", "timestamp": "2025-12-01T00:00:00Z"}
    for depth in (60, 900):
        nested = json.dumps({**row, "properties": {}}).replace("{}", '{"a":' * depth + "1" + "}" * depth)
        (tmp_path / "deep.jsonl").write_text(f"{nested}\n{json.dumps({**row, 'userId': f'n{depth}'})}\n")
        answer = imported(segmentd, "events", tmp_path / "deep.jsonl")
        assert (answer["stored"], answer["reasons"]) == (1, {"a value cannot be sent": 1})
        assert rejects(tmp_path, "deep.jsonl")[0]["detail"].endswith("it is nested too deeply to be sent")


def test_csv_rows_that_are_broken_are_refused_one_by_one(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "broken.csv"
    rows = [
        b"c5,X,2025-12-01,,,,",
        b"c5,X",
        b"c5,X,2025-12-01,,\xff,,",
        b"c5,X,2025-12-01,,abc,,",
        b"c5,Y,2025-12-01,,,,",
    ]
    file.write_bytes(HEADING.encode() + b"\n".join(rows))
    answer = imported(segmentd, "events", file, "--rejects", tmp_path / "own.jsonl")
    assert answer["stored"] == 2
    assert answer["rejects_file"] == str(tmp_path / "own.jsonl")
    assert [json.loads(line)["position"] for line in (tmp_path / "own.jsonl").read_text().splitlines()] == [3, 4, 5]


def test_cells_are_typed_by_known_names_else_by_how_they_are_written(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "profiles.csv"
    file.write_text(
        "userId,traits.age,traits.createdAt,traits.address.postalCode,traits.code,traits.score,traits.beta,traits.plan\n"
        "t1,42,2025-01-01 10:00:00,01067,007,1.5e2,true,pro\n"
        "t2,,,,,,,\n"
    )
    answer = imported(segmentd, "profiles", file)
    assert (answer["created"], answer["merged"], answer["refused"]) == (2, 0, 0)
    assert segmentd.fine("profile", "t1", "--json").json["attributes"] == {
        "address.postalCode": "01067",
        "age": 42,
        "beta": True,
        "code": "007",
        "createdAt": "2025-01-01T10:00:00Z",
        "plan": "pro",
        "score": 150,
    }
    assert imported(segmentd, "profiles", file)["merged"] == 2


def test_later_rows_of_a_user_win(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    rows = [{"userId": f"w{index % 7}", "traits": {"last": index}} for index in range(20_000)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert imported(segmentd, "profiles", file)["rows"] == 20_000
    last = {user: segmentd.fine("profile", f"w{user}", "--json").json["attributes"]["last"] for user in range(7)}
    assert last == {index % 7: index for index in range(20_000 - 7, 20_000)}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "userId,event,when\n", "the column 'when' is not known"),
        ("b.csv", "userId,userId\n", "the column 'userId' is there twice"),
        ("c.csv", "", "it has no heading"),
        ("d.txt", "", "neither .csv nor .jsonl"),
        ("f.csv", "event,timestamp\n", "it has no column 'userId'"),
        ("g.csv", "userId,timestamp\n", "it has no column 'event'"),
        ("e.csv.gz", "no gzip", "cannot be unpacked"),
    ],
)
def test_a_file_that_is_no_import_is_refused_as_a_whole(
    segmentd: Commands, tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    outcome = segmentd("import", "events", tmp_path / name)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert words in outcome.err


@pytest.mark.parametrize("options", [["none.csv"], ["a.csv", "--sql", "none.csv"]])
@pytest.mark.parametrize("what", ["profiles", "events"])
def test_a_file_that_is_missing_is_named_even_without_a_server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(HEADING)
    assert run(["import", what, *options, "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err == "error: none.csv: no such file or directory\n"


def test_a_heading_in_another_encoding_is_refused_as_such(segmentd: Commands, tmp_path: Path) -> None:
    (tmp_path / "excel.csv").write_text(HEADING, encoding="utf-16")
    assert "its heading is not UTF-8" in segmentd("import", "events", "excel.csv").err


def test_the_file_is_never_taken_for_its_own_rejects(segmentd: Commands, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADING)
    assert segmentd("import", "events", "a.csv", "--rejects", "./a.csv").code == 2
    assert (tmp_path / "a.csv").read_text() == HEADING


def test_sql_selects_events_and_names_what_it_leaves_out(segmentd: Commands, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb, the extra [import], is not installed")
    data, sql = tmp_path / "it's.csv", tmp_path / "reshape.sql"
    data.write_text("id,customer,amount,day\n1,s1,10.50,2025-12-01 10:00:00\n2,,3,2025-12-01\n3,s1,4,2025-12-02\n")
    sql.write_text(
        """-- orders
CREATE TEMP TABLE orders AS SELECT * FROM read_csv(getvariable('file'));
SELECT customer AS user_id, 'Order Completed' AS event, day AS time, 'o-' || id AS message_id,
       amount AS revenue, {class: 'a', none: NULL} AS shelf,
       CASE WHEN customer IS NULL THEN 'no customer' END AS reject_reason
FROM orders ORDER BY id; -- the end
"""
    )
    answer = imported(segmentd, "events", data, "--sql", sql)
    assert (answer["stored"], answer["refused"], answer["reasons"]) == (2, 1, {"no customer": 1})
    (left_out,) = rejects(tmp_path, "it's.csv")
    assert (left_out["position"], left_out["row"]["timestamp"]) == (2, "2025-12-01 00:00:00")
    assert imported(segmentd, "events", data, "--sql", sql)["duplicate"] == 2
    assert "1 x no customer (first at row 2)" in segmentd.fine("import", "events", data, "--sql", sql).out
    sql.write_text("SELECT 's1' AS user_id, {plan: 'pro', gone: NULL, createdAt: TIMESTAMP '2025-01-01'} AS attributes")
    assert imported(segmentd, "profiles", data, "--sql", sql)["merged"] == 1
    attributes = segmentd.fine("profile", "s1", "--json").json["attributes"]
    assert attributes == {"createdAt": "2025-01-01T00:00:00Z", "plan": "pro"}


def test_sql_that_fails_is_one_line(segmentd: Commands, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb, the extra [import], is not installed")
    (tmp_path / "bad.sql").write_text("SELECT * FROM nowhere")
    outcome = segmentd("import", "events", "x.csv", "--sql", "bad.sql")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "nowhere" in outcome.err
    (tmp_path / "bad.sql").write_text("SELECT 1 AS x")
    assert "no column user_id" in segmentd("import", "events", "x.csv", "--sql", "bad.sql").err
    (tmp_path / "bad.sql").write_text("SELECT 'u' AS user_id, now() AS time")
    assert "no column event" in segmentd("import", "events", "x.csv", "--sql", "bad.sql").err


def test_without_duckdb_the_extra_is_named(segmentd: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    (tmp_path / "x.sql").write_text("SELECT 1")
    assert "segmentd[import]" in segmentd("import", "events", "x.csv", "--sql", "x.sql").err


def test_an_import_of_which_nothing_is_taken_has_failed(segmentd: Commands, tmp_path: Path) -> None:
    file = tmp_path / "none.jsonl"
    file.write_text('{"userId": "", "traits": {}}\n' * 3)
    outcome = segmentd("import", "profiles", file, "--rejects", tmp_path / "rejects")
    assert (outcome.code, outcome.err) == (1, "error: nothing was imported: every row was refused\n")
    assert "0 merged, 3 refused" in outcome.out
    file.write_text("")
    segmentd.fine("import", "profiles", file)
