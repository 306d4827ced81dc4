package resilience_test

import (
	"os"
	"strings"
	"testing"
)

// The Go code of the README is taken from an example that runs.
func TestReadmeCodeIsFromExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("httpclient/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(string(examples), code) {
			t.Errorf("not in httpclient/example_test.go:\n%s", code)
		}
	}
	if len(blocks) == 0 {
		t.Error("the README shows no code")
	}
}
