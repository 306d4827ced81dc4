package suites_test

import (
	"reflect"
	"slices"
	"testing"

	"brownout/chaosserver/fault"
	"brownout/scenarios"
	"brownout/suites/verdict"
)

// The grammar has one table, and behaviour lives with its owner: this holds the two sides one to one, so that a key
// that nothing carries out, or a check that nothing judges, cannot be built in one place alone.

func TestEveryCheckIsJudged(t *testing.T) {
	grammar := map[reflect.Type]string{}
	for _, c := range scenarios.Checks() {
		if c.Unbuilt {
			continue
		}
		p := reflect.TypeOf(c.New())
		if other, twice := grammar[p]; twice {
			t.Errorf("%s and %s have the same parameter type %v", c.Name, other, p)
		}
		grammar[p] = c.Name
	}
	for _, row := range verdict.Checks() {
		p := reflect.TypeOf(row.Params)
		if _, known := grammar[p]; !known {
			t.Errorf("verdict judges %v, which no check of the grammar has", p)
		}
		delete(grammar, p)
	}
	for p, name := range grammar {
		t.Errorf("the grammar has the check %s (%v), and verdict has no row for it", name, p)
	}
}

func TestEveryKeyOfAnAnswerIsCarriedOut(t *testing.T) {
	planned := []string{"times", "optional", "name", "chance", "when"} // the plan's: which attempts get the answer
	var grammar []string
	for _, k := range scenarios.Keys() {
		if !k.Unbuilt && slices.ContainsFunc(k.In, func(p scenarios.Place) bool { return p == scenarios.InAnswer || p == scenarios.InFault }) &&
			!slices.Contains(planned, k.Name) {
			grammar = append(grammar, k.Name)
		}
	}
	slices.Sort(grammar)
	grammar = slices.Compact(grammar)
	if carried := fault.Keys(); !slices.Equal(grammar, carried) {
		t.Errorf("the grammar has the keys\n%v\nand fault carries out\n%v", grammar, carried)
	}
}
