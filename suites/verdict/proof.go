package verdict

import (
	"fmt"
	"strings"
	"time"
)

const (
	mostRows   = 200 // of a proof; a longer call is shown around the first attempt that proves the finding
	mostOthers = 100 // calls that a finding names beside its proof
)

// title names a call in a report: "POST /v1/charges #3".
func (c *call) title() string {
	a := c.first()
	switch {
	case a != nil && c.no > 0:
		return fmt.Sprintf("%s %s #%d", a.Method, a.Target, c.no)
	case a != nil:
		return a.Method + " " + a.Target
	case c.no > 0:
		return fmt.Sprintf("call %d", c.no)
	}
	return c.name
}

// others names the calls but the first, at most mostOthers of them.
func others(calls []*call) []string {
	if len(calls) < 2 {
		return nil
	}
	calls = calls[1:min(len(calls), mostOthers+1)]
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.title()
	}
	return names
}

// pause is what was allowed of the wait after an attempt.
type pause struct {
	allowed string        // "≥ 2s", "any"
	due     time.Duration // instant of the journal's clock before which the next attempt was too early; 0 none
	good    bool
}

// prove shows a call attempt by attempt; bad attempts are those that prove the finding. With pauses, it judges the
// wait after each attempt but the last; nil: the waits are only shown. A call without attempts shows nothing: nil.
func (s *scope) prove(c *call, pauses func(atts []*attempt, k int) pause, bad ...*attempt) *Proof {
	if len(c.atts) == 0 {
		return nil
	}
	p := &Proof{Call: c.title(), Key: c.key(s.keyOf(c))}
	if a := c.first(); a != nil {
		p.Request = a.Method + " " + a.Target
		p.Agent = field(a, "User-Agent")
	}
	atts := c.atts
	from := 0
	if len(atts) > mostRows && len(bad) > 0 {
		from = min(max(indexOf(atts, bad[0])-mostRows/2, 0), len(atts)-mostRows)
	}
	to := min(from+mostRows, len(atts))
	for k := from; k < to; k++ {
		p.Rows = append(p.Rows, s.row(atts, k, pauses))
		p.Rows[k-from].Bad = indexOf(bad, atts[k]) >= 0
	}
	return p
}

// row is one attempt of a proof; its times count from the call's first attempt.
func (s *scope) row(atts []*attempt, k int, pauses func(atts []*attempt, k int) pause) Row {
	a, zero := atts[k], atts[0].First
	r := Row{Seq: a.Seq, N: k + 1, At: a.First - zero, Sent: a.Sent - zero, Answer: answered(a) + s.ledgerWord(a), Waited: -1, Good: true}
	r.Done = ended(a) - zero
	if k+1 == len(atts) {
		return r
	}
	r.Waited = max(atts[k+1].First-a.Sent, 0)
	if pauses == nil {
		return r
	}
	p := pauses(atts, k)
	r.Allowed, r.Good = p.allowed, p.good
	if p.due > 0 {
		r.Due = p.due - zero
	}
	return r
}

func indexOf(atts []*attempt, a *attempt) int {
	for i, b := range atts {
		if a == b {
			return i
		}
	}
	return -1
}

// field is the value of the attempt's first field of that name, as on the wire; "" where it has none.
func field(a *attempt, name string) string {
	v, _ := lookupField(a, name)
	return v
}

// lookupField is field, and whether the attempt has one.
func lookupField(a *attempt, name string) (string, bool) {
	for i := range a.Headers {
		if f := &a.Headers[i]; strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}
