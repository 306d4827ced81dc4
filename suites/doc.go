// Package suites holds Go clients to scenarios, with Ginkgo, in virtual time: minutes of outage and backoff take
// milliseconds. [DescribeClient] declares a spec for each scenario, and [JudgedBy] is the trial behind one of them, for
// specs of your own; [InBubble] gives virtual time to specs without a scenario. Clients that are not Go, or not in this
// process, are judged by the command brownout.
//
//	var suiteT *testing.T
//
//	func TestClient(t *testing.T) {
//		suiteT = t
//		RegisterFailHandler(Fail)
//		RunSpecs(t, "payments client")
//	}
//
//	var _ = suites.DescribeClient("payments client", func() *testing.T { return suiteT },
//		func(base http.RoundTripper) *http.Client { return payments.NewHTTPClient(base) },
//		"retry/two-503s", "retry-after/seconds", "scenarios/ours.yaml")
package suites
