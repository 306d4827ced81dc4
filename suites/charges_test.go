package suites_test

import (
	"errors"
	"io"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/suites"
)

// charges is a payment API whose answers are lost, late, or given by a gateway that gave up; it keeps keys as Stripe does.
const charges = `
routes:
  - match: POST /charges/:case
    commit: {key: Idempotency-Key, missing: 400, work: 100ms}
    cases:
      lost: [{status: 201, json: {id: "ch_{call}"}, reset: before-headers}, {status: 201, json: {id: second}}]
      gateway: [{status: 504, commit: true}, {status: 201, json: {id: "ch_{call}"}}]
      busy: [{status: 503}, {status: 201, json: {id: "ch_{call}"}}]
drive: {request: POST /charges/:case, calls: 10, concurrency: 5, idempotent: true, json: {amount: 4999}}
expect:
  - succeeds: all
  - effects: {per_call: 1, total: 30}
  - truthful
  - right_result
`

// alone leaves of the expectations of a scenario those that are named.
func alone(yaml string, checks ...string) string {
	var lines []string
	for line := range strings.Lines(yaml) {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), ":")
		kept := !strings.HasPrefix(line, "  - ") || strings.HasPrefix(line, "  - match")
		for _, check := range checks {
			kept = kept || name == check
		}
		if kept {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// optimist takes every answer for a success, whatever its status.
type optimist struct{ base http.RoundTripper }

func (o optimist) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := o.base.RoundTrip(req)
	if err == nil {
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	}
	return resp, err
}

// credulous takes what came of a body for all of it.
type credulous struct{ base http.RoundTripper }

func (c credulous) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.base.RoundTrip(req)
	if err == nil {
		resp.Body = soFar{resp.Body}
	}
	return resp, err
}

// soFar is a body that ends where its connection does.
type soFar struct{ io.ReadCloser }

func (b soFar) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// Close has nothing to add: the connection is gone.
func (b soFar) Close() error {
	_ = b.ReadCloser.Close()
	return nil
}

// over puts a transport around a sound client's.
func over(wrap func(http.RoundTripper) http.RoundTripper) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		return &http.Client{Transport: wrap(broken(func(*sketch) {})(base).Transport)}
	}
}

var _ = Describe("a payment API that keeps keys", func() {
	It("charges the customers of a sound client once", func() {
		Expect(judged(charges, broken(func(*sketch) {}))).To(suites.Pass())
	})
	It("and those of the bundled client", func() {
		Expect(judged(charges, bundled(fourAttempts, keys))).To(suites.Pass())
	})
	It("charges twice where each attempt has a key of its own: effects", func() {
		Expect(judged(charges, broken(func(s *sketch) {
			s.key = func(call, attempt int) string { return text("call-%d-%d", call, attempt) }
		}))).To(suites.FailOnly("effects"))
	})
	It("is misreported by a client that gives up what was lost: truthful", func() {
		Expect(judged(alone(charges, "effects", "truthful", "right_result"), broken(func(s *sketch) {
			s.retries = func(status int) bool { return status == 503 }
		}))).To(suites.FailOnly("truthful"))
	})
	It("and by one that takes any answer for a success: truthful", func() {
		const refusing = `
routes: [{match: POST /charges, commit: {}, answers: [{status: 402, headers: {Content-Length: "0"}, text: ""}]}]
drive: {request: POST /charges, calls: 5, json: {amount: 4999}}
expect: [effects: {per_call: 0}, truthful]
`
		Expect(judged(refusing, over(func(base http.RoundTripper) http.RoundTripper { return optimist{base} }))).To(suites.FailOnly("truthful"))
		Expect(judged(refusing, broken(func(*sketch) {}))).To(suites.Pass())
	})
})

// refusing refuses a key that is missing, and one that came with another order before.
const refusing = `
routes:
  - match: POST /orders
    commit: {key: Idempotency-Key, missing: 400}
    answers: [{status: 201}]
drive:
  - {request: POST /orders, json: {item: 1}, headers: {Idempotency-Key: "order-1"}}
  - {request: POST /orders, json: {item: 2}, headers: {Idempotency-Key: "order-1"}, settle: 1m}
  - {request: POST /orders, json: {item: 3}, settle: 1m}
expect:
  - not_resent_unchanged
  - effects: {total: 1}
`

var _ = Describe("a ledger that refuses a key", func() {
	stubborn := func(s *sketch) {
		s.safe = func(*http.Request) bool { return true }
		s.retries = func(status int) bool { return status >= 400 }
	}
	It("is asked once by a sound client, and by the bundled one", func() {
		Expect(judged(refusing, broken(func(*sketch) {}))).To(suites.Pass())
		Expect(judged(refusing, bundled(fourAttempts))).To(suites.Pass())
	})
	It("is asked again by one that retries whatever failed: not_resent_unchanged", func() {
		Expect(judged(refusing, broken(stubborn))).To(suites.FailOnly("not_resent_unchanged"))
	})
})

// cutReports sends some bodies in part.
const cutReports = `
routes:
  - match: GET /reports/:case
    cases:
      whole: [{size: 64KiB}]
      truncated: [{size: 64KiB, truncate: 16KiB}]
      chunked: [{size: 64KiB, framing: chunked, truncate: 50%}]
      coded: [{size: 64KiB, encoding: gzip}]
drive: {request: GET /reports/:case, calls: 3}
expect: [right_result]
`

var _ = Describe("a body that is cut", func() {
	It("is no result to net/http's own client, nor to the bundled one", func() {
		Expect(judged(cutReports, impatient(0))).To(suites.Pass())
		Expect(judged(cutReports, bundled())).To(suites.Pass())
		Expect(judged(cutReports, func(base http.RoundTripper) *http.Client {
			base.(*http.Transport).DisableCompression = true // so that gzip comes as it is
			return &http.Client{Transport: base}
		})).To(suites.Pass())
	})
	It("but is to one that takes what came for all: right_result", func() {
		Expect(judged(cutReports, over(func(base http.RoundTripper) http.RoundTripper { return credulous{base} }))).To(suites.FailOnly("right_result"))
	})
})
