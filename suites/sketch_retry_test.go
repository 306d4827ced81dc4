package suites_test

import (
	"context"
	"io"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
)

// retryLoop is the retry loop of many an article, around an HTTP client. Two things are wrong with it.
//
// Whatever is not a success is tried again, a 404 too: the loop asks whether it has what it wants, and not whether another
// attempt could help.
//
// And what it returns after the last attempt is the last error, which a 503 is not: no Go error, so nothing was kept, and the
// caller gets neither an answer nor an error. One that looks at the error alone goes on with nil.
type retryLoop struct {
	base     http.RoundTripper
	attempts int
}

// Do makes a call.
func (l retryLoop) Do(req *http.Request) (*http.Response, error) {
	var last error
	for n := range l.attempts {
		resp, err := l.base.RoundTrip(req.Clone(req.Context()))
		if err == nil && resp.StatusCode < 300 {
			return resp, nil
		}
		if last = err; err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		if n < l.attempts-1 && !sleep(req.Context(), 200*time.Millisecond<<n) {
			return nil, req.Context().Err()
		}
	}
	return nil, last
}

// client returns the loop behind an http.Client, which makes an error of what is neither answer nor error.
func (l retryLoop) client() *http.Client { return &http.Client{Transport: roundTrip(l.Do)} }

// A caller is what the code behind a client sees: an answer, an error, or neither.
type caller func(*http.Request) (*http.Response, error)

var _ = Describe("the copied retry loop", Label("sketch"), func() {
	loop := func(base http.RoundTripper) *http.Client { return retryLoop{base, 4}.client() }

	DescribeTable("retries client errors: never_retries, RETRY-005",
		func(name string) {
			s := must(scenarios.Builtin(name))
			Expect(suites.JudgedBy(theT(), s, loop)).To(suites.FailOnly("never_retries"))
			Expect(suites.JudgedBy(theT(), s, bundled())).To(suites.Pass())
		},
		Entry("at once", "retry/final-404"),
		Entry("after a failure that passed", "retry/final-400"),
	)

	// outcome returns what a caller gets of an upstream that stays down.
	outcome := func(client func(http.RoundTripper) caller) (resp *http.Response, err error) {
		suites.InBubble(theT(), func() {
			req := must(http.NewRequestWithContext(context.Background(), http.MethodGet, "http://upstream.test/", nil))
			resp, err = client(newService(always(503)))(req)
			if resp != nil {
				_ = resp.Body.Close()
			}
		})
		return resp, err
	}

	It("returns nothing after the last 5xx: no answer and no error", func() {
		resp, err := outcome(func(base http.RoundTripper) caller { return retryLoop{base, 4}.Do })
		Expect(resp).To(BeNil())
		Expect(err).NotTo(HaveOccurred())
	})

	It("unlike the bundled client, which returns the last answer and why it is the last", func() {
		resp, err := outcome(func(base http.RoundTripper) caller { return must(httpclient.New(base)).RoundTrip })
		Expect(err).NotTo(HaveOccurred())
		Expect(resp.StatusCode).To(Equal(503))
		Expect(httpclient.Reason(resp)).To(HaveOccurred())
	})
})
