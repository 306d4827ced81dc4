package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"brownout/resilience"
)

func ExampleRetry() {
	retry, err := resilience.NewRetry(resilience.RetrySettings{
		MaxAttempts: 4,
		Backoff:     resilience.ConstantBackoff(time.Millisecond),
	})
	if err != nil {
		panic(err)
	}
	attempt := 0
	err = retry.Run(context.Background(), func(context.Context) error {
		if attempt++; attempt < 3 {
			return errors.New("connection reset")
		}
		return nil
	})
	fmt.Println(attempt, err)
	// Output: 3 <nil>
}

func ExampleRetryError() {
	retry, _ := resilience.NewRetry(resilience.RetrySettings{Name: "charge"})
	err := retry.Run(context.Background(), func(context.Context) error {
		return resilience.RetryAfter(errors.New("too many requests"), time.Hour)
	})
	var gaveUp *resilience.RetryError
	if errors.As(err, &gaveUp) && errors.Is(err, resilience.ReasonDelay) {
		fmt.Println("come back in", gaveUp.Delay)
	}
	fmt.Println(err)
	// Output:
	// come back in 1h0m0s
	// charge: gave up after 1 attempt: the server asked for a longer wait than allowed (wait 1h0m0s): too many requests
}

func ExamplePermanent() {
	retry, _ := resilience.NewRetry(resilience.RetrySettings{})
	err := retry.Run(context.Background(), func(context.Context) error {
		fmt.Println("attempt")
		return resilience.Permanent(errors.New("no such customer"))
	})
	fmt.Println(err)
	// Output:
	// attempt
	// no such customer
}

func ExampleRetrySettings_result() {
	retry, _ := resilience.NewRetry(resilience.RetrySettings{
		Backoff:     resilience.NoBackoff(),
		RetryResult: resilience.ResultIf(func(state string) bool { return state == "pending" }),
	})
	states := []string{"pending", "pending", "done"}
	n := 0
	state, err := resilience.Do(context.Background(), func(context.Context) (string, error) {
		n++
		return states[n-1], nil
	}, retry)
	fmt.Println(state, err)
	// Output: done <nil>
}

// A loop of one's own, where the operation cannot be a function.
func ExampleRetry_Start() {
	retry, _ := resilience.NewRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()})
	ctx := context.Background()
	err := func() error {
		a := retry.Start()
		for {
			if err := a.Begin(ctx); err != nil {
				return err
			}
			if a.Number() == 2 {
				a.Succeeded(ctx)
				return nil
			}
			delay, stop := a.Failed(ctx, resilience.Failure{Err: errors.New("busy"), Throttled: true})
			if stop != nil {
				return stop
			}
			fmt.Println("attempt", a.Number(), "failed")
			if err := a.Wait(ctx, delay); err != nil {
				return err
			}
		}
	}()
	fmt.Println(err)
	// Output:
	// attempt 1 failed
	// <nil>
}

func ExampleNewBackoff() {
	backoff, err := resilience.NewBackoff(resilience.BackoffSettings{
		Base: 100 * time.Millisecond, Max: time.Second, Jitter: resilience.JitterNone,
	})
	if err != nil {
		panic(err)
	}
	for retry := 1; retry <= 5; retry++ {
		fmt.Println(backoff.Delay(retry, 0, 0))
	}
	_, err = resilience.NewBackoff(resilience.BackoffSettings{Factor: 0.5})
	fmt.Println(err)
	// Output:
	// 100ms
	// 200ms
	// 400ms
	// 800ms
	// 1s
	// BackoffSettings.Factor: got 0.5, want 0 (the default), or 1 to 100
}

// Ten tokens, of which each failure takes one: a dead server is soon asked once per call.
func ExampleBudget() {
	budget, err := resilience.NewBudget(resilience.GRPCBudget())
	if err != nil {
		panic(err)
	}
	retry, _ := resilience.NewRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff(), Budget: budget})
	attempts := 0
	for range 100 {
		_ = retry.Run(context.Background(), func(context.Context) error {
			attempts++
			return errors.New("down")
		})
	}
	fmt.Println(attempts, "attempts for 100 calls,", budget.Tokens(), "tokens left")
	// Output: 103 attempts for 100 calls, 0 tokens left
}

func ExampleTimeout() {
	timeout, err := resilience.NewTimeout(resilience.TimeoutSettings{Name: "lookup", Timeout: 10 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	err = timeout.Run(context.Background(), func(ctx context.Context) error {
		<-ctx.Done() // a server that does not answer
		return ctx.Err()
	})
	fmt.Println(err, errors.Is(err, context.DeadlineExceeded))
	// Output: lookup: timed out after 10ms true
}

func ExampleFallback() {
	fallback, err := resilience.NewFallback(resilience.FallbackSettings[string]{
		Func: func(context.Context, error) (string, error) { return "the price of yesterday", nil },
	})
	if err != nil {
		panic(err)
	}
	price, err := resilience.Do(context.Background(), func(context.Context) (string, error) {
		return "", errors.New("price service is down")
	}, fallback)
	fmt.Println(price, err)
	// Output: the price of yesterday <nil>
}

func ExampleDo() {
	retry, _ := resilience.NewRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()})
	timeout, _ := resilience.NewTimeout(resilience.TimeoutSettings{Timeout: time.Second})
	attempt := 0
	answer, err := resilience.Do(context.Background(), func(ctx context.Context) (int, error) {
		if attempt++; attempt == 1 {
			return 0, errors.New("lost")
		}
		_, bounded := ctx.Deadline()
		fmt.Println("attempt", attempt, "has a deadline:", bounded)
		return 42, nil
	}, retry, timeout) // the timeout bounds each attempt
	fmt.Println(answer, err)
	// Output:
	// attempt 2 has a deadline: true
	// 42 <nil>
}

func ExampleCompose() {
	retry, _ := resilience.NewRetry(resilience.RetrySettings{Backoff: resilience.NoBackoff()})
	timeout, _ := resilience.NewTimeout(resilience.TimeoutSettings{Timeout: time.Second})
	usual := resilience.Compose(retry, timeout) // once
	for _, name := range []string{"ada", "bob"} {
		greeting, err := resilience.Do(context.Background(), func(context.Context) (string, error) {
			return "hello " + name, nil
		}, usual)
		fmt.Println(greeting, err)
	}
	// Output:
	// hello ada <nil>
	// hello bob <nil>
}

func ExampleLogObserver() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // so that the output can be checked
			}
			return a
		},
	}))
	retry, _ := resilience.NewRetry(resilience.RetrySettings{
		Name: "charge", MaxAttempts: 2,
		Backoff:  resilience.ConstantBackoff(time.Millisecond),
		Observer: resilience.LogObserver(logger),
	})
	_ = retry.Run(context.Background(), func(context.Context) error { return errors.New("no route") })
	// Output:
	// level=INFO msg=resilience resilience.event=retry resilience.policy.name=charge resilience.attempt=1 resilience.delay=0.001 resilience.reason=backoff error.type=errors.errorString error.message="no route"
	// level=WARN msg=resilience resilience.event=give_up resilience.policy.name=charge resilience.attempt=2 resilience.delay=0.001 resilience.reason=attempts error.type=errors.errorString error.message="no route"
}
