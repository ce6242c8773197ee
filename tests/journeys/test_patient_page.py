"""The patient's own page in a real browser: without scripts, by keyboard, on a small screen, for everybody (axe)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from concord.errors import ServiceError
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from tests.deployment import wait_for
from tests.journeys.world import EmbeddedWorld, account
from tests.people import PASSPHRASE, active_consent, note, released
from tests.real import NotToBeHadError, installed_program

# Nothing of a browser's own that would want to leave the machine.
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LANGUAGES = ("en", "es")
# Milliseconds: a browser and the services share a machine that does other things besides.
PATIENCE = 90_000
REFUSED = "#wrong"
FOCUSED = """(() => { const at = document.activeElement;
  return [at.id, at.innerText, getComputedStyle(at).outlineStyle]; })()"""
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedWorld]:
    """The embedded services, and a server in front of them for the browser."""
    made = EmbeddedWorld(tmp_path_factory.mktemp("page"))
    host, port = made.base_url.removeprefix("http://").split(":")
    server = make_server(host, int(port), made.services.wsgi, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as Debian has it; installed first where that may be done, and never done without."""
    try:
        program = installed_program("chromium", "chromium")
    except NotToBeHadError as missing:
        pytest.fail(f"the patient's page is not looked at without a browser: {missing}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(QUIET), timeout=PATIENCE)
        yield chromium
        chromium.close()


def context_of(browser: Browser, **options: Any) -> BrowserContext:
    """A browser's window with nothing in it, and with patience."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context


def code_of(world: EmbeddedWorld, token: str) -> str:
    return world.people.physician.patient_codes.issue(token).code


def open_page(context: BrowserContext, world: EmbeddedWorld, token: str) -> Page:
    """The page, with the patient's code entered."""
    page = context.new_page()
    page.goto(f"{world.base_url}/consent/patient")
    page.fill("#code", code_of(world, token).lower().replace("-", " "))
    page.click("main button")
    page.wait_for_url("**/consents")
    return page


def test_a_patient_sees_revokes_and_keeps_the_receipt_without_any_script(
    world: EmbeddedWorld, browser: Browser
) -> None:
    consent = active_consent(world.people)
    sent = released(world.people, consent.id)
    account(world.people.physician, consent.id, "released")
    context = context_of(browser, java_script_enabled=False, locale="en-US")
    page = open_page(context, world, consent.patient)
    assert "Dr. Ana Whitfield, Riverside may share with Dr. Noor Haddad, Harbor" in page.inner_text("main")
    page.click("nav a:has-text('Who received')")
    page.wait_for_url("**/account")
    assert "Dr. Ana Whitfield, Riverside sent information to Dr. Noor Haddad, Harbor" in page.inner_text("main")
    page.click("nav a:has-text('My permissions')")
    page.wait_for_url("**/consents")
    page.click("a.button")
    page.wait_for_url("**/revoke")
    assert "cannot be undone" in page.inner_text("main")
    page.click("main button")
    page.wait_for_url("**/receipt")
    wait_for(lambda: _says(page, "Nothing has left under it anywhere since"), 60, "the page to tell that it holds")
    assert str(consent.id) in page.inner_text("main")
    for send in (lambda: world.people.physician.letters.send(note(consent.id)), lambda: _open(world, sent.letter)):
        with pytest.raises(ServiceError) as refused:
            send()
        assert refused.value.type == "consent-revoked"
    page.click("nav button")
    page.wait_for_selector("main:has-text('You have signed out.')")
    page.goto(f"{world.base_url}/consent/patient/consents")
    assert page.locator("#code").count() == 1
    context.close()


def _says(page: Page, text: str) -> bool:
    """Whether the page says so, now or loaded again: until a revocation holds everywhere, it says that it is at it."""
    if text in page.inner_text("main"):
        return True
    page.reload()
    return False


def _open(world: EmbeddedWorld, letter: object) -> object:
    return world.people.psychologist.letters.open(letter, Path("/dev/null").open("wb"))  # type: ignore[arg-type]


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_a_barrier(world: EmbeddedWorld, browser: Browser, language: str, colors: str) -> None:
    """axe-core finds no violation of WCAG 2.2 AA, nor of its own best practices."""
    consent = active_consent(world.people)
    world.people.physician.letters.send(note(consent.id))
    revoked = active_consent(world.people, patient=consent.patient)
    world.people.physician.consents.revoke(revoked.id)
    context = context_of(browser, bypass_csp=True, locale=language, color_scheme=colors)
    page = context.new_page()
    root = f"{world.base_url}/consent/patient"
    page.goto(f"{root}?lang={language}")
    _no_violations(page, "enter")
    page.fill("#code", "wrong")
    page.click("main button")
    page.wait_for_selector(REFUSED)
    _no_violations(page, "a wrong code")
    page.fill("#code", code_of(world, consent.patient))
    page.click("main button")
    page.wait_for_url("**/consents")
    paths = ("consents", "account", f"consents/{consent.id}/revoke", f"consents/{revoked.id}/receipt", "code")
    for path in (*paths, f"consents/{consent.id}0/revoke", "consents/00000000-0000-0000-0000-000000000000/revoke"):
        page.goto(f"{root}/{path}")
        if path in paths:
            assert page.locator(f"html[lang={language}]").count() == 1
        _no_violations(page, path)
    page.goto(f"{root}/code")
    with page.expect_navigation():
        page.click("main button >> nth=0")
    _no_violations(page, "a new code")
    context.close()


def _no_violations(page: Page, what: str) -> None:
    if page.locator("main").count() == 0:
        return  # not one of ours: an address that no page has is the service's own problem document
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"


@pytest.mark.parametrize("path", ["", "/consents", "/account", "/code"])
def test_a_small_screen_and_large_letters_need_no_scrolling_to_the_side(
    world: EmbeddedWorld, browser: Browser, path: str
) -> None:
    """320 CSS pixels are 1280 at 400 % (WCAG 1.4.10)."""
    consent = active_consent(world.people)
    world.people.physician.letters.send(note(consent.id))
    context = context_of(browser, viewport={"width": 320, "height": 640})
    page = open_page(context, world, consent.patient)
    page.goto(f"{world.base_url}/consent/patient{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_everything_can_be_done_by_keyboard(world: EmbeddedWorld, browser: Browser) -> None:
    consent = active_consent(world.people)
    context = context_of(browser, locale="en-US")
    page = context.new_page()
    page.goto(f"{world.base_url}/consent/patient")
    _tab_to(page, "code")
    page.keyboard.type(code_of(world, consent.patient))
    page.keyboard.press("Enter")
    page.wait_for_url("**/consents")
    _tab_to(page, "Stop this permission")
    page.keyboard.press("Enter")
    page.wait_for_url("**/revoke")
    _tab_to(page, "Yes, stop it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipt")
    context.close()


def _tab_to(page: Page, what: str) -> None:
    """Press Tab until the focus is on what is called so, and the focus can be seen."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused[0] == what or str(focused[1]).startswith(what):
            assert focused[2] != "none"
            return
    pytest.fail(f"the keyboard does not reach {what}")


def test_a_code_stands_in_no_address_and_no_log(
    world: EmbeddedWorld, browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    consent = active_consent(world.people)
    context = context_of(browser, locale="en-US")
    addresses: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"{world.base_url}/consent/patient")
    code = code_of(world, consent.patient)
    page.fill("#code", code)
    page.click("main button")
    page.wait_for_url("**/consents")
    said = "".join(capfd.readouterr())
    for form in (code, code.replace("-", ""), consent.patient):
        assert not any(form in address for address in addresses)
        assert form not in said
    context.close()


def test_the_sheet_that_is_printed_opens_the_page_until_it_is_cancelled(
    world: EmbeddedWorld, browser: Browser, tmp_path: Path
) -> None:
    consent = active_consent(world.people)
    concord(world, tmp_path, "code", consent.patient, "-o", "sheet.pdf", "--practice-address", "1 River Street")
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "sheet.pdf").stat().st_mode & 0o077 == 0
    options = ("-o", "-", "--practice-address", "1 River Street", "--language", "es")
    sheet = concord(world, tmp_path, "code", consent.patient, *options)
    found = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){4}-[0-9A-Z]{2}", sheet)
    assert found is not None
    assert f"{world.base_url}/consent/patient" in sheet
    context = context_of(browser, locale="es")
    page = context.new_page()
    for cancelled in (False, True):
        if cancelled:
            concord(world, tmp_path, "code-cancel", consent.patient)
        page.goto(f"{world.base_url}/consent/patient")
        page.fill("#code", found[0])
        page.click("main button")
        if cancelled:
            page.wait_for_selector(REFUSED)
        else:
            page.wait_for_url("**/consents")
        assert page.url.endswith("/consents") is not cancelled
    context.close()


def concord(world: EmbeddedWorld, folder: Path, *words: str) -> str:
    """Run `concord patient …` as the physician; what it printed."""
    secret = folder / "passphrase"
    secret.write_text(PASSPHRASE)
    named = {"CONCORD_HOME": str(world.people.physician.profile.home), "CONCORD_PASSPHRASE_FILE": str(secret)}
    line = [sys.executable, "-c", "from concord.cli import main; main()", "patient", *words]
    done = subprocess.run(line, cwd=folder, env=os.environ | named, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
