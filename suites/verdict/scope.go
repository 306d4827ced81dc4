package verdict

import (
	"fmt"
	"slices"

	"brownout/scenarios"
)

// scope is the evidence that one expectation is judged by: the calls on its route and in its phase.
type scope struct {
	*evidence
	expect  *scenarios.Expectation
	grammar scenarios.Check // its row in the grammar
	calls   []*call         // whose attempts can be told from those of others
	vague   []*call         // whose attempts cannot
	replays bool            // transport replays count as attempts
	cuts    bool            // connections cut at accept or tls count as attempts
}

// scope collects the calls of an expectation.
func (e *evidence) scope(x *scenarios.Expectation, c *Check) *scope {
	grammar, _ := scenarios.CheckNamed(x.Name) // an expectation of another name has neither rules nor a sample
	s := &scope{evidence: e, expect: x, grammar: grammar, calls: e.clear, vague: e.vague, replays: c.replays != leftOut, cuts: !c.requests}
	if x.Route != "" || x.Phase != "" || x.Case != "" || x.Host != "" || x.Event != "" {
		s.calls, s.vague = s.within(e.clear), s.within(e.vague)
	}
	if c.settled != nil && len(s.vague) > 0 {
		s.calls = slices.Clone(s.calls)
		var vague []*call
		for _, v := range s.vague {
			if c.settled(v) {
				s.calls = append(s.calls, v)
			} else {
				vague = append(vague, v)
			}
		}
		s.vague = vague
	}
	return s
}

// within returns the calls of the expectation's route, case and host that began in its phase.
func (s *scope) within(calls []*call) []*call {
	var in []*call
	for _, c := range calls {
		if (s.expect.Route == "" || c.route() == s.expect.Route) && (s.expect.Phase == "" || c.phase() == s.expect.Phase) &&
			(s.expect.Case == "" || s.caseOf(c) == s.expect.Case) && (s.expect.Host == "" || s.hostOf(c) == s.expect.Host) && s.ofEvent(c) {
			in = append(in, c)
		}
	}
	return in
}

// ofEvent reports whether the call is for the expectation's webhook event, or for one of an entry of that id.
func (s *scope) ofEvent(c *call) bool {
	if s.expect.Event == "" {
		return true
	}
	a := c.first()
	if a == nil || a.Event == "" {
		return false
	}
	if a.Event == s.expect.Event {
		return true
	}
	for i := range s.scenario.Deliveries {
		if d := &s.scenario.Deliveries[i]; d.Event == s.expect.Event && d.Has(a.Event) {
			return true
		}
	}
	return false
}

// sample is the number of calls, or of waits, below which the check says nothing.
func (s *scope) sample() int { return max(s.grammar.Sample, 1) }

// everything reports whether every call of the run is in the scope.
func (s *scope) everything() bool {
	return s.expect.Route == "" && s.expect.Phase == "" && s.expect.Case == "" && s.expect.Host == "" && s.expect.Event == ""
}

// attempts returns the call's attempts as the check counts them.
func (s *scope) attempts(c *call) []*attempt {
	replayed := !s.replays && c.replay >= 0
	if !replayed && (s.cuts || c.cuts == 0) {
		return c.atts
	}
	atts := slices.Clone(c.atts)
	if replayed {
		atts = slices.Delete(atts, c.replay, c.replay+1)
	}
	if !s.cuts {
		atts = slices.DeleteFunc(atts, func(a *attempt) bool { return a.cut })
	}
	return atts
}

// after returns the index of the first attempt that can be an answer to what attempt k got: the first that began
// once that was sent. It is len(atts) where there is none.
func after(atts []*attempt, k int) int {
	j := k + 1
	for j < len(atts) && atts[j].First < atts[k].Sent {
		j++
	}
	return j
}

// opinion is a finding before what is the same for all checks is added. Opinions are handed on as pointers, for they are large.
type opinion struct {
	Finding
	note    string // what the expectation came to
	absence bool   // a failure that rests on what the record does not hold
	final   bool   // stands whatever could not be told apart
}

// pass is the opinion that the expectation was met.
func pass(summary string, args ...any) *opinion { return say(Pass, summary, args...) }

// fail is the opinion that it was not.
func fail(sentence string, args ...any) *opinion { return say(Fail, sentence, args...) }

// unseen is the opinion that there was nothing to judge.
func unseen(sentence string, args ...any) *opinion { return say(Inconclusive, sentence, args...) }

// say is the opinion of an outcome and its text, which is the summary of what passed, and else the sentence.
func say(outcome Outcome, format string, args ...any) *opinion {
	o := &opinion{Finding: Finding{Outcome: outcome}}
	at := &o.Sentence
	if outcome == Pass {
		at = &o.Summary
	}
	*at = fmt.Sprintf(format, args...)
	return o
}

// tooFew is the opinion that there was less to judge than a judgement needs.
func tooFew(saw, needs int, of string) *opinion {
	o := &opinion{Finding: Finding{Outcome: Skip, Sentence: fmt.Sprintf("saw %d, needs %d %s", saw, needs, of)}}
	o.Hint = fmt.Sprintf("Make at least %d calls, for instance with --per-call.", needs)
	o.note = fmt.Sprintf("saw %d, needs %d", saw, needs)
	return o
}

// undeclared is the opinion that the profile lacks what the check compares with.
func undeclared(key string) *opinion {
	o := &opinion{Finding: Finding{Outcome: Skip, Sentence: "the profile does not declare " + key}, final: true}
	o.Hint = fmt.Sprintf("Declare it, as in profile: {%s: ...}.", key)
	o.note = key + " is not declared"
	return o
}

// noCall is the opinion on a scope without a call.
func (s *scope) noCall() *opinion {
	switch x := s.expect; {
	case x.Host != "":
		return unseen("no call was made to host %s", x.Host)
	case x.Event != "":
		return unseen("no call was for event %s", x.Event)
	case x.Case != "":
		return unseen("no call was of case %s", x.Case)
	case x.Route != "" && x.Phase != "":
		return unseen("no call on %s began in phase %s", x.Route, x.Phase)
	case x.Route != "":
		return unseen("no call was on %s", x.Route)
	case x.Phase != "":
		return unseen("no call began in phase %s", x.Phase)
	}
	return unseen("there was no call to judge")
}

// count is the number that a check compares with; false where the profile does not declare it.
func count(c *scenarios.Count, declared *int) (int, bool) {
	if !c.Declared {
		return c.N, true
	}
	if declared == nil {
		return 0, false
	}
	return *declared, true
}

// defaultKeyHeader is the header of idempotency keys where the profile names none.
const defaultKeyHeader = "Idempotency-Key"

// keyHeader is the name of the header that carries idempotency keys.
func (e *evidence) keyHeader() string {
	if h := e.scenario.Profile.KeyHeader; h != "" {
		return h
	}
	return defaultKeyHeader
}

// key is the first idempotency key that the call carried; "" where it carried none.
func (c *call) key(header string) string {
	for _, a := range c.atts {
		if v, ok := lookupField(a, header); ok {
			return v
		}
	}
	return ""
}
