package suites

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites/trial"
	"brownout/suites/verdict"
)

// NewClient makes a client under test around base, which knows the way to the upstream. It is called once for each client
// that a scenario asks for, and two of them should share nothing.
type NewClient func(base http.RoundTripper) *http.Client

// DescribeClient declares a container with one spec for each scenario, in which the client must pass. A scenario is named
// as a built-in one (retry/two-503s) or by the path of its file; one that cannot be read fails its spec with every problem
// it has. suiteT gives the *testing.T of the suite's Test function once specs run.
func DescribeClient(text string, suiteT func() *testing.T, newClient NewClient, scenarioNames ...string) bool {
	return ginkgo.Describe(text, func() {
		for _, name := range scenarioNames {
			ginkgo.It("passes "+name, ginkgo.Label("scenario:"+strings.ReplaceAll(name, "/", ".")), func() {
				s, err := load(name)
				gomega.Expect(err).NotTo(gomega.HaveOccurred())
				gomega.Expect(JudgedBy(suiteT(), s, newClient)).To(Pass())
			})
		}
	})
}

// load reads a built-in scenario, or a file where there is no built-in one of that name.
func load(name string) (*scenarios.Scenario, error) {
	s, err := scenarios.Builtin(name)
	if errors.Is(err, scenarios.ErrNoBuiltin) {
		return scenarios.Load(name)
	}
	return s, err
}

// JudgedBy runs one trial of a client in a bubble of virtual time, and returns its verdict. A trial that could not be run
// fails the spec.
func JudgedBy(t *testing.T, s *scenarios.Scenario, newClient NewClient) verdict.Verdict {
	var v verdict.Verdict
	var err error
	InBubble(t, func() { v, _, err = trial.InMemory(context.Background(), s, newClient) })
	gomega.ExpectWithOffset(1, err).NotTo(gomega.HaveOccurred(), fmt.Sprintf("the trial of %q could not be run", s.Name))
	return v
}
