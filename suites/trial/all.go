package trial

import (
	"context"
	"errors"
	"sync"

	"brownout/suites/verdict"
)

// NotStarted is the reason of a trial that an interrupt kept from starting.
const NotStarted = "not started: the run was interrupted"

// rerunNote is why a trial was run a second time.
const rerunNote = "run a second time, alone: the first time the machine itself was late"

// RunAll runs the trials, at most jobs of them at a time (below 1 counts as 1), and returns their results in the order of
// the configurations. Those that the machine's lateness alone left inconclusive are run again afterwards, one at a
// time. A trial that could not run is an error with its reason, and one that the end of the context kept from starting is
// a skip with the reason NotStarted.
//
// done, unless nil, is called with each result once it is final; calls never overlap.
func RunAll(ctx context.Context, configs []Config, jobs int, done func(i int, r Result)) []Result {
	results := make([]Result, len(configs))
	var mu sync.Mutex // guards done
	finish := func(i int) {
		if done == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		done(i, results[i])
	}
	late := make([]bool, len(configs)) // to be run again
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(max(jobs, 1), len(configs)) {
		workers.Go(func() {
			for i := range next {
				results[i] = runOrExplain(ctx, configs[i])
				if late[i] = lateAlone(&results[i].Verdict); !late[i] {
					finish(i)
				}
			}
		})
	}
	for i := range configs {
		next <- i
	}
	close(next)
	workers.Wait()
	for i := range results {
		if !late[i] {
			continue
		}
		if ctx.Err() == nil {
			if again := runOrExplain(ctx, configs[i].again()); !again.Interrupted {
				again.Rerun = rerunNote
				results[i] = again
			}
		}
		finish(i)
	}
	return results
}

// runOrExplain runs a trial; one that could not run has its reason in the verdict.
func runOrExplain(ctx context.Context, c Config) Result {
	r, err := Run(ctx, c)
	if err == nil {
		return r
	}
	r.Verdict = verdict.Verdict{Scenario: c.Scenario.Name, File: c.Scenario.File, Seed: c.Scenario.Seed,
		Outcome: verdict.Error, Reason: err.Error(), Elapsed: r.Elapsed}
	if errors.Is(err, ErrNotStarted) {
		r.Verdict.Outcome, r.Verdict.Reason = verdict.Skip, NotStarted
	}
	return r
}
