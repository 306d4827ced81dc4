package resilience_test

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

func TestLogObserver(t *testing.T) {
	for _, c := range []struct {
		event resilience.Event
		want  string
	}{
		{resilience.Event{Kind: resilience.EventRetry, Policy: "charge", Key: "pay.test", Attempt: 1, Delay: 1500 * time.Millisecond, Err: errCause, Reason: "backoff"},
			"level=INFO msg=resilience resilience.event=retry resilience.policy.name=charge resilience.policy.key=pay.test resilience.attempt=1 resilience.delay=1.5 resilience.reason=backoff error.type=errors.errorString error.message=boom\n"},
		{resilience.Event{Kind: resilience.EventGiveUp, Attempt: 3, Reason: "attempts"},
			"level=WARN msg=resilience resilience.event=give_up resilience.attempt=3 resilience.reason=attempts\n"},
		{resilience.Event{Kind: resilience.EventStateChange, From: "closed", To: "open"},
			"level=WARN msg=resilience resilience.event=state_change resilience.state=open resilience.state.previous=closed\n"},
		{resilience.Event{Kind: resilience.EventStateChange, From: "half-open", To: "closed"},
			"level=INFO msg=resilience resilience.event=state_change resilience.state=closed resilience.state.previous=half-open\n"},
		{resilience.Event{Kind: resilience.EventWait}, ""},
	} {
		var b bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		resilience.LogObserver(logger).Observe(t.Context(), c.event)
		if b.String() != c.want {
			t.Errorf("got  %swant %s", b.String(), c.want)
		}
	}
	if resilience.LogObserver(nil) != nil {
		t.Error("of nil it is an observer")
	}
}

func TestLogObserverThroughRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		s := constant()
		s.Observer = resilience.LogObserver(slog.New(slog.NewTextHandler(&b, nil)))
		_ = newRetry(t, s).Run(t.Context(), script(errCause, nil).run)
		if n := bytes.Count(b.Bytes(), []byte("\n")); n != 2 {
			t.Errorf("%d lines, want a retry and a recovery:\n%s", n, b.String())
		}
	})
}
