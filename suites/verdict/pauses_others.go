package verdict

import (
	"fmt"
	"slices"
	"strings"

	"brownout/scenarios"
)

// pausesOthers judges whether other calls rest as well while one was told to wait: those to the same server or path, and
// where a limit told it that does not concern everything the user does, those in the same bucket.
func pausesOthers(s *scope, p *scenarios.PausesOthers) *opinion {
	by := p.Scope
	if by == "" {
		by = s.scenario.Profile.PauseScope
	}
	switch by {
	case "":
		return undeclared("pause_scope")
	case "call", "none":
		o := &opinion{Finding: Finding{Outcome: Skip, Sentence: "the profile declares pause_scope: " + by + ", so that other calls may go on"}, final: true}
		o.note = "others may go on"
		return o
	}
	all := s.counted(s.calls)
	told, rested := 0, 0
	var worst counted
	var bad []counted
	for _, a := range all {
		from, to := ended(a.attempt)+lateFixed, a.Due-early
		if !a.HasDue || leftByClient(a.attempt) || to <= from {
			continue
		}
		told++
		var during []counted
		came := false
		for _, b := range all {
			if b.call == a.call || !s.concerns(a.attempt, b.attempt, by) {
				continue
			}
			if b.First > from && b.First < to {
				during = append(during, b)
			}
			came = came || b.First >= to
		}
		rested += one(came)
		if len(during) > len(bad) {
			worst, bad = a, during
		}
	}
	switch {
	case len(bad) > 0:
		o := fail("Other calls went on: %s came while the client was asked for a pause of %s.", plural(len(bad), "attempt"), short(worst.Due-worst.Sent))
		o.note = fmt.Sprintf("%s of other calls", plural(len(bad), "attempt"))
		o.Cause = s.pauseCause(worst.attempt)
		o.Proof = s.prove(bad[0].call, nil, bad[0].attempt)
		o.Others = append([]string{worst.call.title()}, others(callsIn(bad, bad[0].call))...)
		return o
	case rested > 0:
		return pass("pauses_others %d/%d", rested, rested)
	case told > 0:
		return unseen("no other call came behind a pause, so that nobody knows whether one would have")
	}
	return unseen("no answer asked for a pause of more than %s", short(lateFixed+early))
}

// concerns reports whether a pause that the answer to a asks for is one for b too.
func (s *scope) concerns(a, b *attempt, by string) bool {
	if a.Client != b.Client || a.Host != b.Host || by == "path" && pathOfTarget(a.Target) != pathOfTarget(b.Target) {
		return false
	}
	m := s.refuser(a)
	if m == nil || m.Scope == scenarios.ScopeGlobal {
		return true
	}
	return slices.ContainsFunc(s.buckets(a), func(x bucket) bool {
		return x.limit == m.Index && slices.Contains(s.buckets(b), x)
	})
}

// pathOfTarget is a target without its query.
func pathOfTarget(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}
