package verdict

import (
	"fmt"

	"brownout/scenarios"
)

// circuitStaysClosed judges whether every call reaches the wire. One that does not shows it; that all do, only many show.
func circuitStaysClosed(s *scope, _ *scenarios.CircuitStaysClosed) *opinion {
	calls, none := s.given()
	if none != nil {
		return none
	}
	var refused []*call
	for i := range calls {
		if calls[i].refused() {
			refused = append(refused, calls[i].call)
		}
	}
	if len(refused) > 0 {
		o := fail("The client refused %d of %d calls itself.", len(refused), len(calls))
		o.note = fmt.Sprintf("%s reached the server", plural(len(calls)-len(refused), "call"))
		o.absence = true
		o.Others = others(first(refused[0], refused))
		if before := answeredLast(calls, refused[0]); before != nil {
			o.Proof, o.Cause = s.prove(before, nil), s.cause(before.atts[len(before.atts)-1])
		}
		return o
	}
	if len(calls) < s.sample() {
		return tooFewGiven(len(calls), s.sample(), "calls")
	}
	return pass("circuit_stays_closed, %d/%d", len(calls), len(calls))
}

// answeredLast is the last call before a refused one that reached the wire; nil where none did.
func answeredLast(calls []given, refused *call) *call {
	var last *call
	for i := range calls {
		if calls[i].call == refused {
			break
		}
		if len(calls[i].atts) > 0 {
			last = calls[i].call
		}
	}
	return last
}
