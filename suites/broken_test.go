package suites_test

import (
	"math/rand/v2"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
	"brownout/suites/verdict"
)

// What holds of the scenario of every check holds of the built-in ones too, which users meet: each client is sound but for
// one flaw, the check that is meant to see it does, and no other one fires.
var _ = DescribeTable("a client broken in one way fails just the check of a built-in scenario that is about it",
	func(name, check string, breakIt func(*sketch)) {
		s := must(scenarios.Builtin(name))
		Expect(suites.JudgedBy(theT(), s, broken(breakIt))).To(suites.FailOnly(check))
	},
	Entry("no backoff", "retry/always-503", "no_hot_loop", func(s *sketch) {
		s.backoff = func(int, int, float64) time.Duration { return 0 }
	}),
	Entry("ignores Retry-After", "retry-after/seconds", "honours_retry_after", func(s *sketch) { s.heedRetryAfter = false }),
	Entry("retries 4xx", "retry/final-404", "never_retries", func(s *sketch) {
		s.retries = func(status int) bool { return status >= 400 }
	}),
	Entry("drops the body on retry", "retry/same-body", "same_request", func(s *sketch) { s.dropBody = true }),
	Entry("the same pause every time", "backoff/growth", "backoff_grows", func(s *sketch) {
		s.backoff = func(_, _ int, draw float64) time.Duration {
			return 200*time.Millisecond + time.Duration(draw*float64(100*time.Millisecond))
		}
	}),
	Entry("pauses without jitter", "backoff/jitter", "backoff_jitters", func(s *sketch) {
		s.backoff = func(_, retry int, _ float64) time.Duration { return 200 * time.Millisecond << (retry - 1) }
	}),
	Entry("repeats a POST without a key", "retry/unsafe-post", "no_unsafe_retry", func(s *sketch) {
		s.safe = func(*http.Request) bool { return true }
	}),
	Entry("makes its keys below the client that follows redirects", "idempotency/redirect-307-keeps-key", "same_idempotency_key", func(*sketch) {}),
	Entry("sends a refused key again", "idempotency/key-refused", "not_resent_unchanged", func(s *sketch) {
		s.retries = func(status int) bool { return status >= 400 }
	}),
	Entry("does not read what remains", "quota/ietf-window", "within_quota", func(*sketch) {}),
	Entry("does not read what remains, with four workers", "quota/ietf-concurrent", "within_quota", func(*sketch) {}),
	Entry("holds back the one call that was told", "quota/pause-for-all", "pauses_others", func(*sketch) {}),
	Entry("has no limits of its own", "quota/own-limits", "limits_itself", func(*sketch) {}),
)

// So do clients that lack a timeout, a breaker or a pool that works, and those whose flaw two checks of the scenario see.
var _ = DescribeTable("a client that lacks what a built-in scenario is about fails just the checks that look for it",
	func(name string, newClient suites.NewClient, checks ...string) {
		v := suites.JudgedBy(theT(), must(scenarios.Builtin(name)), newClient)
		Expect(v.Outcome).To(Equal(verdict.Fail), suites.Describe(v))
		Expect(suites.Unmet(v)).To(Equal(checks), suites.Describe(v))
	},
	Entry("counts errors alone", "breaker/opens", fused(func(f *fuse) {
		f.failure = func(_ *http.Response, err error) bool { return err != nil }
	}), "opens_circuit"),
	Entry("counts statuses alone", "breaker/silence", within(time.Second, fused(func(f *fuse) {
		f.failure = func(resp *http.Response, err error) bool { return err == nil && resp.StatusCode >= 500 }
	})), "opens_circuit"),
	Entry("takes its time to refuse", "breaker/fails-fast", fused(func(f *fuse) {
		f.openFor, f.refuse = 10*time.Second, 80*time.Millisecond
	}), "fails_fast"),
	Entry("lets a herd through", "breaker/single-probe", fused(func(f *fuse) { f.probes = 100 }), "half_open_probes"),
	Entry("never closes", "breaker/recovery", fused(func(f *fuse) { f.sticks = true }), "closes_circuit", "succeeds"),
	Entry("counts client errors", "breaker/client-errors", fused(func(f *fuse) {
		f.failure = func(resp *http.Response, err error) bool { return err != nil || resp.StatusCode >= 400 }
	}), "circuit_stays_closed"),
	Entry("opens at the first failure", "breaker/sporadic", fused(func(f *fuse) { f.after = 1 }), "circuit_stays_closed", "succeeds"),

	Entry("has no timeout", "timeout/silent", impatient(0), "attempt_ends", "succeeds"),
	Entry("has no timeout for handshakes", "timeout/tls-stall", func(base http.RoundTripper) *http.Client {
		base.(*http.Transport).TLSHandshakeTimeout = 0
		return broken(func(*sketch) {})(base)
	}, "attempt_ends", "succeeds"),
	Entry("takes a refusal for an answer", "connection/refused-port", broken(func(s *sketch) { s.attempts = 1 }), "succeeds", "must have happened"),
	Entry("takes a cut handshake for an answer", "connection/cut-handshake", broken(func(s *sketch) { s.attempts = 1 }), "succeeds"),
	Entry("has no timeout", "timeout/header-stall", impatient(0), "attempt_ends", "succeeds"),
	Entry("has no timeout", "timeout/body-stall", impatient(0), "attempt_ends"),
	Entry("has no timeout", "timeout/body-drip", impatient(0), "attempt_ends"),
	Entry("goes on when its time is up", "timeout/deadline", broken(func(s *sketch) { s.deaf, s.attempts = true, 9 }), "keeps_deadline", "ends"),
	Entry("asks again too soon", "timeout/slow-but-legal", racing(racer{}), "attempts"),
	Entry("goes on when it is cancelled", "timeout/cancelled", broken(func(s *sketch) { s.deaf = true }), "stops_when_cancelled"),
	Entry("leaves what timed out under way", "timeout/late-answer", racing(racer{overlaps: true}), "in_flight"),

	Entry("stays on its connection", "connection/close-header", clinging, "leaves_connection", "succeeds"),
	Entry("repeats any request", "connection/stale-keep-alive", broken(func(s *sketch) {
		s.safe = func(*http.Request) bool { return true }
	}), "no_unsafe_retry"),
	Entry("stays on its connection", "connection/stray-bytes", clinging, "leaves_connection", "succeeds"),
	Entry("takes what came for all", "connection/truncated-length", believing, "right_result"),
	Entry("takes what came for all", "connection/missing-last-chunk", believing, "right_result"),
	Entry("takes what it could unpack for all", "connection/cut-gzip", believing, "right_result"),
	Entry("drops error answers unread", "connection/errors-drained", broken(func(s *sketch) { s.drain = false }), "connections"),
	Entry("backs off for statuses alone", "connection/reset-loop", broken(func(s *sketch) {
		wait := s.backoff
		s.backoff = func(status, retry int, draw float64) time.Duration {
			if status == 0 {
				return 0
			}
			return wait(status, retry, draw)
		}
	}), "no_hot_loop"),

	Entry("does not wait where it is throttled", "backoff/throttled", broken(loops), "no_hot_loop"),
	Entry("has one seed for all", "backoff/two-clients", broken(func(s *sketch) { s.rand = rand.New(rand.NewPCG(1, 2)) }), "clients_differ"),
	Entry("waits as long as any other", "backoff/herd", broken(func(s *sketch) {
		s.backoff = func(int, int, float64) time.Duration { return 2 * time.Second }
	}), "spreads_out"),
	Entry("takes 0 for its own wait", "retry-after/zero", broken(loops), "no_hot_loop"),
	Entry("takes a date that has passed for no wait", "retry-after/past-date", broken(loops), "no_hot_loop"),
	Entry("holds back the one call", "retry-after/pauses", broken(func(*sketch) {}), "pauses_others"),
	Entry("comes back by its own backoff", "retry-after/above-ceiling", broken(func(s *sketch) { s.heedRetryAfter = false }), "honours_retry_after"),
	Entry("waits for an hour", "retry-after/above-ceiling", broken(func(s *sketch) { s.patience = 24 * time.Hour }), "ends"),
	Entry("has no budget", "outage/budget", broken(func(s *sketch) { s.saved = float64(s.attempts) }), "amplification"),
	Entry("has a budget that never fills", "outage/budget-refills", broken(func(s *sketch) { s.saved = 0 }), "retries_return"),
)

// loops makes a client ask again at once.
func loops(s *sketch) { s.backoff = func(int, int, float64) time.Duration { return 0 } }

// within gives each call so long.
func within(limit time.Duration, newClient suites.NewClient) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		c := newClient(base)
		c.Timeout = limit
		return c
	}
}

// clinging makes clients that stay on their connection.
func clinging(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: &clinger{dial: base.(*http.Transport).DialContext}}
}

// believing makes clients that take what came of a body for all of it.
func believing(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: credulous{base}}
}
