"""Pictures of a study's page as raters see it, from a real browser: for the notebook and whoever edits the page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from lib.evaluation.user_study import browser
from lib.evaluation.user_study.definition import Study

DESKTOP, PHONE = (1280, 800), (360, 640)


def photograph(page: Path, study: Study) -> dict[str, np.ndarray]:
    """Walk through the session of the plan's first rater; returns uint8 RGB pictures by the name of the screen.

    Names: ``welcome``, ``trial``, ``compare``, ``check``, ``thanks`` (1280×800), ``trial, phone``,
    ``compare, phone`` (360×640).  Raises StudyError when there is no browser.
    """
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    rater, screens = next(iter(study.assignments)), {}
    kinds = study.plan[study.plan.rater == rater].kind.tolist()
    with browser.open_browser(*DESKTOP) as driver:
        def until(script: str) -> None:
            WebDriverWait(driver, 30, poll_frequency=0.05).until(lambda d: d.execute_script(f"return {script}"))

        def click(name: str) -> None:
            driver.find_element(By.ID, name).click()

        def take(name: str, size: tuple[int, int] = DESKTOP) -> None:
            browser.resize(driver, *size)
            until(f"innerWidth === {size[0]} && [...document.images].every((image) => image.complete)")
            screens[name] = np.asarray(Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB"))

        driver.get(f"{Path(page).resolve().as_uri()}#{rater}")
        until("!document.getElementById('welcome').hidden")
        take("welcome")
        click("consent")
        click("start")
        for number, kind in enumerate(kinds, 1):
            until(f"document.getElementById('place').textContent.startsWith('{number} of')")
            driver.find_elements(By.CSS_SELECTOR, ".card label")[1].click()
            if number == 1:
                take("trial")
                take("trial, phone", PHONE)
                click("compare")
                take("compare, phone", PHONE)
                take("compare")
                click("close")
            elif kind == "check" and "check" not in screens:
                take("check")
            driver.find_element(By.ID, "next").send_keys(Keys.ENTER)
        until("!document.getElementById('thanks').hidden")
        take("thanks")
    return screens
