package resilience

import (
	"context"
	"strconv"
	"time"
)

// Observer is told of every decision a policy takes. It is called on the goroutine that took the decision, after the
// policy has released its locks, so it may call the policy; it should return soon, for the operation waits for it.
// The context is the operation's, or [context.Background] where a timer decided. Events of one operation arrive in order.
//
// A policy without an Observer spends nothing on events.
type Observer interface {
	// Observe is told of one decision.
	Observe(ctx context.Context, e Event)
}

// ObserverFunc is a function as an [Observer].
type ObserverFunc func(ctx context.Context, e Event)

// Observe calls f.
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// Observers returns an Observer that tells each of several in turn. Nil ones are left out; of none it is nil.
func Observers(all ...Observer) Observer {
	var list observers
	for _, o := range all {
		if o != nil {
			list = append(list, o)
		}
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}

type observers []Observer

func (list observers) Observe(ctx context.Context, e Event) {
	for _, o := range list {
		o.Observe(ctx, e)
	}
}

// Event is one decision of one policy. Fields that mean nothing for its Kind are zero.
type Event struct {
	Kind    EventKind     // what was decided
	Policy  string        // the Name in the policy's settings; empty if it was given none
	Key     string        // of a keyed policy: the key, such as a host
	Attempt int           // 1 for the first; of Hedge, the number of the copy
	Delay   time.Duration // how long until something happens: next attempt, end of the open state, tokens there
	Err     error         // the cause: what the attempt, or the policy, failed with
	Reason  string        // why, in one or two words: "budget", "half-open", ...; one of few values, fit for a metric's label
	From    string        // of a change of state: the state before
	To      string        // of a change of state: the state after
}

// EventKind says what was decided.
type EventKind uint8

// The kinds of events, with the fields that are set besides Kind and Policy.
const (
	// EventNone is the zero value; no policy sends it.
	EventNone EventKind = iota

	// EventRetry: Retry makes another attempt. Attempt is the one that failed, Err its error, Delay the wait that begins,
	// Reason "backoff" or "pushback".
	EventRetry
	// EventRecovered: an attempt after the first succeeded. Attempt is its number.
	EventRecovered
	// EventGiveUp: Retry makes no further attempt although the last failed. Attempt, Err; Reason is a [Reason] as text;
	// Delay is the wait that would have been due.
	EventGiveUp
	// EventTimeout: Timeout, or an attempt's timeout, fired. Delay is the timeout.
	EventTimeout
	// EventFallback: Fallback gives its own answer. Err is the error it hides.
	EventFallback

	// EventStateChange: Breaker went From one state To another; Reason says what tripped it; Delay how long it stays open.
	EventStateChange
	// EventRejected: Breaker, Limiter or Bulkhead refused to run the operation. Err is what the caller gets; Delay as there.
	EventRejected
	// EventWait: Limiter or Bulkhead makes the operation wait. Delay is how long, if known.
	EventWait
	// EventPaused: Limiter lets nothing through for Delay, because the server asked.
	EventPaused
	// EventLimitChanged: a limit was changed at run time. From and To are the limits as text.
	EventLimitChanged

	// EventHedge: Hedge starts copy number Attempt after Delay.
	EventHedge
	// EventHedgeWon: the copy with number Attempt answered first.
	EventHedgeWon

	// EventDuplicate: Dedupe met a key whose work is done (Reason "done") or under way ("in flight"). Key is not set: keys are private.
	EventDuplicate
	// EventReclaimed: Dedupe gave a claim whose lease had ended to another worker.
	EventReclaimed
	// EventEvicted: an entry was dropped to bound memory: Reason "idle", "expired" or "full".
	EventEvicted
)

var eventNames = [...]string{
	EventNone:         "none",
	EventRetry:        "retry",
	EventRecovered:    "recovered",
	EventGiveUp:       "give_up",
	EventTimeout:      "timeout",
	EventFallback:     "fallback",
	EventStateChange:  "state_change",
	EventRejected:     "rejected",
	EventWait:         "wait",
	EventPaused:       "paused",
	EventLimitChanged: "limit_changed",
	EventHedge:        "hedge",
	EventHedgeWon:     "hedge_won",
	EventDuplicate:    "duplicate",
	EventReclaimed:    "reclaimed",
	EventEvicted:      "evicted",
}

// String returns the kind as a metric's label would have it, such as "give_up"; an unknown kind as its number.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "EventKind(" + strconv.Itoa(int(k)) + ")"
}
