package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"brownout/resilience"
)

// The presets are settings like any others: change what you like.
func ExampleAWSRetry() {
	for _, p := range []struct {
		name   string
		retry  resilience.RetrySettings
		budget resilience.BudgetSettings
	}{
		{"AWS", resilience.AWSRetry(), resilience.AWSBudget()},
		{"gRPC", resilience.GRPCRetry(), resilience.GRPCBudget()},
		{"SRE", resilience.SRERetry(), resilience.SREBudget()},
		{"Finagle", resilience.RetrySettings{}, resilience.FinagleBudget()},
	} {
		budget, err := resilience.NewBudget(p.budget)
		if err != nil {
			panic(err)
		}
		p.retry.Budget = budget
		retry, err := resilience.NewRetry(p.retry)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: up to %d attempts, %v tokens\n", p.name, retry.MaxAttempts(), budget.Tokens())
	}
	// Output:
	// AWS: up to 3 attempts, 500 tokens
	// gRPC: up to 4 attempts, 10 tokens
	// SRE: up to 3 attempts, 10 tokens
	// Finagle: up to 3 attempts, 100 tokens
}

// What errors say of themselves, and what retry and breaker make of it.
func ExampleRetryable() {
	failed := errors.New("failed")
	for _, err := range []error{
		failed,
		resilience.Permanent(failed),
		resilience.Throttle(failed),
		context.Canceled,
		resilience.ErrDuplicate,
	} {
		fmt.Println(resilience.Retryable(err), resilience.ClassifyError(err))
	}
	// Output:
	// true failure
	// false failure
	// true failure
	// false neutral
	// false neutral
}

// Several observers are told one after the other.
func ExampleObservers() {
	count := 0
	counter := resilience.ObserverFunc(func(context.Context, resilience.Event) { count++ })
	printer := resilience.ObserverFunc(func(_ context.Context, e resilience.Event) { fmt.Println(e.Kind, e.Reason) })
	breaker, err := resilience.NewBreaker(resilience.BreakerSettings{Observer: resilience.Observers(counter, nil, printer)})
	if err != nil {
		panic(err)
	}
	breaker.Trip()
	breaker.Reset()
	fmt.Println(count, "events")
	// Output:
	// state_change manual
	// state_change manual
	// 2 events
}

// atMost is a policy that looks at the result of the function and cuts it.
type atMost int

func (p atMost) Run(ctx context.Context, next func(context.Context) error) error {
	return p.RunResult(ctx, next, nil)
}

func (p atMost) RunResult(ctx context.Context, next func(context.Context) error, result resilience.Result) error {
	err := next(ctx)
	if n, ok := resilience.ResultOf[int](result); ok && n > int(p) {
		resilience.SetResult(result, int(p))
	}
	return err
}

// A policy of one's own sees what the function returned, and may replace it.
func ExampleResultPolicy() {
	n, err := resilience.Do(context.Background(), func(context.Context) (int, error) { return 1000, nil }, atMost(99))
	fmt.Println(n, err)

	_, found := resilience.ResultOf[int](nil) // as where nothing but an error is returned
	fmt.Println(found, resilience.SetResult(nil, 1))
	// Output:
	// 99 <nil>
	// false false
}

// An operation that is told which of several at once it is.
func ExampleHedgeNumber() {
	hedge, err := resilience.NewHedge(resilience.HedgeSettings{Delay: time.Millisecond})
	if err != nil {
		panic(err)
	}
	answer, err := resilience.Do(context.Background(), func(ctx context.Context) (string, error) {
		n := resilience.HedgeNumber(ctx)
		if n == 1 { // the first hangs
			<-ctx.Done()
			return "", ctx.Err()
		}
		return fmt.Sprint("answer of attempt ", n), nil
	}, hedge)
	fmt.Println(answer, err)
	// Output: answer of attempt 2 <nil>
}
