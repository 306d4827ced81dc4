package fault

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brownout/scenarios"
)

// TestForWire: what the table has is carried out, and what it has not is an error that names it.
func TestForWire(t *testing.T) {
	for _, do := range []scenarios.WireDo{scenarios.WireRST, scenarios.WireFIN} {
		for _, at := range []scenarios.WireAt{scenarios.AtAccept, scenarios.AtBeforeHeaders} {
			if _, err := ForWire(&scenarios.WireFault{Do: do, At: at}); err != nil {
				t.Errorf("%v at %v: %v", do, at, err)
			}
		}
	}
	_, err := ForWire(&scenarios.WireFault{Do: 99, At: scenarios.AtAccept})
	if want := "no wire fault does unknown(99) at accept"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestWait: a wait counts from its instant, is never early, and ends with its context.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		time.Sleep(time.Second)
		if err := Wait(t.Context(), start, 3*time.Second); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v, want nil after 3s", err, time.Since(start))
		}
		if err := Wait(t.Context(), start, time.Second); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("a wait that is over: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := Wait(ctx, time.Now(), time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 63*time.Second {
			t.Errorf("%v after %v, want the context's error after 1m3s", err, time.Since(start))
		}
		if err := Wait(ctx, start, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("behind the context's end: %v", err)
		}
	})
}
