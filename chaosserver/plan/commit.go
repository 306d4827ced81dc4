package plan

import "brownout/scenarios"

// Ledger is what the ledger says of an attempt.
type Ledger uint8

// What the ledger says.
const (
	LedgerNone     Ledger = iota // nothing: the route's entry answers
	LedgerStored                 // the key is known, and stands for the answer Input.Stored
	LedgerInFlight               // the first with the key is at work
	LedgerMismatch               // the key is known with another request
	LedgerMissing                // the route wants a key, and there is none
	LedgerFull                   // the key is not known, and cannot be kept
)

// effects is what a route commits, made ready.
type effects struct {
	commit  *scenarios.Commit
	work    *sampler
	key     key                // of the work
	stored  []scenarios.Answer // the stored form of each entry
	reasons []string           // of those
	refused [LedgerFull + 1]scenarios.Answer
}

// ledgerWords say why the ledger answers.
var ledgerWords = [LedgerFull + 1]string{LedgerInFlight: "the first with the key is at work", LedgerMismatch: "the key came with another request",
	LedgerMissing: "the key is missing", LedgerFull: "the ledger is full"}

// newEffects makes ready what a route commits; nil where it has no effects.
func newEffects(s *scenarios.Scenario, r *scenarios.Route) *effects {
	c := r.Commit
	if c == nil {
		return nil
	}
	e := &effects{commit: c, work: newSampler(c.Work), key: newKey(s.Seed, labelDelay, r.Name, "commit.work")}
	for i := range r.Answers {
		e.stored = append(e.stored, c.Stored(&r.Answers[i]))
		e.reasons = append(e.reasons, "stored "+r.EntryName(i))
	}
	for said, status := range map[Ledger]int{LedgerInFlight: c.InFlight, LedgerMismatch: c.Mismatch, LedgerMissing: c.Missing, LedgerFull: 500} {
		e.refused[said].Status = status
	}
	return e
}

// answer lets the ledger answer, and returns why it does.
func (e *effects) answer(in *Input, d *Decision) string {
	if in.Ledger == LedgerStored {
		d.Entry, d.Answer = in.Stored, &e.stored[in.Stored]
		return e.reasons[in.Stored]
	}
	d.Answer = &e.refused[in.Ledger]
	return ledgerWords[in.Ledger]
}

// decide says whether the attempt commits an effect, once it is known what answers it: an entry, or a fault.
func (e *effects) decide(r *route, in *Input, d *Decision) {
	switch {
	case in.Ledger != LedgerNone, d.Fault < 0 && d.Entry < 0:
		return // the same request has its effect, or it came no further than to the ledger, or to a limit
	case strikesUpload(d.Wire):
		return
	case d.Fault >= 0:
		d.Commit = d.Overrule != nil && *d.Overrule && d.Answer.Early == nil
	default:
		d.Commit = d.Answer.Commits(d.Overrule)
	}
	if !d.Commit {
		return
	}
	d.Stored = r.last(in.Case)
	if d.Entry >= 0 && r.answers[d.Entry].Status/100 == 2 {
		d.Stored = d.Entry
	}
	if e.work != nil {
		d.Work = e.work.at(e.key, in.Call, in.Attempt)
	}
	if d.Fault < 0 { // else it is the gateway that answers, which does not wait
		d.Delay = addDelay(d.Delay, d.Work)
	}
}

// Reaches reports, between the two steps, whether the attempt reaches the ledger: no fault answers it, or one behind which
// an effect is committed all the same.
func (d *Decision) Reaches() bool {
	switch {
	case strikesUpload(d.Wire), d.Answer != nil && d.Answer.Early != nil: // the request is not read whole
		return false
	case d.Fault >= 0:
		return d.Overrule != nil && *d.Overrule
	}
	return true
}

// strikesUpload reports whether a wire fault ends the request before it has been read whole.
func strikesUpload(w *scenarios.WireFault) bool {
	return w != nil && w.At == scenarios.AtRequestBody && w.Do != scenarios.WireDrip
}
