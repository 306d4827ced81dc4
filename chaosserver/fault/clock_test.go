package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newTestClock is a clock that runs until the test ends, and is over then.
func newTestClock(t *testing.T, c *Clock) *Clock {
	t.Helper()
	if c == nil {
		t.Skip("this system has no timer for a clock: Wait is all there is")
	}
	var runs sync.WaitGroup
	runs.Go(c.Run)
	t.Cleanup(func() {
		c.Close()
		runs.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.ended || len(c.waits) > 0 {
			t.Errorf("behind its end: ended %v, with %d waits", c.ended, len(c.waits))
		}
	})
	return c
}

// TestClock: of many waits at once each comes to its end, and none is early.
func TestClock(t *testing.T) {
	c := newTestClock(t, NewClock())
	var waits sync.WaitGroup
	for i := range 600 {
		waits.Go(func() {
			most := 30 * time.Millisecond
			if i%3 == 0 {
				most = 2 * spun
			}
			since, d := time.Now(), time.Duration(rand.Int64N(int64(most)))-most/20
			if err := c.Wait(t.Context(), since, d); err != nil || time.Since(since) < d {
				t.Errorf("a wait of %v: %v after %v", d, err, time.Since(since))
			}
		})
	}
	waits.Wait()
}

// TestClockCancelled: a wait whose context ends is over at once, and is forgotten; others are not.
func TestClockCancelled(t *testing.T) {
	c := newTestClock(t, NewClock())
	ctx, cancel := context.WithCancel(t.Context())
	var waits sync.WaitGroup
	for range 10 {
		waits.Go(func() {
			if err := c.Wait(ctx, time.Now(), time.Hour); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
	since := time.Now()
	waits.Go(func() {
		if err := c.Wait(t.Context(), since, 20*time.Millisecond); err != nil || time.Since(since) < 20*time.Millisecond {
			t.Errorf("beside those: %v after %v", err, time.Since(since))
		}
	})
	cancel()
	waits.Wait()
	if err := c.Wait(ctx, since, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before, with nothing to wait for: %v", err)
	}
}

// scripted is an alarm that goes off in the bubble's time, or fails.
type scripted struct {
	timer    *time.Timer
	closed   chan struct{}
	fails    bool
	sets     atomic.Int32
	spurious chan struct{}
}

func newScripted() *scripted {
	s := &scripted{timer: time.NewTimer(time.Hour), closed: make(chan struct{}), spurious: make(chan struct{})}
	s.timer.Stop()
	return s
}

func (s *scripted) set(d time.Duration) error {
	s.sets.Add(1)
	if s.fails {
		return errors.New("no alarm")
	}
	s.timer.Reset(d)
	return nil
}

func (s *scripted) await() error {
	select {
	case <-s.timer.C:
		return nil
	case <-s.spurious:
		return nil
	case <-s.closed:
		return errors.New("closed")
	}
}

func (s *scripted) Close() error {
	close(s.closed)
	return nil
}

// TestClockInTime: waits end at their instants in whatever order they began, an alarm that goes off for nothing ends none,
// and what was over before is not waited for.
func TestClockInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted()
		c := newTestClock(t, &Clock{base: time.Now(), alarm: s})
		since := time.Now()
		for _, d := range []time.Duration{5, 3, 9, 3, 1, 7, 0, -2} {
			go func() {
				if err := c.Wait(t.Context(), since, d*time.Second); err != nil || time.Since(since) != max(0, d)*time.Second {
					t.Errorf("a wait of %ds: %v after %v", d, err, time.Since(since))
				}
			}()
		}
		synctest.Wait()
		s.spurious <- struct{}{}
		time.Sleep(time.Minute)
		if n := s.sets.Load(); n > 12 {
			t.Errorf("the alarm was set %d times for 6 waits", n)
		}
	})
}

// TestClockEnds: those who wait when the clock ends, or cannot set its alarm, wait on to their ends.
func TestClockEnds(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newScripted()
			s.fails = fails
			c := &Clock{base: time.Now(), alarm: s}
			go c.Run()
			since := time.Now()
			var waits sync.WaitGroup
			wait := func() {
				if err := c.Wait(t.Context(), since, time.Minute); err != nil || time.Since(since) != time.Minute {
					t.Errorf("fails %v: %v after %v", fails, err, time.Since(since))
				}
			}
			waits.Go(wait)
			time.Sleep(10 * time.Second)
			c.Close()
			synctest.Wait()
			waits.Go(wait)
			waits.Wait()
		})
	}
}

// TestNoClock: the nil clock waits as Wait does, and can be closed.
func TestNoClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *Clock
		since := time.Now()
		if err := c.Wait(t.Context(), since, time.Second); err != nil || time.Since(since) != time.Second {
			t.Errorf("%v after %v", err, time.Since(since))
		}
		c.Close()
	})
}

// BenchmarkClock is one wait among 5,000 others, which it does not wait out.
func BenchmarkClock(b *testing.B) {
	c := NewClock()
	if c == nil {
		b.Skip("this system has no timer for a clock")
	}
	var runs sync.WaitGroup
	runs.Go(c.Run)
	defer runs.Wait()
	defer c.Close()
	for i := range 5000 {
		c.enlist(time.Now().Add(time.Hour + time.Duration(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		c.leave(c.enlist(time.Now().Add(2 * time.Hour)))
	}
}
