package resilience_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

// eventLog writes down what it is told, in short.
type eventLog []string

func (l *eventLog) Observe(_ context.Context, e resilience.Event) {
	s := fmt.Sprintf("%v#%d", e.Kind, e.Attempt)
	if e.Delay > 0 {
		s += fmt.Sprintf(" %v", e.Delay)
	}
	if e.Reason != "" {
		s += " " + e.Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	*l = append(*l, s)
}

func TestRetryEvents(t *testing.T) {
	for _, c := range []struct {
		errs []error
		want string
	}{
		{[]error{nil}, ""},
		{[]error{errCause, resilience.RetryAfter(errCause, time.Second), nil}, "retry#1 100ms backoff: boom; retry#2 1s pushback: boom; recovered#3"},
		{[]error{errCause}, "retry#1 100ms backoff: boom; retry#2 100ms backoff: boom; give_up#3 100ms attempts: boom"},
		{[]error{resilience.Permanent(errCause)}, "give_up#1 permanent: boom"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log eventLog
			s := constant()
			s.Name, s.Observer = "charge", &log
			_ = newRetry(t, s).Run(t.Context(), script(c.errs...).run)
			if got := strings.Join(log, "; "); got != c.want {
				t.Errorf("%v: got %q, want %q", c.errs, got, c.want)
			}
		})
	}
}

func TestTimeoutAndFallbackEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log eventLog
		timeout, err := resilience.NewTimeout(resilience.TimeoutSettings{Timeout: time.Second, Observer: &log})
		if err != nil {
			t.Fatal(err)
		}
		fallback, err := resilience.NewFallback(resilience.FallbackSettings[int]{Observer: &log, Func: func(context.Context, error) (int, error) { return 1, nil }})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = resilience.Do(t.Context(), func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }, fallback, timeout)
		want := "timeout#0 1s: timed out after 1s; fallback#0: timed out after 1s"
		if got := strings.Join(log, "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestObservers(t *testing.T) {
	var a, b eventLog
	resilience.Observers(nil, &a, nil, &b).Observe(t.Context(), resilience.Event{Kind: resilience.EventWait})
	if len(a) != 1 || len(b) != 1 {
		t.Errorf("told %v and %v, want one event each", a, b)
	}
	if resilience.Observers(nil, nil) != nil || resilience.Observers(&a) != resilience.Observer(&a) {
		t.Error("none shall be nil, and one itself")
	}
	var f resilience.Observer = resilience.ObserverFunc(a.Observe)
	f.Observe(t.Context(), resilience.Event{})
	if a[1] != "none#0" {
		t.Errorf("ObserverFunc: %v", a)
	}
}

func TestEventKindString(t *testing.T) {
	for k := resilience.EventNone; k <= resilience.EventEvicted; k++ {
		if s := k.String(); s == "" || strings.Contains(s, "EventKind") {
			t.Errorf("kind %d is called %q", k, s)
		}
	}
	if got := resilience.EventKind(99).String(); got != "EventKind(99)" {
		t.Errorf("got %q", got)
	}
}
