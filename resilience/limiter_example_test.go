package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"brownout/resilience"
)

// Two calls at once, then one a minute.
func ExampleLimiter_Allow() {
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 1.0 / 60, Burst: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(limiter.Allow(), limiter.Allow(), limiter.Allow())
	// Output: true true false
}

// A call that cannot have its token in time is told so at once, and not when its time is over.
func ExampleLimiter_Wait() {
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Name: "search", Rate: 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range 2 {
		err := limiter.Wait(ctx)
		fmt.Println(err == nil, errors.Is(err, context.DeadlineExceeded))
	}
	// Output:
	// true false
	// false true
}

// As a policy, around a function.
func ExampleLimiter() {
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 1000, Burst: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := resilience.Do(context.Background(), func(context.Context) (int, error) { return 42, nil }, limiter)
	fmt.Println(answer, err)
	// Output: 42 <nil>
}

// A reservation for a scheduler that plans ahead; what it does not use it gives back.
func ExampleLimiter_Reserve() {
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 1, Burst: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, second := limiter.Reserve(), limiter.Reserve()
	fmt.Println(first.Delay(), second.Delay().Round(time.Second))
	second.Cancel()
	again := limiter.Reserve()
	fmt.Println(again.Delay().Round(time.Second))
	// Output:
	// 0s 1s
	// 1s
}

// The server has said when to come back: nobody goes before.
func ExampleLimiter_PauseUntil() {
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 100, Burst: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	limiter.PauseUntil(time.Now().Add(time.Hour))
	reservation := limiter.Reserve()
	fmt.Println(limiter.Allow(), reservation.Delay().Round(time.Minute))
	// Output: false 1h0m0s
}

// The rate changes while the limiter is in use.
func ExampleLimiter_SetRate() {
	limiter, err := resilience.NewLimiter(resilience.LimiterSettings{Rate: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(limiter.SetRate(50), limiter.Rate())
	fmt.Println(limiter.SetRate(-1), limiter.Rate())
	// Output:
	// <nil> 50
	// rate: got -1, want above 0 to 1e9 a second 50
}
