"""What is not written down: secrets, and addresses of the recorded region."""

import re
from collections.abc import Mapping

# Values that somebody could log in with, as JSON has them. What stands for them is a string like any other.
_SECRET = re.compile(
    r'(?P<key>"(?:adminPass|admin_pass|private_key|auth_key|auth_password|password)"\s*:\s*")(?:[^"\\]|\\.)+"'
)
_TOKEN = re.compile(r"gAAAA[\w=-]{20,}")
_CONSOLE = re.compile(r"(?P<before>token(?:=|%3D)|os-console-auth-tokens/)[\w-]{16,}")
RECORDED = "recorded"


def blank(text: str, words: Mapping[str, str]) -> str:
    """A text without secrets, with words in braces for addresses; `words` has the word of each address."""
    for address in sorted(words, key=len, reverse=True):
        text = re.sub(rf"{re.escape(address)}(?![0-9])", words[address], text)
    text = _SECRET.sub(rf'\g<key>{RECORDED}"', text)
    text = _TOKEN.sub(RECORDED, text)
    return _CONSOLE.sub(rf"\g<before>{RECORDED}", text)


def fill(text: str, addresses: Mapping[str, str]) -> str:
    """Addresses for the words in braces."""
    for word, address in addresses.items():
        text = text.replace(word, address)
    return text
