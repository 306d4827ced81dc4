package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"brownout/chaosserver/journal"
)

// upstreamName is the name of findings on the upstream that a scenario was played in front of.
const upstreamName = "upstream"

// forwards are the requests that went to the upstream, by attempt and in the order of their copies.
type forwards struct {
	all    []journal.Forward
	failed map[uint64]string // why the upstream failed, by attempt
}

// gatherForwards sorts the requests to the upstream.
func gatherForwards(log *journal.Log) forwards {
	f := forwards{}
	if len(log.Forwards) == 0 {
		return f
	}
	f.all = slices.Clone(log.Forwards)
	sort.SliceStable(f.all, func(i, j int) bool {
		a, b := &f.all[i], &f.all[j]
		return a.Seq < b.Seq || a.Seq == b.Seq && a.Copy < b.Copy
	})
	for i := range f.all {
		if r := &f.all[i]; r.Failure != "" && r.Copy == 1 {
			if f.failed == nil {
				f.failed = make(map[uint64]string)
			}
			f.failed[r.Seq] = r.Failure
		}
	}
	return f
}

// of returns the requests of one attempt.
func (f *forwards) of(seq uint64) []journal.Forward {
	from, _ := slices.BinarySearchFunc(f.all, seq, func(r journal.Forward, seq uint64) int { return cmp.Compare(r.Seq, seq) })
	to := from
	for to < len(f.all) && f.all[to].Seq == seq {
		to++
	}
	return f.all[from:to]
}

// upstreamFailed returns an attempt of the scope on which the upstream failed; nil where there is none.
func (s *scope) upstreamFailed() *attempt {
	if len(s.forwards.failed) == 0 {
		return nil
	}
	for _, calls := range [][]*call{s.calls, s.vague} {
		for _, c := range calls {
			for _, a := range c.atts {
				if _, failed := s.forwards.failed[a.Seq]; failed && !a.cut {
					return a
				}
			}
		}
	}
	return nil
}

// blameless is the opinion on a failure in a run in which the upstream failed: nobody knows what the client would have done.
func (s *scope) blameless(a *attempt, o *opinion) *opinion {
	n := unseen("the upstream failed on attempt %d (%s), so that this says nothing of the client: %s", a.Seq, s.forwards.failed[a.Seq], lower(o.Sentence))
	n.Hint = "See that the upstream answers, and run it again."
	n.note, n.Proof, n.Cause = "the upstream failed", o.Proof, o.Cause
	return n
}

// upstreamFindings says on which attempts the upstream failed, and where it answered the copies of one request differently.
func (e *evidence) upstreamFindings() []Finding {
	var findings []Finding
	if n := len(e.forwards.failed); n > 0 {
		first := e.firstFailed()
		findings = append(findings, Finding{Check: upstreamName, Outcome: Inconclusive,
			Sentence: fmt.Sprintf("the upstream %s failed on %s, first on attempt %d: %s", e.log.Header.Upstream, plural(n, "attempt"), first, e.forwards.failed[first]),
			Hint:     "See that the upstream answers, and run it again."})
	}
	return append(findings, e.copiesDiffer()...)
}

// firstFailed is the first attempt on which the upstream failed.
func (e *evidence) firstFailed() uint64 {
	for i := range e.forwards.all {
		if r := &e.forwards.all[i]; r.Copy == 1 && r.Failure != "" {
			return r.Seq
		}
	}
	return 0
}

// copiesDiffer says where copies of one request were answered differently, one finding for each fault that duplicates.
func (e *evidence) copiesDiffer() []Finding {
	var findings []Finding
	at := make(map[int]int) // index of the finding, by fault
	more := make(map[int]int)
	for i := range e.log.Attempts {
		a := &e.log.Attempts[i]
		all := e.forwards.of(a.Seq)
		if len(all) < 2 || !differ(all) {
			continue
		}
		f := e.duplicating(a)
		if _, told := at[f]; told {
			more[f]++
			continue
		}
		at[f] = len(findings)
		words := make([]string, len(all))
		for j := range all {
			words[j] = forwardWord(&all[j])
		}
		finding := Finding{Check: upstreamName, Outcome: Info, Expect: Note{Text: "the copies were answered differently"},
			Sentence: fmt.Sprintf("the upstream answered the %d copies of %s %s (attempt %d) with %s", len(all), a.Method, a.Target, a.Seq, list(words, "and"))}
		if f >= 0 {
			finding.Expect.Pos = e.scenario.Faults[f].Duplicate.Pos
		}
		findings = append(findings, finding)
	}
	for f, n := range more {
		findings[at[f]].Sentence += fmt.Sprintf(", and likewise those of %s more", plural(n, "attempt"))
	}
	return findings
}

// differ reports whether requests came to different ends.
func differ(all []journal.Forward) bool {
	return slices.ContainsFunc(all, func(r journal.Forward) bool { return r.Status != all[0].Status || r.Failure != all[0].Failure })
}

// forwardWord is what a request came to: its status, or why there is none.
func forwardWord(r *journal.Forward) string {
	switch {
	case r.Failure != "":
		return "no answer (" + r.Failure + ")"
	case r.Status == 0:
		return "no answer"
	}
	return strconv.Itoa(r.Status)
}

// duplicating is the index of the fault that duplicated an attempt; -1 where none did.
func (e *evidence) duplicating(a *journal.Attempt) int {
	for _, i := range a.Applied {
		if f := e.fault(i); f != nil && f.Duplicate != nil {
			return i
		}
	}
	return -1
}
