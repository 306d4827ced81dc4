package suites_test

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
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
)
