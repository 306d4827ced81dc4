package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// definitive are the statuses that never_retries judges when it names none.
var definitive = []int{400, 401, 403, 404, 405, 406, 410, 411, 413, 415, 422, 451}

// warnCheck reports a check that can never fail, can never pass, or sees too few calls.
func (l *loader) warnCheck(s *Scenario, e *Expectation, at string) {
	c, ok := CheckNamed(e.Name)
	if !ok || e.Params == nil {
		return
	}
	seen := s.reach(e)
	if total, known := sampled(s, c.SampleOf); known && total < c.Sample {
		l.warn(e.Pos, at, fmt.Sprintf("%s needs %d %s, and drive leads to %d", e.Name, c.Sample, c.SampleOf, total), "write more calls, or the check is skipped")
	}
	if c.ByKey && s.Identity.By == "header" && slices.ContainsFunc(keyHeaders(s), func(h string) bool { return strings.EqualFold(h, s.Identity.Header) }) {
		l.warn(e.Pos, at, e.Name+" can never fail, for calls are named by that very header", "name calls in another way: identity.by, --per-call or a driver")
	}
	if msg := neverFails(s, e.Params, seen); msg != "" {
		l.warn(e.Pos, at, e.Name+" can never fail, for "+msg, "")
	}
	l.warnWebhook(s, e, at)
	switch p := e.Params.(type) {
	case *Succeeds:
		if !p.None && p.Share > 0 && !seen.good {
			l.warn(e.Pos, at, "succeeds can never pass, for no answer is a 2xx", "")
		}
	case *Effects:
		l.warnEffects(s, e, at, &seen)
	case *Truthful:
		if !seen.effects {
			l.warn(e.Pos, at, "truthful has nothing to compare with, for no route here has effects", "add commit: {} to the route")
		}
	case *Attempts:
		if p.PerCall == nil {
			return
		}
		for i := range s.Faults {
			f := &s.Faults[i]
			if (f.Answer.Status != 0 || f.Answer.Wire != nil) && f.When.concerns(e) {
				l.warn(l.spot(&p.PerCall), at+".per_call", "the exact number changes with "+quote(f.Name)+", which takes up attempts of its own", "write min and max")
				return
			}
		}
		for i := range s.Limits {
			if m := &s.Limits[i]; m.When.concerns(e) {
				l.warn(l.spot(&p.PerCall), at+".per_call", "the exact number changes with "+quote(m.Name)+", whose refusals take up attempts of their own", "write min and max")
				return
			}
		}
	}
}

// warnEffects reports a check of effects that has nothing to count.
func (l *loader) warnEffects(s *Scenario, e *Expectation, at string, seen *reached) {
	if !seen.effects {
		l.warn(e.Pos, at, "effects has nothing to count, for no route here has effects", "add commit: {} to the route")
		return
	}
	p := e.Params.(*Effects)
	byEvent := slices.ContainsFunc(s.Routes, func(r Route) bool {
		return r.Commit != nil && (e.Route == "" || e.Route == r.Name) && slices.ContainsFunc(r.Match, func(m Match) bool { return m.Path.has("event") })
	})
	if p.PerEvent != nil && !byEvent {
		l.warn(l.spot(&p.PerEvent), at+".per_event", "no effect belongs to an event, for no path of a route with commit has :event", "write match: POST /effects/:event")
	}
	for _, b := range []struct {
		bounds *Bounds
		name   string
	}{{p.PerCall, "per_call"}, {p.PerEvent, "per_event"}, {p.Total, "total"}} {
		if b.bounds != nil && b.bounds.Least == 0 && b.bounds.Most == Unbounded {
			l.warn(e.Pos, at+"."+b.name, "any number of effects is at least 0, so that "+b.name+" can never fail", "write 0..1, or 1")
		}
	}
}

// sampled returns how many calls drive makes, or how many waits they can have at most, where that is known.
func sampled(s *Scenario, what string) (int, bool) {
	total, known := totalCalls(s)
	if !known || len(s.Drive) == 0 || what == ofCalls {
		return total, known && len(s.Drive) > 0
	}
	most := 0 // waits of one call: one after each entry that fails, while there is a healthy one to end with
	for i := range s.Routes {
		if len(s.Routes[i].Cases) > 0 {
			return 0, false
		}
		waits := 0
		for j := range s.Routes[i].Answers {
			a := &s.Routes[i].Answers[j]
			if a.Status/100 != 2 || a.Wire != nil || a.Delay != nil {
				waits += a.Times
			}
		}
		if last := s.Routes[i].Answers[len(s.Routes[i].Answers)-1]; last.Status/100 != 2 || last.Wire != nil || last.Delay != nil {
			return 0, false
		}
		most = max(most, waits)
	}
	return total * most, len(s.Faults) == 0 && len(s.Limits) == 0
}

// keyHeaders are the headers that idempotency keys may stand in.
func keyHeaders(s *Scenario) []string {
	headers := []string{DefaultKeyHeader, s.Profile.KeyHeader}
	for i := range s.Routes {
		headers = append(headers, s.Routes[i].Commit.KeyHeader(&s.Profile))
	}
	return headers
}

// reached is what the calls that a check judges can meet.
type reached struct {
	statuses   map[int]bool
	failing    bool // some answer or fault makes a client retry: a status from 400 on, or a wire fault
	good       bool // some answer is a 2xx
	retryAfter bool
	held       bool // some answer has a hold
	ends       bool // some connection ends behind an answer
	quota      bool // some answer tells what is left of a quota
	unsafe     bool // some request may be neither idempotent nor safe
	effects    bool // some attempt may commit an effect
}

// reach collects what the calls that a check judges can meet.
func (s *Scenario) reach(e *Expectation) reached {
	r := reached{statuses: map[int]bool{}}
	for i := range s.Routes {
		route := &s.Routes[i]
		if e.Route != "" && e.Route != route.Name {
			continue
		}
		for j := range route.Answers {
			r.meet(&route.Answers[j])
		}
		r.meetLedger(route)
		for _, m := range route.Match {
			r.unsafe = r.unsafe || !slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}, m.Method)
		}
	}
	if len(s.Routes) == 0 {
		r.good, r.unsafe = true, true
	}
	for i := range s.Faults {
		if f := &s.Faults[i]; f.When.concerns(e) {
			r.meet(&f.Answer)
		}
	}
	for i := range s.Limits {
		if m := &s.Limits[i]; m.When.concerns(e) {
			r.refuse(s, m)
		}
	}
	return r
}

// meetLedger notes what the ledger of a route answers.
func (r *reached) meetLedger(route *Route) {
	c := route.Commit
	r.effects = r.effects || c != nil
	if !c.Keyed() {
		return
	}
	for _, status := range []int{c.InFlight, c.Mismatch, c.Missing} {
		if status != 0 {
			r.statuses[status] = true
			r.failing = r.failing || status >= 400
		}
	}
	for i := range route.Answers { // a stored answer has no wire fault
		r.good = r.good || route.Answers[i].Status/100 == 2
	}
}

// refuse adds what a limit may do.
func (r *reached) refuse(s *Scenario, m *Limit) {
	a := m.Answer
	a.Status = s.Refusal(m)
	if m.RetryAfter != nil {
		a.RetryAfter = m.RetryAfter
	}
	r.meet(&a)
	r.quota = r.quota || TellsQuotas(s.DialectOf(m.Dialect))
	r.retryAfter = r.retryAfter || m.RetryAfter == nil && !m.NoRetryAfter && m.Concurrency == 0
}

func (r *reached) meet(a *Answer) {
	r.statuses[a.Status] = true
	r.failing = r.failing || a.Status >= 400 || a.Wire != nil || a.Delay != nil
	r.good = r.good || a.Status/100 == 2 && (a.Wire == nil || a.Wire.LeavesWhole())
	r.ends = r.ends || a.Connection != "" || a.Framing == FramingClose || a.Wire != nil && a.Wire.At == AtIdle
	r.held = r.held || a.Hold != nil
	r.quota = r.quota || a.Quota != nil && (a.Quota.Remaining != "" || a.Quota.Reset != nil)
	r.retryAfter = r.retryAfter || a.RetryAfter != nil || hasHeader(a.Headers, "Retry-After") || hasHeader(a.Headers, "Retry-After-Ms")
}

// any reports whether one of the statuses can be met.
func (r *reached) any(statuses []int) bool {
	return slices.ContainsFunc(statuses, func(s int) bool { return r.statuses[s] })
}

// concerns reports whether the triggers may hold for calls that a check judges.
func (w *When) concerns(e *Expectation) bool {
	return e.Phase == "" || w.Phase == nil || slices.Contains(w.Phase, e.Phase)
}

// neverFails says why a check with these parameters holds whatever a client does; "" where it does not.
func neverFails(s *Scenario, params Params, seen reached) string {
	switch p := params.(type) {
	case *Succeeds:
		return sayIf(!p.None && p.Share == 0, "0% of the calls always succeed")
	case *Attempts:
		return sayIf(p.Min != nil && p.Min.N == 1 && p.Max == nil && p.PerCall == nil, "a call has at least one attempt")
	case *Connections:
		return ""
	case *HonoursRetryAfter:
		return sayIf(!seen.retryAfter, "nothing sends Retry-After")
	case *NoHotLoop:
		if p.Mean != nil && *p.Mean == 0 {
			return "every gap is at least 0s"
		}
	case *Waits:
		if p.AtLeast == 0 {
			return "every gap is at least 0s"
		}
		if p.After != nil && !seen.any(p.After) {
			return "nothing answers " + statusList(p.After)
		}
	case *NeverRetries:
		if p.Status == nil && !seen.any(definitive) {
			return "nothing answers one of the definitive statuses"
		}
		if p.Status != nil && !seen.any(p.Status) {
			return "nothing answers " + statusList(p.Status)
		}
	case *NoUnsafeRetry:
		if !seen.unsafe {
			return "every route takes safe or idempotent methods only"
		}
	case *WithinQuota:
		return sayIf(!seen.quota, "no answer tells what is left of a quota")
	case *PausesOthers:
		return sayIf(!seen.retryAfter, "nothing sends Retry-After")
	case *LimitsItself:
		return ""
	case *LeavesConnection:
		return sayIf(!seen.ends, "no connection is said to end, nor ended while it is idle")
	case *AttemptEnds:
		return sayIf(!seen.failing, "every attempt is answered at once")
	case *SameAs, *InFlight, *Ends, *ClosesCircuit, *FailsFast, *HalfOpenProbes:
		return ""
	case *StopsWhenCancelled:
		return sayIf(!cancels(s), "drive cancels no call")
	case *Acknowledges, *Refuses, *FinalEffect:
		return "" // see warnWebhook
	case *SpreadsOut:
		if !seen.held {
			return "nothing here has a hold"
		}
		return ""
	case *DistinctIdempotencyKeys, *KeyFromFirstAttempt, *SameIdempotencyKey, *Effects, *Truthful, *RightResult:
		return ""
	case *NotResentUnchanged:
		refusals := p.Status
		if refusals == nil {
			refusals = []int{400, 422}
		}
		return sayIf(!seen.any(refusals), "nothing answers "+statusList(refusals))
	}
	return sayIf(!seen.failing, "nothing here makes a client retry")
}

// cancels reports whether drive has calls cancelled.
func cancels(s *Scenario) bool {
	return slices.ContainsFunc(s.Drive, func(step Step) bool { return step.CancelAfter > 0 })
}

func sayIf(holds bool, s string) string {
	if holds {
		return s
	}
	return ""
}

func statusList(statuses []int) string {
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = fmt.Sprint(s)
	}
	return joinOr(words)
}

// phaseWindow returns the time that one phase takes, with to 0 where it has no end; ok is false where it is not known.
func phaseWindow(s *Scenario, names []string) (from, to time.Duration, ok bool) {
	if len(names) != 1 {
		return 0, 0, false
	}
	for _, p := range s.Phases {
		if p.Name == names[0] {
			if p.For > 0 {
				to = from + p.For
			}
			return from, to, p.Attempts == 0
		}
		if p.Attempts > 0 {
			return 0, 0, false
		}
		from += p.For
	}
	return 0, 0, false
}

func showWindow(from, to time.Duration) string {
	if to == 0 {
		return showDuration(from) + ".."
	}
	return showDuration(from) + ".." + showDuration(to)
}
