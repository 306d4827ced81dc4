package plan

import (
	"math"
	"time"

	"brownout/scenarios"
)

// z99 is the 99 % point of the standard normal distribution.
const z99 = 2.3263478740408411

// sampler turns random bits into delays of one distribution.
type sampler struct {
	delay *scenarios.Delay
	sigma float64 // of the logarithm, with DelayLognormal
	fixed bool    // the delay takes no draw
}

// newSampler prepares a delay; nil means none.
func newSampler(d *scenarios.Delay) *sampler {
	if d == nil {
		return nil
	}
	s := &sampler{delay: d, fixed: d.Kind == scenarios.DelayFixed}
	if d.Kind == scenarios.DelayLognormal {
		p50, p99 := float64(d.Table[0].Value), float64(d.Table[1].Value)
		if p50 > 0 && p99 > p50 {
			s.sigma = ln(p99/p50) / z99
		}
	}
	return s
}

// at returns the delay of the key at the point (a, b). It is never negative, and lies between the delay's Min and
// Max where they are set: what would lie beyond is cut off there.
func (s *sampler) at(k key, a, b int) time.Duration {
	if s.fixed {
		return s.cut(s.delay.Fixed)
	}
	return s.cut(s.quantile(k.draw(a, b)))
}

// quantile maps 64 random bits to the distribution: one draw a delay, by the inverse of its distribution function.
func (s *sampler) quantile(random uint64) time.Duration {
	d := s.delay
	switch d.Kind {
	case scenarios.DelayUniform:
		if d.To <= d.Fixed {
			return d.Fixed
		}
		return d.Fixed + time.Duration(upTo(random, uint64(d.To-d.Fixed)))
	case scenarios.DelayNormal:
		z := normalQuantile(centred(random))
		return duration(float64(d.Mean) + float64(float64(d.SD)*z))
	case scenarios.DelayLognormal:
		z := normalQuantile(centred(random))
		return duration(float64(d.Table[0].Value) * exp(s.sigma*z))
	case scenarios.DelayTable:
		return fromTable(d.Table, centred(random))
	}
	return d.Fixed
}

// cut keeps a delay within the distribution's bounds.
func (s *sampler) cut(d time.Duration) time.Duration {
	if s.delay.Max != nil {
		d = min(d, *s.delay.Max)
	}
	if s.delay.Min != nil {
		d = max(d, *s.delay.Min)
	}
	return max(d, 0)
}

// fromTable returns the delay below which a share p lies, on straight lines between the quantiles. Below the first
// quantile the line comes from 0s; above the last it stays level.
func fromTable(table []scenarios.Quantile, p float64) time.Duration {
	var low scenarios.Quantile
	for _, high := range table {
		if p < high.P {
			part := (p - low.P) / (high.P - low.P)
			return low.Value + duration(float64(high.Value-low.Value)*part)
		}
		low = high
	}
	return low.Value
}

// duration converts nanoseconds. It gives 0 for less than that, and the longest duration where they do not fit, for
// what Go's own conversion gives then depends on the processor.
func duration(ns float64) time.Duration {
	switch {
	case !(ns > 0):
		return 0
	case ns >= math.MaxInt64:
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// addDelay adds two delays that are not negative, and gives the longest duration where the sum does not fit.
func addDelay(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
