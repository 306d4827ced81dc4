package suites

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega/gcustom"
	"github.com/onsi/gomega/types"

	"brownout/suites/verdict"
)

// Pass succeeds for a verdict of pass, and else shows what each check found.
func Pass() types.GomegaMatcher {
	return gcustom.MakeMatcher(func(v verdict.Verdict) (bool, error) {
		return v.Outcome == verdict.Pass, nil
	}).WithTemplate("Expected the client to {{.To}} pass {{.Data}}\n{{format .Actual}}").WithTemplateData("the scenario")
}

// FailOnly succeeds for a verdict in which the check of that name failed and every other check passed or was skipped.
func FailOnly(check string) types.GomegaMatcher {
	return gcustom.MakeMatcher(func(v verdict.Verdict) (bool, error) {
		return slices.Equal(Unmet(v), []string{check}) && v.Outcome == verdict.Fail, nil
	}).WithTemplate("Expected the client {{.To}} fail {{.Data}} and nothing else\n{{format .Actual}}").WithTemplateData(check)
}

// Unmet returns the names of the checks that neither passed nor were skipped, in the order of the verdict.
func Unmet(v verdict.Verdict) []string {
	var names []string
	for _, f := range v.Findings {
		if f.Outcome != verdict.Pass && f.Outcome != verdict.Skip {
			names = append(names, f.Check)
		}
	}
	return names
}

// Describe returns a verdict in a few lines: its outcome, and what each check found.
func Describe(v verdict.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s after %d attempts of %d calls in %s\n", v.Scenario, v.Outcome, v.Attempts, v.Calls, v.Elapsed)
	for _, f := range v.Findings {
		text := f.Sentence
		if text == "" {
			text = f.Summary
		}
		fmt.Fprintf(&b, "  %s %s: %s\n", f.Outcome, f.Check, text)
		if f.Hint != "" {
			fmt.Fprintf(&b, "    %s\n", f.Hint)
		}
	}
	return b.String()
}
