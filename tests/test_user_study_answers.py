"""Answers from strangers: nothing crashes, nothing is executed, nothing is counted that cannot be trusted."""

import copy
import json
import os

import pytest
from study_material import small_study, stimuli

from lib.base.errors import StudyError
from lib.evaluation.user_study import answers as readers
from lib.evaluation.user_study.answers import checksum, printable, read_answers, to_record
from lib.evaluation.user_study.plan import CORRECT, position_columns

STUDY = small_study(stimuli(), raters=8, per_rater=6, checks=2)
CODES = list(STUDY.assignments)
STARTED = 1_780_000_000_000
SCRIPT = "<script>alert(1)</script>\x1b[31m=cmd|'/c calc'!A1"


def session(rater, positions=(1, 2, 3, 4), ms=4000, **options):
    """An honest session: checks right, positions taken in turn, 4 s each."""
    trials = STUDY.plan[STUDY.plan.rater == rater]
    right = trials[position_columns(trials)].eq(CORRECT).to_numpy()
    chosen = [int(row.argmax()) + 1 if row.any() else positions[i % len(positions)] for i, row in enumerate(right)]
    return to_record(STUDY, rater, chosen, [ms] * len(chosen), started=STARTED, simulated=False, **options)


def signed(record):
    return {**record, "checksum": checksum(record)}


def read(tmp_path, *records, good=True):
    """Write an honest session and the records given (dicts, text or bytes), and read them all."""
    files = []
    for number, record in enumerate([session(CODES[0])] * good + list(records)):
        file = tmp_path / f"answers{number:02d}.json"
        data = json.dumps(record) if isinstance(record, (dict, list)) else record
        file.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
        files.append(file)
    return read_answers(files, STUDY)


def reason(tmp_path, record):
    """Why a record is quarantined; asserts that the honest session beside it still counts, alone."""
    result = read(tmp_path, record)
    assert list(result.votes.rater.unique()) == [CODES[0]] and len(result.votes) == 6
    assert list(result.set_aside.kind) == ["quarantined"] and result.files == 2
    text = result.set_aside.reason[0]
    assert not set(text) & set("<>&\x1b=|") and len(text) < 300
    return text


def test_an_honest_session_counts_as_the_plan_says(tmp_path):
    result = read(tmp_path, session(CODES[1], positions=(4, 1)))
    assert result.set_aside.empty and not result.simulated and len(result.votes) == 12
    for row in result.votes.itertuples():
        assert getattr(row, f"position_{row.position}") == row.system
    assert set(result.votes.seconds) == {4.0}


@pytest.mark.parametrize("text, why", [
    ("", "not valid JSON"), ("{", "not valid JSON"), ("null", "not a record"), ("[]", "not a record"),
    ("[" * 200_000, "not valid JSON"), ('{"a":' * 100_000, "not valid JSON"), ('{"a": NaN}', "NaN"),
    ('{"a": 1, "a": 2}', "twice"), ("1" * 5000, "not valid JSON"), (b"\xff\xfe\x00", "not valid JSON"),
    ('{"' + "x" * 10_000_000 + '": 1}', "too large"), ("{}", "missing"), ('"\ud800"', "not valid JSON"),
])
def test_what_is_no_record_is_quarantined(tmp_path, text, why):
    assert why in reason(tmp_path, text)


@pytest.mark.parametrize("field", ["format", "study", "plan", "rater", "checksum"])
@pytest.mark.parametrize("value", [SCRIPT, "A" * 100_000, None, 7, ["x"], {"<img src=x>": 1}, True, "\ud800"])
def test_nonsense_in_any_field_of_the_record(tmp_path, field, value):
    record = {**session(CODES[1]), field: value}
    reason(tmp_path, record if field == "checksum" or value == "\ud800" else signed(record))


@pytest.mark.parametrize("field, value", [
    *((name, value) for name in ("started", "finished", "width", "simulated", "trials")
      for value in (SCRIPT, 1.5, [], {}, "1", [SCRIPT])),
    ("started", True), ("width", None), ("simulated", 0), ("simulated", None)])
def test_wrong_types_in_the_record(tmp_path, field, value):
    reason(tmp_path, {**session(CODES[1]), field: value})


@pytest.mark.parametrize("field, value", [
    ("chosen", 0), ("chosen", 5), ("chosen", -1), ("chosen", 10**300), ("chosen", "1"), ("chosen", True),
    ("chosen", 1.0), ("chosen", SCRIPT), ("ms", -1), ("ms", 10**12),
    ("ms", 1.5), ("ms", None), ("ms", 90_000_000), ("changes", -1),
    ("compared", -3), ("face", SCRIPT), ("face", None), ("shown", [SCRIPT] * 4), ("shown", []), ("shown", [1, 2, 3, 4]),
    ("shown", "abcd"), ("shown", [["x"]] * 4), ("trial", 2), ("trial", "1"), ("extra", SCRIPT)])
def test_nonsense_in_a_trial_even_with_a_fitting_checksum(tmp_path, field, value):
    record = copy.deepcopy(session(CODES[1]))
    record["trials"][0][field] = value
    try:
        record = signed(record)
    except (KeyError, ValueError):
        pass
    reason(tmp_path, record)


def test_forged_orders_are_found_although_the_checksum_fits(tmp_path):
    record = copy.deepcopy(session(CODES[1]))
    record["trials"][2]["shown"].reverse()
    assert "trial 3 does not show what the plan says" in reason(tmp_path, signed(record))
    swapped = copy.deepcopy(session(CODES[1]))
    swapped["trials"][0], swapped["trials"][1] = swapped["trials"][1], swapped["trials"][0]
    assert "trial 1" in reason(tmp_path, signed(swapped))
    as_another = {**session(CODES[1]), "rater": CODES[2]}
    assert "plan" in reason(tmp_path, signed(as_another))


def test_a_changed_choice_breaks_the_checksum(tmp_path):
    record = copy.deepcopy(session(CODES[1]))
    record["trials"][0]["chosen"] = record["trials"][0]["chosen"] % 4 + 1
    assert "changed after it was saved" in reason(tmp_path, record)


def test_foreign_studies_plans_and_raters_are_named(tmp_path):
    other = small_study(stimuli(), raters=8, per_rater=6, checks=2, title="Other")
    foreign = to_record(other, CODES[1], [1] * 8, [4000] * 8, started=STARTED, simulated=False)
    assert f"another study ({other.id}" in reason(tmp_path, foreign)
    assert "another plan" in reason(tmp_path, signed({**session(CODES[1]), "plan": "0" * 32}))
    assert "not in the plan" in reason(tmp_path, signed({**session(CODES[1]), "rater": "ZZZZZ"}))


@pytest.mark.parametrize("changes, why", [
    ({"finished": STARTED - 1}, "clock: finished before it started"),
    ({"started": 0}, "clock: 'started' lies before 2020 or after today"),
    ({"started": -5}, "clock: 'started' lies before 2020 or after today"),
    ({"started": 10**20, "finished": 10**20 + 1}, "clock: 'started' lies"),
    ({"finished": 9_999_999_999_999}, "clock: 'finished' lies"),
    ({"finished": None}, "finished and unanswered trials contradict each other"),
    ({"started": STARTED + 10**7, "finished": STARTED + 10**7 + 1}, "of looking in a session of 0 s")])
def test_impossible_clocks_are_quarantined(tmp_path, changes, why):
    assert why in reason(tmp_path, signed({**session(CODES[1], ms=20_000), **changes}))


def test_a_repeated_rater_counts_once_or_not_at_all(tmp_path):
    same = session(CODES[1])
    result = read(tmp_path, same, same)
    assert sorted(result.votes.rater.unique()) == sorted(CODES[:2]) and len(result.votes) == 12
    assert list(result.set_aside.reason) == ["a copy of answers01.json"]
    result = read(tmp_path, same, session(CODES[1], positions=(3,)))
    assert list(result.votes.rater.unique()) == [CODES[0]]
    assert len(result.set_aside) == 2 and result.set_aside.reason.str.contains("more than once").all()


def test_one_file_named_twice_is_one_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(session(CODES[0])), encoding="utf-8")
    result = read_answers([tmp_path, tmp_path / "a.json", tmp_path], STUDY)
    assert result.files == 1 and result.set_aside.empty


def test_the_rules_exclude_and_say_why(tmp_path):
    failed = copy.deepcopy(session(CODES[1]))
    checks = STUDY.plan[(STUDY.plan.rater == CODES[1]) & (STUDY.plan.kind == "check")]
    trial = failed["trials"][checks.trial.iloc[0] - 1]
    trial["chosen"] = trial["chosen"] % 4 + 1
    unfinished = copy.deepcopy(session(CODES[4]))
    unfinished["trials"][-1]["chosen"] = None
    unfinished["finished"] = None
    same = to_record(STUDY, CODES[3], [2] * 8, [4000] * 8, started=STARTED, simulated=False)
    result = read(tmp_path, signed(failed), session(CODES[2], ms=300), same, signed(unfinished))
    aside = result.set_aside.set_index("rater")
    assert set(aside.kind) == {"excluded"} and list(result.votes.rater.unique()) == [CODES[0]]
    assert aside.reason[CODES[1]] == "1 of 2 attention checks wrong"
    assert aside.reason[CODES[2]] == "median time per vote 0.30 s, below 1.5 s"
    assert "position 2 chosen in all 8 trials" in aside.reason[CODES[3]]
    assert aside.reason[CODES[4]] == "incomplete: 1 of 8 trials unanswered"


def test_every_file_is_counted_somewhere(tmp_path):
    good = [session(code) for code in CODES[1:5]]
    result = read(tmp_path, *good, good[0], "junk", {**good[1], "study": "x"}, [])
    assert result.files == result.votes.rater.nunique() + len(result.set_aside)


def test_simulated_answers_are_never_mixed_with_people_s(tmp_path):
    record = to_record(STUDY, CODES[1], [1, 2, 3, 4] * 2, [4000] * 8, started=STARTED, simulated=True)
    assert read(tmp_path, record, good=False).simulated
    with pytest.raises(StudyError, match="simulated"):
        read(tmp_path, record)
    unmarked = {**record, "simulated": False}  # the mark is covered by the checksum
    assert "checksum" in reason(tmp_path, unmarked)


def test_files_that_are_none(tmp_path):
    with pytest.raises(StudyError, match="no such file"):
        read_answers([tmp_path / "missing.json"], STUDY)
    with pytest.raises(StudyError, match="holds a .json file"):
        read_answers([tmp_path], STUDY)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "<b>=1+1.json").write_text("{}", encoding="utf-8")
    result = read_answers([tmp_path], STUDY)
    assert len(result.set_aside) == 3 and result.votes.empty
    assert not set("".join(result.set_aside.file)) & set("<>=+")


def test_printable_text_is_harmless_anywhere():
    for text in (SCRIPT, "\x00\x1b[2J", "=1+1", "a" * 1000, "", "\ud800", {"a": "<b>"}):
        shown = printable(text)
        assert len(shown) <= 41 and not set(shown) & set("<>&=+|'\"\x00\x1b\n,")


def test_reading_leaves_the_files_alone(tmp_path):
    (tmp_path / "a.json").write_text("junk", encoding="utf-8")
    read_answers([tmp_path], STUDY)
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "junk"
    assert readers.FORMAT in json.dumps(session(CODES[0]))
