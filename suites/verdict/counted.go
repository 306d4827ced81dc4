package verdict

import (
	"slices"
	"sort"
	"time"

	"brownout/scenarios"
)

// counted is an attempt as the checks of limits see it: with its call, and beside those of other calls.
type counted struct {
	*attempt
	call *call
}

// counted returns the attempts of calls in the order in which they came. What was cut at accept is none that a limit sees.
func (s *scope) counted(calls ...[]*call) []counted {
	var all []counted
	for _, list := range calls {
		for _, c := range list {
			for _, a := range s.attempts(c) {
				if !a.cut {
					all = append(all, counted{a, c})
				}
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return byFirst(all[i].attempt, all[j].attempt) < 0 })
	return all
}

// byClient parts attempts by the client that made them, in the order in which the clients came.
func byClient(all []counted) [][]counted {
	index := make(map[string]int)
	var parts [][]counted
	for _, a := range all {
		i, known := index[a.Client]
		if !known {
			i = len(parts)
			index[a.Client] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], a)
	}
	return parts
}

// bucket is one bucket of a limit, or what an answer scripts of a quota on a route, as far as one client knows of it.
type bucket struct {
	limit         int // -1: scripted
	name          string
	client, route string
}

// buckets are those that the attempt was counted or refused in, as far as anybody can say: those that its answer tells, and those that its
// client or nothing names.
func (e *evidence) buckets(a *attempt) []bucket {
	var all []bucket
	add := func(b bucket) {
		if !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	for _, q := range a.Told {
		if q.Limit >= 0 {
			add(bucket{limit: q.Limit, name: q.Bucket, client: a.Client})
		}
	}
	named := func(m *scenarios.Limit) {
		switch m.By {
		case scenarios.ByClient:
			add(bucket{limit: m.Index, name: a.Client, client: a.Client})
		case scenarios.ByAll:
			add(bucket{limit: m.Index, client: a.Client})
		}
	}
	for _, i := range a.Charged {
		if i >= 0 && i < len(e.scenario.Limits) {
			named(&e.scenario.Limits[i])
		}
	}
	if m := e.refuser(a); m != nil {
		named(m)
	}
	return all
}

// refuser is the limit that refused the attempt; nil where none did.
func (e *evidence) refuser(a *attempt) *scenarios.Limit {
	if a.Limit == "" {
		return nil
	}
	for i := range e.scenario.Limits {
		if m := &e.scenario.Limits[i]; m.Name == a.Limit {
			return m
		}
	}
	return nil
}

// limitNote points at the line of a limit.
func limitNote(m *scenarios.Limit, text string) *Note {
	if m.Pos == (scenarios.Pos{}) {
		return nil
	}
	return &Note{Pos: m.Pos, Text: text}
}

// pendingBefore reports whether the call had begun before an instant, as far as anybody can say.
func (e *evidence) pendingBefore(c *call, t time.Duration) bool {
	if len(c.atts) > 0 && c.atts[0].First < t {
		return true
	}
	r, said := e.result(c)
	return said && r.Timed && r.Start < t
}
