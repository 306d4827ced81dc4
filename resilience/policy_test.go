package resilience_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"brownout/resilience"
)

// trace is a policy that writes down when it is entered and left.
type trace struct {
	name string
	log  *[]string
}

func (p trace) Run(ctx context.Context, next func(context.Context) error) error {
	*p.log = append(*p.log, "+"+p.name)
	err := next(ctx)
	*p.log = append(*p.log, "-"+p.name)
	return err
}

// twice calls next until it succeeds, at most two times.
type twice struct{}

func (twice) Run(ctx context.Context, next func(context.Context) error) error {
	if err := next(ctx); err == nil {
		return nil
	}
	return next(ctx)
}

// race runs next in the caller's goroutine and in a fork at once, and takes the fork's result.
type race struct{}

func (race) Concurrent() {}

func (r race) Run(ctx context.Context, next func(context.Context) error) error {
	return r.RunResult(ctx, next, nil)
}

func (race) RunResult(ctx context.Context, next func(context.Context) error, result resilience.Result) error {
	forked, fork := result.Fork(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = next(forked) })
	_ = next(ctx)
	wg.Wait()
	result.Adopt(fork)
	return nil
}

type numberKey struct{}

func TestDoOrderOutermostFirst(t *testing.T) {
	var log []string
	a, b, c := trace{"a", &log}, trace{"b", &log}, trace{"c", &log}
	got, err := resilience.Do(t.Context(), func(context.Context) (string, error) {
		log = append(log, "fn")
		return "value", nil
	}, a, resilience.Compose(b, resilience.Compose()), c)
	if got != "value" || err != nil {
		t.Errorf("Do = %q, %v; want value, nil", got, err)
	}
	if got, want := strings.Join(log, " "), "+a +b +c fn -c -b -a"; got != want {
		t.Errorf("order: got %s, want %s", got, want)
	}
}

func TestDoReturnsValueBesideError(t *testing.T) {
	boom := errors.New("boom")
	for _, policies := range [][]resilience.Policy{nil, {twice{}}, {twice{}, twice{}}} {
		got, err := resilience.Do(t.Context(), func(context.Context) (int, error) { return 7, boom }, policies...)
		if got != 7 || !errors.Is(err, boom) {
			t.Errorf("%d policies: Do = %d, %v; want 7, boom", len(policies), got, err)
		}
	}
}

func TestDoNestedAndOfOtherTypes(t *testing.T) {
	ctx := t.Context()
	inner := func(ctx context.Context) (string, error) {
		n, err := resilience.Do(ctx, func(context.Context) (int, error) { return 42, nil }, twice{})
		if n != 42 {
			return "", errors.New("the inner call lost its value")
		}
		return "outer", err
	}
	for range 10 {
		if got, err := resilience.Do(ctx, inner, twice{}, twice{}); got != "outer" || err != nil {
			t.Fatalf("Do = %q, %v; want outer, nil", got, err)
		}
	}
}

// Runs that overlap keep their results apart, also when the inner policy is concurrent itself.
func TestDoConcurrentPoliciesKeepResultsApart(t *testing.T) {
	var mu sync.Mutex
	var n int
	fn := func(ctx context.Context) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return n, nil
	}
	for _, policies := range [][]resilience.Policy{{race{}}, {race{}, race{}}, {twice{}, resilience.Compose(race{}), race{}}} {
		n = 0
		got, err := resilience.Do(t.Context(), fn, policies...)
		if err != nil || got < 1 || got > n {
			t.Errorf("Do = %d, %v; want 1 to %d, nil", got, err, n)
		}
	}
}

func TestForkIsSeenByItsOwnCallOnly(t *testing.T) {
	leaf := func(ctx context.Context) (int, error) { return ctx.Value(numberKey{}).(int), nil }
	pick := forkPick{}
	got, err := resilience.Do(t.Context(), func(ctx context.Context) (int, error) {
		// A call inside a fork of another call, of the same type: its results are its own.
		n, err := resilience.Do(ctx, leaf, pick)
		if n != 2 {
			t.Errorf("inner Do = %d, want 2, the fork's", n)
		}
		return ctx.Value(numberKey{}).(int) * 10, err
	}, pick)
	if got != 20 || err != nil {
		t.Errorf("outer Do = %d, %v; want 20, nil: the fork's", got, err)
	}
}

// forkPick runs next with 1 in the context and, in a fork, with 2; it takes the fork's result.
type forkPick struct{}

func (forkPick) Concurrent() {}

func (p forkPick) Run(ctx context.Context, next func(context.Context) error) error {
	return p.RunResult(ctx, next, nil)
}

func (forkPick) RunResult(ctx context.Context, next func(context.Context) error, result resilience.Result) error {
	forked, fork := result.Fork(context.WithValue(ctx, numberKey{}, 2))
	err := errors.Join(next(context.WithValue(ctx, numberKey{}, 1)), next(forked))
	if v, ok := resilience.ResultOf[int](fork); !ok || v%2 != 0 {
		return errors.New("the fork does not hold its own result")
	}
	result.Adopt(fork)
	return err
}

func TestResultAccess(t *testing.T) {
	if _, ok := resilience.ResultOf[int](nil); ok {
		t.Error("ResultOf(nil) holds something")
	}
	if resilience.SetResult(nil, 1) {
		t.Error("SetResult(nil) took a value")
	}
	check := policyFunc(func(ctx context.Context, next func(context.Context) error, r resilience.Result) error {
		err := next(ctx)
		if v, ok := resilience.ResultOf[int](r); !ok || v != 5 || r.Any() != any(5) {
			t.Errorf("ResultOf = %d, %t, Any = %v; want 5", v, ok, r.Any())
		}
		if _, ok := resilience.ResultOf[string](r); ok || resilience.SetResult(r, "s") {
			t.Error("an int result passed for a string")
		}
		if !resilience.ResultIf(func(n int) bool { return n == 5 })(r) || resilience.ResultIf(func(string) bool { return true })(r) {
			t.Error("ResultIf: want true for the int 5 and false for a string")
		}
		resilience.SetResult(r, 6)
		return err
	})
	if got, err := resilience.Do(t.Context(), func(context.Context) (int, error) { return 5, nil }, check); got != 6 || err != nil {
		t.Errorf("Do = %d, %v; want 6, nil", got, err)
	}
}

type policyFunc func(context.Context, func(context.Context) error, resilience.Result) error

func (f policyFunc) Run(ctx context.Context, next func(context.Context) error) error {
	return f(ctx, next, nil)
}

func (f policyFunc) RunResult(ctx context.Context, next func(context.Context) error, r resilience.Result) error {
	return f(ctx, next, r)
}

// After a panic the frame is dropped, so the next call meets nothing of it.
func TestDoPanicPassesThrough(t *testing.T) {
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want boom", got)
			}
		}()
		_, _ = resilience.Do(t.Context(), func(context.Context) (int, error) { panic("boom") }, twice{}, twice{})
	}()
	if got, err := resilience.Do(t.Context(), func(context.Context) (int, error) { return 1, nil }, twice{}, twice{}); got != 1 || err != nil {
		t.Errorf("Do after a panic = %d, %v; want 1, nil", got, err)
	}
}
