package suites_test

import (
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"

	"brownout/suites"
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

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// text is [fmt.Sprintf].
func text(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func must[T any](v T, err error) T {
	Expect(err).NotTo(HaveOccurred())
	return v
}

// A sound client that shares no code with the bundled one passes too: a check that only our own client could pass would be no check.
var _ = suites.DescribeClient("a sound client written by hand", theT, broken(func(*sketch) {}),
	"retry/two-503s", "retry/always-503", "retry/final-404", "retry/final-400", "retry/reset-once", "retry/unsafe-post",
	"retry/same-body", "retry-after/seconds", "retry-after/date", "retry-after/rfc850", "retry-after/asctime",
	"retry-after/malformed", "retry-after/zero", "retry-after/past-date", "retry-after/above-ceiling",
	"backoff/jitter", "backoff/growth", "backoff/throttled", "backoff/two-clients", "latency/slow-tail",
	"timeout/deadline", "timeout/slow-but-legal", "timeout/cancelled", "outage/budget", "outage/budget-refills",
	"connection/close-header", "connection/stale-keep-alive", "connection/stray-bytes", "connection/truncated-length",
	"connection/missing-last-chunk", "connection/cut-gzip", "connection/errors-drained", "connection/reset-loop",
	"connection/refused-port", "connection/cut-handshake",
	"idempotency/charged-once", "idempotency/lost-response", "idempotency/gateway-504-committed", "idempotency/key-required",
	"idempotency/distinct-keys", "idempotency/naive-api-no-key", "vendors/stripe-lost-response")

// And so does a breaker written by hand.
var _ = suites.DescribeClient("a sound breaker written by hand", theT, fused(func(*fuse) {}),
	"breaker/single-probe", "breaker/recovery", "breaker/client-errors")
