"""The lab: two servers and a name server as processes, and a mail's whole way."""

import subprocess
import sys


def test_the_mail_goes_the_whole_way():
    command = [sys.executable, "-m", "mailaccess.admin.main", "lab", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for hop in ("DNS  naver.com MX?", "C: RCPT TO:<lee@naver.com>", "Queue: ", "Maildir: ", "S: +OK Bye"):
        assert hop in done.stdout
    assert done.stdout.rstrip().endswith("The mail went the whole way.")
