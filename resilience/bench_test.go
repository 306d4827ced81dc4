package resilience_test

import (
	"context"
	"errors"
	"testing"

	"brownout/resilience"
)

func benchRetry(b *testing.B, s resilience.RetrySettings) *resilience.Retry {
	b.Helper()
	r, err := resilience.NewRetry(s)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func succeed(context.Context) error { return nil }

func BenchmarkRetryFirstSucceeds(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r := benchRetry(b, resilience.RetrySettings{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = r.Run(ctx, succeed)
		}
	})
}

func BenchmarkRetryFirstSucceedsBudget(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r := benchRetry(b, resilience.RetrySettings{Budget: newBudget(b, resilience.BudgetSettings{})})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = r.Run(ctx, succeed)
		}
	})
}

func BenchmarkDoRetryFirstSucceedsBudget(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r := benchRetry(b, resilience.RetrySettings{Budget: newBudget(b, resilience.BudgetSettings{})})
	fn := func(context.Context) (int, error) { return 1, nil }
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = resilience.Do(ctx, fn, r)
		}
	})
}

func BenchmarkRetryOneFailureNoDelay(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	errOnce := errors.New("once")
	for name, s := range map[string]resilience.RetrySettings{
		"plain":  {Backoff: resilience.NoBackoff()},
		"budget": {Backoff: resilience.NoBackoff(), Budget: newBudget(b, resilience.AWSBudget())},
	} {
		r := benchRetry(b, s)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				n := 0
				fn := func(context.Context) error {
					if n++; n&1 == 1 {
						return errOnce
					}
					return nil
				}
				for pb.Next() {
					_ = r.Run(ctx, fn)
				}
			})
		})
	}
}

// layer is the least a policy can do.
type layer struct{}

func (l *layer) Run(ctx context.Context, next func(context.Context) error) error { return next(ctx) }

func BenchmarkDoComposition(b *testing.B) {
	ctx := b.Context()
	fn := func(context.Context) (int, error) { return 1, nil }
	r := benchRetry(b, resilience.RetrySettings{Budget: newBudget(b, resilience.BudgetSettings{})})
	var l1, l2 layer
	b.Run("loose", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = resilience.Do(ctx, fn, r, &l1, &l2)
			}
		})
	})
	chain := resilience.Compose(r, &l1, &l2)
	b.Run("chain", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = resilience.Do(ctx, fn, chain)
			}
		})
	})
}

func BenchmarkBackoffDelay(b *testing.B) {
	p := newBackoff(b, resilience.BackoffSettings{})
	for i := 0; b.Loop(); i++ {
		_ = p.Delay(i&7, 0, 0.5)
	}
}

func BenchmarkTimeout(b *testing.B) {
	p, err := resilience.NewTimeout(resilience.TimeoutSettings{Timeout: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Run(ctx, succeed)
	}
}
