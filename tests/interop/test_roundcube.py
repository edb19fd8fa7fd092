"""Debian's Roundcube on two of our servers, as the lab runs it, in a headless Chromium.

Screenshots of each step lie in the test's temporary folder; with ``MAILACCESS_SCREENSHOTS=FOLDER`` there.
"""

import email
import imaplib
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import threading
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailaccess.admin.labwebmail import Webmail, WebmailMissing
from tests.interop.running import PATIENCE, eventually

pytestmark = pytest.mark.clients

SUBJECT = "주말 산행 안내"
BODY = "이번 주 토요일 아침 일곱 시에 북한산 입구에서 만나요.\n도시락은 제가 준비할게요."
FILE = "산행 지도.txt"
CONTENT = "북한산 입구 → 백운대\n"
ANSWER = "네, 토요일에 봬요!"

ACCOUNT = re.compile(
    r"^ {4}(\S+) {2}password (\S+) {2}host (\S+) {2}IMAP (\d+), POP3 \d+, submission (\d+)", re.M
)


class Lab:
    """The lab in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = ""
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-u", "-m", "mailaccess.admin.main"),
                *("lab", "--webmail", "--folder", str(folder)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._follow, daemon=True).start()
        with self._news:
            self._news.wait_for(
                lambda: "naver.com/mailaccess.toml queue list" in self.shown or self.ended, PATIENCE
            )
        found = {account: rest for account, *rest in ACCOUNT.findall(self.shown)}
        assert set(found) == {"kim@daum.net", "lee@naver.com"}, self.shown
        self.accounts = found
        address = re.search(r"In the browser: (\S+)", self.shown)
        assert address is not None
        self.address = address[1]

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.shown += line
                self._news.notify_all()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def submit(self, message: EmailMessage, account: str) -> None:
        password, host, _, port = self.accounts[account]
        with smtplib.SMTP(host, int(port)) as client:
            client.login(account, password)
            client.send_message(message)

    def mails(self, account: str, mailbox: str = "INBOX") -> list[EmailMessage]:
        """What lies in a mailbox, by IMAP."""
        password, host, port, _ = self.accounts[account]
        with imaplib.IMAP4(host, int(port)) as client:
            client.login(account, password)
            client.select(mailbox, readonly=True)
            _, (numbers,) = client.search(None, "ALL")
            found = [client.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers.decode().split()]
            return [email.message_from_bytes(octets, policy=policy.default) for _, octets in found]


class Browser:
    """A headless Chromium that waits for what it is to click on, and takes pictures."""

    def __init__(self, pictures: Path, profile: Path) -> None:
        webdriver = pytest.importorskip("selenium.webdriver")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for option in (
            *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en"),
            *("--window-size=1280,860", f"--user-data-dir={profile}"),
        ):
            options.add_argument(option)
        service = webdriver.ChromeService(executable_path="/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        self._pictures = pictures
        self._taken = 0

    def picture(self, name: str) -> None:
        """What is to be seen now."""
        self._taken += 1
        self.driver.save_screenshot(str(self._pictures / f"{self._taken:02}-{name}.png"))

    def all(self, selector: str, text: str = ""):
        """The visible elements, with ``text`` in them."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(e => e.getClientRects().length && e.innerText.includes(arguments[1]))",
            selector,
            text,
        )

    def await_(self, selector: str, text: str = ""):
        """The first of them, as soon as there is one."""
        return eventually(lambda: self.all(selector, text), f"{selector} with {text!r} on the page")[0]

    def click(self, selector: str, text: str = "") -> None:
        """As soon as it can be clicked on."""

        def clicked() -> bool:
            from selenium.common.exceptions import WebDriverException

            try:
                self.all(selector, text)[0].click()
            except (IndexError, WebDriverException):  # not there yet, or something still lies over it
                return False
            return True

        eventually(clicked, f"{selector} with {text!r} can be clicked on")

    def rows(self) -> list[str]:
        """The subjects in the list of messages: asked for at once, since the list is made anew now and then."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#messagelist tbody tr td.subject span.subject')]"
            ".filter(e => e.getClientRects().length).map(e => e.innerText)"
        )

    def await_rows(self, *subjects: str) -> None:
        """Until the list holds these, newest first, and Roundcube is at rest."""

        def same() -> bool:
            if self.driver.execute_script("return rcmail.busy"):
                return False
            rows = self.rows()
            return len(rows) == len(subjects) and all(
                subject in row for subject, row in zip(subjects, rows, strict=True)
            )

        eventually(same, f"the list holds {subjects}")

    def select(self, subject: str) -> None:
        """Click on a message, and wait until its preview has come: it closes menus that are open."""
        self.click("#messagelist tbody tr td.subject", subject)
        eventually(
            lambda: self.driver.execute_script(
                "const there = document.querySelector('#messagecontframe').contentDocument;"
                "return there && there.readyState == 'complete' && !rcmail.busy"
                " && [...there.querySelectorAll('h2.subject')].some(e => e.innerText.includes(arguments[0]))",
                subject,
            ),
            f"the preview of {subject}",
        )
        self.driver.execute_script("jQuery.fx.off = true")  # what slides in cannot be clicked on meanwhile

    def open_folder(self, name: str) -> None:
        self.click("#folderlist-content li a", name)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    try:
        Webmail.look()
    except WebmailMissing as error:
        pytest.skip(str(error))
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture
def browser(tmp_path):
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs Debian's chromium and chromium-driver")
    pictures = Path(os.environ.get("MAILACCESS_SCREENSHOTS") or tmp_path / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    browser = Browser(pictures, tmp_path / "profile")
    yield browser
    browser.driver.quit()


def from_kim() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "Kim <kim@daum.net>", "Lee <lee@naver.com>"
    message["Subject"], message["Message-ID"] = SUBJECT, "<hike@daum.net>"
    message.set_content(BODY)
    message.add_attachment(CONTENT, filename=FILE)
    return message


def test_lee_reads_answers_files_searches_and_deletes(lab, browser):
    """One visit of a person; each step finds what the one before left."""
    lab.submit(from_kim(), "kim@daum.net")
    eventually(lambda: len(lab.mails("lee@naver.com")) == 2, "kim's mail is in lee's mailbox")
    log_in(browser, lab)
    read_a_message_and_its_attachment(browser)
    answer_it(browser, lab)
    search_in_headers_and_in_text(browser)
    move_it_to_the_archive(browser, lab)
    delete_it_and_empty_the_trash(browser, lab)
    assert problems(lab.folder / "roundcube" / "logs") == []


def log_in(browser: Browser, lab: Lab) -> None:
    browser.driver.get(lab.address)
    browser.await_("#rcmloginuser").send_keys("lee@naver.com")
    browser.await_("#rcmloginpwd").send_keys(lab.accounts["lee@naver.com"][0])
    browser.picture("login")
    browser.click("#rcmloginsubmit")
    browser.await_rows(SUBJECT, "안녕하세요")
    for folder in ("Inbox", "Drafts", "Sent", "Junk", "Trash", "Archive"):
        browser.await_("#folderlist-content li a", folder)
    browser.picture("inbox")


def read_a_message_and_its_attachment(browser: Browser) -> None:
    link = browser.await_("#messagelist tbody tr a[href*='_uid=']", SUBJECT).get_attribute("href")
    browser.driver.get(link)
    assert browser.await_("h2.subject", SUBJECT)
    assert browser.await_("#messagebody").text == BODY
    attachment = browser.await_("#attachment-list a.filename", FILE).get_attribute("href")
    browser.picture("message")
    assert download(browser, attachment) == CONTENT


def answer_it(browser: Browser, lab: Lab) -> None:
    """From the page of the message; back in the list it is marked."""
    browser.click("#toolbar-menu a.reply")
    text = browser.await_("#composebody")
    assert "> " + BODY.splitlines()[0] in text.get_attribute("value")
    browser.driver.execute_script("arguments[0].setSelectionRange(0, 0)", text)
    text.send_keys(ANSWER + "\n\n")
    browser.picture("answer")
    browser.click("button.send")
    browser.await_rows(SUBJECT, "안녕하세요")
    assert browser.await_("#messagelist tbody tr span.replied")  # \Answered
    eventually(lambda: len(lab.mails("kim@daum.net")) == 1, "lee's answer is in kim's mailbox")
    (answer,) = lab.mails("kim@daum.net")
    assert answer["Subject"] == f"Re: {SUBJECT}" and answer["In-Reply-To"] == "<hike@daum.net>"
    assert ANSWER in answer.get_content()
    assert "dmarc=pass" in answer["Authentication-Results"]
    (sent,) = lab.mails("lee@naver.com", "Sent")
    assert sent["Message-ID"] == answer["Message-ID"]


def search_in_headers_and_in_text(browser: Browser) -> None:
    search(browser, "안녕")
    browser.await_rows("안녕하세요")
    browser.picture("search")
    browser.click("a.button.options")
    browser.click("input[name='s_mods[]'][value='text']")
    search(browser, "도시락")  # in the text only
    browser.await_rows(SUBJECT)
    browser.click("a.button.reset")
    browser.await_rows(SUBJECT, "안녕하세요")


def move_it_to_the_archive(browser: Browser, lab: Lab) -> None:
    browser.select(SUBJECT)
    browser.click("#toolbar-menu a.more")
    browser.click("a.move.active")
    browser.click("#folder-selector a", "Archive")
    browser.await_rows("안녕하세요")
    eventually(lambda: len(lab.mails("lee@naver.com", "Archive")) == 1, "the mail is in Archive")
    browser.open_folder("Archive")
    browser.await_rows(SUBJECT)
    browser.picture("archive")
    assert [mail["Subject"] for mail in lab.mails("lee@naver.com", "Archive")] == [SUBJECT]


def delete_it_and_empty_the_trash(browser: Browser, lab: Lab) -> None:
    browser.select(SUBJECT)
    browser.click("#toolbar-menu a.delete")
    browser.await_rows()
    eventually(lambda: len(lab.mails("lee@naver.com", "Trash")) == 1, "the mail is in Trash")
    browser.open_folder("Trash")
    browser.await_rows(SUBJECT)
    browser.picture("trash")
    browser.click("a.sidebar-menu")
    browser.click("a.purge.active")
    browser.picture("empty-trash")
    browser.click(".ui-dialog button.mainaction")
    browser.await_rows()
    browser.picture("emptied")
    assert lab.mails("lee@naver.com", "Trash") == []
    assert [mail["Subject"] for mail in lab.mails("lee@naver.com")] == ["안녕하세요"]


def search(browser: Browser, text: str) -> None:
    from selenium.webdriver.common.keys import Keys

    field = browser.await_("#mailsearchform")
    field.clear()
    field.send_keys(text, Keys.ENTER)


def download(browser: Browser, address: str) -> str:
    """What a link leads to, fetched by the page itself."""
    fetched = browser.driver.execute_async_script(
        "const done = arguments[1];"
        "fetch(arguments[0] + '&_download=1').then(answer => answer.text()).then(done, done)",
        address,
    )
    return str(fetched).replace("\r\n", "\n")


def problems(logs: Path) -> list[str]:
    """What Roundcube complains of; PHP's warnings of Roundcube's own code are not ours."""
    lines = [line for file in logs.glob("*") for line in file.read_text("utf-8").splitlines()]
    return [line for line in lines if re.search(r"IMAP Error|SMTP Error|Fatal", line)]
