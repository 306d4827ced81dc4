package plan

import (
	"fmt"
	"strconv"
	"strings"

	"brownout/scenarios"
)

// stepWords puts a step of drive into words.
func stepWords(s *scenarios.Step) string {
	var requests []string
	for i := range s.Requests {
		requests = append(requests, s.Requests[i].Method+" "+s.Requests[i].Path.Text)
	}
	what := strings.Join(requests, ", ")
	if len(requests) > 1 {
		what += " in turn"
	}
	text := fmt.Sprintf("%d × %s", s.Calls, what)
	if s.For > 0 {
		text = what + " for " + span(s.For)
	}
	add := func(set bool, format string, args ...any) {
		if set {
			text += fmt.Sprintf(format, args...)
		}
	}
	if s.Rate != nil {
		text += " at " + rateWords(s.Rate)
	}
	add(s.Concurrency > 1, ", %d at once", s.Concurrency)
	add(s.Clients > 1, ", by %d clients", s.Clients)
	add(s.Fresh, ", by a fresh client")
	add(s.Idempotent, ", idempotent")
	add(s.Deadline > 0, ", deadline %s", span(s.Deadline))
	add(s.CancelAfter > 0, ", cancelled after %s", span(s.CancelAfter))
	add(s.Host != "", ", at host %s", s.Host)
	add(s.Wait > 0, ", after a wait of %s", span(s.Wait))
	return text
}

func rateWords(r *scenarios.Rate) string {
	per := span(r.Per)
	if r.Per.String() == "1s" {
		per = "s"
	}
	return strconv.FormatFloat(r.Events, 'g', 6, 64) + "/" + per
}

// scopeWords says which calls an expectation judges, where not all.
func scopeWords(e *scenarios.Expectation) string {
	var all []string
	if e.Route != "" {
		all = append(all, "of "+e.Route)
	}
	if e.Case != "" {
		all = append(all, "of case "+e.Case)
	}
	if e.Host != "" {
		all = append(all, "to host "+e.Host)
	}
	if e.Phase != "" {
		all = append(all, "begun in phase "+e.Phase)
	}
	if e.Event != "" {
		all = append(all, "of event "+e.Event)
	}
	return strings.Join(all, ", ")
}

// expectWords puts an expectation into words.
func expectWords(e *scenarios.Expectation) string {
	switch p := e.Params.(type) {
	case *scenarios.Succeeds:
		switch {
		case p.None:
			return "no call succeeds"
		case p.Share >= 1:
			return "every call succeeds"
		}
		return "at least " + percent(float64(p.Share)) + " of the calls succeed"
	case *scenarios.Attempts:
		return "attempts of each call: " + boundsWords(bound{"exactly", p.PerCall}, bound{"at least", p.Min}, bound{"at most", p.Max})
	case *scenarios.RetriesOn:
		if p.Declared {
			return "just the declared statuses are retried"
		}
		return "just " + statusWords(p.Exactly) + " is retried"
	case *scenarios.NeverRetries:
		if p.Status == nil {
			return "no attempt follows a definitive status"
		}
		return "no attempt follows " + statusWords(p.Status)
	case *scenarios.NoUnsafeRetry:
		return "an unsafe request of unknown outcome is sent once, unless it carries a steady key"
	case *scenarios.SameRequest:
		return "all attempts of a call are the same request"
	case *scenarios.HonoursRetryAfter:
		if p.Late != nil {
			return "no attempt comes before it is due, nor more than " + span(*p.Late) + " after"
		}
		return "no attempt comes before it is due"
	case *scenarios.Waits:
		if p.After == nil {
			return "at least " + span(p.AtLeast) + " pass after any failure"
		}
		return "at least " + span(p.AtLeast) + " pass after " + statusWords(p.After)
	case *scenarios.NoHotLoop:
		if p.Mean == nil {
			return "from the second on, gaps average 10ms, after a 429 100ms"
		}
		return "from the second on, gaps average " + span(*p.Mean)
	case *scenarios.BackoffGrows:
		return "gaps grow with the attempt's number"
	case *scenarios.BackoffJitters:
		return "gaps are random"
	case *scenarios.LeavesConnection:
		return "nothing is sent on a connection that has ended, or was said to"
	case *scenarios.AttemptEnds:
		if p.Within == nil {
			return "each attempt that is not answered is given up within its declared time, else 60s"
		}
		return "each attempt that is not answered is given up within " + span(*p.Within)
	case *scenarios.StopsAfterSuccess:
		return "no attempt follows a success, and those under way are given up"
	case *scenarios.InFlight:
		return "attempts under way at once: " + boundsWords(bound{"of a call at most", p.PerCall}, bound{"in all at most", p.Total})
	case *scenarios.RetriesReturn:
		return fmt.Sprintf("at least %d failed attempts are tried again", p.Min)
	case *scenarios.ClientsDiffer:
		return "of the first five gaps of two clients, one differs by more than " + span(p.By)
	case *scenarios.KeepsDeadline:
		if p.Of == nil {
			return "no attempt starts after the deadline of its call"
		}
		return "no attempt starts more than " + span(*p.Of) + " after the first of its call"
	case *scenarios.Ends:
		if p.Within == nil {
			return "each call has its result, within its deadline if it has one"
		}
		return "each call has its result within " + span(*p.Within)
	case *scenarios.OpensCircuit:
		after := "as many failures in a row as declared"
		if p.After != nil && !p.After.Declared {
			after = fmt.Sprintf("%d failures in a row", p.After.N)
		}
		return fmt.Sprintf("after %s the upstream is left alone for %s of open_time", after, percent(float64(p.For)))
	case *scenarios.CircuitStaysClosed:
		return "every call reaches the upstream"
	case *scenarios.FailsFast:
		return "of the calls that the client refuses itself, 95 in 100 are refused within " + span(p.Within) + ", without a connection"
	case *scenarios.HalfOpenProbes:
		most := "as many calls as declared are"
		switch {
		case p.Max != nil && !p.Max.Declared && p.Max.N == 1:
			most = "1 call is"
		case p.Max != nil && !p.Max.Declared:
			most = fmt.Sprintf("%d calls are", p.Max.N)
		}
		return "at most " + most + " let through at once while the circuit is half open"
	case *scenarios.ClosesCircuit:
		within := "1 open_time"
		if p.Within != nil {
			within = span(*p.Within)
		}
		return fmt.Sprintf("%s of the calls reach the upstream again, %s after it is well", percent(float64(p.Share)), within)
	case *scenarios.StopsWhenCancelled:
		return "a cancelled call sends nothing, and has nothing under way, after " + span(p.Within)
	case *scenarios.Acknowledges:
		return acknowledgesWords(p)
	case *scenarios.Refuses:
		return refusesWords(p)
	case *scenarios.FinalEffect:
		return finalEffectWords(p)
	case *scenarios.SameAs:
		what := p.Compare
		if what == nil {
			what = []string{"attempts", "outcome"}
		}
		return fmt.Sprintf("calls behave as those of case %s, in %s, within %s", p.Control, strings.Join(what, " and "), percent(float64(p.Within)))
	case *scenarios.SpreadsOut:
		return fmt.Sprintf("of the first retries behind a hold, at most %s come within %s", percent(float64(p.Max)), span(p.Window))
	case *scenarios.Amplification:
		return fmt.Sprintf("at most %g attempts a call, after %s of the time", p.Max, percent(float64(p.After)))
	case *scenarios.SameIdempotencyKey:
		return "all attempts of a call carry one key"
	case *scenarios.DistinctIdempotencyKeys:
		return "no key is in two calls, nor with two bodies"
	case *scenarios.KeyFromFirstAttempt:
		return "a call that is retried had its key at once"
	case *scenarios.NotResentUnchanged:
		refusals := p.Status
		if refusals == nil {
			refusals = []int{400, 422}
		}
		return "what got " + statusWords(refusals) + " is not sent again with equal key and body"
	case *scenarios.Effects:
		var all []string
		for _, b := range []struct {
			words  string
			bounds *scenarios.Bounds
		}{{"of each call", p.PerCall}, {"of each event", p.PerEvent}, {"in all", p.Total}} {
			if b.bounds != nil {
				all = append(all, b.words+" "+b.bounds.String())
			}
		}
		return "effects: " + strings.Join(all, ", ")
	case *scenarios.Truthful:
		return "the client says that a call went well exactly where it had an effect"
	case *scenarios.RightResult:
		return "each result is a body that was sent whole for its call"
	case *scenarios.PausesOthers:
		switch p.Scope {
		case "origin":
			return "while one call was told to wait, all calls of its client rest"
		case "path":
			return "while one call was told to wait, those of its client to the same path rest"
		}
		return "while one call was told to wait, others rest as the client declares"
	case *scenarios.WithinQuota:
		s := "nothing is sent while the client knows that nothing remains"
		if p.Late != nil {
			s += ", and what waited comes at most " + percent(float64(*p.Late)) + " of the wait later"
		}
		return s
	case *scenarios.LimitsItself:
		return "the client's attempts keep to its own limits" + limitsWords(p)
	case *scenarios.Connections:
		return "connections: " + boundsWords(bound{"at most", p.Max}, bound{"open at once at most", p.Open},
			bound{"for a call at most", p.PerCall}, bound{"left open at most", p.AfterStop})
	}
	return e.Name
}

// limitsWords names the limits that the scenario sets a client, rather than its profile.
func limitsWords(p *scenarios.LimitsItself) string {
	var all []string
	if p.Rate != nil {
		all = append(all, rateWords(p.Rate))
	}
	if b := boundsWords(bound{"at once", p.Burst}, bound{"under way", p.Concurrency}); b != "" {
		all = append(all, b)
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}

// bound is a bound in words, with its count; nil where it is not set.
type bound struct {
	words string
	count *scenarios.Count
}

func boundsWords(bounds ...bound) string {
	var all []string
	for _, b := range bounds {
		switch {
		case b.count == nil:
		case b.count.Declared:
			all = append(all, b.words+" declared")
		default:
			all = append(all, b.words+" "+strconv.Itoa(b.count.N))
		}
	}
	return strings.Join(all, ", ")
}

func statusWords(codes []int) string {
	all := make([]string, len(codes))
	for i, c := range codes {
		all[i] = strconv.Itoa(c)
	}
	return strings.Join(all, " or ")
}
