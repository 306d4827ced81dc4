package suites_test

import (
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"

	"brownout/resilience"
	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

var suiteT *testing.T

func TestSuites(t *testing.T) {
	suiteT = t
	RegisterFailHandler(Fail)
	format.MaxLength = 0
	format.RegisterCustomFormatter(func(value any) (string, bool) {
		v, ok := value.(verdict.Verdict)
		if !ok {
			return "", false
		}
		return suites.Describe(v), true
	})
	RunSpecs(t, "brownout")
}

// theT returns the *testing.T of the suite, once it runs.
func theT() *testing.T { return suiteT }

// reference is the bundled client, with a budget and one more attempt than its default. It adds a key to a call that the
// caller says may be repeated, as an application does that knows which of its calls the server takes a key for.
func reference(base http.RoundTripper) *http.Client {
	budget := must(resilience.NewBudget(resilience.BudgetSettings{}))
	return keyedWhereTold(httpclient.WithRetry(resilience.RetrySettings{MaxAttempts: 4, Budget: budget, Seed: 7}))(base)
}

// keyedWhereTold returns a maker of bundled clients that add a key to a call of which the driver says that it may be repeated.
func keyedWhereTold(options ...httpclient.Option) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		plain := must(httpclient.New(base, options...))
		keyed := must(httpclient.New(base, append(options[:len(options):len(options)], httpclient.WithIdempotencyKeys(httpclient.KeySettings{}))...))
		return &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if drive.Idempotent(req.Context()) {
				return keyed.RoundTrip(req)
			}
			return plain.RoundTrip(req)
		})}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// text is [fmt.Sprintf].
func text(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func must[T any](v T, err error) T {
	Expect(err).NotTo(HaveOccurred())
	return v
}

// The reference client passes every scenario of the library.
var _ = suites.DescribeClient("the bundled client", theT, reference, scenarios.BuiltinNames()...)

// So does a sound client that shares no code with it: a check that only our own client could pass would be no check.
var _ = suites.DescribeClient("a sound client written by hand", theT, broken(func(*sketch) {}),
	"retry/two-503s", "retry/always-503", "retry/final-404", "retry/final-400", "retry/reset-once", "retry/unsafe-post",
	"retry/same-body", "retry-after/seconds", "retry-after/date", "retry-after/rfc850", "retry-after/asctime",
	"retry-after/malformed", "backoff/jitter", "backoff/growth", "latency/slow-tail")
