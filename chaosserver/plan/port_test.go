package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"brownout/scenarios"
)

// TestPort walks from edge to edge, as the server does.
func TestPort(t *testing.T) {
	sec := time.Second
	refuse := func(w scenarios.When) scenarios.Fault {
		return scenarios.Fault{When: w, Answer: scenarios.Answer{Wire: &scenarios.WireFault{Do: scenarios.WireRefuse, At: scenarios.AtAccept}}}
	}
	window := func(from, to time.Duration) *scenarios.Window { return &scenarios.Window{From: from, To: to} }
	for _, c := range []struct {
		why    string
		host   string
		faults []scenarios.Fault
		want   string // instant=fault, up to where nothing changes
	}{
		{"no such fault", "", nil, "0s=-1"},
		{"the whole run", "", []scenarios.Fault{refuse(scenarios.When{})}, "0s=0"},
		{"a window", "", []scenarios.Fault{refuse(scenarios.When{Elapsed: window(2*sec, 5*sec)})}, "0s=-1 2s=0 5s=-1"},
		{"from the start", "", []scenarios.Fault{refuse(scenarios.When{Elapsed: window(0, 5*sec)})}, "0s=0 5s=-1"},
		{"to the end", "", []scenarios.Fault{refuse(scenarios.When{Elapsed: window(2*sec, 0)})}, "0s=-1 2s=0"},
		{"windows that overlap", "", []scenarios.Fault{refuse(scenarios.When{Elapsed: window(2*sec, 5*sec)}), refuse(scenarios.When{Elapsed: window(4*sec, 6*sec)})},
			"0s=-1 2s=0 4s=0 5s=1 6s=-1"},
		{"again and again", "", []scenarios.Fault{refuse(scenarios.When{Elapsed: &scenarios.Window{From: sec, Every: 4 * sec, For: sec}})},
			"0s=-1 1s=0 2s=-1 5s=0 6s=-1 9s=0 10s=-1"},
		{"a phase", "", []scenarios.Fault{refuse(scenarios.When{Phase: []string{"bad"}})}, "0s=-1 2s=0 5s=-1"},
		{"phases in a row", "", []scenarios.Fault{refuse(scenarios.When{Phase: []string{"bad", "worse"}})}, "0s=-1 2s=0 5s=0 6s=-1"},
		{"a window in a phase", "", []scenarios.Fault{refuse(scenarios.When{Phase: []string{"bad"}, Elapsed: window(3*sec, 9*sec)})}, "0s=-1 2s=-1 3s=0 5s=-1 9s=-1"},
		{"another host", "b", []scenarios.Fault{refuse(scenarios.When{Host: []string{"a"}})}, "0s=-1"},
		{"this host", "a", []scenarios.Fault{refuse(scenarios.When{Host: []string{"b", "a"}, Elapsed: window(0, sec)})}, "0s=0 1s=-1"},
	} {
		s := healthy(c.faults...)
		s.Phases = []scenarios.Phase{{Name: "good", For: 2 * sec}, {Name: "bad", For: 3 * sec}, {Name: "worse", For: sec}, {Name: "after"}}
		p := New(s)
		var got []string
		for at := time.Duration(0); at <= 10*sec; {
			fault, next := p.Port(c.host, at)
			got = append(got, fmt.Sprintf("%v=%d", at, fault))
			if next == 0 {
				break
			}
			if next <= at {
				t.Fatalf("%s: after %v comes %v", c.why, at, next)
			}
			at = next
		}
		if have := strings.Join(got, " "); have != c.want {
			t.Errorf("%s: %s, want %s", c.why, have, c.want)
		}
		if p.ClosesPorts() != (c.faults != nil) || p.StrikesConnections() != (c.faults != nil) {
			t.Errorf("%s: closes ports: %v, strikes connections: %v", c.why, p.ClosesPorts(), p.StrikesConnections())
		}
	}
}
