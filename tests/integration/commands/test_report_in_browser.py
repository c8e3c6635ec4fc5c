"""The report in a headless Chromium: what a person clicks, and what then is seen."""

import json

import pytest
from chromium import Chromium, find_chromium
from report_samples import NASTY, file_results

from scenarios.report.__main__ import main

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = file_results(tmp_path_factory.mktemp("results"))
    assert main([str(folder)]) == 0
    return folder / "report.html"


@pytest.fixture
def page(page_file):
    """The report, opened; whatever a test does, no script fails and nothing is asked
    for but the file and the pictures in it."""
    program = find_chromium()
    assert program, "no Chromium: install it (Debian: apt-get install chromium)"
    with Chromium(program) as browser:
        browser.open(page_file)
        yield browser
        assert browser.errors == []
        first, *others = browser.requests
        assert first == page_file.resolve().as_uri()
        assert all(address.startswith("data:") for address in others)


def texts(page, selector):
    return page.run(
        f"[...document.querySelectorAll({json.dumps(selector)})]"
        ".filter(e => e.offsetParent !== null || e.ownerSVGElement)"
        ".map(e => e.textContent)"
    )


def drawn(page):
    return page.run(
        "[...document.querySelectorAll('.curves .series')].map(e => e.dataset.title)"
    )


def test_legend_hides_and_shows_systems(page):
    """A click on an entry takes its curve away, here and from the differences, a
    second brings it back; a double click leaves that one alone."""
    assert drawn(page) == [NASTY, "Plain", "Richer"]
    assert page.run("window.broken") is None
    entry = ".legend button:nth-child(2)"
    page.click(entry)
    assert drawn(page) == [NASTY, "Richer"]
    assert page.run(f"document.querySelector('{entry}').ariaPressed") == "false"
    assert page.run("document.querySelectorAll('.pairs .series').length") == 1
    assert page.run(
        "document.querySelector('.figure:not([hidden]) .off th').textContent"
    )
    page.click(entry)
    assert drawn(page) == [NASTY, "Plain", "Richer"]
    page.run(
        f"document.querySelector('{entry}').dispatchEvent(new MouseEvent('dblclick'))"
    )
    assert drawn(page) == ["Plain"]


def test_figure_is_chosen(page):
    """Axis, table and differences follow the figure; outages have a logarithmic axis
    with arrows where none was seen, and differences are there for figures of merit."""
    heads = texts(page, ".figure h4")
    assert len(heads) == 1 and heads[0].startswith("PSNR, mean over 40 images")
    page.choose(".metric", "outage")
    assert texts(page, ".figure h4") == ["Outage [%] (95 % interval)"]
    assert texts(page, ".curves .chart .title")[1] == "Outage probability"
    assert {"0.1", "1"} <= set(texts(page, ".curves .chart text"))
    markers = "document.querySelectorAll('.curves .series [transform]').length"
    assert page.run(markers) == 6  # of 8 points, the two at 20 dB are arrows
    assert texts(page, ".pairs .title")[1] == "Difference: Outage probability"
    page.choose(".metric", "cbr_total")
    assert texts(page, ".curves .chart .title")[1] == "cbr with side information"


def test_intervals_and_points_are_told(page):
    """Intervals are bars, bands or nothing; a point tells its numbers to the mouse and
    to the keyboard."""
    count = "document.querySelectorAll('.curves .interval').length"
    assert page.run(count) == 8
    page.choose(".style", "bands")
    assert page.run(count) == 3
    page.choose(".style", "none")
    assert page.run(count) == 0
    cell = page.run("document.querySelector('.figure:not([hidden]) td').textContent")
    tip = "document.querySelector('.curves .tip')"
    assert page.run(f"{tip}.hidden") is True
    page.hover(".curves .hit")
    told = page.run(f"{tip}.hidden ? '' : {tip}.textContent").split("\n")
    assert told[:2] == [NASTY, "SNR 0 dB"] and told[2].endswith(f": {cell}")
    assert told[3] == "40 images"
    page.run("document.querySelectorAll('.curves .hit')[4].focus()")
    assert page.run(f"{tip}.textContent").split("\n")[:2] == ["Plain", "SNR 10 dB"]


def test_differences_turn_with_the_baseline(page):
    """Each system minus the chosen one: the other way round, the same numbers with the
    other sign."""
    cells = ".pairs tr.paired:first-child td"
    before = texts(page, cells)
    assert texts(page, ".pairs tr.paired th")[0] == f"Plain - {NASTY}"
    page.choose(".baseline", "1")
    assert texts(page, ".pairs tr.paired th")[0] == f"{NASTY} - Plain"
    after = texts(page, cells)
    assert [c[1:] for c in before] == [c[1:] for c in after]
    assert all({a[0], b[0]} == {"+", "-"} for a, b in zip(before, after, strict=True))
    assert any("fed-back CSI" in note for note in texts(page, ".pairs .remarks p"))


def test_slider_moves_between_any_two_systems(page):
    """The divider follows slider, keys and mouse; sides, points and pictures are
    chosen, and what stands below them is theirs."""
    cut = "document.querySelector('.over').style.clipPath"
    assert page.run(cut) == "inset(0px 0px 0px 50%)"
    page.press(".slider", "ArrowRight")
    assert page.run(cut) == "inset(0px 0px 0px 51%)"
    page.click(".slider", 0.1)
    assert 5 < float(page.run("document.querySelector('.slider').value")) < 15
    page.click(".overlay", 0.75)
    assert page.run(cut).startswith("inset(0px 0px 0px 75")
    assert page.run("document.querySelector('.divider').style.left").startswith("75")
    sides = "['.under', '.over'].map(n => document.querySelector(n).src)"
    original, nasty = page.run(sides)
    assert original != nasty and original.startswith("data:image/png;base64,")
    page.choose(".pictures .left", "1")
    page.choose(".pictures .right", "2")
    assert len({original, nasty, *page.run(sides)}) == 4
    assert texts(page, ".sides p") == ["PlainPSNR [dB] 25.0", "RicherPSNR [dB] 27.0"]
    page.click(".choices button:nth-child(2)")
    assert texts(page, ".lost") == ["outage", "outage"]
    page.choose(".pictures .point", "2")
    assert texts(page, ".side-right") == ["Richernot shown at this point"]


def test_the_policy_keeps_the_network_out(page_file):
    """Not even a script in the page can ask for anything: the browser refuses by the
    policy of the page."""
    with Chromium(find_chromium()) as browser:
        browser.open(page_file)
        asked = "fetch('http://127.0.0.1:9/').then(() => 'came', () => 'refused')"
        assert browser.run(asked) == "refused"
        assert any("Content Security Policy" in text for text in browser.errors)
        assert not any(address.startswith("http") for address in browser.requests)
