"""A customer at the page of phones, in a real browser as wide as a phone: reads, writes back, answers, presses 1."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.e2e.customer import WAIT_SECONDS, Customer
from tests.e2e.people import Habit
from tests.e2e.stack import Stack
from tests.e2e.stories import story

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # nothing here is to reach beyond this machine
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = ViewportSize(width=390, height=844)


@contextmanager
def page_on_a_phone(url: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
        page = context.new_page()
        page.set_default_timeout(WAIT_SECONDS * 1000)
        page.goto(url)
        yield page
        browser.close()


@story
def test_a_person_reads_the_sms_replies_answers_and_presses_1(stack: Stack) -> None:
    customer = Customer(stack, Habit.MANUAL, language="zh-CN")
    number = customer.person.phone_number
    patience = WAIT_SECONDS * 1000
    customer.arrives()
    with page_on_a_phone(stack.carrier.url) as page:
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.get_by_label("Find a number").fill(number)
        customer.fails_to_pay()
        page.get_by_role("button", name=number).tap()
        thread = page.get_by_role("log")
        expect(thread).to_contain_text("账户余额不足", timeout=patience)

        page.get_by_label("Reply").fill("我下周就交，谢谢")
        page.get_by_role("button", name="Send").tap()
        expect(thread).to_contain_text("我下周就交，谢谢", timeout=patience)

        page.get_by_role("button", name="Answer").tap()
        expect(thread.get_by_text("需要短信告知交费方式请按1")).to_be_in_viewport(timeout=patience)
        page.screenshot(path=stack.directory / "phone-in-call.png")
        page.get_by_role("button", name="1", exact=True).tap()
        expect(thread.get_by_text("按您的要求告知交费方式")).to_be_in_viewport(timeout=patience)
        page.screenshot(path=stack.directory / "phone-afterwards.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert problems == []

    customer.awaits("task.closed", result="told_how_to_pay")
    [reply] = stack.carrier.book("inbound")
    assert (reply["from"], reply["body"]) == (number, "我下周就交，谢谢")
    assert len(customer.calls()) == 1
