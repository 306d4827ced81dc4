package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// spent is what a client was told of a bucket by one answer.
type spent struct {
	counted
	remaining int64
	due       time.Duration // when there is more
	known     bool          // due is
}

// over is an attempt that came while the client knew that nothing remained.
type over struct {
	told spent
	next counted
}

// withinQuota judges whether a client sends nothing while it knows that nothing remains of a quota, and, where the expectation
// says so, that what it holds back does not come much later than it could. A Retry-After in the same answer takes precedence
// over the reset.
func withinQuota(s *scope, p *scenarios.WithinQuota) *opinion {
	all := s.counted(s.calls, s.vague)
	told := s.quotasTold(all)
	workers := s.workers(all)
	var soon, late []over
	zeros, judged := 0, 0
	asks := s.asks(all, told)
	for _, b := range sortedBuckets(told) {
		history := told[b]
		for i := range history {
			zeros += one(history[i].forbids())
		}
		waited := make(map[*attempt]bool) // by what told it: its wait has been judged
		crossed := make(map[*attempt]int) // by what told it: attempts that may have been on their way
		for _, a := range asks[b] {
			t, fresh := lastKnown(history, a)
			switch {
			case t != nil && t.forbids():
				judged++
				if a.First < t.due-early {
					soon = append(soon, over{*t, a})
					break
				}
				if p.Late != nil && !waited[t.attempt] && s.tooLateFor(t, a, float64(*p.Late)) {
					late = append(late, over{*t, a})
				}
				waited[t.attempt] = true
			case fresh != nil && a.First < fresh.due-early:
				if crossed[fresh.attempt]++; crossed[fresh.attempt] >= workers[b.client] {
					judged++
					soon = append(soon, over{*fresh, a})
				}
			}
		}
	}
	switch {
	case len(soon) > 0:
		return s.overQuota(soon, judged)
	case len(late) > 0:
		return s.lateForQuota(late, judged, float64(*p.Late))
	case judged > 0:
		return pass("within_quota %d/%d", judged, judged)
	case zeros > 0:
		return unseen("no attempt followed an answer that told that nothing remained")
	}
	return unseen("no answer told that nothing remained, and when there is more")
}

// forbids reports whether nothing remains, for longer than a timer may be early.
func (t *spent) forbids() bool { return t.remaining <= 0 && t.known && t.due-ended(t.attempt) > early }

// lastKnown is the last thing that the client surely knew of a bucket when it sent an attempt, and the first after it that says
// that nothing remains, which it may not have known yet: of those a client with several workers has one on its way for each of
// the others, and a client with one has none. Each is nil where there is none.
func lastKnown(history []spent, a counted) (known, fresh *spent) {
	latest := true // nothing that came later says that something remains
	for i := sort.Search(len(history), func(i int) bool { return history[i].Sent > a.First }) - 1; i >= 0; i-- {
		t := &history[i]
		switch {
		case t.Seq >= a.Seq: // itself, or one that came behind it
		case a.call == t.call, a.First > ended(t.attempt)+crossing:
			return t, fresh
		case !t.forbids():
			latest = false
		case latest:
			fresh = t
		}
	}
	return nil, fresh
}

// workers is how many attempts each client can have under way: as many as it ever had, or calls that its driver made at once;
// where no driver tells, as it had connections open at once.
func (s *scope) workers(all []counted) map[string]int {
	workers := make(map[string]int)
	for _, client := range byClient(all) {
		atts := make([]*attempt, len(client))
		for i, a := range client {
			atts[i] = a.attempt
		}
		n, _ := peakFlight(s.flights(atts, false))
		more := s.callsAtOnce(client)
		if more == 0 {
			more = s.connsAtOnce(client)
		}
		workers[client[0].Client] = max(n, more, 1)
	}
	return workers
}

// callsAtOnce is how many of a client's calls its driver made at once; 0 where no driver tells.
func (s *scope) callsAtOnce(client []counted) int {
	var made []flight
	told := false
	for _, c := range callsIn(client, client[0].call) {
		r, said := s.result(c)
		told = told || said && r.Timed
		if said && r.Timed && r.At > r.Start {
			made = append(made, flight{from: r.Start, to: r.At})
		}
	}
	n, _ := peakFlight(made)
	return max(n, one(told))
}

// connsAtOnce is how many connections of a client were open at once.
func (s *scope) connsAtOnce(client []counted) int {
	used := make(map[uint64]bool)
	for _, a := range client {
		used[a.Conn] = true
	}
	var conns []*journal.Conn
	for i := range s.log.Conns {
		if c := &s.log.Conns[i]; used[c.ID] {
			conns = append(conns, c)
		}
	}
	n, _ := peakOpen(conns, func(*journal.Conn) time.Duration { return 0 })
	return n
}

// quotasTold collects what answers told of each bucket, in the order in which they were sent.
func (s *scope) quotasTold(all []counted) map[bucket][]spent {
	told := make(map[bucket][]spent)
	for _, a := range all {
		if leftByClient(a.attempt) {
			continue
		}
		for _, q := range a.Told {
			b := bucket{limit: q.Limit, name: q.Bucket, client: a.Client}
			if q.Limit < 0 {
				b = bucket{limit: -1, client: a.Client, route: a.Route}
			}
			t := spent{a, q.Remaining, q.Reset, q.HasReset}
			if a.HasDue {
				t.due, t.known = a.Due, true
			}
			told[b] = append(told[b], t)
		}
	}
	for _, history := range told {
		sort.SliceStable(history, func(i, j int) bool { return history[i].Sent < history[j].Sent })
	}
	return told
}

// sortedBuckets are the buckets in an order that does not depend on the map's.
func sortedBuckets(told map[bucket][]spent) []bucket {
	keys := make([]bucket, 0, len(told))
	for b := range told {
		keys = append(keys, b)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := &keys[i], &keys[j]
		return cmp.Or(cmp.Compare(a.limit, b.limit), strings.Compare(a.name, b.name), strings.Compare(a.client, b.client), strings.Compare(a.route, b.route)) < 0
	})
	return keys
}

// asks collects which attempts ask for something of each bucket that answers told of. A scripted quota is that of its route.
func (s *scope) asks(all []counted, told map[bucket][]spent) map[bucket][]counted {
	asks := make(map[bucket][]counted, len(told))
	for _, a := range all {
		of := append(s.buckets(a.attempt), bucket{limit: -1, client: a.Client, route: a.Route})
		for _, b := range of {
			if told[b] != nil {
				asks[b] = append(asks[b], a)
			}
		}
	}
	return asks
}

// tooLateFor reports whether an attempt that had waited for a bucket came more than a share of the wait after it was due.
func (s *scope) tooLateFor(t *spent, a counted, share float64) bool {
	return s.pendingBefore(a.call, t.due) && a.First-ended(t.attempt) > withSlack(t.longest(share))
}

// longest is how long the wait for the bucket may be, from the end of the answer, without slack.
func (t *spent) longest(share float64) time.Duration {
	return max(t.due-ended(t.attempt), 0) + time.Duration(share*float64(max(t.due-t.Sent, 0)))
}

// overQuota says that attempts came while nothing remained.
func (s *scope) overQuota(bad []over, judged int) *opinion {
	worst := slices.MaxFunc(bad, func(a, b over) int { return cmp.Compare(a.told.due-a.next.First, b.told.due-b.next.First) })
	o := fail("The client sent an attempt %s too early: it had been told that nothing remained.", measured(worst.told.due-worst.next.First))
	if len(bad) > 1 {
		o.Sentence = fmt.Sprintf("The client sent %s while it knew that nothing remained, one of them %s too early.",
			plural(len(bad), "attempt"), measured(worst.told.due-worst.next.First))
	}
	o.note = fmt.Sprintf("%d of %s came too early", len(bad), plural(judged, "attempt"))
	s.showQuota(o, worst)
	return o
}

// lateForQuota says that attempts came long after there was more. Where the machine's own lateness can explain that, it is
// inconclusive.
func (s *scope) lateForQuota(bad []over, judged int, share float64) *opinion {
	certain := slices.DeleteFunc(slices.Clone(bad), func(b over) bool {
		from, to := ended(b.told.attempt), b.next.First
		return to-from-s.lateness(from, to) <= withSlack(b.told.longest(share))
	})
	pick := func(list []over) over {
		return slices.MaxFunc(list, func(a, b over) int { return cmp.Compare(a.next.First-a.told.due, b.next.First-b.told.due) })
	}
	if len(certain) == 0 {
		worst := pick(bad)
		o := unseen("an attempt came %s after there was more, but the machine itself was late by %s",
			measured(worst.next.First-worst.told.due), measured(s.lateness(ended(worst.told.attempt), worst.next.First)))
		o.Lateness = true
		s.showQuota(o, worst)
		return o
	}
	worst := pick(certain)
	o := fail("The client sent its next attempt %s after there was more.", measured(worst.next.First-worst.told.due))
	o.note = fmt.Sprintf("%d of %s %s too late", len(certain), plural(judged, "attempt"), was(len(certain)))
	s.showQuota(o, worst)
	return o
}

// showQuota points at what told the client, and at the attempt that came all the same.
func (s *scope) showQuota(o *opinion, worst over) {
	t := worst.told
	const text = "the answer told here that nothing remained"
	for _, q := range t.Told {
		if q.Limit >= 0 && q.Limit < len(s.scenario.Limits) && q.Remaining <= 0 {
			o.Cause = limitNote(&s.scenario.Limits[q.Limit], text)
			break
		}
	}
	if x := s.scripted(t.attempt); o.Cause == nil && x != nil && x.Quota != nil {
		o.Cause = &Note{Pos: x.Quota.Pos, Text: text}
	}
	o.Proof = s.prove(worst.next.call, nil, worst.next.attempt)
	if t.call != worst.next.call {
		o.Others = []string{t.call.title()}
	}
}
