package suites

import (
	"context"
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

// NewConsumer makes a consumer of webhooks under test. What it does for an event is a call to up, such as POST /effects/evt_1; what
// verifies deliveries is in up too. It is called once for each trial.
type NewConsumer func(up *trial.Upstream) http.Handler

// DescribeConsumer declares a container with one spec for each scenario of deliveries, in which the consumer must pass.
// Scenarios are named, and suiteT is, as for [DescribeClient].
func DescribeConsumer(text string, suiteT func() *testing.T, newConsumer NewConsumer, scenarioNames ...string) bool {
	return ginkgo.Describe(text, func() {
		for _, name := range scenarioNames {
			ginkgo.It("passes "+name, ginkgo.Label("scenario:"+strings.ReplaceAll(name, "/", ".")), func() {
				s, err := load(name)
				gomega.Expect(err).NotTo(gomega.HaveOccurred())
				gomega.Expect(ConsumerJudgedBy(suiteT(), s, newConsumer)).To(Pass())
			})
		}
	})
}

// ConsumerJudgedBy runs one trial of a consumer in a bubble of virtual time, and returns its verdict. A trial that could not
// be run fails the spec.
func ConsumerJudgedBy(t *testing.T, s *scenarios.Scenario, newConsumer NewConsumer) verdict.Verdict {
	var v verdict.Verdict
	var err error
	InBubble(t, func() { v, _, err = trial.InMemoryConsumer(context.Background(), s, newConsumer) })
	gomega.ExpectWithOffset(1, err).NotTo(gomega.HaveOccurred(), fmt.Sprintf("the trial of %q could not be run", s.Name))
	return v
}
