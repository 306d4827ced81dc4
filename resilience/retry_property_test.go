package resilience_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"brownout/resilience"
)

// Whatever an operation does, and whatever the settings: no more attempts than allowed, none before what the server asked,
// none at the deadline or after MaxElapsed, none after a success or a definitive error, and a reason that is true.
func TestRetryKeepsItsPromises(t *testing.T) {
	checkInBubbles(t, 5, func(t *rapid.T) {
		ms := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Millisecond
		}
		s := resilience.RetrySettings{
			MaxAttempts: rapid.IntRange(1, 6).Draw(t, "attempts"), MaxElapsed: ms("elapsed", 3000), MinAttempt: ms("min attempt", 100),
			MaxPushback: ms("max pushback", 2000) + 1, Seed: 1,
		}
		r, err := resilience.NewRetry(s)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ctx, deadline := context.Background(), time.Time{}
		if rapid.Bool().Draw(t, "deadline") {
			deadline = start.Add(ms("time", 3000) + 1)
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline)
			defer cancel()
		}
		var attempts int
		var notBefore time.Time
		var last error
		over := false
		err = r.Run(ctx, func(ctx context.Context) error {
			now := time.Now()
			switch attempts++; {
			case over:
				t.Fatal("an attempt after the end")
			case now.Before(notBefore):
				t.Fatalf("attempt %d came %v early", attempts, notBefore.Sub(now))
			case attempts > 1 && !deadline.IsZero() && !now.Add(s.MinAttempt).Before(deadline):
				t.Fatalf("attempt %d at %v has no time to finish before %v", attempts, now.Sub(start), deadline.Sub(start))
			case attempts > 1 && s.MaxElapsed > 0 && now.Sub(start) > s.MaxElapsed:
				t.Fatalf("attempt %d at %v, after %v", attempts, now.Sub(start), s.MaxElapsed)
			}
			select {
			case <-time.After(ms("takes", 500)):
			case <-ctx.Done():
			}
			switch rapid.IntRange(0, 9).Draw(t, "outcome") {
			case 0:
				over, last = true, nil
			case 1:
				over, last = true, resilience.Permanent(errCause)
			case 2, 3, 4:
				wait := ms("pushback", 3000) - time.Millisecond
				over = wait < 0 || wait > s.MaxPushback
				notBefore, last = time.Now().Add(wait), resilience.RetryAfter(errCause, wait)
			default:
				notBefore, last = time.Now(), errCause
			}
			return last
		})
		if (err == nil) != (last == nil) || attempts > s.MaxAttempts || last != nil && !errors.Is(err, errCause) {
			t.Fatalf("%d attempts of %d, the last ended with %v, the call with %v", attempts, s.MaxAttempts, last, err)
		}
		gaveUp, ok := errors.AsType[*resilience.RetryError](err)
		if !ok {
			return
		}
		if gaveUp.Attempts != attempts || len(gaveUp.Causes) != attempts || gaveUp.Causes[attempts-1] != last {
			t.Fatalf("the error tells of %d attempts and %d causes, and there were %d", gaveUp.Attempts, len(gaveUp.Causes), attempts)
		}
		now := time.Now()
		switch gaveUp.Reason {
		case resilience.ReasonAttempts:
			ok = attempts == s.MaxAttempts
		case resilience.ReasonDeadline:
			ok = !now.Add(gaveUp.Delay + s.MinAttempt).Before(deadline)
		case resilience.ReasonElapsed:
			ok = now.Add(gaveUp.Delay).Sub(start) > s.MaxElapsed
		case resilience.ReasonDelay:
			ok = gaveUp.Delay > s.MaxPushback
		case resilience.ReasonCanceled:
			ok = ctx.Err() != nil
		case resilience.ReasonPermanent, resilience.ReasonRefused:
			ok = over
		}
		if !ok {
			t.Fatalf("the reason is %q at %v: %v", gaveUp.Reason, now.Sub(start), err)
		}
	})
}
