package suites_test

import (
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
)

const ruleLabel = "rule:"

// rule declares the specs that hold the bundled library to one rule of the catalogue. They are named and labelled by its id.
func rule(id string, specs func()) bool {
	r, _ := scenarios.RuleNamed(id) // an id that is not in the catalogue fails the suite at its end
	return Describe(id+": "+r.Text, Label(ruleLabel+id), Offset(1), specs)
}

// inVirtualTime returns the body of a spec that runs in a bubble.
func inVirtualTime(body func()) func() {
	return func() { suites.InBubble(theT(), body) }
}

// unshown are the rules that no spec shows, with the reason.
var unshown = map[string]string{
	"RETRY-008": "it is for information: no client is judged by it",
	"RETRY-014": "net/http sends nothing as TLS early data",
	"CONN-005":  "net/http takes an early answer, and stops the upload, by itself",
	"CONN-007":  "the chaos server does not speak HTTP/2 yet",
	"CONN-008":  "the chaos server does not speak HTTP/2 yet",
	"DELIV-003": "the order of events is the application's: the library has no state to keep",
	"DSEND-001": "the library sends no webhooks",
}

// Every rule of the catalogue has a spec, or a reason why it has none, and no rule has both.
var _ = ReportAfterSuite("every rule has a spec or a reason", func(report Report) {
	shown := map[string]bool{}
	for _, spec := range report.SpecReports {
		for _, label := range spec.Labels() {
			if id, ok := strings.CutPrefix(label, ruleLabel); ok {
				shown[id] = true
			}
		}
	}
	var problems []string
	for _, r := range scenarios.Rules() {
		switch why := unshown[r.ID]; {
		case !shown[r.ID] && why == "":
			problems = append(problems, r.ID+" has no spec: give it one, or a reason in unshown")
		case shown[r.ID] && why != "":
			problems = append(problems, r.ID+" has specs now: take it out of unshown")
		}
		delete(shown, r.ID)
	}
	for id := range shown {
		problems = append(problems, id+" is no rule of the catalogue")
	}
	for id := range unshown {
		if _, ok := scenarios.RuleNamed(id); !ok {
			problems = append(problems, "unshown names "+id+", which is no rule of the catalogue")
		}
	}
	slices.Sort(problems)
	Expect(strings.Join(problems, "\n")).To(BeEmpty())
})
