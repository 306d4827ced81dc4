package resilience_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"brownout/resilience"
)

func mustBreaker(tb testing.TB, s resilience.BreakerSettings) *resilience.Breaker {
	tb.Helper()
	b, err := resilience.NewBreaker(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func BenchmarkBreaker(b *testing.B) {
	ctx := context.Background()
	boom := errors.New("boom")
	good := func(context.Context) error { return nil }
	rate := resilience.BreakerSettings{FailureRate: 0.5}
	slow := resilience.BreakerSettings{SlowRate: 0.5, SlowCall: time.Second}
	last := resilience.BreakerSettings{FailureRate: 0.5, WindowCalls: 100}
	for _, bc := range []struct {
		name    string
		s       resilience.BreakerSettings
		prepare func(*resilience.Breaker)
		errors  int // one call in so many fails
	}{
		{name: "closed/consecutive"},
		{name: "closed/rate", s: rate},
		{name: "closed/rate, 1% errors", s: rate, errors: 100},
		{name: "closed/last calls", s: last},
		{name: "closed/slow calls", s: slow},
		{name: "open", prepare: (*resilience.Breaker).Trip},
	} {
		b.Run(bc.name, func(b *testing.B) {
			br := mustBreaker(b, bc.s)
			if bc.prepare != nil {
				bc.prepare(br)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				call, n := good, 0
				if bc.errors > 0 {
					call = func(context.Context) error {
						if n++; n%bc.errors == 0 {
							return boom
						}
						return nil
					}
				}
				for pb.Next() {
					_ = br.Run(ctx, call)
				}
			})
		})
	}
}
