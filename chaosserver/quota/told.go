package quota

import (
	"strings"
	"time"

	"brownout/scenarios"
)

// Secondary reports whether a limit is one of GitHub's secondary ones: of concurrency, or named so.
func Secondary(m *scenarios.Limit) bool {
	return m.Concurrency > 0 || strings.Contains(m.Name, "secondary")
}

// Granted is the quota that a limit's grant tells of, in an answer that goes so long after the attempt was decided about.
func Granted(m *scenarios.Limit, g *Grant, later time.Duration) Quota {
	q := Quota{
		Limit: g.Limit, Name: m.Name, Bucket: g.Key, Total: Of(int64(m.Capacity())), Remaining: Of(g.Remaining),
		Next: max(0, g.Next-later), Full: max(0, g.Full-later), Timed: g.Timed, Scope: m.Scope, Secondary: Secondary(m),
	}
	switch {
	case m.Window != nil:
		q.Window = m.Window.Per
	case m.Rate != nil: // the time in which an empty bucket fills
		q.Window = times(newRate(m.Rate, 1, 1).interval, int64(m.Capacity()))
	}
	return q
}

// Scripted is the quota that an answer's own quota tells of.
func Scripted(t *scenarios.ToldQuota) Quota {
	q := Quota{Limit: -1, Name: t.Policy, Total: Written(t.Limit), Remaining: Written(t.Remaining)}
	if t.Reset != nil {
		q.Next, q.Full, q.Timed = *t.Reset, *t.Reset, true
	}
	return q
}
