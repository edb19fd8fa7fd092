"""Where each key of a file stands."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.config.syntax import SyntaxProblem, parse, read

TEXT = '''\
# a comment = 1 [not.a.table]
hostname = "mail # not a comment"
domains = [
  "a",   # a comment with "quotes
  "b]",
]
text = """
inner = 5
[fake]
"""

[listen]  # trailing
imap = ["x"]
"quoted key" = 1
'literal' = \'\'\'
pop3 = 3
\'\'\'
table = { imaps = 1, other = [ 2,
  3 ] }

[store.deep]
dotted.key = 1
[[list]]
name = 1
last = 2'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("hostname",), 2),
        (("domains",), 3),
        (("text",), 7),
        (("listen",), 12),
        (("listen", "imap"), 13),
        (("listen", "quoted key"), 14),
        (("listen", "literal"), 15),
        (("listen", "table"), 18),
        (("listen", "table", "imaps"), 18),
        (("store", "deep"), 21),
        (("store", "deep", "dotted", "key"), 22),
        (("list", "name"), 24),
        (("list", "last"), 25),
        (("inner",), 0),
        (("fake",), 0),
        (("pop3",), 0),
    ],
)
def test_the_line_of_a_key(key, line):
    assert parse(TEXT).line(key) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = ", 1), ("a = 1\nb = = 2\n", 2), ("a = 1\n\na = 2\n", 3), ('a = """\n\n', 3), ("[a\n", 1)],
)
def test_what_is_not_toml_names_its_line(text, line):
    with pytest.raises(SyntaxProblem) as caught:
        parse(text)
    assert caught.value.line == line


def test_files_that_cannot_be_configurations(tmp_path):
    path = tmp_path / "x.toml"
    for data in (b"a = 1\nb = '\xff'\n", b"#" * (2**20 + 1), b"a = " + b"[" * 100_000):
        path.write_bytes(data)
        with pytest.raises(SyntaxProblem):
            read(path)
    for missing in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SyntaxProblem, match="cannot be read"):
            read(missing)


@given(st.text(alphabet="ab=[]{}\"'#\n., \\1", max_size=60))
def test_any_text_is_read_as_tomllib_reads_it(text):
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(SyntaxProblem):
            parse(text)
        return
    document = parse(text)
    assert document.tree == tree
    assert all(document.line((key,)) > 0 for key in tree)
