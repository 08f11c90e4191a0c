"""Pairing by name: equal names meet, others are told what would make them meet, positions never count."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from lib.base import pairing
from lib.base.errors import StudyError
from lib.base.images import write_png
from lib.base.pairing import by_name, difference, nearly, pair_by_name


def filled(folder, *names):
    for name in names:
        write_png(folder / name, np.zeros((4, 4), np.uint8))
    return folder


def refusal(*arguments, **options):
    with pytest.raises(StudyError) as caught:
        pair_by_name(*arguments, **options)
    return str(caught.value)


def test_equal_names_meet_whatever_the_order_and_the_suffix(tmp_path):
    first = filled(tmp_path / "a", "10.png", "9.png", "NA.png", "nan.bmp", "001.png", "1.png")
    second = filled(tmp_path / "b", "1.bmp", "NA.bmp", "10.png", "001.png", "nan.png", "9.png")
    pairs = pair_by_name([first, second])
    assert [pair.name for pair in pairs] == ["001", "1", "10", "9", "NA", "nan"]
    assert all(file.stem == pair.name and file.parent == folder
               for pair in pairs for file, folder in zip(pair.files, (first, second), strict=True))


@pytest.mark.parametrize("here, there, told", [
    (["Ann", "Bob"], ["ann", "bob"], ["letter case, 2 would find a partner, e.g. Ann.png in ann.png"]),
    (["1", "2", "10"], ["001", "002", "010"], ["zeros before numbers, 3", r"The pattern '0*(\d+)'"]),
    (["f-1"], ["f-001"], ["zeros before numbers, 1"]),
    (["7_real_B", "8_real_B"], ["7_fake_B", "8_fake_B"], ["endings, 2", "'(.+?)(?:_fake_B|_real_B)?'"]),
    (["7"], ["7_synthesized_image"], ["endings, 1", "'(.+?)(?:_synthesized_image)?'"]),
    (["f-005-01"], ["f-005-01-sz1"], ["endings, 1", r"'(.+?)(?:\-sz1)?'"]),
    (["001"], ["001.jpg"], ["endings, 1", r"'(.+?)(?:\.jpg)?'"]),
    (["F-1"], ["f-001_fake.jpg"], ["letter case, accents, zeros and endings, 1"]),
    (["00001_930831_fa_a", "00002_940101_fb"], ["00001fb010_930831", "00002fa010a_940101"],
     ["all but the subject in FERET's names, 2 would find a partner", r"The pattern '(\d{5})"]),
    (["00001_930831_fa_a"], ["00001"], ["FERET's names, 1"]),
])
def test_names_that_nearly_meet_are_told_what_would_do_it(tmp_path, here, there, told):
    first, second = (filled(tmp_path / folder, *(f"{name}.png" for name in names))
                     for folder, names in (("a", here), ("b", there)))
    message = refusal([first, second])
    assert f"{2 * len(here)} of {2 * len(here)} images have no partner" in message
    assert all(f"{name}.png: no partner" in message for name in (*here, *there))
    assert all(words in message for words in told)
    # What is suggested works, in both folders at once; nothing else is applied silently.
    if "The pattern '" in message:
        pattern = message.split("The pattern '")[1].split("' says")[0]
        assert len(pair_by_name([first, second], pattern=pattern)) == len(here)


@pytest.mark.parametrize("here, there, given", [
    (["1_fake_B", "2_fake_B"], ["1_real_A", "2_real_A"], "(.+?)(?:_fake_B)?"),
    (["1_fake_B", "2_fake_B"], ["1_real_A", "2_real_A"], "(.+?)(?:_real_A)?"),
    (["1", "2"], ["face_1_fake_B", "face_2_fake_B"], "(?:face_)?(.+)"),
    (["1", "2"], ["face_1_fake_B", "face_2_fake_B"], "(?:face_)?(.+?)(?:_real_B)?"),
    (["1", "10"], ["001_fake_B", "010_fake_B"], "(.+?)(?:_fake_B)?"),
    (["2", "10"], ["2_fake_B", "010_fake_B"], r"0*(\d+(?:_fake_B)?)"),
    (["1", "10"], ["001", "010"], r"(\d++)"),
])
def test_with_a_pattern_given_the_advice_goes_on_from_it(tmp_path, here, there, given):
    """Otherwise the advice leads from one ending to the other and back."""
    first, second = (filled(tmp_path / folder, *(f"{name}.png" for name in names))
                     for folder, names in (("a", here), ("b", there)))
    message = refusal([first, second], pattern=given)
    assert f"4 of 4 images have no partner of the same name by the pattern '{given}'" in message
    advised = message.split("The pattern '")[1].split("' says")[0]
    assert advised != given
    assert len(pair_by_name([first, second], pattern=advised)) == 2


@pytest.mark.parametrize("pattern", [None, "(.+?)(?:_fake_B)?"])
def test_results_that_lie_among_what_they_were_made_of_are_told_to_be_put_apart(tmp_path, pattern):
    """pix2pix and CycleGAN leave x_real_A, x_fake_B and x_real_B in one folder."""
    real = filled(tmp_path / "real", "1.png", "2.png", "3.png")
    made = filled(tmp_path / "made", *(f"{n}_{end}.png" for n in (1, 2) for end in ("fake_B", "real_A", "real_B")),
                  "3_fake_B.png")
    message = refusal([real, made], pattern=pattern)
    assert f"{made}: 2 names with several endings (_fake_B, _real_A, _real_B), e.g. 1_fake_B.png" in message
    assert "into a folder of their own" in message
    apart = filled(tmp_path / "apart", "1_fake_B.png", "2_fake_B.png", "3_fake_B.png")
    advised = refusal([real, apart]).split("The pattern '")[1].split("' says")[0]
    assert len(pair_by_name([real, apart], pattern=advised)) == 3


def test_several_endings_are_no_matter_where_all_have_their_partners(tmp_path):
    both = ["1.png", "1_fake_B.png"]
    message = refusal([filled(tmp_path / "a", *both, "x.png"), filled(tmp_path / "b", *both, "y.png")])
    assert "2 of 6 images have no partner" in message and "several endings (" not in message


def test_an_image_without_partner_in_several_folders_is_counted_once(tmp_path):
    folders = [filled(tmp_path / name, *names) for name, names in
               (("a", ["1.png", "2.png"]), ("b", ["1.png", "3.png"]), ("c", ["1.png"]), ("d", ["1.png"]))]
    message = refusal(folders)
    assert message.startswith("2 of 6 images have no partner") and message.count("no partner in") == 6
    assert refusal(folders[:2], larger=folders[2:]).startswith("2 of 4 images have no partner")


def test_advice_that_would_not_do_is_not_given(tmp_path):
    """The pattern without the ending fits, but then two files of the first folder share a name."""
    first, second = filled(tmp_path / "a", "1.png", "1_fake_B.png"), filled(tmp_path / "b", "1.png", "2.png")
    assert "The pattern '" not in refusal([first, second])


def test_a_pattern_that_fits_one_folder_is_told_how_to_fit_both(tmp_path):
    first, second = filled(tmp_path / "a", "1.png"), filled(tmp_path / "b", "1_fake_B.png")
    with pytest.raises(StudyError) as caught:
        pair_by_name([first, second], pattern="(.+)_fake_B")
    advised = str(caught.value).split("as in '")[1].split("'")[0]
    assert len(pair_by_name([first, second], pattern=advised)) == 1


def test_the_two_forms_of_accented_letters_are_told_apart(tmp_path):
    first = filled(tmp_path / "a", unicodedata.normalize("NFC", "Müller.png"))
    second = filled(tmp_path / "b", unicodedata.normalize("NFD", "Müller.png"))
    assert "NFC and NFD" in refusal([first, second])


def test_names_that_have_nothing_in_common_are_not_paired_by_position(tmp_path):
    message = refusal([filled(tmp_path / "a", "x.png", "y.png"), filled(tmp_path / "b", "p.png", "q.png")])
    assert "4 of 4" in message and "would find" not in message


def test_what_would_meet_several_is_not_suggested(tmp_path):
    """1 could be 01 or 001: no suggestion pairs it with either."""
    first, second = filled(tmp_path / "a", "1.png"), filled(tmp_path / "b", "01.png", "001.png")
    message = refusal([first, second])
    assert "3 of 3" in message and "would find" not in message
    with pytest.raises(StudyError, match=r"(?s)the same name by .*001.png and 01.png"):
        pair_by_name([first, second], pattern=r"0*(\d+)")


def test_all_names_met_twice_are_listed(tmp_path):
    folder = filled(tmp_path / "a", "x.png", "x.bmp", "y.png", "y.tif", "z.png")
    with pytest.raises(StudyError, match="(?s)x.bmp and x.png.*y.png and y.tif") as caught:
        by_name(folder)
    assert "z.png" not in str(caught.value)


@pytest.mark.parametrize("pattern, told", [
    ("(.+", "no regular expression"), (".+", "has 0 groups"), ("(.)(.)", "has 2 groups"),
    (r"(\d+)", "does not fit 1 of 2 names"), ("(x*)1?", "does not fit 1 of 2")])
def test_unusable_patterns_are_refused(tmp_path, pattern, told):
    with pytest.raises(StudyError) as caught:
        by_name(filled(tmp_path, "1.png", "x.png"), pattern)
    assert told in str(caught.value)


def test_larger_folders_may_hold_more_and_agreeing_ones_may_not(tmp_path):
    one, two = filled(tmp_path / "one", "1.png"), filled(tmp_path / "two", "1.png", "2.png")
    photos = filled(tmp_path / "photos", "1.png", "2.png", "3.png")
    assert pair_by_name([one], larger=[photos])[0].files == (one / "1.png", photos / "1.png")
    assert f"{two / '2.png'}: no partner in {one}" in refusal([one, two], larger=[photos])
    (photos / "2.png").rename(photos / "02.png")
    filled(one, "2.png")
    message = refusal([one, two], larger=[photos])
    assert f"{one / '2.png'}: no partner in {photos}" in message and "zeros before numbers, 1" in message


def test_a_file_that_is_nearly_called_so_is_found_unless_several_are():
    assert nearly("F-1.jpg", ["f-001.png", "f-002.png"]) == "f-001.png"
    assert nearly("1.jpg", ["01.jpg", "001.jpg"]) is None and nearly("x.jpg", ["y.jpg"]) is None
    assert difference("F-1.jpg", "f-1.png") == "letter case and suffix" and difference("a.jpg", "a.png") == "suffix"
    assert difference("F-1.jpg", "f-001.jpg") == "letter case, zeros or endings"


def test_each_name_is_taken_apart_once_however_many_are_looked_for(monkeypatch):
    """A list whose names are all called otherwise would take minutes: 2,000 by 2,000 names."""
    taken_apart = []
    monkeypatch.setattr(pairing, "_ending", lambda name: taken_apart.append(name) or name)
    there = [f"counted{number}.png" for number in range(50)]
    assert not any(nearly(f"looked-for{number}.png", there) for number in range(50))
    assert len(taken_apart) <= 100
