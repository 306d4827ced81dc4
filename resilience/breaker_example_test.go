package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"brownout/resilience"
)

// Three failures in a row, and the fourth call does not reach the service.
func ExampleBreaker() {
	breaker, err := resilience.NewBreaker(resilience.BreakerSettings{
		Name:                "billing",
		ConsecutiveFailures: 3,
		OpenFor:             time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := func(context.Context) error { return errors.New("connection refused") }
	for range 4 {
		err = breaker.Run(context.Background(), call)
		fmt.Println(errors.Is(err, resilience.ErrOpen), breaker.State())
	}
	// Output:
	// false closed
	// false closed
	// false open
	// true open
}

// A failure rate over the last ten seconds, and results that are failures without being Go errors.
func ExampleBreaker_RunResult() {
	breaker, err := resilience.NewBreaker(resilience.BreakerSettings{
		FailureRate: 0.5,
		MinCalls:    4,
		Window:      10 * time.Second,
		FailedResult: resilience.ResultIf(func(r *http.Response) bool {
			return r.StatusCode >= 500 // 4xx are the caller's own doing
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range []int{200, 404, 503, 502, 200} {
		_, err := resilience.Do(context.Background(), func(context.Context) (*http.Response, error) {
			return &http.Response{StatusCode: status}, nil
		}, breaker)
		fmt.Println(status, err == nil, breaker.State())
	}
	// Output:
	// 200 true closed
	// 404 true closed
	// 503 true closed
	// 502 true open
	// 200 false open
}

// Permits are for calls that do not fit into a function: the outcome is reported when it is known.
func ExampleBreaker_Acquire() {
	breaker, err := resilience.NewBreaker(resilience.BreakerSettings{ConsecutiveFailures: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	permit, err := breaker.Acquire(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	permit.Done(resilience.OutcomeFailure)
	_, err = breaker.Acquire(context.Background())
	var open *resilience.OpenError
	if errors.As(err, &open) {
		fmt.Println(open.State, open.RetryAfter() > 29*time.Second)
	}
	// Output: open true
}

// The service is about to be taken down: nobody shall call it until it is back.
func ExampleBreaker_Isolate() {
	breaker, err := resilience.NewBreaker(resilience.BreakerSettings{Name: "billing"})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := func(context.Context) error { return nil }
	breaker.Isolate()
	fmt.Println(breaker.Run(context.Background(), call))
	breaker.Reset()
	fmt.Println(breaker.Run(context.Background(), call))
	// Output:
	// circuit breaker "billing" is isolated
	// <nil>
}
