package httpserver

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMember(t *testing.T) {
	for _, c := range []struct{ body, want, why string }{
		{`{"id":"evt_1"}`, "evt_1", "alone"},
		{" \t\r\n{ \"a\" : [1,{\"id\":\"x\"}] , \"id\" : \"evt_1\" , \"b\":null } ", "evt_1", "white space everywhere"},
		{`{"data":{"id":"inner"},"id":"outer"}`, "outer", "a deeper one does not count"},
		{`{"data":{"id":"inner"}}`, "", "only a deeper one"},
		{`{"text":"{\"id\":\"x\"}","id":"evt_1"}`, "evt_1", "one in a string does not count"},
		{`{"a":"}","b":"]\\","id":"evt_1"}`, "evt_1", "brackets and a backslash in strings"},
		{`{"id":"a","id":"b"}`, "b", "the last of two, as encoding/json has it"},
		{`{"id":"a","id":5}`, "", "the last is no string"},
		{`{"\u0069d":"evt_1"}`, "evt_1", "an escaped name"},
		{`{"id":"\u0065vt\n"}`, "evt\n", "an escaped value"},
		{`{"ID":"evt_1"}`, "", "names are case-sensitive"},
		{`{"n":1.5e3,"t":true,"id":"evt_1"}`, "evt_1", "behind words"},
		{`{}`, "", "empty"},
		{`{"id":"evt_1"`, "", "cut off"},
		{`{"id":"evt_1",}`, "", "no JSON"},
		{`{"id"}`, "", "no value"},
		{`{"id":}`, "", "nothing for a value"},
		{`["id","evt_1"]`, "", "an array"},
		{`id=evt_1`, "", "a form"},
		{``, "", "nothing"},
	} {
		if got, found := member([]byte(c.body), "id"); got != c.want || found != (c.want != "") {
			t.Errorf("%s: %q, %t; want %q", c.why, got, found, c.want)
		}
	}
}

// Of every JSON object member finds what encoding/json finds.
func FuzzMember(f *testing.F) {
	for _, s := range []string{`{"id":"a"}`, `{"a":{"id":"x"},"id":"b"}`, `{"id":1}`, `{"\u0069d":"\\"}`, `{"a":[{},"]"],"id":"c"}`, `{}`, `{"id":"a","id":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, found := member([]byte(body), "id")
		var all map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &all) != nil || all == nil {
			return // anything goes but a crash
		}
		want, ok := "", false
		if raw, there := all["id"]; there && strings.HasPrefix(string(raw), `"`) {
			ok = json.Unmarshal(raw, &want) == nil
		}
		if got != want || found != ok {
			t.Fatalf("%q: %q, %t; want %q, %t", body, got, found, want, ok)
		}
	})
}
