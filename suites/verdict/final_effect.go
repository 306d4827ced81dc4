package verdict

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sort"
	"strings"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// finalEffect judges whether the last effect on an object has what was expected in its body.
func finalEffect(s *scope, p *scenarios.FinalEffect) *opinion {
	text, _ := p.JSON.Constant()
	var want any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		return unseen("what is expected is no JSON: %v", err)
	}
	if len(s.log.Deliveries) == 0 {
		return s.noDelivery("good")
	}
	effects := s.effectsOn(p.Object)
	if len(effects) == 0 {
		o := fail("The consumer committed 0 effects on %s.", p.Object)
		o.note, o.absence = "nothing was committed", true
		return o
	}
	last := effects[len(effects)-1].attempt
	var got any
	switch err := json.Unmarshal(last.Body, &got); {
	case int64(len(last.Body)) < last.BodyLen:
		return unseen("of the last effect on %s %d of %d bytes are recorded", p.Object, len(last.Body), last.BodyLen)
	case err != nil:
		o := fail("The consumer committed %d bytes that are no JSON as the last effect on %s.", last.BodyLen, p.Object)
		o.note = "the last body is no JSON"
		return o
	}
	if off := differs("", want, got); off != "" {
		o := fail("The consumer left %s other than the events say, with effect %d: %s.", p.Object, len(effects), off)
		o.note = off
		if v := s.eventNamed(effects[len(effects)-1].effect.Event); v != nil {
			o.Proof = s.proveDeliveries(v)
		}
		return o
	}
	return pass("final_effect of %s", p.Object)
}

// effectsOn are the attempts that committed effects on an object, on the expectation's route, in the order of the effects.
func (s *scope) effectsOn(object string) []objectEffect {
	bySeq := make(map[uint64]*journal.Attempt, len(s.log.Attempts))
	for i := range s.log.Attempts {
		bySeq[s.log.Attempts[i].Seq] = &s.log.Attempts[i]
	}
	var list []objectEffect
	for i := range s.log.Effects {
		x := &s.log.Effects[i]
		if s.expect.Route != "" && s.expect.Route != x.Route {
			continue
		}
		if a := bySeq[x.Seq]; a != nil && lastSegment(a.Target) == object {
			list = append(list, objectEffect{x, a})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].effect.At < list[j].effect.At })
	return list
}

// objectEffect is an effect and its attempt.
type objectEffect struct {
	effect  *journal.Effect
	attempt *journal.Attempt
}

// lastSegment is the last segment of a target's path.
func lastSegment(target string) string {
	path, _, _ := strings.Cut(target, "?")
	segment := path[strings.LastIndexByte(path, '/')+1:]
	if plain, err := url.PathUnescape(segment); err == nil {
		return plain
	}
	return segment
}

// eventNamed is the event of that id; nil where none was delivered.
func (s *scope) eventNamed(id string) *event {
	for _, v := range s.events() {
		if v.id == id {
			return v
		}
	}
	return nil
}

// differs says where got lacks what want holds; "" where it holds all of it. Members that want does not name may be anything.
func differs(at string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return mismatch(at, want, got)
		}
		for _, name := range slices.Sorted(maps.Keys(w)) {
			inner := strings.TrimPrefix(at+"."+name, ".")
			value, there := g[name]
			if !there {
				return inner + " is missing"
			}
			if off := differs(inner, w[name], value); off != "" {
				return off
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return mismatch(at, want, got)
		}
		for i := range w {
			if off := differs(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); off != "" {
				return off
			}
		}
		return ""
	}
	if want != got {
		return mismatch(at, want, got)
	}
	return ""
}

func mismatch(at string, want, got any) string {
	if at == "" {
		at = "the body"
	}
	return fmt.Sprintf("%s is %s, not %s", at, compact(got), compact(want))
}

// compact writes a value as JSON, cut where it is long.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // what was read as JSON always marshals
	}
	const most = 60
	if runes := []rune(string(b)); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(b)
}
