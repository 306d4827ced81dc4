package plan

import (
	"fmt"
	"strconv"
	"strings"

	"brownout/scenarios"
)

// LimitNote is a limit in words: a rule, since what attempts meet depends on when they come.
type LimitNote struct {
	Index   int
	Name    string
	Lets    string // "40 at once, then 2/s"
	Each    string // what has a bucket of its own: "client"; "all together"
	When    string // "where the path is /items/:id"; "always"
	Refuses string // "429, as shopify"
}

// noteLimit puts a limit into words.
func noteLimit(s *scenarios.Scenario, m *scenarios.Limit) LimitNote {
	n := LimitNote{Index: m.Index, Name: m.Name, Lets: letsWords(m), Each: byWords(m)}
	n.When = whenWords(&scenarios.Fault{When: m.When})
	n.Refuses = strconv.Itoa(s.Refusal(m))
	ra := m.RetryAfter
	if ra == nil {
		ra = m.Answer.RetryAfter
	}
	switch {
	case ra != nil:
		n.Refuses += " RA=" + retryAfterWords(&scenarios.Answer{RetryAfter: ra})
	case m.NoRetryAfter:
		n.Refuses += " without Retry-After"
	}
	if d := s.DialectOf(m.Dialect); d != "none" {
		n.Refuses += ", as " + d
	}
	if m.Scope != scenarios.ScopeUser {
		n.Refuses += " " + m.Scope.String()
	}
	if m.Answer.Wire != nil {
		n.Refuses += ", " + wireWords(m.Answer.Wire)
	}
	return n
}

// letsWords says how much a limit lets through.
func letsWords(m *scenarios.Limit) string {
	var s string
	switch {
	case m.Rate != nil && m.Capacity() > 1:
		s = fmt.Sprintf("%d at once, then %s", m.Capacity(), rateWords(m.Rate))
	case m.Rate != nil:
		s = rateWords(m.Rate)
	case m.Window != nil:
		s = fmt.Sprintf("%d in %s from the first", m.Capacity(), span(m.Window.Per))
	default:
		s = fmt.Sprintf("%d under way", m.Capacity())
	}
	if m.Cost > 1 {
		s += fmt.Sprintf(", an attempt takes %d", m.Cost)
	}
	return s
}

// byWords says what has a bucket of its own.
func byWords(m *scenarios.Limit) string {
	return [...]string{"client", "all together", "host", "value of " + m.ByName, "value of :" + m.ByName}[m.By]
}

// quotaWords says what an answer tells of a quota.
func quotaWords(q *scenarios.ToldQuota) string {
	var all []string
	add := func(name, value string) {
		if value != "" {
			all = append(all, name+" "+value)
		}
	}
	add("limit", q.Limit)
	add("remaining", q.Remaining)
	if q.Reset != nil {
		add("reset", span(*q.Reset))
	}
	add("policy", q.Policy)
	return "tells of a quota as " + q.Dialect + " does: " + strings.Join(all, ", ")
}
