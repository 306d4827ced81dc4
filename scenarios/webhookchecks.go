package scenarios

import (
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// atLeast is the codec of how many of an event's deliveries: a count, or all, which is 0.
var atLeast = scalars(Type{Name: "count", Example: "1", Words: []string{"all"}}, func(s string) (int, *flaw) {
	if s == "all" {
		return 0, nil
	}
	n, f := whole(s, "a count, or all", 1, maxCount)
	return int(n), f
}, func(n int) string {
	if n == 0 {
		return "all"
	}
	return strconv.Itoa(n)
})

// refusals is the codec of the statuses that refuse: 4xx, which is nil, one, or a list.
var refusals = func() *codec[[]int] {
	list := oneOrList("statuses", status)
	return &codec[[]int]{
		kind: list.kind,
		read: func(l *loader, n *yaml.Node, v *[]int) {
			if t := follow(n); t.Kind == yaml.ScalarNode && t.Value == "4xx" {
				*v = nil
				return
			}
			list.read(l, n, v)
		},
		write: list.write,
	}
}()

// constantJSON is the codec of a JSON value without variables, for no place of a check gives them values.
var constantJSON = &codec[Template]{
	kind: Type{Name: "JSON value", Example: "{status: shipped}"},
	read: func(l *loader, n *yaml.Node, v *Template) {
		var b Body
		jsonBody.read(l, n, &b)
		*v = b.Text
	},
	write: func(p *printer, v Template) tree { return jsonBody.write(p, Body{Kind: BodyJSON, Text: v}) },
}

// deliveriesOf are the entries that a check judges.
func (s *Scenario) deliveriesOf(e *Expectation) []*Delivery {
	var list []*Delivery
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; e.Event == "" || e.Event == d.Event || d.Has(e.Event) {
			list = append(list, d)
		}
	}
	return list
}

// checkWebhook checks a check of deliveries against them.
func (l *loader) checkWebhook(s *Scenario, e *Expectation) {
	p, ok := e.Params.(*Acknowledges)
	if !ok || p.Within == nil {
		return
	}
	for _, d := range s.deliveriesOf(e) {
		if d.Convention().Name != "" && *p.Within > d.AnswerWithin() {
			l.failValue(l.spots[&p.Within], fmt.Sprintf("the sender of %s gives up after %s, so that nothing is known of %s",
				quote(d.Event), showDuration(d.AnswerWithin()), showDuration(*p.Within)), "write at most that, or give the delivery a timeout")
			return
		}
	}
}

// warnWebhook reports a check of deliveries that has nothing to judge.
func (l *loader) warnWebhook(s *Scenario, e *Expectation, at string) {
	of := s.deliveriesOf(e)
	bad := slices.ContainsFunc(of, func(d *Delivery) bool { return d.Bad() != "" })
	good := slices.ContainsFunc(of, func(d *Delivery) bool { return d.Bad() == "" && !d.Unjudged() })
	switch p := e.Params.(type) {
	case *Acknowledges:
		switch {
		case !good:
			l.warn(e.Pos, at, "acknowledges has nothing to judge, for there is no good delivery", "add deliveries: [{event: evt_1}]")
		case p.Nth != nil && p.Nth.From > mostDeliveries(of):
			l.warn(e.Pos, at, "acknowledges has nothing to judge, for no event has so many deliveries", "")
		}
	case *Refuses:
		if !bad {
			l.warn(e.Pos, at, "refuses has nothing to judge, for no delivery has to be refused", "add one with tamper: wrong-secret, or skew: -10m")
		}
	case *FinalEffect:
		if !good {
			l.warn(e.Pos, at, "final_effect has nothing to judge, for there is no good delivery", "add deliveries: [{event: evt_1}]")
		}
	}
}

// mostDeliveries is how many deliveries an event can have at most.
func mostDeliveries(of []*Delivery) int {
	by := map[string]int{}
	most := 0
	for _, d := range of {
		by[d.Event] += len(d.Send) * d.Copies * (1 + len(d.Redeliveries()))
		most = max(most, by[d.Event])
	}
	return most
}
