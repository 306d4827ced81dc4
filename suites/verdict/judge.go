package verdict

import (
	"fmt"
	"strings"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// Judge judges what a journal holds against what a scenario expects. The findings come in the order of the
// scenario's expectations, then what must have happened, then what went wrong with the journal and the client.
//
// Judge is pure: the same scenario and journal give the same verdict. It keeps no reference to either, and several
// goroutines may judge the same ones. A scenario that needs values which the profile does not declare is a skip.
func Judge(s *scenarios.Scenario, log *journal.Log) Verdict {
	v := Verdict{Scenario: s.Name, File: s.File, Seed: log.Header.Seed, Attempts: len(log.Attempts), Elapsed: log.End}
	if len(s.Undeclared) > 0 {
		v.Outcome = Skip
		v.Reason = fmt.Sprintf("the profile does not declare %s", list(s.Undeclared, "and"))
		return v
	}
	e := gather(s, log)
	for i := range e.calls {
		v.Calls += one(len(e.calls[i].atts) > 0)
	}
	skipped := 0
	for i := range s.Expect {
		f := e.check(&s.Expect[i])
		if f.Outcome == Skip {
			skipped++
		}
		v.Findings = append(v.Findings, f)
	}
	v.Outcome = Pass
	switch {
	case len(s.Expect) == 0:
		v.Outcome, v.Reason = Inconclusive, "the scenario expects nothing"
	case skipped == len(s.Expect):
		v.Outcome, v.Reason = Inconclusive, "every check was skipped"
	}
	v.Findings = append(v.Findings, e.mustHaveHappened()...)
	v.Findings = append(v.Findings, e.upstreamFindings()...)
	v.Findings = append(v.Findings, e.recordErrors()...)
	v.Findings = append(v.Findings, e.clientErrors()...)
	for i := range v.Findings {
		f := &v.Findings[i]
		f.Sentence = stopped(f.Sentence)
		v.Outcome = Worst(v.Outcome, f.Outcome)
	}
	return v
}

// Worst returns the outcome that decides among several: error, fail, inconclusive, warn, pass, in this order. Skip
// and info change nothing: they are returned only where there is nothing else, info before skip. Worst of nothing
// is a skip.
func Worst(outcomes ...Outcome) Outcome {
	worst := Skip
	for _, o := range outcomes {
		if rank(o) > rank(worst) {
			worst = o
		}
	}
	return worst
}

// rank orders the outcomes.
func rank(o Outcome) int {
	switch o {
	case Skip:
		return 0
	case Info:
		return 1
	case Pass:
		return 2
	}
	return int(o)
}

// check judges one expectation.
func (e *evidence) check(x *scenarios.Expectation) Finding {
	c := lookup(x.Params)
	if c == nil {
		return Finding{Check: x.Name, Outcome: Error, Sentence: fmt.Sprintf("nothing judges checks of type %T", x.Params), Expect: Note{Pos: x.Pos}}
	}
	s := e.scope(x, c)
	o := s.weigh(c, s.decide(c))
	f := o.Finding
	f.Check, f.Expect, f.Why = x.Name, Note{Pos: x.Pos, Text: o.note}, c.Why
	if f.Rules == nil {
		f.Rules = s.grammar.Rules
	}
	f.Outcome = soften(f.Outcome, x.Level)
	return f
}

// soften applies the expectation's level: what is worth a warning counts for no more where it could not be judged.
func soften(o Outcome, l scenarios.Level) Outcome {
	if o != Fail && o != Inconclusive {
		return o
	}
	switch l {
	case scenarios.LevelWarn:
		return Warn
	case scenarios.LevelInfo:
		return Info
	}
	return o
}

// decide judges the check with its transport replays as attempts, and where there are any, without. Where that alone
// makes the difference, nobody can say which it is.
func (s *scope) decide(c *Check) *opinion {
	with := c.judge(s, s.expect.Params)
	if c.replays != bothWays || s.evidence.replays == 0 {
		return with
	}
	replayed := s.replayed()
	if replayed == nil {
		return with
	}
	s.replays = false
	without := c.judge(s, s.expect.Params)
	s.replays = true
	if with.Outcome == without.Outcome {
		return with
	}
	a, b := replayed.atts[replayed.replay], replayed.atts[replayed.replay+1]
	o := unseen("only a transport replay makes the difference: attempt %d of %s came %s after the connection under attempt %d was gone",
		replayed.replay+2, replayed.title(), short(b.First-ended(a)), replayed.replay+1)
	if with.Outcome == Fail {
		o.note = "counted as an attempt it fails, else it does not"
	} else {
		o.note = "counted as an attempt it does not fail, else it does"
	}
	o.Proof = s.prove(replayed, nil, b)
	o.Cause = s.cause(a)
	o.Lateness = replayed.overdue
	return o
}

// replayed is the scope's first call with a transport replay; nil where there is none.
func (s *scope) replayed() *call {
	for _, c := range s.calls {
		if c.replay >= 0 {
			return c
		}
	}
	return nil
}

// weigh turns an opinion that the evidence does not carry into an inconclusive one.
func (s *scope) weigh(c *Check, o *opinion) *opinion {
	if s.untrusted && o.Outcome == Fail {
		return unseen("no call came past its TLS") // and why is said of the client that never called
	}
	if o.Outcome == Fail {
		if a := s.upstreamFailed(); a != nil {
			return s.blameless(a, o)
		}
	}
	if o.final {
		return o
	}
	stands := o.Outcome == Fail && !o.absence
	switch {
	case s.grammar.Identity && len(s.vague) > 0 && (!stands || c.everyone):
		return s.alike()
	case s.grammar.Identity && !c.requests && s.unplaced > 0 && !stands:
		return s.unplacedCuts()
	case s.dropped > 0 && o.Outcome == Fail && o.absence:
		n := unseen("%s dropped: %s", plural(s.dropped, "record"), lower(o.Sentence))
		n.note, n.Proof, n.Cause = "the record is not whole", o.Proof, o.Cause
		return n
	case s.interrupted && o.Outcome == Fail && o.absence:
		n := unseen("the run was interrupted before it was done: %s", lower(o.Sentence))
		n.note, n.Proof, n.Cause = "the client was not done", o.Proof, o.Cause
		return n
	}
	return o
}

// alike is the opinion on calls whose attempts look alike.
func (s *scope) alike() *opinion {
	attempts := 0
	for _, v := range s.vague {
		attempts += len(v.atts)
	}
	o := unseen("the %s of %s cannot be told apart: their requests look alike",
		plural(attempts, "attempt"), plural(len(s.vague), "call"))
	o.Hint = "Name the calls: with --per-call, or with identity: {by: path} and :call in the path."
	o.note = "calls cannot be told apart"
	return o
}

// unplacedCuts is the opinion where connections cut before a request might be any call's.
func (s *scope) unplacedCuts() *opinion {
	o := unseen("%s cut before a request belonged to one of several calls in progress, and nothing says to which",
		plural(s.unplaced, "connection"))
	o.Hint = "Make one call at a time, or name the calls with --per-call."
	o.note = "cut connections cannot be told apart"
	return o
}

// stopped ends a sentence with a stop.
func stopped(sentence string) string {
	if sentence == "" || strings.HasSuffix(sentence, ".") {
		return sentence
	}
	return sentence + "."
}

// lower makes a sentence the end of another.
func lower(sentence string) string {
	return strings.TrimSuffix(strings.ToLower(sentence[:1])+sentence[1:], ".")
}
