package resilience

import (
	"context"
	"errors"
	"time"
)

// Outcome is what a finished call says about the service behind a [Breaker].
type Outcome uint8

// The three outcomes.
const (
	// OutcomeNeutral says nothing: the caller gave up, or the call never reached the service. It only gives the permit back.
	OutcomeNeutral Outcome = iota
	// OutcomeSuccess says that the service works.
	OutcomeSuccess
	// OutcomeFailure says that it does not.
	OutcomeFailure
)

// String returns "neutral", "success" or "failure"; an unknown outcome as its number.
func (o Outcome) String() string { return nameOf(o, "Outcome", outcomeNames[:]) }

var outcomeNames = [...]string{OutcomeNeutral: "neutral", OutcomeSuccess: "success", OutcomeFailure: "failure"}

// BreakerState is one of the states of a [Breaker].
type BreakerState uint8

// The states of a breaker.
const (
	// StateClosed lets every call through and counts the outcomes.
	StateClosed BreakerState = iota
	// StateOpen refuses every call until the break is over.
	StateOpen
	// StateHalfOpen lets a bounded number of probes through at a time and refuses the rest.
	StateHalfOpen
	// StateIsolated refuses every call until Reset: opened by hand.
	StateIsolated
	// StateDisabled lets every call through and counts nothing, until Reset.
	StateDisabled
)

// String returns "closed", "open", "half-open", "isolated" or "disabled"; an unknown state as its number.
func (s BreakerState) String() string { return nameOf(s, "BreakerState", stateNames[:]) }

var stateNames = [...]string{
	StateClosed: "closed", StateOpen: "open", StateHalfOpen: "half-open",
	StateIsolated: "isolated", StateDisabled: "disabled",
}

// Defaults of [BreakerSettings].
const (
	DefaultConsecutiveFailures = 5                // Envoy's outlier detection: consecutive_5xx
	DefaultBreakerWindow       = 10 * time.Second // Hystrix: metrics.rollingStats.timeInMilliseconds
	DefaultMinCalls            = 20               // Hystrix: circuitBreaker.requestVolumeThreshold
	DefaultOpenFor             = 30 * time.Second // Envoy's outlier detection: base_ejection_time
	DefaultProbes              = 1
)

// BreakerSettings says when a [Breaker] opens, for how long, and how it closes again. The zero value opens after five
// failures in a row, for 30 s, and closes after one good probe.
type BreakerSettings struct {
	// Name stands in errors and events.
	Name string

	// ConsecutiveFailures opens the breaker after as many failures without a success between them.
	// 0 means [DefaultConsecutiveFailures] when no rate is watched, and that it is not watched otherwise.
	ConsecutiveFailures int
	// FailureRate opens the breaker when this share of the calls in the window failed, above 0 and up to 1. 0: not watched.
	FailureRate float64
	// SlowRate opens the breaker when this share of the calls in the window was slow, above 0 and up to 1. 0: not watched.
	// Slow calls count whether they succeed or not; a slow probe is a failed one.
	SlowRate float64
	// SlowCall is how long a call takes at least to be slow. Required with SlowRate, and meaningless without.
	SlowCall time.Duration
	// Window is the time that the rates look back, to a tenth of it. 0 means [DefaultBreakerWindow]. At least 10 ms.
	Window time.Duration
	// WindowCalls, when above 0, makes the rates look at that many last calls instead, up to 1,000,000.
	WindowCalls int
	// MinCalls is how many calls the window must hold before a rate means anything. 0 means [DefaultMinCalls], or
	// WindowCalls where that is less.
	MinCalls int

	// OpenFor is how long the breaker refuses calls before it lets a probe through. 0 means [DefaultOpenFor].
	OpenFor time.Duration
	// MaxOpenFor, when above OpenFor, makes every break that follows a failed probe twice as long as the one before, up to
	// this. Closing starts again at OpenFor.
	MaxOpenFor time.Duration
	// OpenJitter lengthens every break by a random share of itself, from 0 up to this, so that breakers that opened
	// together do not probe together. 0 to 1.
	OpenJitter float64

	// Probes is how many calls may be under way at once while half-open. 0 means [DefaultProbes].
	Probes int
	// ProbeSuccesses is how many probes must succeed, none failing, until the breaker closes. 0 means as many as Probes.
	ProbeSuccesses int
	// ProbeLease is how long a probe may take. Then its place goes to another call and its result is ignored, so a probe
	// that never returns cannot keep the breaker half-open. 0 means as long as OpenFor.
	ProbeLease time.Duration

	// Classify tells what an error of Run says about the service; it is asked for errors only. nil means [ClassifyError].
	Classify func(error) Outcome
	// FailedResult tells, for a call of [Do] without an error, whether its result is a failure of the service all the same,
	// such as a 503 that is no Go error. See [ResultIf]. nil means that no result is.
	FailedResult func(Result) bool

	// Seed starts the sequence of the jitter. 0 takes one from the system.
	Seed uint64
	// Observer is told of every change of state, in order, and of every refusal. nil costs nothing.
	Observer Observer
}

// ClassifyError is the default of [BreakerSettings.Classify]. A cancelled call is [OutcomeNeutral], for it is the caller's doing, and
// so is a refusal by another policy of this package, which never reached the service. Everything else is a [OutcomeFailure],
// timeouts too.
func ClassifyError(err error) Outcome {
	switch {
	case err == nil:
		return OutcomeSuccess
	case errors.Is(err, context.Canceled):
		return OutcomeNeutral
	}
	var refused refusal
	if errors.As(err, &refused) && refused.refusal() {
		return OutcomeNeutral
	}
	return OutcomeFailure
}

// refusal is an error by which a policy refused to run the operation.
type refusal interface {
	error
	refusal() bool
}

func (s BreakerSettings) withDefaults() BreakerSettings {
	if s.ConsecutiveFailures == 0 && s.FailureRate == 0 && s.SlowRate == 0 {
		s.ConsecutiveFailures = DefaultConsecutiveFailures
	}
	s.Window = orDefault(s.Window, DefaultBreakerWindow)
	if s.MinCalls == 0 {
		s.MinCalls = DefaultMinCalls
		if s.WindowCalls > 0 {
			s.MinCalls = min(s.MinCalls, s.WindowCalls)
		}
	}
	s.OpenFor = orDefault(s.OpenFor, DefaultOpenFor)
	s.MaxOpenFor = max(s.MaxOpenFor, s.OpenFor)
	s.Probes = orDefault(s.Probes, DefaultProbes)
	s.ProbeSuccesses = orDefault(s.ProbeSuccesses, s.Probes)
	s.ProbeLease = orDefault(s.ProbeLease, s.OpenFor)
	if s.Classify == nil {
		s.Classify = ClassifyError
	}
	return s
}

// check reports the first setting that is out of its range; the settings have their defaults.
func (s BreakerSettings) check(given BreakerSettings) error {
	watchesRate := s.FailureRate > 0 || s.SlowRate > 0
	for _, c := range []struct {
		ok    bool
		field string
		value any
		want  string
	}{
		{s.ConsecutiveFailures >= 0, "ConsecutiveFailures", given.ConsecutiveFailures, "0 (the default) or more"},
		{s.FailureRate >= 0 && s.FailureRate <= 1, "FailureRate", given.FailureRate, "0 (not watched) to 1"},
		{s.SlowRate >= 0 && s.SlowRate <= 1, "SlowRate", given.SlowRate, "0 (not watched) to 1"},
		{s.SlowCall >= 0 && (s.SlowRate > 0) == (s.SlowCall > 0), "SlowCall", given.SlowCall, "above 0 with SlowRate, and 0 without"},
		{s.Window >= windowSlices*time.Millisecond, "Window", given.Window, "0 (the default) or at least 10ms"},
		{s.WindowCalls >= 0 && s.WindowCalls <= 1e6, "WindowCalls", given.WindowCalls, "0 (a window over time) to 1000000"},
		{!watchesRate || s.MinCalls >= 1 && (s.WindowCalls == 0 || s.MinCalls <= s.WindowCalls), "MinCalls", given.MinCalls,
			"0 (the default) or more, and no more than WindowCalls"},
		{s.OpenFor > 0, "OpenFor", given.OpenFor, "0 (the default) or more"},
		{given.MaxOpenFor == 0 || given.MaxOpenFor >= s.OpenFor, "MaxOpenFor", given.MaxOpenFor, "0 (no growth) or at least OpenFor"},
		{s.OpenJitter >= 0 && s.OpenJitter <= 1, "OpenJitter", given.OpenJitter, "0 to 1"},
		{s.Probes >= 1, "Probes", given.Probes, "0 (the default) or more"},
		{s.ProbeSuccesses >= 1, "ProbeSuccesses", given.ProbeSuccesses, "0 (the default) or more"},
		{s.ProbeLease > 0, "ProbeLease", given.ProbeLease, "0 (the default) or more"},
	} {
		if !c.ok {
			return &SettingError{Field: "BreakerSettings." + c.field, Value: c.value, Want: c.want}
		}
	}
	return nil
}
