package suites_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"brownout/scenarios"
	"brownout/suites"
)

// Each client is sound but for one fault. The check that is meant to see it must, and no other may fire.
var _ = DescribeTable("a client broken in one way fails just the check that is about it",
	func(name, check string, breakIt func(*sketch)) {
		s := must(scenarios.Builtin(name))
		Expect(suites.JudgedBy(suiteT, s, broken(breakIt))).To(suites.FailOnly(check))
	},
	Entry("no backoff", "retry/always-503", "no_hot_loop", func(s *sketch) {
		s.backoff = func(int, float64) time.Duration { return 0 }
	}),
	Entry("ignores Retry-After", "retry-after/seconds", "honours_retry_after", func(s *sketch) {
		s.heedRetryAfter = false
	}),
	Entry("retries 4xx", "retry/final-404", "never_retries", func(s *sketch) {
		s.retries = func(_ string, status int) bool { return status >= 400 }
	}),
	Entry("drops the body on retry", "retry/same-body", "same_request", func(s *sketch) {
		s.replayBody = false
	}),
	Entry("the same pause every time", "backoff/growth", "backoff_grows", func(s *sketch) {
		s.backoff = func(_ int, draw float64) time.Duration {
			return 200*time.Millisecond + time.Duration(draw*float64(100*time.Millisecond))
		}
	}),
	Entry("pauses without jitter", "backoff/jitter", "backoff_jitters", func(s *sketch) {
		s.backoff = func(retry int, _ float64) time.Duration { return 200 * time.Millisecond << (retry - 1) }
	}),
	Entry("repeats a POST without a key", "retry/unsafe-post", "no_unsafe_retry", func(s *sketch) {
		s.retries = func(_ string, status int) bool { return status == 429 || status >= 500 }
	}),
)
