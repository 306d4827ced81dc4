package drive

import (
	"context"
	"sync"
	"time"

	"brownout/scenarios"
)

// An order is one call that a step asks for.
type order struct {
	step    *scenarios.Step
	request *scenarios.Request
	number  int    // 1-based, over all steps
	inStep  int    // 0-based, in its step
	variant string // the case that the step is done for; "" for none
}

// A callFunc makes one call and returns when it has ended.
type callFunc func(order)

// runSteps runs the calls of the steps, one step after another, each with the function that begin gives for it. Within a
// step calls follow one another as its concurrency or its rate says. It returns when all have ended; once ctx is done no
// further call begins.
func runSteps(ctx context.Context, steps []scenarios.Step, begin func(*scenarios.Step) callFunc) {
	begun := 0
	for i := range steps {
		s := &steps[i]
		if !pause(ctx, s.Wait) {
			return
		}
		if len(s.Cases) == 0 {
			begun += runStep(ctx, s, "", begun, begin(s))
		}
		for _, c := range s.Cases {
			begun += runStep(ctx, s, c, begun, begin(s))
		}
	}
}

// runStep runs the calls of one step, numbered on from before, and returns how many it began.
func runStep(ctx context.Context, s *scenarios.Step, variant string, before int, call callFunc) (begun int) {
	start := time.Now()
	var slots chan struct{}
	if s.Concurrency > 0 {
		slots = make(chan struct{}, s.Concurrency)
	}
	var running sync.WaitGroup
	defer running.Wait()
	for k := 0; s.For > 0 || k < s.Calls; k++ {
		if s.Rate != nil && !pause(ctx, time.Until(start.Add(startOf(k, s.Rate)))) {
			return k
		}
		if slots != nil {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return k
			}
		}
		if ctx.Err() != nil || s.For > 0 && time.Since(start) >= s.For {
			return k
		}
		o := order{step: s, request: &s.Requests[k%len(s.Requests)], number: before + k + 1, inStep: k, variant: variant}
		running.Go(func() {
			call(o)
			if slots != nil {
				<-slots
			}
		})
	}
	return s.Calls
}

// startOf is when the k-th call of a step begins at that rate, after the step's own beginning.
func startOf(k int, rate *scenarios.Rate) time.Duration {
	return time.Duration(float64(k) * float64(rate.Per) / rate.Events)
}

// pause waits, and reports whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}
