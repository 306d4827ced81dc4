package chaosserver

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestHold: attempts wait at a gate until it opens, and those that come later find it open.
func TestHold(t *testing.T) {
	for _, row := range []struct {
		hold  string
		comes []time.Duration // when each attempt comes
		got   []time.Duration // when each is answered
		why   string
	}{
		{"{until: 3 attempts, at_most: 10s}", []time.Duration{0, time.Second, 2 * time.Second, 5 * time.Second},
			[]time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second, 5 * time.Second}, "the third opens it, once"},
		{"{until: 3 attempts, at_most: 10s}", []time.Duration{time.Second, 3 * time.Second},
			[]time.Duration{11 * time.Second, 11 * time.Second}, "at_most counts from the first"},
		{"{until: 2s, at_most: 10s}", []time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
			[]time.Duration{3 * time.Second, 3 * time.Second, 4 * time.Second}, "so long after the first"},
		{"{until: 1 attempts, at_most: 1s}", []time.Duration{time.Second}, []time.Duration{time.Second}, "one is enough"},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := serve(t, inMemory, "routes: [{match: '/:id', answers: [{hold: "+row.hold+"}]}]")
			begin := time.Now()
			got := make([]time.Duration, len(row.comes))
			for i, at := range row.comes {
				c := dial(t, srv)
				go func() {
					time.Sleep(at)
					c.say(t, fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i))
					c.answer(t)
					got[i] = time.Since(begin)
				}()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			for i := range got {
				if got[i] != row.got[i] {
					t.Errorf("%s: attempt %d was answered after %v, want %v: %s", row.hold, i+1, got[i], row.got[i], row.why)
				}
			}
		})
	}
}

// TestHoldGivenUp: an attempt that is given up at the gate does not count, and the server's end opens every gate.
func TestHoldGivenUp(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "routes: [{match: '/:id', answers: [{hold: {until: 2 attempts, at_most: 1h}}]}]")
			first := dial(t, srv)
			first.say(t, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, first.Close())
			ended(t, srv, 1)
			second := dial(t, srv)
			second.say(t, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
			third := dial(t, srv)
			third.say(t, "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
			second.answer(t)
			third.answer(t)
			log := ended(t, srv, 3)
			if a := log.Attempts[0]; a.Whole || a.Status != 0 {
				t.Errorf("the first attempt: %+v", a)
			}
		})
	}
}
