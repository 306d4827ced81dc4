package resilience

import "time"

// TimerRuns reports whether the timer of a breaker's window is set.
func TimerRuns(b *Breaker) bool {
	w := b.cur.Load().sliding
	return w != nil && (w.mode.Load() == windowFew || w.mode.Load() == windowFull)
}

// QuantileBound returns the upper bound of the class of durations that d is in.
func QuantileBound(d time.Duration) time.Duration { return quantileBound(quantileClass(d)) }
