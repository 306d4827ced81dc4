package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// truthful judges whether the client says that a call went well exactly where it had an effect. How many there were is the
// matter of another check.
func truthful(s *scope, _ *scenarios.Truthful) *opinion {
	if !s.said() {
		return untold()
	}
	if !s.hasEffects() {
		return s.noEffects()
	}
	var boasts, denials []*call
	total := 0
	for _, c := range s.committing() {
		r, said := s.result(c)
		if !said {
			continue
		}
		total++
		switch had := len(s.effectsOf(c)) > 0; {
		case r.OK && !had:
			boasts = append(boasts, c)
		case !r.OK && had:
			denials = append(denials, c)
		}
	}
	var o *opinion
	switch of := plural(total, "call"); {
	case total == 0:
		return unseen("the client says nothing of a call on a route with effects")
	case len(boasts) > 0 && len(denials) > 0:
		o = fail("The client reported success for %d of %s without an effect, and a failure for %d with one.", len(boasts), of, len(denials))
	case len(boasts) > 0:
		o = fail("The client reported success for %d of %s without an effect.", len(boasts), of)
		o.absence = true
	case len(denials) > 0:
		o = fail("The client reported a failure for %d of %s that had its effect.", len(denials), of)
	default:
		return pass("truthful, %d/%d", total, total)
	}
	bad := append(boasts, denials...)
	o.note = fmt.Sprintf("%d of %s", total-len(bad), plural(total, "result"))
	c := bad[0]
	if n := len(c.atts); n > 0 {
		proof := s.effectsOf(c)
		if len(proof) == 0 {
			proof = c.atts[n-1:]
		}
		o.Proof, o.Cause = s.prove(c, nil, proof...), s.cause(proof[0])
	}
	o.Others = others(bad)
	return o
}
