package suites_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"brownout/chaosserver/fault"
	dialects "brownout/chaosserver/quota"
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

func TestEveryDialectIsWritten(t *testing.T) {
	var grammar []string
	for _, d := range scenarios.Dialects() {
		grammar = append(grammar, d.Name)
		one, many := dialects.Named(d.Name), dialects.Reply{Now: time.Now(), Method: "GET"}
		in := time.Minute
		for tell, q := range map[string]scenarios.ToldQuota{
			"remaining": {Limit: "40", Remaining: "12"}, "reset": {Reset: &in}, "policy": {Policy: "the-policy"},
		} {
			told := one.Choose([]dialects.Quota{dialects.Scripted(&q)}, &many)
			if wrote, tells := len(one.Append(nil, told, &many)) > 0, slices.Contains(d.Tells, tell); tells && !wrote && !(tell == "policy" && d.Names) {
				t.Errorf("the grammar says that %s tells %s, and nothing is written", d.Name, tell)
			}
			if len(d.Tells) == 0 && len(told) > 0 {
				t.Errorf("the grammar says that %s tells nothing, and it does", d.Name)
			}
		}
	}
	if written := dialects.Names(); !slices.Equal(grammar, written) {
		t.Errorf("the grammar has the dialects\n%v\nand quota writes\n%v", grammar, written)
	}
}
