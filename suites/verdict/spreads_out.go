package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"brownout/scenarios"
)

const (
	gateSkew  = 20 * time.Millisecond // within which all that a gate lets through have gone
	herdFloor = time.Second           // the median wait from which on jitter of a tenth shows in a window of 100ms
)

// spreadsOut judges whether calls that were failed at one instant come back at one: the test HERD of the rules. It looks at
// the first retries of the attempts that a hold let through together.
func spreadsOut(s *scope, p *scenarios.SpreadsOut) *opinion {
	window, most := p.Window, float64(p.Max)
	if window == 0 {
		window, most = 100*time.Millisecond, 0.9
	}
	ws := s.released()
	switch {
	case len(ws) == 0:
		return unseen("no call was tried again behind a hold")
	case len(ws) < s.sample():
		return tooFew(len(ws), s.sample(), "calls that a hold let through together and that were tried again")
	}
	if median := quantile(lengths(ws), 0.5); median < herdFloor {
		return unseen("%d waits behind the hold have a median of %s; a herd shows from 1s on", len(ws), milliseconds(median))
	}
	sort.SliceStable(ws, func(i, j int) bool { return ws[i].after.First < ws[j].after.First })
	first, herd := densest(ws, window)
	share := float64(herd) / float64(len(ws))
	if share < most {
		return pass("spreads_out: at most %d of %d within %s", herd, len(ws), short(window))
	}
	w := ws[first]
	if late := s.lateness(w.after.First-window, ws[first+herd-1].after.First); late > window/2 {
		o := unseen("%d of %d first retries came within %s, but the machine itself was late then", herd, len(ws), short(window))
		o.Lateness = true
		return o
	}
	o := fail("The clients came back together: %d of %d first retries came within %s.", herd, len(ws), short(window))
	o.note = fmt.Sprintf("%.0f%% within %s, less than %.0f%% is asked for", 100*share, short(window), 100*most)
	s.showWaits(o, ws[first:first+herd])
	return o
}

// released are the waits behind attempts that a gate let through when it opened, of the gate with most of them.
func (s *scope) released() []wait {
	by := make(map[*scenarios.Answer][]wait)
	s.each(func(a *attempt) bool { return s.held(a) != nil }, func(w wait) { by[s.held(w.before)] = append(by[s.held(w.before)], w) })
	var most []wait
	for _, ws := range by {
		opened := slices.MinFunc(ws, func(a, b wait) int { return cmp.Compare(a.before.Sent, b.before.Sent) }).before.Sent
		ws = slices.DeleteFunc(ws, func(w wait) bool { return w.before.Sent > opened+gateSkew }) // they found it open
		if len(ws) > len(most) {
			most = ws
		}
	}
	return most
}

// held is the answer with a hold that the attempt got; nil where it got none.
func (e *evidence) held(a *attempt) *scenarios.Answer {
	if s := e.scripted(a); s != nil && s.Hold != nil {
		return s
	}
	return nil
}

// densest finds the window that holds most of the waits' ends, which are sorted: the first of them, and how many.
func densest(ws []wait, window time.Duration) (first, most int) {
	from := 0
	for to := range ws {
		for ws[to].after.First-ws[from].after.First >= window {
			from++
		}
		if n := to - from + 1; n > most {
			first, most = from, n
		}
	}
	return first, most
}

// shutGates names the holds whose gate opened because at_most struck: fewer attempts waited than were to.
func (e *evidence) shutGates() []Finding {
	type waited struct {
		first time.Duration
		n     int
	}
	if !e.some(func(a *scenarios.Answer) bool { return a.Hold != nil }) {
		return nil
	}
	by := make(map[*scenarios.Answer]*waited)
	for i := range e.log.Attempts {
		a := newAttempt(&e.log.Attempts[i])
		s := e.held(&a)
		if s == nil || s.Hold.Attempts == 0 {
			continue
		}
		arrived := arrivedAtGate(&a)
		w := by[s]
		if w == nil {
			w = &waited{first: arrived}
			by[s] = w
		}
		w.first = min(w.first, arrived)
	}
	var findings []Finding
	for i := range e.log.Attempts {
		a := newAttempt(&e.log.Attempts[i])
		if s := e.held(&a); s != nil && by[s] != nil && arrivedAtGate(&a) <= by[s].first+s.Hold.AtMost {
			by[s].n++
		}
	}
	inOrder := func(a, b *scenarios.Answer) int { return cmp.Compare(a.Hold.Pos.Line, b.Hold.Pos.Line) }
	for _, s := range slices.SortedFunc(maps.Keys(by), inOrder) {
		if w := by[s]; w.n < s.Hold.Attempts {
			findings = append(findings, Finding{Check: unwritten, Outcome: Inconclusive, Expect: Note{Pos: s.Hold.Pos, Text: "at_most struck"},
				Sentence: fmt.Sprintf("the hold waited for %d attempts, and %d came in %s", s.Hold.Attempts, w.n, short(s.Hold.AtMost))})
		}
	}
	return findings
}

// arrivedAtGate is when the attempt came to its answer's gate.
func arrivedAtGate(a *attempt) time.Duration { return a.Read + a.Attempt.Delay }
