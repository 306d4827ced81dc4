package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestLargeFiles reads files that are as large and as odd as a loader that is not linear would take minutes for. What is
// reported stays small.
func TestLargeFiles(t *testing.T) {
	const size = MaxFile / 4
	const answers = "name: x\nroutes:\n  - match: GET /a\n    answers: "
	fill := func(before, s, after string) string {
		return before + strings.Repeat(s, (size-len(before)-len(after))/len(s)) + after
	}
	many := func(before, each, after string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, each, i)
		}
		return b.String() + after
	}
	for _, c := range []struct{ name, src, want string }{
		{"answers", fill(answers+"[{text: é}", ", {}", "]\n"), ""},
		{"wrong answers", fill(answers+"[{text: é}", ", {a: 1}", "]\n"), `unknown key "a" in an answer`},
		{"lists in lists", fill("a: ", "[", "\n"), "the [ that begins here is not closed"},
		{"mappings in mappings", fill("a: ", "{a: ", "\n"), "the { that begins here is not closed"},
		{"deep lists", "name: x\nx-a: " + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "\n", ""},
		{"deep JSON", answers + "[{json: " + strings.Repeat("[", 999) + strings.Repeat("]", 999) + "}]\n", "JSON is nested deeper than 64 levels"},
		{"dashes", fill("a:\n  ", "- ", "x\n"), "the file is nested deeper than 10000 levels"},
		{"keys", many("name: x\n", "k%d: 1\n", ""), `unknown key "k0" in a scenario`},
		{"keys of JSON", many(answers+"[{json: {", "k%d: 1,", "}}]\n"), ""},
		{"comments", fill("name: x\n", "#\n", ""), ""},
		{"anchors", fill("name: x\nx-a: [", "&a 1,", "]\n"), ""},
		{"aliases", fill("name: x\nx-a: [&a [1, 1],", "*a,", "]\n"), "aliases add more than 100000 values to the file"},
		{"a quote", fill("name: x\nx-a: \"", "a: b\n", "\n"), "the quote that begins here is not closed"},
		{"tabs", fill("name: x\n", "\tx\n", ""), "a tab cannot indent"},
		{"control characters", fill("name: x\n", "\x00\n", ""), "U+0000 is a control character"},
		{"merges", fill("name: x\nx-a: &a {name: 1}\nroutes: [{<<: [", "*a,", "]}]\n"), "aliases add more than 100000 values to the file"},
		{"a long line", fill(answers+"[{text: ", "é", "}, {bad: 1}]\n"), `unknown key "bad" in an answer`},
		{"documents", fill("name: x\n", "---\n", ""), "a second document begins here"},
		{"colons", fill("name: ", ": ", ""), "a colon and a blank inside a text begin a mapping"},
		{"a number", fill(answers+"[{times: 0", "9", "}]\n"), "099999"},
		{"a key", fill("name: x\n? ", "k", "\n: 1\n"), `unknown key "kkk`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("large.yaml", []byte(c.src))
			var es Errors
			if errors.As(err, &es) != (c.want != "") || c.want != "" && !strings.HasPrefix(es[0].Msg, c.want) {
				t.Fatalf("%.300v, want %q", err, c.want)
			}
			checkErrors(t, es)
			checkPlaces(t, es, c.src)
			if drawn := es.Draw(); len(es) > maxErrors+1 || len(drawn) > 2000*len(es) {
				t.Errorf("%d problems, %d bytes as drawn", len(es), len(drawn))
			}
		})
	}
}
