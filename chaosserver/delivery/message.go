package delivery

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// Message is one delivery of an event before it is signed.
type Message struct {
	ID     string // of the event
	Type   string // of the event; "" for none
	Signed time.Time
	Base   string // URL of the consumer, without the path; Twilio signs it
	Path   string // at the consumer, with its query
	Body   scenarios.BodyKind
	Text   []byte // the body; nil with scenarios.BodyDefault
	Header []journal.Field
	// Secrets make a signature each; none where the sender signs nothing.
	Secrets []string
	// Retry is the number on the retry marker, where the sender has one; 0: no marker. Reason says why the delivery before
	// failed, in the sender's words.
	Retry  int
	Reason string
	Tamper string // one of scenarios' Tamper constants; "" for none
}

// Request is a delivery as it is sent: POST, the path, these fields, the body.
type Request struct {
	Path   string
	Header []journal.Field
	Body   []byte
}

// field is the value of a header field; "" where there is none.
func (r *Request) field(name string) string {
	for _, f := range r.Header {
		if sameName(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// sameName reports whether two names of header fields are one.
func sameName(a, b string) bool { return bytes.EqualFold([]byte(a), []byte(b)) }

// Default types of what is sent.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// content returns the body of the message and its type.
func (m *Message) content(s *Sender) (body []byte, kind string) {
	switch m.Body {
	case scenarios.BodyDefault:
		if s.form {
			return []byte(url.Values{"MessageSid": {m.ID}, "EventType": {m.Type}}.Encode()), formType
		}
		if s.traits.ID == "" {
			return withMembers([]byte("{}"), []member{{"id", m.ID}, {"type", m.Type}}), jsonType
		}
		return withMembers([]byte("{}"), s.members(m)), jsonType
	case scenarios.BodyJSON:
		if s.members == nil {
			return m.Text, jsonType
		}
		return withMembers(m.Text, s.members(m)), jsonType
	case scenarios.BodySize:
		return m.Text, "application/octet-stream"
	}
	if s.form && !json.Valid(m.Text) {
		return m.Text, formType
	}
	return m.Text, jsonType
}

// member is a member of a JSON object whose value is a text, or, with a nested object, that.
type member struct{ name, value string }

// withMembers returns a JSON object with the members that it lacks before its own; one without a value is left out.
func withMembers(object []byte, members []member) []byte {
	have := names(object)
	var head []byte
	for _, m := range members {
		if m.value == "" || have[m.name] {
			continue
		}
		head = append(strconv.AppendQuote(head, m.name), ':')
		if m.value[0] == '{' {
			head = append(head, m.value...)
		} else {
			head = appendJSON(head, m.value)
		}
		head = append(head, ',')
	}
	if len(head) == 0 {
		return object
	}
	rest := bytes.TrimLeft(object, " \t\r\n")
	if len(have) == 0 {
		head = head[:len(head)-1] // no comma before the end
	}
	return append(append([]byte("{"), head...), rest[1:]...)
}

func appendJSON(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return append(b, text...)
}

// names returns the names of an object's members; of anything else none.
func names(object []byte) map[string]bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	have := make(map[string]bool, len(members))
	for name := range members {
		have[name] = true
	}
	return have
}
