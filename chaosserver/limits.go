package chaosserver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brownout/chaosserver/fault"
	"brownout/chaosserver/journal"
	"brownout/chaosserver/quota"
	"brownout/scenarios"
)

// limiting is what limits and scripted quotas have to do with the attempt of an exchange. Its slices are used again.
type limiting struct {
	matching []int         // the limits that the attempt falls under
	claims   []quota.Claim // their buckets
	grants   []quota.Grant // what they said
	charged  []int         // those that counted it
	asked    time.Time     // when
	held     bool          // some of them count answers under way
	refused  bool          // the only grant is a refusal
	tells    bool          // the answer tells of quotas
	pause    time.Duration // that the refusal asks for, however the dialect writes it

	quotas []quota.Quota
	told   []journal.Quota
	fields []byte
}

// forget lets go of what belongs to the request.
func (l *limiting) forget() {
	clear(l.claims)
	clear(l.grants)
	l.grants, l.pause = l.grants[:0], 0
}

// askLimits asks the limits that the attempt falls under, at the instant at which its request was read: the first that is used
// up refuses it, else all count it. It is called in the turn of the list of answers.
func (x *exchange) askLimits() {
	q := &x.quotas
	q.matching = x.run.plan.Limits(&x.in, &x.decision, q.matching[:0])
	if len(q.matching) == 0 {
		return
	}
	q.claims, q.charged = q.claims[:0], q.charged[:0]
	for _, i := range q.matching {
		q.claims = append(q.claims, quota.Claim{Limit: i, Key: x.keepable(x.bucketOf(&x.s.scenario.Limits[i]))})
	}
	q.asked = x.read
	q.grants, q.refused = x.run.buckets.Ask(x.run.elapsed(x.run.at(x.read)), q.claims, q.grants[:0])
	q.tells = true
	if q.refused {
		i := q.grants[0].Limit
		x.in.Refused = i + 1
		x.record.Limit = x.s.scenario.Limits[i].Name
		q.pause = q.grants[0].Next
		return
	}
	q.held = true
	for i := range q.grants {
		if g := &q.grants[i]; g.Uncounted {
			x.run.drop(x.run.at(x.read), fmt.Sprintf("the buckets of %s left no room for another", x.s.scenario.Limits[g.Limit].Name))
		} else {
			q.charged = append(q.charged, g.Limit)
		}
	}
	x.record.Charged = q.charged
}

// bucketOf names the bucket of a limit that the attempt counts in.
func (x *exchange) bucketOf(m *scenarios.Limit) string {
	switch m.By {
	case scenarios.ByClient:
		return x.record.Client
	case scenarios.ByHost:
		if len(x.s.scenario.Server.Hosts) == 0 {
			return x.r.Host
		}
		return x.hostName()
	case scenarios.ByHeader:
		return x.r.Header.Get(m.ByName)
	case scenarios.ByVar:
		if m.When.Path != nil {
			if v, ok := segmentOf(m.When.Path, x.target.path, m.ByName); ok {
				return v
			}
		}
		v, _ := x.pathVar(m.ByName)
		return v
	}
	return ""
}

// segmentOf returns the segment of a path that a variable of its template takes.
func segmentOf(p *scenarios.Path, path, name string) (string, bool) {
	rest := strings.TrimPrefix(path, "/")
	for i := range p.Segments {
		segment, after, _ := strings.Cut(rest, "/")
		if p.Segments[i].Var == name {
			return segment, true
		}
		rest = after
	}
	return "", false
}

// releaseLimits gives back what the attempt's answer took while it was under way.
func (x *exchange) releaseLimits() {
	x.quotas.held = false
	x.run.buckets.Release(x.quotas.grants)
}

// tellQuotas makes the fields that tell of quotas, in an answer that goes at an instant: dialect by dialect those of the limits,
// then what the answer itself scripts.
func (x *exchange) tellQuotas(now time.Time) {
	q := &x.quotas
	q.fields, q.told = q.fields[:0], q.told[:0]
	reply := quota.Reply{Now: now, Method: x.r.Method, Refused: x.in.Refused > 0}
	if x.decision.Fault < 0 {
		for i := range q.grants {
			if d := x.s.limits[q.grants[i].Limit]; x.firstOf(d, i) {
				x.tellIn(d, i, &reply)
			}
		}
	}
	if t := x.decision.Answer.Quota; t != nil {
		q.quotas = append(q.quotas[:0], quota.Scripted(t))
		x.tell(quota.Named(x.s.scenario.DialectOf(t.Dialect)), &reply)
	}
	x.answer.Fields = q.fields
}

// firstOf reports whether no grant before the i-th is of a limit of the dialect.
func (x *exchange) firstOf(d *quota.Dialect, i int) bool {
	for j := range i {
		if x.s.limits[x.quotas.grants[j].Limit] == d {
			return false
		}
	}
	return true
}

// tellIn tells of all limits of a dialect, the first of which gave the grant at an index; where it refused, with the pause
// that it asks for.
func (x *exchange) tellIn(d *quota.Dialect, first int, reply *quota.Reply) {
	q := &x.quotas
	later := reply.Now.Sub(q.asked)
	q.quotas = q.quotas[:0]
	for i := first; i < len(q.grants); i++ {
		if g := &q.grants[i]; x.s.limits[g.Limit] == d && !g.Uncounted {
			q.quotas = append(q.quotas, quota.Granted(&x.s.scenario.Limits[g.Limit], g, later))
		}
	}
	if reply.Refused && len(q.quotas) == 1 {
		q.pause = q.quotas[0].Next
		x.askForPause(d, &q.quotas[0])
	}
	x.tell(d, reply)
}

// askForPause writes the pause of a refusal, where the limit leaves it to the dialect and knows how long it is.
func (x *exchange) askForPause(d *quota.Dialect, of *quota.Quota) {
	m := &x.s.scenario.Limits[of.Limit]
	own := m.NoRetryAfter || m.RetryAfter != nil || m.Answer.RetryAfter != nil ||
		slices.ContainsFunc(m.Answer.Headers, func(h scenarios.Header) bool { return strings.EqualFold(h.Name, "Retry-After") })
	if own || !of.Timed {
		return
	}
	var p quota.Pause
	x.quotas.fields, p = d.AppendPause(x.quotas.fields, of.Next, of)
	x.answer.Asked = fault.Asked{Field: p.Field, Due: p.Due, HasDue: p.Read}
}

// tell writes the quotas in q.quotas as a dialect does, and notes what it told.
func (x *exchange) tell(d *quota.Dialect, reply *quota.Reply) {
	q := &x.quotas
	told := d.Choose(q.quotas, reply)
	q.fields = d.Append(q.fields, told, reply)
	for i := range told {
		t := &told[i]
		if !t.Remaining.Told {
			continue
		}
		in, timed := d.Reset(t, reply)
		n := journal.Quota{Limit: t.Limit, Bucket: t.Bucket, Remaining: t.Remaining.N, HasReset: timed}
		if timed {
			n.Reset = max(0, x.run.at(reply.Now)+in)
		}
		if t.Limit >= 0 && x.s.scenario.Limits[t.Limit].By == scenarios.ByHeader {
			n.Bucket = x.s.redact.value(x.s.scenario.Limits[t.Limit].ByName, t.Bucket)
		}
		q.told = append(q.told, n)
	}
}
