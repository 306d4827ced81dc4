package verdict

import (
	"strconv"
	"strings"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// order is what the scenario's drive asks for with one call.
type order struct {
	step    *scenarios.Step
	request *scenarios.Request
	client  int    // 0-based ordinal of the client that makes it, of all that the drive asks for
	variant string // the case that the step is done for; "" for none
}

// order is what a driven call carries out, by its number; false where the drive does not say how many calls came before.
// Calls are numbered, and shared by clients, as package drive does it.
func (e *evidence) order(no int) (order, bool) {
	before := 0        // calls of the steps so far
	base, have := 0, 0 // the clients at work are have ones from base on
	for i := range e.scenario.Drive {
		step := &e.scenario.Drive[i]
		variants := step.Cases
		if len(variants) == 0 {
			variants = []string{""}
		}
		for k, variant := range variants {
			if step.Fresh {
				base, have = base+have, 0
			}
			clients := max(1, step.Clients)
			have = max(have, clients)
			in := no - before - 1
			endless := step.For > 0
			if last := i == len(e.scenario.Drive)-1 && k == len(variants)-1; endless && !last {
				return order{}, false
			}
			if in >= 0 && (endless || in < step.Calls) {
				return order{step, &step.Requests[in%len(step.Requests)], base + in%clients, variant}, true
			}
			before += step.Calls
		}
	}
	return order{}, false
}

// errand is what a call that never reached the wire was to do.
type errand struct {
	route   string // name of the route that its request is for; "" where that is not known
	phase   string // in which it began
	variant string // its case; ""
	host    string // that it was to go to
}

// errand finds out what a driven call was to do that has no attempt.
func (e *evidence) errand(no int) *errand {
	o, ok := e.order(no)
	if !ok {
		return nil
	}
	began := e.results[no].At
	if r := e.results[no]; r.Timed {
		began = r.Start
	} else if p := e.exits[no]; p != nil {
		began = p.Start
	}
	return &errand{route: e.routeOf(&o, no), phase: e.phaseAt(began), variant: o.variant, host: e.hostOfStep(o.step)}
}

// routeOf is the name of the route that an order's request is for: the first that it fits. It is "" where a route that also
// looks at what cannot be known here, such as header fields, might take it.
func (e *evidence) routeOf(o *order, no int) string {
	path := o.path(no)
	for i := range e.scenario.Routes {
		r := &e.scenario.Routes[i]
		for _, m := range r.Match {
			if m.Method != "" && m.Method != o.request.Method || m.Host != "" && m.Host != e.hostOfStep(o.step) || !fitsPath(m.Path, path) {
				continue
			}
			if len(m.Header) > 0 || m.Body != nil {
				return ""
			}
			return r.Name
		}
	}
	return ""
}

// path is the path of an order's request.
func (o *order) path(no int) string {
	var b strings.Builder
	for _, segment := range o.request.Path.Segments {
		b.WriteByte('/')
		switch segment.Var {
		case "":
			b.WriteString(segment.Literal)
		case "case":
			b.WriteString(o.variant)
		default:
			b.WriteString(strconv.Itoa(no))
		}
	}
	return b.String()
}

// told is what a client that takes orders said of the call. A process for each call takes none: its exit code says how the call
// ended, and nothing else.
func (e *evidence) told(c *call) (journal.Result, bool) {
	if e.exit(c) != nil {
		return journal.Result{}, false
	}
	return e.result(c)
}

// ordered is the order that a call carries out, where the client takes orders.
func (e *evidence) ordered(c *call) (order, bool) {
	if _, told := e.told(c); !told {
		return order{}, false
	}
	return e.order(c.no)
}
