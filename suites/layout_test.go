package suites_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layout says which packages of the module each package may import, tests not counted. It is the design's picture
// of the house; a package that is not in it has no place yet.
var layout = map[string][]string{
	"scenarios": {},

	"chaosserver/journal":  {},
	"chaosserver/plan":     {"scenarios"},
	"chaosserver/fault":    {"scenarios"},
	"chaosserver/ledger":   {},
	"chaosserver/proxy":    {},
	"chaosserver/quota":    {"scenarios"},
	"chaosserver/delivery": {"scenarios", "chaosserver/journal"},
	"chaosserver": {"scenarios", "chaosserver/journal", "chaosserver/plan", "chaosserver/fault", "chaosserver/ledger",
		"chaosserver/proxy", "chaosserver/quota", "chaosserver/delivery"},

	"resilience":            {},
	"resilience/httpclient": {"resilience"},
	"resilience/httpserver": {"resilience", "resilience/store"},
	"resilience/store":      {"resilience"},

	"resilience/store/bolt":      {"resilience", "resilience/store"},
	"resilience/store/redis":     {"resilience", "resilience/store"},
	"resilience/store/storetest": {"resilience", "resilience/store"},

	"suites/verdict": {"scenarios", "chaosserver/journal"},
	"suites/drive":   {"scenarios", "chaosserver/journal"},
	"suites/report":  {"scenarios", "chaosserver/journal", "chaosserver/plan", "suites/verdict"},
	"suites/trial":   {"scenarios", "chaosserver", "chaosserver/delivery", "chaosserver/journal", "suites/drive", "suites/verdict"},
	"suites/judge":   {"scenarios", "suites/drive", "suites/trial", "suites/verdict", "suites/report"},
	"suites": {"scenarios", "chaosserver", "chaosserver/journal", "suites/drive", "suites/trial", "suites/verdict",
		"suites/report", "suites/judge", "resilience", "resilience/httpclient"},

	"cmd/brownout": {"scenarios", "chaosserver", "chaosserver/delivery", "chaosserver/journal", "chaosserver/plan",
		"suites/drive", "suites/trial", "suites/verdict", "suites/report"},
}

// owners says which packages alone may import a dependency.
var owners = map[string][]string{
	"gopkg.in/yaml.v3":          {"scenarios"},
	"github.com/onsi/ginkgo/v2": {"suites"},
	"github.com/onsi/gomega":    {"suites"},
	"github.com/spf13/cobra":    {"cmd/brownout"},
	"github.com/gorilla/mux":    {"chaosserver"},

	"go.etcd.io/bbolt":             {"resilience/store/bolt"},
	"github.com/redis/go-redis/v9": {"resilience/store/redis"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsGoOneWay(t *testing.T) {
	for _, p := range goList(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, "brownout/")
		allowed, known := layout[name]
		if !known {
			t.Errorf("package %s has no place in the layout; give it one in layout_test.go, as the design says", name)
			continue
		}
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, "brownout/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s; it may import %v of ours", name, ours, allowed)
			}
			if by, owned := owners[imp]; owned && !slices.Contains(by, name) {
				t.Errorf("%s imports %s, which is behind %v alone", name, imp, by)
			}
			if strings.HasPrefix(name, "resilience") && strings.Contains(strings.Split(imp, "/")[0], ".") && !strings.HasPrefix(name, "resilience/store/") {
				t.Errorf("%s imports %s; resilience stands on the standard library", name, imp)
			}
		}
	}
}

func TestBinaryLinksNoTestFramework(t *testing.T) {
	for _, p := range goList(t, "-deps", "./cmd/brownout") {
		switch {
		case strings.HasPrefix(p.ImportPath, "github.com/onsi/"), p.ImportPath == "testing":
			t.Errorf("cmd/brownout links %s", p.ImportPath)
		}
	}
}

func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", strings.Join(args, " "), err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		t.Fatal("go list named no package")
	}
	return list
}
