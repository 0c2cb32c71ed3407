package conformance

import "testing"

// TestBrowserChat has two pages of the example talk to each other.
func TestBrowserChat(t *testing.T) {
	url, _ := startExample(t, buildExample(t, "chat"), freeAddr(t))

	one, other := open(t, url+"#squids"), open(t, url+"#squids")
	const said = `[...document.querySelectorAll("#said li")].map(li => li.textContent)`
	const in = said + `.includes("You have come in.")`
	one.until(in)
	other.until(in)
	say := func(b *tab, words string) {
		js[bool](b, `document.getElementById("words").value = "`+words+`", document.forms[0].requestSubmit(), true`)
	}
	say(one, "<b>hello</b>")
	other.until(said + `.includes("<b>hello</b>")`)
	say(other, "hello yourself")
	one.until(said + `.includes("hello yourself")`)
	if n := js[int](one, said+`.length`); n != 3 {
		t.Errorf("the first page shows %d lines, want 3", n)
	}
}
