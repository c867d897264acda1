from __future__ import annotations

import pytest

from cygni.local.idp.forms import Form, NoSuchThing, read_page

PAGE = """
<!doctype html><html><head><title> Sign
 in </title><style>p{}</style><script>var x = "<p>not text</p>"</script></head>
<body><h1>Who &amp; what</h1><p>Choose <b>one</b>.</p>
<a href="/other?a=1&amp;b=2">The <i>other</i> page</a>
<form action="/sign-in?state=x&amp;y=z" method="POST">
  <input type="hidden" name="token" value="t&quot;1">
  <input name="email" value="a@b"><input type="checkbox" name="stay" checked><input type="checkbox" name="news" value="yes">
  <input type="radio" name="role" value="owner"><input type="radio" name="role" value="viewer" checked>
  <input name="off" value="1" disabled><input value="nameless"><input type="file" name="file">
  <textarea name="note">two
lines</textarea>
  <select name="region"><option value="eu">Europe</option><option selected>US</option></select>
  <button name="choice" value="ada"> Ada
  Lovelace</button><button name="choice" value="grace">Grace</button><button type="button">Nothing</button>
</form>
<form><input type="submit" value="Search" name="go"><input name="q"></form>
</body></html>
"""


@pytest.fixture
def form() -> Form:
    return read_page(PAGE).forms[0]


def test_a_page_is_read_as_a_person_sees_it() -> None:
    seen = read_page(PAGE)

    assert seen.title == "Sign in"
    assert seen.text.splitlines()[:2] == ["Who & what", "Choose one."]
    assert "not text" not in seen.text
    assert seen.links == [("The other page", "/other?a=1&b=2")]


def test_forms_have_their_action_their_method_and_their_buttons() -> None:
    first, second = read_page(PAGE).forms

    assert (first.action, first.method) == ("/sign-in?state=x&y=z", "post")
    assert [each.label for each in first.buttons] == ["Ada Lovelace", "Grace"]
    assert (second.action, second.method, [each.label for each in second.buttons]) == ("", "get", ["Search"])


def test_a_form_as_it_stands_sends_what_a_browser_would(form: Form) -> None:
    assert form.filled({}, form.buttons[1]) == [
        ("token", 't"1'),
        ("email", "a@b"),
        ("stay", "on"),
        ("role", "viewer"),
        ("note", "two\nlines"),
        ("region", "US"),
        ("choice", "grace"),
    ]


def test_what_is_filled_in_is_sent(form: Form) -> None:
    given = {"email": "c@d", "stay": False, "news": True, "role": "owner", "note": "", "region": "eu"}

    sent = dict(form.filled(given, None))

    assert sent == {"token": 't"1', "email": "c@d", "news": "yes", "role": "owner", "note": "", "region": "eu"}


@pytest.mark.parametrize("given", [{"nothing": "x"}, {"off": "1"}, {"role": "admin"}, {"region": "mars"}, {"news": "no"}])
def test_what_the_form_does_not_offer_cannot_be_filled_in(form: Form, given: dict[str, str]) -> None:
    with pytest.raises(NoSuchThing, match=next(iter(given))):
        form.filled(given, None)


def test_a_button_is_known_by_label_value_or_name(form: Form) -> None:
    ada = form.buttons[0]

    assert [ada.called(each) for each in ("Ada Lovelace", "ada", "choice", "Ada")] == [True, True, True, False]


@pytest.mark.parametrize(
    "text", ["", "no tags", "<form", "<form><input name=a", "<a>x</a></form></div>", "<title>", "<p><!-- <form> -->"]
)
def test_no_page_is_too_broken_to_be_read(text: str) -> None:
    read_page(text)
