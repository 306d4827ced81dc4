package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// beside is what stands beside a key of a place in the file that tries the key out, and around both.
var beside = map[Place]struct {
	around string
	keys   []string
}{
	InScenario:   {"%s", []string{"name: x"}},
	InServer:     {"name: x\nserver: {%s}", nil},
	InProfile:    {"name: x\nprofile: {%s}", nil},
	InPhase:      {"name: x\nphases: [{%s}]", []string{"name: a"}},
	InIdentity:   {"name: x\nidentity: {%s}", nil},
	InRoute:      {"name: x\nroutes: [{%s}]", []string{"match: GET /a"}},
	InMatch:      {"name: x\nserver: {hosts: [a]}\nroutes: [{match: {%s}}]", nil},
	InAnswer:     {"name: x\nroutes: [{match: GET /a, commit: {}, answers: [{%s}]}]", nil},
	InFault:      {"name: x\nroutes: [{match: /*, commit: {}}]\nfaults: [{%s}]", []string{"status: 503"}},
	InHeader:     {"name: x\nroutes: [{match: GET /a, answers: [{headers: {X-A: {%s}}}]}]", []string{`repeat: "9"`, "size: 4KiB"}},
	InRetryAfter: {"name: x\nroutes: [{match: GET /a, answers: [{retry_after: {%s}}]}]", []string{"in: 3s"}},
	InHold:       {"name: x\nroutes: [{match: GET /a, answers: [{hold: {%s}}]}]", []string{"until: 50 attempts", "at_most: 10s"}},
	InDuplicate:  {"name: x\nfaults: [{duplicate: {%s}}]", []string{"copies: 3"}},
	InDelay:      {"name: x\nroutes: [{match: GET /a, answers: [{delay: {%s}}]}]", []string{"mean: 1s", "sd: 1s"}},
	InQuota:      {"name: x\nroutes: [{match: GET /a, answers: [{quota: {%s}}]}]", []string{"dialect: ietf", "remaining: 0"}},
	InLimit:      {"name: x\nlimits: [{%s}]", []string{"rate: 2/s", "burst: 40"}},
	InWhen:       {"name: x\nserver: {hosts: [a]}\nphases: [{name: outage}]\nroutes: [{match: /*, cases: {gateway: [{status: 200}]}}]\nfaults: [{status: 503, when: {%s}}]", nil},
	InElapsed:    {"name: x\nfaults: [{status: 503, when: {elapsed: {%s}}}]", []string{"every: 20s", "for: 1s"}},
	InCommit:     {"name: x\nroutes: [{match: GET /a, commit: {%s}}]", []string{"key: Idempotency-Key"}},
	InBurst:      {"name: x\nfaults: [{status: 503, when: {burst: {%s}}}]", []string{"bad: 2s", "good: 15s"}},
	InDelivery:   {"name: x\nroutes: [{match: POST /payments}]\ndeliveries: [{%s}]", []string{"event: evt_1"}},
	InTrigger:    {"name: x\nroutes: [{match: POST /payments}]\ndeliveries: [{event: evt_1, when: {%s}}]", nil},
	InStep:       {"name: x\nserver: {hosts: [a]}\ndrive: {%s}", []string{"request: GET /a", "calls: 5", "json: {a: 1}"}},
}

// needs is what else a key of an answer needs.
var needs = map[string][]string{
	"redirect": {"status: 302"},
	"linger":   {"connection: close"},
	"truncate": {"size: 4KiB", "status: 200"},
	"drip":     {"size: 4KiB", "status: 200"},
	"after":    {"size: 4KiB", "status: 200", "reset: body"},
	"rate":     {"do: drip", "at: headers"},
	"bytes":    {"garbage: body"},
	"wait":     {"reset: idle"},
}

// deliveryNeeds is what else a key of a delivery needs.
var deliveryNeeds = map[string]string{"retry": "sender: slack", "retry_num": "sender: slack",
	"json": "when: {effect: POST /payments}", "text": "when: {effect: POST /payments}"}

// value is a value of a key's type, as a file writes it.
func value(k Key) string {
	switch {
	case k.Type.Example != "":
		return k.Type.Example
	case len(k.Type.Words) > 0:
		return k.Type.Words[0]
	}
	return "x"
}

// trial is a file that uses a key in a place.
func trial(k Key, in Place) string {
	frame := beside[in]
	var keys []string
	for _, other := range frame.keys {
		if name, _, _ := strings.Cut(other, ":"); name != k.Name && !slices.Contains(k.Without, name) {
			keys = append(keys, other)
		}
	}
	name, v := k.Name, value(k)
	switch {
	case name == "pNN":
		keys, name, v = []string{"p50: 1s"}, "p99", "2s"
	case name == "do":
		keys = append(keys, "at: before-headers")
	case name == "at":
		keys, v = append(keys, "do: rst"), "before-headers"
	case slices.Contains(k.Type.Words, "before-headers"):
		v = "before-headers"
	case name == "refuse":
		keys = nil
	case name == "file":
		v = "testdata/answer.json"
	}
	if other := needs[name]; other != nil && (in == InAnswer || in == InFault) {
		for _, o := range other {
			keys = slices.DeleteFunc(keys, func(key string) bool { return strings.HasPrefix(key, strings.SplitAfter(o, ":")[0]) })
		}
		keys = append(keys, other...)
	}
	if other := deliveryNeeds[name]; other != "" && in == InDelivery {
		keys = append(keys, other)
	}
	keys = append(keys, name+": "+v)
	sep := ", "
	if in == InScenario {
		sep = "\n"
	}
	return fmt.Sprintf(frame.around, strings.Join(keys, sep))
}

// TestEveryKey uses each key of the grammar, with the example that its type gives, in each place where it stands: it is
// read without error, and printed so that it is read again. Keys that are not built say so.
func TestEveryKey(t *testing.T) {
	for _, k := range Keys() {
		for _, in := range k.In {
			if in == InCheck {
				continue
			}
			t.Run(string(in)+"."+k.Name, func(t *testing.T) {
				if k.Unbuilt {
					k.Type.Example = "1"
				}
				text := trial(k, in)
				s, err := Parse("trial.yaml", []byte(text))
				if k.Unbuilt {
					if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q is not built yet", k.Name)) {
						t.Errorf("%v\n%s", err, text)
					}
					return
				}
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				checkStable(t, s)
				otherwise := []string{"answer.do", "answer.at", "fault.do", "fault.at", "answer.truncate", "fault.truncate", "match.method", "match.path", "retry_after.in", "delay.pNN"}
				shown := slices.Contains(otherwise, string(in)+"."+k.Name) || k.Default != ""
				if !shown && !strings.Contains(string(s.Format()), k.Name+":") {
					t.Errorf("%s is not printed:\n%s", k.Name, s.Format())
				}
			})
		}
	}
}

// TestEveryCheck uses each check bare or with its first parameter, and then each parameter of its own and of all checks.
func TestEveryCheck(t *testing.T) {
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			if c.Unbuilt {
				_, err := Parse("trial.yaml", []byte("name: x\nexpect: ["+c.Name+"]"))
				if err == nil || !strings.Contains(err.Error(), "is not built yet") || c.New() != nil {
					t.Errorf("%v", err)
				}
				return
			}
			var common []Key
			for _, r := range commonRows {
				if !r.Unbuilt {
					common = append(common, r.Key)
				}
			}
			needed := map[string]string{}
			for _, k := range c.Params {
				if k.Required || c.Name == "attempts" && k.Name == "max" || c.Name == "connections" && k.Name == "max" || c.Name == "in_flight" && k.Name == "total" || c.Name == "effects" && k.Name == "per_call" {
					needed[k.Name] = value(k)
				}
			}
			for _, k := range append(common, c.Params...) {
				params := []string{k.Name + ": " + value(k)}
				for name, v := range needed {
					if name != k.Name {
						params = append(params, name+": "+v)
					}
				}
				text := fmt.Sprintf("name: x\nserver: {hosts: [a]}\nphases: [{name: outage}]\ndeliveries: [{event: evt_1}]\nroutes: [{match: POST /payments, cases: {gateway: [{status: 504}, {status: 200}]}}]\nexpect:\n  - %s: {%s}\n", c.Name, strings.Join(params, ", "))
				s, err := Parse("trial.yaml", []byte(text))
				if err != nil {
					t.Errorf("%v\n%s", err, text)
					continue
				}
				checkStable(t, s)
				if got := fmt.Sprintf("%T", s.Expect[0].Params); got != fmt.Sprintf("%T", c.New()) {
					t.Errorf("the parameters are a %s, New makes a %T", got, c.New())
				}
			}
		})
	}
}

// TestTable holds the rows of the grammar to what its readers rely on.
func TestTable(t *testing.T) {
	held := map[Place]bool{InScenario: true}
	seen := map[string]bool{}
	for _, k := range Keys() {
		held[k.Type.Holds] = true
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") || strings.Contains(k.Doc, "\n") {
			t.Errorf("%s.%s: the doc line is %q", k.In[0], k.Name, k.Doc)
		}
		if len(k.In) == 0 {
			t.Errorf("%s stands nowhere", k.Name)
		}
		if k.Type.Name == "" && !k.Unbuilt {
			t.Errorf("%s.%s has no type", k.In[0], k.Name)
		}
		for _, in := range k.In {
			id := fmt.Sprint(in, ".", k.Check, ".", k.Name)
			if seen[id] {
				t.Errorf("%s stands twice", id)
			}
			seen[id] = true
		}
		if k.Required && k.Default != "" {
			t.Errorf("%s.%s is required, and has a default", k.In[0], k.Name)
		}
	}
	for in := range beside {
		if !held[in] {
			t.Errorf("no key holds %q", in)
		}
	}
	rules := map[string]bool{}
	for _, r := range Rules() {
		if rules[r.ID] || r.Source == "" || r.Text == "" || strings.HasSuffix(r.Text, ".") || strings.ContainsAny(r.Text, "`*") {
			t.Errorf("%+v", r)
		}
		rules[r.ID] = true
	}
	for _, c := range Checks() {
		for _, id := range c.Rules {
			if !rules[id] {
				t.Errorf("%s serves %s, which is no rule", c.Name, id)
			}
		}
		if (c.Sample > 0) != (c.SampleOf != "") || c.Doc == "" || !c.Unbuilt && len(c.Rules) == 0 {
			t.Errorf("%+v", c)
		}
	}
}

// TestFaults holds the kinds of faults to the keys that act.
func TestFaults(t *testing.T) {
	var got []string
	for _, k := range Faults() {
		got = append(got, k.Name)
	}
	if want := []string{"status", "early", "retry_after", "delay", "body_delay", "hold", "reset", "close", "truncate", "stall", "drip", "garbage",
		"do", "at", "refuse", "duplicate"}; !slices.Equal(got, want) {
		t.Errorf("Faults() = %v, want %v", got, want)
	}
}
