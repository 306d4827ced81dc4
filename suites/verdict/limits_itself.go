package verdict

import (
	"fmt"
	"slices"
	"time"

	"brownout/scenarios"
)

// The tolerance of a client's own rate: one attempt more, and from a second on a twentieth.
const (
	rateGrace = 1.05
	rateShort = time.Second
)

// limitsItself judges whether the attempts of each client, retries too, keep to its own rate and concurrency.
func limitsItself(s *scope, p *scenarios.LimitsItself) *opinion {
	profile := &s.scenario.Profile
	rate, concurrency := p.Rate, 0
	if rate == nil {
		rate = profile.ClientRate
	}
	burst, set := 1, true
	switch {
	case p.Burst != nil:
		burst, set = count(p.Burst, profile.ClientBurst)
	case profile.ClientBurst != nil:
		burst = *profile.ClientBurst
	}
	if !set {
		return undeclared("client_burst")
	}
	alone := p.Rate == nil && !p.RateDeclared && p.Burst == nil && p.Concurrency != nil // only that is asked about
	switch {
	case p.Concurrency != nil:
		var ok bool
		if concurrency, ok = count(p.Concurrency, profile.ClientConcurrency); !ok {
			return undeclared("client_concurrency")
		}
	case p.Rate == nil && !p.RateDeclared && p.Burst == nil && profile.ClientConcurrency != nil:
		concurrency = *profile.ClientConcurrency
	}
	if rate == nil && concurrency == 0 {
		return undeclared("client_rate")
	}
	clients := byClient(s.counted(s.calls, s.vague))
	var parts []*opinion
	if rate != nil && !alone {
		parts = append(parts, s.keepsRate(clients, rate, burst))
	}
	if concurrency > 0 {
		parts = append(parts, s.keepsConcurrency(clients, concurrency))
	}
	return gravest("limits_itself", parts)
}

// stretch is a run of a client's attempts, from the first to the last, that is too many for its time.
type stretch struct {
	client      []counted
	first, last int
	allowed     float64
}

func (x *stretch) n() int                   { return x.last - x.first + 1 }
func (x *stretch) length() time.Duration    { return x.client[x.last].First - x.client[x.first].First }
func (x *stretch) excess(a float64) float64 { return float64(x.n()) - a }

// keepsRate judges the rate of each client.
func (s *scope) keepsRate(clients [][]counted, r *scenarios.Rate, burst int) *opinion {
	var worst, excused *stretch
	most := 0
	for _, atts := range clients {
		most = max(most, len(atts))
		for _, x := range crowded(atts, r, burst) {
			from, to := atts[x.first].First-lateFixed, atts[x.last].First
			late := s.lateness(from, to)
			kept := &worst
			if x.excess(rateAllows(r, burst, x.length()+late)) <= 0 {
				kept = &excused
			}
			if *kept == nil || x.excess(x.allowed) > (*kept).excess((*kept).allowed) {
				*kept = &x
			}
		}
	}
	limit := fmt.Sprintf("%s and %d at once", rateText(r), burst)
	switch {
	case worst != nil:
		o := fail("The client sent %s in %s; %s allow %d.", plural(worst.n(), "attempt"), measured(worst.length()), limit, int(worst.allowed))
		o.note = fmt.Sprintf("%s in %s, at most %d with slack", plural(worst.n(), "attempt"), short(worst.length()), int(worst.allowed))
		a := worst.client[worst.last]
		o.Proof = s.prove(a.call, nil, a.attempt)
		o.Others = others(callsIn(worst.client[worst.first:worst.last+1], a.call))
		return o
	case excused != nil:
		o := unseen("%s came in %s, but the machine itself was late then", plural(excused.n(), "attempt"), measured(excused.length()))
		o.Lateness = true
		return o
	case most <= burst+1:
		return unseen("no client made more than %s, which %s allow at once", plural(most, "attempt"), limit)
	}
	return pass("within %s", limit)
}

// rateAllows is how many attempts may come in so long a time: burst + rate·t, and the tolerance.
func rateAllows(r *scenarios.Rate, burst int, d time.Duration) float64 {
	n := float64(d) / float64(r.Per) * r.Events
	if d >= rateShort {
		n *= rateGrace
	}
	return float64(burst) + n + 1
}

// crowded finds for each attempt the run that ends with it and is most of all too long for its time, if there is one: the
// generic cell rate algorithm over every pair of attempts. With f(i) = rate·t(i) - i the run from i to j holds too much by
// j + 1 - rate·t(j) + f(i) - burst - 1, so that the greatest f decides: of those within a second the greatest of a sliding
// window, of earlier ones, where the rate is a twentieth higher, the greatest so far.
func crowded(atts []counted, r *scenarios.Rate, burst int) []stretch {
	perNano := r.Events / float64(r.Per)
	f := func(i int, rate float64) float64 { return rate*float64(atts[i].First) - float64(i) }
	var found []stretch
	var window []int // of those within a second, those whose f is above that of all behind them
	old := -1        // of the earlier ones the greatest
	next := 0        // the first that is not an earlier one
	for j := range atts {
		for next < j && atts[j].First-atts[next].First >= rateShort {
			if old < 0 || f(next, perNano*rateGrace) > f(old, perNano*rateGrace) {
				old = next
			}
			next++
		}
		for len(window) > 0 && window[0] < next {
			window = window[1:]
		}
		pair := []int{old}
		if len(window) > 0 {
			pair = append(pair, window[0])
		}
		for _, i := range pair {
			if i < 0 {
				continue
			}
			x := stretch{atts, i, j, 0}
			x.allowed = rateAllows(r, burst, x.length())
			if x.excess(x.allowed) > 1e-9 {
				found = append(found, x)
			}
		}
		for len(window) > 0 && f(window[len(window)-1], perNano) <= f(j, perNano) {
			window = window[:len(window)-1]
		}
		window = append(window, j)
	}
	return found
}

// keepsConcurrency judges how many attempts of each client are under way at once, as in_flight does for all together.
func (s *scope) keepsConcurrency(clients [][]counted, most int) *opinion {
	total, peak, late := 0, 0, false
	for _, client := range clients {
		atts := make([]*attempt, len(client))
		for i, a := range client {
			atts[i] = a.attempt
		}
		total = max(total, len(atts))
		fs := s.flights(atts, false)
		n, at := peakFlight(fs)
		peak = max(peak, n)
		switch sure, _ := peakFlight(s.flights(atts, true)); {
		case n <= most:
		case sure <= most:
			late = true
		default:
			o := fail("The client had %s under way at once, %d more than allowed.", plural(n, "attempt"), n-most)
			o.note = fmt.Sprintf("%d under way at %s", n, measured(at))
			bad := flying(fs, at)
			o.Cause = s.cause(bad[0])
			last := bad[len(bad)-1]
			o.Proof = s.prove(client[slices.IndexFunc(client, func(a counted) bool { return a.attempt == last })].call, nil, last)
			return o
		}
	}
	switch {
	case late:
		o := unseen("more than %s were under way at once, but the machine itself was late to see some end", plural(most, "attempt"))
		o.Lateness = true
		return o
	case total <= most:
		return unseen("no client made more than %s, which may all be under way at once", plural(total, "attempt"))
	}
	return pass("at most %d under way", peak)
}

// callsIn are the calls of attempts, each once, c first.
func callsIn(atts []counted, c *call) []*call {
	calls := []*call{c}
	seen := map[*call]bool{c: true}
	for _, a := range atts {
		if !seen[a.call] {
			seen[a.call] = true
			calls = append(calls, a.call)
		}
	}
	return calls
}

// rateText writes a rate as an author would: 20/s, 80/1m.
func rateText(r *scenarios.Rate) string {
	per := short(r.Per)
	if r.Per == time.Second {
		per = "s"
	}
	return factor(r.Events) + "/" + per
}
