package resilience

import (
	"context"
	"fmt"
	"log/slog"
)

// Attributes of what [LogObserver] writes. Names follow OpenTelemetry: lower case, dots between namespaces, durations in
// seconds. error.type and error.message are OpenTelemetry's own; it has no convention for resilience, so the others are ours.
const (
	AttrEvent     = "resilience.event"          // an [EventKind] as text
	AttrPolicy    = "resilience.policy.name"    // [Event.Policy]
	AttrKey       = "resilience.policy.key"     // [Event.Key]
	AttrAttempt   = "resilience.attempt"        // [Event.Attempt]
	AttrDelay     = "resilience.delay"          // [Event.Delay] in seconds
	AttrReason    = "resilience.reason"         // [Event.Reason]
	AttrState     = "resilience.state"          // [Event.To]
	AttrFrom      = "resilience.state.previous" // [Event.From]
	AttrErrorType = "error.type"                // the Go type of [Event.Err], without the pointer's star
	AttrError     = "error.message"             // [Event.Err] as text
)

// LogObserver returns an Observer that writes events to logger: at warning what a caller feels or an operator should know
// (an operation given up, a breaker opened), at info what was overcome, and at debug what happens all the time (waits,
// refusals, duplicates). Of nil it returns nil, which is no Observer.
func LogObserver(logger *slog.Logger) Observer {
	if logger == nil {
		return nil
	}
	return logObserver{logger}
}

type logObserver struct{ logger *slog.Logger }

// logLevel returns how much an event matters.
func logLevel(e Event) slog.Level {
	switch e.Kind {
	case EventGiveUp:
		return slog.LevelWarn
	case EventStateChange:
		if e.To == StateOpen.String() || e.To == StateIsolated.String() {
			return slog.LevelWarn
		}
	case EventWait, EventRejected, EventDuplicate, EventEvicted:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func (o logObserver) Observe(ctx context.Context, e Event) {
	level := logLevel(e)
	if !o.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	text(AttrEvent, e.Kind.String())
	text(AttrPolicy, e.Policy)
	text(AttrKey, e.Key)
	if e.Attempt != 0 {
		attrs = append(attrs, slog.Int(AttrAttempt, e.Attempt))
	}
	if e.Delay != 0 {
		attrs = append(attrs, slog.Float64(AttrDelay, e.Delay.Seconds()))
	}
	text(AttrReason, e.Reason)
	text(AttrState, e.To)
	text(AttrFrom, e.From)
	if e.Err != nil {
		text(AttrErrorType, errorType(e.Err))
		text(AttrError, e.Err.Error())
	}
	o.logger.LogAttrs(ctx, level, "resilience", attrs...)
}

// errorType returns the type of err as error.type has it.
func errorType(err error) string {
	name := fmt.Sprintf("%T", err)
	if name[0] == '*' {
		name = name[1:]
	}
	return name
}
