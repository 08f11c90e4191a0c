"""Tables of a study: what is read is what was written, rows of other runs stay, order does not depend on history."""

import csv
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock, Timeout

from lib.base import files, paths, systems, tables_on_disk
from lib.base.errors import StudyError

COLUMNS = ["system", "seed", "image", "value"]


def rows(system: str, seed: int, *values: float) -> pd.DataFrame:
    return pd.DataFrame([(system, seed, f"{i:03d}", value) for i, value in enumerate(values)], columns=COLUMNS)


def test_a_table_survives_writing_and_reading(tmp_path):
    table = rows("msg-sarl", 0, 0.25, 1.0, 1e-9)
    tables_on_disk.write(tmp_path / "scores.csv", table, digits=7)
    pd.testing.assert_frame_equal(tables_on_disk.read(tmp_path / "scores.csv", COLUMNS, text=["image"]), table)


STRANGE = ["NA", "nan", "None", "001", "1", "1e5", "null", "N/A", "-inf", "TRUE", "a,b", 'the "x"', " x ", "Müller"]
COMMITTED = sorted({file.name: file for file in (paths.ROOT / "results").rglob("*.csv")
                    if not {"private", "tiny"} & set(file.parts)}.values())


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.name)
def test_names_come_back_as_they_were_written(file, tmp_path):
    """For every kind of committed table: strange names in its columns of names, its own numbers, and gaps in them."""
    columns = file.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    names = [column for column in columns if column in tables_on_disk.NAMES]
    table = pd.DataFrame({column: STRANGE if column in names else [0.5 * row for row in range(len(STRANGE))]
                          for column in columns})
    for column in set(columns) - set(names):
        table.loc[3, column] = np.nan
    tables_on_disk.write(tmp_path / file.name, table)
    for found in (tables_on_disk.read(tmp_path / file.name, columns), tables_on_disk.read_csv(tmp_path / file.name)):
        assert all(found[column].tolist() == STRANGE for column in names)
        rest = [column for column in columns if column not in names]
        assert found[rest].isna().sum().tolist() == [1] * len(rest)
        np.testing.assert_array_equal(found[rest].to_numpy(float), table[rest].to_numpy(float))


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.name)
def test_committed_tables_have_no_other_columns_of_names(file):
    """What is neither a number nor declared a name is one of few words that the code itself writes."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for column in rows[0].keys() - set(tables_on_disk.NAMES):
        try:
            [float(row[column] or "nan") for row in rows]
        except ValueError:
            assert len({row[column] for row in rows}) <= 40, column


def test_no_file_is_an_empty_table(tmp_path):
    table = tables_on_disk.read(tmp_path / "scores.csv", COLUMNS)
    assert list(table.columns) == COLUMNS and not len(table)


@pytest.mark.parametrize("content, cause", [
    ("system,value\nmsg-sarl,1\n", "has the columns system, value, expected system, seed, image, value"),
    ("", "cannot be read as a table"),
    ('system,seed,image,value\nmsg-sarl,0,1,"0.5\n', "cannot be read as a table"),
])
def test_a_damaged_table_is_named_with_its_cause_and_left_alone(tmp_path, content, cause):
    file = tmp_path / "scores.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=cause) as error:
        tables_on_disk.read(file, COLUMNS)
    assert str(file) in str(error.value) and file.read_text(encoding="utf-8") == content


def test_replacing_touches_no_other_run():
    table = pd.concat([rows("backbone", 0, 1, 2), rows("msg-sarl", 0, 3, 4), rows("msg-sarl", 1, 5, 6)])
    key = {"system": "msg-sarl", "seed": 0}
    renewed = tables_on_disk.replace(table, rows("msg-sarl", 0, 9), key, list(key))
    assert renewed.value.tolist() == [1, 2, 9, 5, 6]


def test_processes_that_renew_a_table_keep_each_other_s_rows(tmp_path):
    """Each reads the file under the lock, however long ago it last looked at it."""
    file, key = tmp_path / "scores.csv", ["system", "seed"]
    with ThreadPoolExecutor(4) as pool:
        for seed in range(12):
            pool.submit(tables_on_disk.renew, file, rows("msg-sarl", seed, seed), {"system": "msg-sarl", "seed": seed},
                        key, text=["image"])
    table = tables_on_disk.read(file, COLUMNS, text=["image"])
    assert table.seed.tolist() == list(range(12)) and table.image.tolist() == ["000"] * 12
    with tables_on_disk.locked(tmp_path, "scores"), pytest.raises(Timeout):
        FileLock(tmp_path / "private" / "scores", timeout=0).acquire()


def test_a_record_says_what_rows_were_made_from(tmp_path):
    record = tmp_path / "private" / "made.json"
    assert not tables_on_disk.is_made_from(record, {"faces": 3})
    files.write_json(record, {"faces": 3, "data": ["a", "b"], "other": None})
    assert tables_on_disk.is_made_from(record, {"faces": 3, "data": ["a", "b"]})
    assert not tables_on_disk.is_made_from(record, {"faces": 3, "data": ["a"]})
    assert not tables_on_disk.is_made_from(record, {"checkpoint": "c"})


def test_the_order_is_that_of_the_systems_whatever_came_first():
    """All orders of arrival end in the same table: bases in their order, variants behind them, unknown names last."""
    names = ["somebody-else", "msg-sarl+fusion=shared", "grey-input", "backbone", "msg-sarl"]
    expected = [*sorted(["backbone", "msg-sarl", "grey-input"], key=list(systems.SYSTEMS).index), "somebody-else"]
    expected.insert(expected.index("msg-sarl") + 1, "msg-sarl+fusion=shared")
    for order in itertools.permutations(names):
        table = pd.DataFrame(columns=COLUMNS)
        for name in order:
            table = tables_on_disk.replace(table, rows(name, 0, 1.0), {"system": name, "seed": 0}, ["system", "seed"])
        assert table.system.tolist() == expected


def test_kept_tables_of_all_studies_are_found_beside_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="no study has a detail.csv"):
        tables_on_disk.known("detail")
    table = pd.DataFrame({"database": ["portraits"] * 2, "mean": [0.25, 1 / 3]})
    for profile, database in (("tiny", "portraits"), ("cpu", "cufs")):
        assert tables_on_disk.keep("detail", table.assign(database=database), profile, database).name == "detail.csv"
    known = tables_on_disk.known("detail")
    assert known.columns.tolist() == ["profile", "database", "mean"]
    assert known.database.tolist() == ["cufs", "cufs", "portraits", "portraits"]
    assert known["mean"].tolist() == pytest.approx([0.25, 1 / 3] * 2, abs=1e-6)


@pytest.mark.parametrize("file", [file for file in COMMITTED if file.name != "published_tables.csv"],
                         ids=lambda file: file.name)
def test_a_word_among_numbers_is_named_with_its_line(file, tmp_path):
    """In every kind of committed table, in its last column of numbers."""
    with file.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    place = max(place for place in range(len(header)) if is_number(rows[0][place]))
    rows[1][place] = "0.5x"
    with (tmp_path / file.name).open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([header, *rows])
    with pytest.raises(StudyError, match=rf"{file.name}, line 3: '0.5x' stands in the column {header[place]}, among"):
        tables_on_disk.read_csv(tmp_path / file.name, text=["sarb"])


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
