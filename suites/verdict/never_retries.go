package verdict

import (
	"fmt"
	"slices"
	"strings"

	"brownout/scenarios"
)

// definitive are the statuses after which another attempt cannot help.
var definitive = []int{400, 401, 403, 404, 405, 406, 410, 411, 413, 415, 422, 451}

// wentOn is an attempt after an answer that should have ended the call.
type wentOn struct {
	wait
	more int // attempts that followed
}

// neverRetries judges whether a call ended with the first answer of one of the statuses.
func neverRetries(s *scope, p *scenarios.NeverRetries) *opinion {
	var bad []wentOn
	total := 0
	for _, c := range s.calls {
		w, final := s.finals(c, p.Status)
		total += final
		if w != nil {
			bad = append(bad, *w)
		}
	}
	switch {
	case total == 0:
		return unseen("no answer had one of these statuses")
	case len(bad) == 0:
		return pass("never_retries, %d/%d", total, total)
	}
	worst := slices.MaxFunc(bad, func(a, b wentOn) int { return a.more - b.more })
	o := fail("The client made %s after a %d.", plural(worst.more, "more attempt"), worst.before.Status)
	if len(bad) > 1 {
		var statuses tally
		for _, b := range bad {
			statuses.add(fmt.Sprint(b.before.Status))
		}
		o.Sentence = fmt.Sprintf("%d calls went on after an answer that is final: %s.", len(bad), statuses.listed(4))
	}
	o.note = fmt.Sprintf("%d of %s went on", len(bad), plural(len(s.calls), "call"))
	o.Cause = s.cause(worst.before)
	o.Proof = s.prove(worst.call, nil, worst.after)
	o.Others = others(callsOf(bad, worst.call))
	return o
}

// finals counts the call's answers of the statuses, nil meaning the definitive ones, up to one that it went on after.
func (s *scope) finals(c *call, statuses []int) (w *wentOn, final int) {
	atts := s.attempts(c)
	credentials := statuses == nil // one 401 may be followed by an attempt with other credentials
	for k, a := range atts {
		if statuses == nil && (!slices.Contains(definitive, seen(a)) || s.invites(a)) || statuses != nil && !slices.Contains(statuses, seen(a)) {
			continue
		}
		j := after(atts, k)
		if j == len(atts) {
			final++
			continue
		}
		if a.Status == 401 && credentials && field(a, "Authorization") != field(atts[j], "Authorization") {
			credentials = false
			continue
		}
		return &wentOn{wait{c, k + 1, a, atts[j], atts[j].First - a.Sent}, len(atts) - j}, final + 1
	}
	return nil, final
}

// invites reports whether a definitive status comes with a header that asks for another attempt later: 413 with
// Retry-After, and 403 with that or with a quota.
func (s *scope) invites(a *attempt) bool {
	if a.Status != 413 && a.Status != 403 {
		return false
	}
	if a.RetryAfter != "" {
		return true
	}
	answer := s.scripted(a)
	if answer == nil {
		return false
	}
	for _, h := range answer.Headers {
		name := strings.ToLower(h.Name)
		if name == "retry-after" || a.Status == 403 && strings.Contains(name, "ratelimit") {
			return true
		}
	}
	return false
}
