package suites_test

import (
	. "github.com/onsi/ginkgo/v2"

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
