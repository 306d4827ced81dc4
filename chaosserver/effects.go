package chaosserver

import (
	"errors"
	"fmt"
	"time"

	"brownout/chaosserver/delivery"
	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/ledger"
	"brownout/chaosserver/plan"
	"brownout/scenarios"
)

// committing is a route that has effects, made ready.
type committing struct {
	*scenarios.Commit
	key     string          // name of the header that carries the key; "" where keys are not looked at
	stored  []*fault.Answer // the stored form of each entry
	refused map[plan.Ledger]*fault.Answer
}

// newCommitting makes ready what a route commits; nil where it has no effects.
func newCommitting(s *scenarios.Scenario, r *scenarios.Route) *committing {
	c := r.Commit
	if c == nil {
		return nil
	}
	k := &committing{Commit: c, key: c.KeyHeader(&s.Profile)}
	if k.key == "" {
		return k
	}
	for i := range r.Answers {
		a := c.Stored(&r.Answers[i])
		k.stored = append(k.stored, fault.Prepare(&a))
	}
	// In the words of draft-ietf-httpapi-idempotency-key-header-07, section 2.7.
	k.refused = map[plan.Ledger]*fault.Answer{
		plan.LedgerInFlight: problemAnswer(c.InFlight, "a request is outstanding for this "+k.key),
		plan.LedgerMismatch: problemAnswer(c.Mismatch, "this "+k.key+" was used with another request"),
		plan.LedgerMissing:  problemAnswer(c.Missing, "this operation needs an "+k.key),
	}
	return k
}

// committing returns what the attempt's route commits; nil where it has no effects.
func (x *exchange) committing() *committing {
	if x.route < 0 {
		return nil
	}
	return x.s.committing[x.route]
}

// errLeft says that the client left, or the server was closed, before the attempt was decided about.
var errLeft = errors.New("the attempt was given up")

// comparesBodies reports, between the two steps of a decision, whether the ledger needs the request's body before the second.
func (x *exchange) comparesBodies() bool {
	c := x.committing()
	return c != nil && c.key != "" && x.decision.Reaches()
}

// askLedger asks the ledger about the attempt, between the two steps of its decision, and notes in the plan's input what
// it says. It reports true where the attempt has to wait before it asks again. It requires the call's turn.
func (x *exchange) askLedger() (wait bool) {
	in := &x.in
	in.Ledger = plan.LedgerNone
	if in.Refused > 0 || !x.comparesBodies() {
		return false
	}
	c := x.committing()
	key := x.r.Header.Get(c.key)
	if key == "" {
		if c.Missing != 0 {
			in.Ledger = plan.LedgerMissing
		}
		return false
	}
	x.id = ledger.IDOf(x.route, key)
	print := ledger.PrintOf(x.r.Method, x.target.whole, x.body.sum)
	said, answer := x.run.ledger.Ask(x.id, &print, x.run.at(time.Now()))
	switch said {
	case ledger.New:
		x.claims = true
	case ledger.Stored:
		in.Ledger, in.Stored = plan.LedgerStored, answer.Entry
		if x.decision.Fault < 0 {
			x.values = answer
		}
	case ledger.InFlight:
		in.Ledger = plan.LedgerInFlight
		return c.InFlight == 0 && x.decision.Fault < 0
	case ledger.Mismatch:
		in.Ledger = plan.LedgerMismatch
	case ledger.Full:
		in.Ledger = plan.LedgerFull
	}
	return false
}

// awaitKey waits for the first attempt with the attempt's key. The error is errLeft.
func (x *exchange) awaitKey() error {
	if x.run.ledger.Wait(x.r.Context(), x.id, x.run.at(time.Now())) == nil {
		x.waited = time.Now()
		return nil
	}
	x.record.Ledger, x.record.Reason = journal.LedgerInFlight, "waited for the first with the key"
	return errLeft
}

// keyHeader is the header of the attempt's idempotency key.
func (x *exchange) keyHeader() string {
	if c := x.committing(); c != nil && c.key != "" {
		return c.key
	}
	return x.s.key
}

// keyFull says that the key of an attempt cannot be kept, so that nobody takes a second effect for one.
func (x *exchange) keyFull() {
	x.cannot(fmt.Sprintf("the ledger keeps %d keys, and all are known; use WithMaxKeys, or keep them for less long", x.s.config.maxKeys))
}

// commit commits the attempt's effect, if it has one, now that its request has been read whole.
func (x *exchange) commit() {
	d := &x.decision
	if !d.Commit {
		return
	}
	c, now := x.committing(), x.run.at(time.Now())
	key := ""
	if x.claims {
		a := x.values
		a.Entry = d.Stored
		expires := time.Duration(0)
		if c.Keep > 0 {
			expires = now + c.Keep
		}
		x.run.ledger.Commit(x.id, a, x.run.at(x.began())+d.Work, expires)
	}
	if c.key != "" {
		key = x.keepable(x.s.redact.value(c.key, x.r.Header.Get(c.key)))
	}
	rec := &x.record
	x.run.effect(journal.Effect{Seq: rec.Seq, At: now, Route: rec.Route, Call: rec.Call, Key: key, Event: rec.Event})
	if x.s.delivers {
		x.s.happened(delivery.Effect{Route: rec.Route, Call: rec.CallNo, Key: x.r.Header.Get(x.keyHeader())})
	}
	if d.Fault >= 0 { // the gateway answers for itself, and what it stands in front of is done with the request
		x.letGoOfKey()
	}
}

// letGoOfKey ends the attempt's claim of its key, if it has one: its answer is about to be whole, or never will be.
func (x *exchange) letGoOfKey() {
	if x.claims {
		x.claims = false
		x.run.ledger.End(x.id)
	}
}

// fromLedger returns the answer of what the ledger said.
func (x *exchange) fromLedger() *fault.Answer {
	if said := x.in.Ledger; said != plan.LedgerStored {
		return x.committing().refused[said]
	}
	return x.committing().stored[x.decision.Entry]
}

// ledgerSaid is what the journal says of what the ledger said.
func ledgerSaid(d *plan.Decision, said plan.Ledger) journal.Ledger {
	if d.Fault >= 0 {
		return journal.LedgerNone
	}
	switch said {
	case plan.LedgerStored:
		return journal.LedgerStored
	case plan.LedgerInFlight:
		return journal.LedgerInFlight
	case plan.LedgerMismatch:
		return journal.LedgerMismatch
	case plan.LedgerMissing:
		return journal.LedgerMissing
	}
	return journal.LedgerNone
}
