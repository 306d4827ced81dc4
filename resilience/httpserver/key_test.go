package httpserver

import (
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	long := strings.Repeat("k", 255)
	for _, c := range []struct{ field, key, err, why string }{
		{`"8e03978e-40d5-43e8-bc93-6894a57f9324"`, "8e03978e-40d5-43e8-bc93-6894a57f9324", "", "the draft's example"},
		{"8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324", "", "bare, as Stripe has it"},
		{`"a b"`, "a b", "", "a String may have spaces"},
		{`"a\"b\\c"`, `a"b\c`, "", "escapes"},
		{`"\\"`, `\`, "", "an escape at the start"},
		{`"k";v=1`, "k", "", "parameters are ignored"},
		{`"` + long + `"`, long, "", "the quotes do not count"},
		{long + "k", "", "the key has 256 characters, at most 255 are allowed", "one too many"},
		{"", "", "the key is empty", "empty field"},
		{`""`, "", "the key is empty", "empty String"},
		{`"`, "", "the quoted key has no closing quote", "only a quote"},
		{`"abc`, "", "the quoted key has no closing quote", "cut off"},
		{`"abc\"`, "", "the quoted key has no closing quote", "the closing quote is escaped"},
		{`"abc\`, "", `a backslash in a quoted key stands before " or \ only`, "cut off in an escape"},
		{`"a\bc"`, "", `a backslash in a quoted key stands before " or \ only`, "an escape that does not exist"},
		{`"abc" x`, "", `" x" follows the quoted key`, "something behind the quote"},
		{`"a", "b"`, "", `", \"b\"" follows the quoted key`, "a list"},
		{`"abcdefg` + "\x7f" + `"`, "", `a quoted key has printable ASCII characters only, got '\x7f'`, "DEL"},
		{`"abcdefg` + "\x1f" + `"`, "", `a quoted key has printable ASCII characters only, got '\x1f'`, "a control character"},
		{`"abcdefgé"`, "", `a quoted key has printable ASCII characters only, got 'Ã'`, "not ASCII"},
		{"a b", "", `a bare key has visible ASCII characters only, and none of ", \ and comma; got ' '`, "a space in a bare key"},
		{"a,b", "", `a bare key has visible ASCII characters only, and none of ", \ and comma; got ','`, "a list of bare keys"},
		{`a"b`, "", `a bare key has visible ASCII characters only, and none of ", \ and comma; got '"'`, "a quote in a bare key"},
	} {
		key, err := parseKey(c.field, 255)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if key != c.key || got != c.err {
			t.Errorf("%s: %q is %q, error %q; want %q, error %q", c.why, c.field, key, got, c.key, c.err)
		}
	}
}

// Every character at every place of a word and of the rest is judged alike by both ways to read a String.
func TestPlain(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				b := []byte(strings.Repeat("x", n))
				b[at] = byte(c)
				want := c >= ' ' && c <= '~' && c != '"' && c != '\\'
				if plain(string(b)) != want {
					t.Fatalf("plain(%q) = %t", b, !want)
				}
			}
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{`"a"`, "a", `"a\"b"`, `"k";v=1`, `"`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		key, err := parseKey(field, 255)
		if err != nil {
			return
		}
		if key == "" || len(key) > 255 || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Fatalf("%q is taken for the key %q", field, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, err := parseKey(quoted, 255); err != nil || again != key {
			t.Fatalf("key %q of %q, written as %q, is %q, %v", key, field, quoted, again, err)
		}
	})
}
