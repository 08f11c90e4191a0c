"""The study's page in a real browser: sessions by mouse and by keyboard, interruptions, a phone, hostile words."""

import hashlib
import json
import warnings

import pytest
from study_material import small_study, stimuli

from lib.evaluation.user_study import browser, page
from lib.evaluation.user_study.answers import check

if browser.find() is None:
    warnings.warn("THE PAGE OF THE USER STUDY IS NOT TESTED: no chromium with chromedriver here. "
                  "Run tests/install_browser.sh.", stacklevel=1)
    pytest.skip("no chromium with chromedriver; run tests/install_browser.sh", allow_module_level=True)

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=2'>%%DATA%%"
TRIALS = 5  # of each rater in small_study


class Page:
    """The page of one study in the browser, one rater at a time."""

    def __init__(self, driver, study, file, downloads):
        self.driver, self.study, self.file, self.downloads = driver, study, file, downloads
        self.codes = iter(study.assignments)

    def open(self, code=None):
        self.driver.get("about:blank")  # the same address with another #code would not load again
        self.driver.get(self.file.as_uri() + (f"#{code}" if code else ""))

    def by_id(self, name):
        return self.driver.find_element(By.ID, name)

    def until(self, condition):
        return WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _: condition())

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def start(self, code):
        self.open(code)
        self.by_id("consent").click()
        self.by_id("start").click()
        self.at(1)

    def at(self, number):
        self.until(lambda: self.by_id("place").text == f"{number} of {TRIALS}")

    def answer_rest(self, first, position="2"):
        self.at(first)
        self.keys(*[position, Keys.ENTER] * (TRIALS + 1 - first))
        self.until(self.by_id("thanks").is_displayed)

    def record(self):
        return json.loads(self.by_id("answers").get_property("value"))

    def card(self, position):
        return self.driver.find_elements(By.CSS_SELECTOR, ".card label")[position - 1]

    def ticked(self):
        boxes = self.driver.find_elements(By.CSS_SELECTOR, ".card input")
        return [position for position, box in enumerate(boxes, 1) if box.is_selected()]

    def errors(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    pictures = stimuli()
    study = small_study(pictures, title=HOSTILE, contact=HOSTILE, raters=20)
    page.write_page(folder / "study.html", study, pictures)
    (folder / "saved").mkdir()
    with browser.open_browser(downloads=folder / "saved") as driver:
        yield Page(driver, study, folder / "study.html", folder / "saved")


@pytest.fixture
def rated(opened):
    """The page and a code that no other test uses."""
    browser.resize(opened.driver, 1280, 800)
    opened.open()
    opened.driver.execute_script("localStorage.clear()")
    opened.driver.get_log("browser")
    yield opened, next(opened.codes)
    assert opened.errors() == []
    assert opened.driver.execute_script("return window.hacked") is None


def test_a_whole_session_by_mouse_ends_in_a_saved_file(rated):
    page_, code = rated
    page_.open()
    page_.by_id("start").click()
    assert "code" in page_.by_id("start-problem").text
    page_.by_id("code").send_keys(code.lower())
    page_.by_id("start").click()
    assert "tick" in page_.by_id("start-problem").text
    page_.by_id("consent").click()
    page_.by_id("start").click()
    page_.at(1)
    assert not page_.by_id("next").is_enabled() and not page_.by_id("back").is_enabled()

    page_.card(3).click()
    ActionChains(page_.driver).pause(0.7).double_click(page_.card(1)).perform()  # compares, and votes for nothing
    page_.until(page_.by_id("viewer").is_displayed)
    assert page_.by_id("pane-caption").text == "Drawing 1"
    page_.driver.find_element(By.CSS_SELECTOR, "#tabs [data-position='4']").click()
    assert page_.by_id("pane-caption").text == "Drawing 4"
    page_.by_id("close").click()
    assert page_.ticked() == [3]
    page_.by_id("next").click()

    page_.at(2)
    page_.by_id("compare").click()
    page_.driver.find_element(By.CSS_SELECTOR, "#tabs [data-position='2']").click()
    page_.by_id("pick").click()
    assert page_.ticked() == [2]
    page_.by_id("next").click()
    page_.at(3)
    page_.by_id("back").click()
    page_.at(2)
    assert page_.ticked() == [2]  # undo keeps the earlier choice until it is changed
    page_.card(4).click()
    page_.by_id("next").click()
    for number in range(3, TRIALS + 1):
        page_.at(number)
        page_.card(1).click()
        page_.by_id("next").click()
    page_.until(page_.by_id("thanks").is_displayed)
    page_.by_id("save").click()
    file = page_.downloads / f"answers_{page_.study.id}_{code}.json"
    page_.until(lambda: file.exists() and file.stat().st_size > 0)  # the browser makes it first
    record = check(json.loads(file.read_text(encoding="utf-8")), page_.study)
    assert [trial["chosen"] for trial in record["trials"]] == [3, 4, 1, 1, 1]
    assert [trial["changes"] for trial in record["trials"]] == [0, 1, 0, 0, 0]
    assert record["trials"][0]["compared"] == record["trials"][1]["compared"] == 1
    assert record["rater"] == code and record["simulated"] is False


def test_a_whole_session_by_keyboard(rated):
    page_, code = rated
    page_.open(code)
    page_.until(page_.by_id("welcome").is_displayed)
    for _ in range(6):  # Tab reaches the box: the code came with the link
        page_.keys(Keys.TAB)
        if page_.driver.switch_to.active_element.get_attribute("id") == "consent":
            break
    outline = page_.driver.switch_to.active_element.value_of_css_property("outline-style")
    assert outline == "solid"  # the focus is visible
    page_.keys(Keys.SPACE, Keys.ENTER)
    page_.at(1)
    page_.keys("9", Keys.ENTER)  # there is no position 9, and nothing to confirm
    page_.at(1)
    page_.keys("2", "4", Keys.ENTER)
    page_.at(2)
    page_.keys("c")
    page_.until(page_.by_id("viewer").is_displayed)
    page_.keys(Keys.ARROW_RIGHT)
    assert page_.by_id("pane-caption").text == "Drawing 2"
    page_.keys(Keys.ESCAPE)
    page_.until(lambda: not page_.by_id("viewer").is_displayed())
    page_.keys("1", Keys.ENTER)
    page_.at(3)
    page_.keys(Keys.BACKSPACE)
    page_.at(2)
    page_.keys("3", Keys.ENTER)
    page_.at(3)
    page_.keys(Keys.TAB)  # without digits: into the pictures, as any set of radio buttons
    while page_.driver.switch_to.active_element.get_attribute("type") != "radio":
        page_.keys(Keys.TAB)
    page_.keys(Keys.SPACE, Keys.ARROW_RIGHT, Keys.ENTER)
    page_.answer_rest(4)
    page_.keys(Keys.TAB)
    assert page_.driver.switch_to.active_element.get_attribute("id") == "save"
    page_.keys(Keys.ENTER)
    file = page_.downloads / f"answers_{page_.study.id}_{code}.json"
    page_.until(lambda: file.exists() and file.stat().st_size > 0)  # the browser makes it first
    record = check(json.loads(file.read_text(encoding="utf-8")), page_.study)
    assert [trial["chosen"] for trial in record["trials"]] == [4, 3, 2, 2, 2]


def test_closing_the_tab_in_the_middle_loses_nothing(rated):
    page_, code = rated
    page_.start(code)
    page_.keys("3", Keys.ENTER)
    page_.at(2)
    page_.keys("1", Keys.ENTER)
    page_.at(3)
    page_.driver.refresh()
    page_.at(3)
    assert "Welcome back" in page_.by_id("status").text
    page_.open()  # without the code: the browser remembers whose session it was
    page_.at(3)
    page_.answer_rest(3)
    page_.driver.refresh()
    page_.until(page_.by_id("thanks").is_displayed)
    record = check(page_.record(), page_.study)
    assert [trial["chosen"] for trial in record["trials"]] == [3, 1, 2, 2, 2]


def test_a_damaged_memory_starts_the_session_anew(rated):
    page_, code = rated
    count = "Array(5).fill({chosen: null, ms: 0, changes: 0, compared: 0})"
    sound = f"{{at: 0, started: 1, finished: null, width: 1, answers: {count}}}"
    read = f"return readState(JSON.stringify(Object.assign({sound}, arguments[0])), 5, 4) !== null"
    assert page_.driver.execute_script(read, {})
    for damage in ({"at": 6}, {"at": 1}, {"at": "0"}, {"started": "<b>"}, {"finished": 3}, {"answers": "x"},
                   {"answers": []}, {"answers": [None] * 5},
                   {"answers": [{"chosen": 9, "ms": 0, "changes": 0, "compared": 0}] * 5}):
        assert not page_.driver.execute_script(read, damage), damage
    page_.driver.execute_script("localStorage.setItem(arguments[0], '{')", f"user-study:{page_.study.id}:{code}")
    page_.open(code)
    page_.until(page_.by_id("welcome").is_displayed)


def test_blocked_saving_shows_the_answers_for_copying(rated):
    page_, code = rated
    page_.start(code)
    page_.answer_rest(1, "4")
    assert not page_.by_id("answers").is_displayed()
    page_.driver.execute_script("URL.createObjectURL = () => { throw new Error('blocked'); }")
    page_.by_id("save").click()
    page_.until(page_.by_id("answers").is_displayed)
    assert "copy" in page_.by_id("status").text.lower()
    check(page_.record(), page_.study)

    page_.by_id("another").click()  # the next person must not push unsaved answers aside unasked
    page_.driver.switch_to.alert.dismiss()
    assert page_.by_id("thanks").is_displayed()
    page_.by_id("copy").click()
    page_.until(lambda: "Cop" in page_.by_id("status").text)
    page_.by_id("another").click()
    page_.until(page_.by_id("welcome").is_displayed)
    assert page_.by_id("code").get_property("value") == "" and page_.by_id("code").is_displayed()
    page_.open(code)  # the first person's answers are still there
    page_.until(page_.by_id("thanks").is_displayed)
    page_.driver.find_element(By.CSS_SELECTOR, "#thanks [data-delete]").click()
    page_.driver.switch_to.alert.accept()
    page_.until(page_.by_id("welcome").is_displayed)
    key = f"user-study:{page_.study.id}:{code}"
    assert page_.driver.execute_script("return localStorage.getItem(arguments[0])", key) is None


def test_without_memory_the_session_runs_and_says_so(rated):
    page_, code = rated
    script = page_.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {
        "source": "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no storage'); }})"})
    try:
        page_.start(code)
        assert "does not keep your place" in page_.by_id("status").text
        page_.answer_rest(1)
        check(page_.record(), page_.study)
    finally:
        page_.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_a_phone_360_pixels_wide_shows_everything_without_scrolling_sideways(rated):
    page_, code = rated
    browser.resize(page_.driver, 360, 640)
    width = "return document.documentElement.scrollWidth"
    page_.open(code)
    page_.until(page_.by_id("welcome").is_displayed)
    assert page_.driver.execute_script(width) == 360
    page_.start(code)
    assert page_.driver.execute_script(width) == 360
    boxes = page_.driver.execute_script(
        "return [...document.querySelectorAll('.card, #next, #back, #compare, #given, #reference')].map((node) => {"
        " const box = node.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; })")
    for left, top, right, bottom in boxes:  # pictures and buttons at once, nothing hidden behind a scroll
        assert 0 <= left < right <= 360 and 0 <= top < bottom <= 640
    for button in page_.driver.find_elements(By.CSS_SELECTOR, "#trial footer button, .enlarge"):
        assert button.size["height"] >= 44 and button.size["width"] >= 44
    cards = page_.driver.find_elements(By.CSS_SELECTOR, ".card")
    assert all(card.size["width"] >= 120 for card in cards)
    page_.by_id("compare").click()
    assert page_.driver.execute_script(width) == 360
    assert page_.by_id("pane-candidate").size["width"] > 300  # one at a time, as large as the screen
    page_.driver.find_element(By.CSS_SELECTOR, "#tabs [data-pane='given']").click()
    assert page_.by_id("pane-given").is_displayed() and not page_.by_id("pane-candidate").is_displayed()
    page_.by_id("close").click()
    page_.answer_rest(1)
    assert page_.driver.execute_script(width) == 360


def test_names_alternatives_and_contrast(rated):
    page_, code = rated
    page_.start(code)
    driver = page_.driver
    assert all(image.get_attribute("alt") for image in driver.find_elements(By.CSS_SELECTOR, "#trial img"))
    controls = driver.find_elements(By.CSS_SELECTOR, "#trial button, #trial input, progress")
    assert all(control.accessible_name for control in controls)
    contrasts = driver.execute_script("""
      const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
      const colour = (text) => text.match(/[\\d.]+/g).map(Number);
      const ground = (node) => { for (; node; node = node.parentElement) {
        const c = colour(getComputedStyle(node).backgroundColor);
        if (c.length === 3 || c[3] > .9) return c.slice(0, 3); }
        return [255, 255, 255]; };
      for (const screen of ["welcome", "thanks"]) document.getElementById(screen).hidden = false;
      return [...document.querySelectorAll("h1, h2, p, li, label, legend, figcaption, button, summary, kbd, .badge")]
        .filter((node) => node.textContent.trim() && node.getClientRects().length).map((node) => {
        const own = colour(getComputedStyle(node).color).slice(0, 3);
        const [a, b] = [light(own), light(ground(node))].sort((x, y) => y - x);
        return [node.id || node.textContent.trim().slice(0, 30), (a + .05) / (b + .05)]; });""")
    assert len(contrasts) > 30
    assert {name: round(ratio, 2) for name, ratio in contrasts if ratio < 4.5} == {}


def test_nothing_of_the_page_leads_outside(rated):
    page_, _ = rated
    page_.open()
    page_.until(page_.by_id("welcome").is_displayed)
    assert page_.by_id("title").text == HOSTILE  # shown as what it is: text
    assert HOSTILE in page_.by_id("contact").text
    fetched = page_.driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []
    outcome = page_.driver.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 3'; document.body.append(s);"
        "return fetch('https://example.org').then(() => 'sent', () => 'blocked')")
    assert outcome == "blocked"
    page_.driver.get_log("browser")  # the policy's own complaints about this attempt


def test_sha256_of_the_page_is_sha256(rated):
    page_, _ = rated
    page_.open()
    texts = ["", "abc", "é漢\U0001f600", *("a" * length for length in (55, 56, 63, 64, 65, 119, 5000))]
    assert page_.driver.execute_script("return arguments[0].map(sha256)", texts) == [
        hashlib.sha256(text.encode()).hexdigest() for text in texts]
