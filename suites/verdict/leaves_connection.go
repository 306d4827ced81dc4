package verdict

import (
	"fmt"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// crossing is for how long behind a FIN a request may still be on its way: its client had not seen the FIN when it sent it.
const crossing = early

// leavesConnection judges whether the client sends nothing on a connection that it was told to leave.
func leavesConnection(s *scope, _ *scenarios.LeavesConnection) *opinion {
	told := make(map[uint64]*attempt)      // by connection: the answer that was the last
	last := make(map[uint64]*call)         // its call
	from := make(map[uint64]time.Duration) // from when on a request is one too many
	for _, c := range append(s.calls[:len(s.calls):len(s.calls)], s.vague...) {
		for _, a := range c.atts {
			if end, ok := s.toldToLeave(a); ok && told[a.Conn] == nil {
				told[a.Conn], last[a.Conn], from[a.Conn] = a, c, end
			}
		}
	}
	if len(told) == 0 {
		return unseen("no connection ended that the client might have used again")
	}
	for i := range s.evidence.calls {
		c := &s.evidence.calls[i]
		for _, a := range c.atts {
			t := told[a.Conn]
			if t == nil || a == t || a.ConnRequest <= t.ConnRequest || a.First < from[a.Conn] {
				continue
			}
			o := fail("The client sent a request on a connection %s after it had ended: %s.", measured(a.First-t.Done), s.whyLeave(t))
			o.note = fmt.Sprintf("connection %d, request %d", a.Conn, a.ConnRequest)
			o.Cause = s.cause(t)
			o.Proof = s.prove(c, nil, a)
			return o
		}
	}
	return pass("leaves_connection, %d/%d", len(told), len(told))
}

// toldToLeave reports whether an answer was the last of its connection, and from when on the client could know. A
// connection that ended with a RST cannot bring a request.
func (s *scope) toldToLeave(a *attempt) (time.Duration, bool) {
	if a.Conn == 0 || !a.Ended || !a.Whole {
		return 0, false
	}
	if w := s.wireCause(a); w != nil && w.At == scenarios.AtIdle && w.Do != scenarios.WireRST && s.endedIdle(a, w) {
		return s.connection(a.Conn).Close + crossing, true
	}
	if x := s.scripted(a); x != nil && (x.Connection != "" || x.Framing == scenarios.FramingClose) {
		return a.Done, true
	}
	return 0, false
}

// whyLeave says what told the client to leave.
func (s *scope) whyLeave(a *attempt) string {
	if w := s.wireCause(a); w != nil && w.At == scenarios.AtIdle {
		if w.Do == scenarios.WireGarbage {
			return "stray bytes and a FIN had come on it"
		}
		return "a FIN had come on it"
	}
	return "its answer had said Connection: close"
}

// connection is the journal's connection of that ordinal; nil where there is none.
func (e *evidence) connection(id uint64) *journal.Conn {
	if i, found := e.conn(id); found {
		return &e.log.Conns[i]
	}
	return nil
}
