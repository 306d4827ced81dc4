package trial

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"brownout/scenarios"
	"brownout/suites/verdict"
)

// TestIdleIsReached: a fault at idle counts as reached where the connection stayed for it to strike, and nowhere else.
func TestIdleIsReached(t *testing.T) {
	for _, row := range []struct {
		scenario string
		keeps    bool // the client keeps its connections
		want     verdict.Outcome
		says     string
	}{
		{"routes: [{match: /, answers: [{close: idle}]}]", true, verdict.Pass, ""},
		{"routes: [{match: /, answers: [{close: idle, wait: 3s}]}]", true, verdict.Inconclusive, "answers[0] of / was given, and its wire fault at idle never struck"},
		{"faults: [{reset: idle}]", true, verdict.Pass, ""},
		{"faults: [{reset: idle, wait: 3s}]", true, verdict.Inconclusive, "faults[0] never struck: no connection stayed open and idle for 3s"},
		{"faults: [{reset: idle}]", false, verdict.Error, "rst idle: the connection ends with the answer"},
	} {
		t.Run(row.scenario, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := scenarios.Parse("idle.yaml", []byte("name: idle\n"+row.scenario+"\ndrive: [{request: GET /}, {request: GET /, wait: 1s}]\nexpect: [attempts: {max: 1}]"))
				if err != nil {
					t.Fatal(err)
				}
				v, _, err := InMemory(context.Background(), s, func(base http.RoundTripper) *http.Client {
					base.(*http.Transport).DisableKeepAlives = !row.keeps
					return &http.Client{Transport: base}
				})
				if err != nil {
					t.Fatal(err)
				}
				said := row.says == ""
				for _, f := range v.Findings {
					said = said || strings.Contains(f.Sentence, row.says)
				}
				if v.Outcome != row.want || !said {
					t.Errorf("the verdict is %v, want %v with %q: %+v", v.Outcome, row.want, row.says, v.Findings)
				}
			})
		})
	}
}
