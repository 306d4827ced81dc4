package resilience

// windowSlices is how many slices a sliding window over time is cut into; results are forgotten a slice at a time.
const windowSlices = 10

// tally counts results.
type tally struct {
	calls    uint64
	failures uint64
	slow     uint64
}

func (t *tally) add(o tally) {
	t.calls += o.calls
	t.failures += o.failures
	t.slow += o.slow
}

// rates are the thresholds a tally is held against.
type rates struct {
	failure  float64 // 0: not watched
	slow     float64 // 0: not watched
	minCalls uint64  // fewer calls than these say nothing
}

// exceeded returns why t is beyond the thresholds, or "".
func (r rates) exceeded(t tally) string {
	if t.calls < r.minCalls {
		return ""
	}
	if r.failure > 0 && float64(t.failures) >= r.failure*float64(t.calls) {
		return reasonFailureRate
	}
	if r.slow > 0 && float64(t.slow) >= r.slow*float64(t.calls) {
		return reasonSlowRate
	}
	return ""
}

// result is one finished call as a window counts it.
type result struct {
	failed bool
	slow   bool
}
