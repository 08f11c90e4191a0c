"""The page for one's own photo: the server by hand, and the page in a real browser with a file, a drop and a camera."""

from __future__ import annotations

import base64
import http.client
import io
import json
import threading
import time
import warnings

import numpy as np
import pytest
from PIL import Image
from skimage import data

from lib import databases
from lib.base import images
from lib.base.errors import StudyError
from lib.evaluation.try_page.server import PageServer, page
from lib.evaluation.user_study import browser
from lib.training import checkpoints
from lib.training.translate import Translator

PUPILS = "203,101,247,104"


def png(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "png")
    return stream.getvalue()


ASTRONAUT = png(data.astronaut())


@pytest.fixture(scope="module")
def server():
    with PageServer(Translator(checkpoints.PRETRAINED)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def pictures_of(answer):
    contents = [base64.b64decode(uri.partition(",")[2]) for _, uri in answer["pictures"]]
    return [np.asarray(Image.open(io.BytesIO(content))) for content in contents]


def test_a_photo_comes_back_as_sketch_and_as_photo_again(server):
    status, body, headers = ask(server, "POST", f"/translate?eyes={PUPILS}", ASTRONAUT)
    answer = json.loads(body)
    assert status == 200 and answer["direction"] == "photo-to-sketch" and headers["Cache-Control"] == "no-store"
    aligned, sketch, photo = pictures_of(answer)
    assert aligned.shape == photo.shape == (250, 200, 3) and sketch.shape == (250, 200)
    np.testing.assert_array_equal(sketch, server.translator("photo-to-sketch", aligned[None], ["your picture"])[0])
    np.testing.assert_array_equal(photo, server.translator("sketch-to-photo", sketch[None], ["your picture"])[0])


def test_a_drawing_is_known_by_its_look(server):
    drawing = png(databases.load("portraits", "test", limit=1).sketches[0])
    answer = json.loads(ask(server, "POST", "/translate?eyes=75,125,125,125", drawing)[1])
    assert answer["direction"] == "sketch-to-photo" and len(answer["pictures"]) == 2
    forced = "/translate?eyes=75,125,125,125&direction=photo-to-sketch"
    assert json.loads(ask(server, "POST", forced, drawing)[1])["direction"] == "photo-to-sketch"


@pytest.mark.parametrize("path, body, headers, status, words", [
    ("/translate", b"no picture", {}, 422, "no image of a kind"),
    ("/translate?direction=up", ASTRONAUT, {}, 422, "Unknown direction"),
    ("/translate?eyes=1,2", ASTRONAUT, {}, 422, "four numbers"),
    ("/other", ASTRONAUT, {}, 400, "Send a picture"),
    ("/translate", ASTRONAUT, {"Host": "evil.example"}, 403, "machine that it runs on"),
    ("/translate", ASTRONAUT, {"Origin": "http://evil.example"}, 403, "machine that it runs on"),
    ("/translate", b"", {"Content_Length": "99999999999"}, 413, "50 MB"),
])
def test_what_is_not_the_page_s_is_refused(server, path, body, headers, status, words):
    found, answer, _ = ask(server, "POST", path, body, **headers)
    assert found == status and words in json.loads(answer)["error"]


def test_only_this_machine_is_served(server):
    assert server.server_address[0] == "127.0.0.1"
    assert ask(server, "GET", "/")[0] == 200 and ask(server, "GET", "/../etc/passwd")[0] == 404
    assert ask(server, "GET", "/", Host="evil.example")[0] == 403
    policy = page().split('content="')[1].split('"')[0]
    assert "default-src &#x27;none&#x27;" in policy and "http" not in policy
    with pytest.raises(StudyError, match="--port"):
        PageServer(server.translator, server.server_port)


def need_browser():
    if browser.find() is None:
        warnings.warn("THE PAGE FOR ONE'S OWN PHOTO IS NOT TESTED: no chromium with chromedriver here. "
                      "Run tests/install_browser.sh.", stacklevel=1)
        pytest.skip("no chromium with chromedriver; run tests/install_browser.sh")


@pytest.fixture(scope="module")
def opened(server, tmp_path_factory):
    """The page in a browser whose camera films the astronaut."""
    need_browser()
    from published_models import need_dlib

    need_dlib()
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    frame = io.BytesIO()
    Image.fromarray(data.astronaut()[:384]).save(frame, "jpeg", quality=95)  # 512×384, as cameras have it
    film.write_bytes(frame.getvalue() * 4)
    with browser.open_browser(900, 900, arguments=(
            "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}")) as driver:
        driver.get(server.address)
        yield driver


def shown(driver, count):
    """Pictures on the page, once there are so many."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = driver.execute_script("return [...document.querySelectorAll('figure img')].map(i => i.src)")
        if len(found) == count:
            return pictures_of({"pictures": [["", uri] for uri in found]})
        time.sleep(0.1)
    raise AssertionError(driver.find_element("id", "status").text)


def test_a_chosen_file_is_translated(opened, tmp_path):
    (tmp_path / "me.png").write_bytes(ASTRONAUT)
    opened.find_element("id", "file").send_keys(str(tmp_path / "me.png"))
    aligned, sketch, photo = shown(opened, 3)
    assert sketch.shape == (250, 200) and photo.shape == (250, 200, 3)
    from lib.databases.alignment import align_photo
    np.testing.assert_array_equal(aligned, align_photo(data.astronaut(), "me").face)


def test_a_picture_without_a_face_says_so_and_takes_the_last_one_away(opened, tmp_path):
    images.write_png(tmp_path / "coffee.png", data.coffee())
    opened.find_element("id", "file").send_keys(str(tmp_path / "coffee.png"))
    until = time.monotonic() + 60
    while "no face found" not in (text := opened.find_element("id", "status").text) and time.monotonic() < until:
        time.sleep(0.1)
    assert "no face found" in text and "--eyes" not in text and not opened.find_elements("css selector", "figure")


def test_a_dropped_picture_is_translated(opened):
    opened.execute_script("""
        const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], "me.png", { type: "image/png" }));
        document.querySelector("h1").dispatchEvent(
            new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
        """, base64.b64encode(ASTRONAUT).decode())
    assert len(shown(opened, 3)) == 3


def test_the_camera_takes_a_photo_and_is_switched_off(opened):
    opened.execute_script("document.getElementById('result').replaceChildren()")
    opened.find_element("id", "camera").click()
    take = opened.find_element("id", "take")
    until = time.monotonic() + 30
    while not opened.execute_script("return document.getElementById('video').videoWidth") and time.monotonic() < until:
        time.sleep(0.1)
    take.click()
    aligned, sketch, _ = shown(opened, 3)
    from lib.databases.alignment import align_photo
    expected = align_photo(data.astronaut(), "me").face
    assert np.abs(aligned[60:200].astype(int) - expected[60:200]).mean() < 15  # filmed, so not to the pixel
    assert not take.is_displayed() and opened.execute_script("return stream === null")


def test_the_browser_found_nothing_to_complain_about(opened):
    """The last test of the page: its policy was never hurt, no script failed."""
    severe = [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"]
    assert not [entry for entry in severe if "422" not in entry["message"]]  # pictures that were refused above
